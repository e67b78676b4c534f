"""What would fill the memory lies in a file that nobody else can reach, and nobody notices."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import DiskFailed
from runner.model import dealing, packed
from runner.model.keys import KeyColumn, KeySet
from runner.overflow import NamelessFile, Overflow

key = st.sampled_from([b"\0" * 8, b"\xff" * 8, b"ABCDEFGH", b"HGFEDCBA", b"\0" * 7 + b"\1"])
keys = st.lists(key | st.binary(min_size=8, max_size=8), max_size=40)


@given(st.lists(st.binary(max_size=9)), st.integers(0, 40), st.slices(60))
def test_bytes_come_back(blocks: list[bytes], room: int, where: slice) -> None:
    """Whatever is cut out of them, and however much of them lies in the file."""
    where = slice(where.start, where.stop)
    whole, stored = b"".join(blocks), Overflow(room)
    for block in blocks:
        stored.append(block)
    assert (len(stored), stored[:], stored[where]) == (len(whole), whole, whole[where])
    assert stored.closed()[where] == whole[where]
    assert isinstance(stored.closed(), bytes) == (stored._file is None)


def column(found: Sequence[bytes], room: int) -> KeyColumn:
    stored = Overflow(room)
    for one in found:
        stored.append(one)
    return KeyColumn(stored)


@given(keys, keys, st.data())
def test_keys_in_a_file_are_compared_as_keys_in_memory(
    mine: list[bytes], theirs: list[bytes], data: st.DataObject
) -> None:
    """All that a column answers, however many keys are looked at together."""
    theirs = [*theirs, *mine[::2]]
    mask = bytes(data.draw(st.lists(st.integers(0, 1), min_size=len(mine), max_size=len(mine))))
    places = [len(mine) - 1 - at for at in range(len(mine))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dealing, "_ROOM", data.draw(st.integers(1, 60)))
        patch.setattr(packed, "PIECE", data.draw(st.integers(1, 60)))
        here, there = KeyColumn.of(mine), column(mine, data.draw(st.sampled_from([0, 8, 1000])))
        others = column(list(dict.fromkeys(theirs)), 0)
        expected = bytes(one in theirs for one in mine)
        assert there.among(KeySet(others.packed)) == here.among(theirs) == expected
        assert there.among(others) == here.among(others) == expected
        assert sorted(there.repeated()) == sorted(here.repeated()) == repeats(mine)
        assert list(there.only(mask)) == list(here.only(mask))
        assert there.followed_by(here, there) == here.followed_by(there, here)
        assert (there, hash(there), list(there)) == (here, hash(here), mine)
        assert there.take(places) == here.take(places) == mine[::-1]
        assert all(there.index(one) == mine.index(one) for one in mine)
        assert (b"nowhere!" in there, b"short" in there) == (False, False)
        found = there.as_set()
        assert (found is not None) == (len(set(mine)) == len(mine))


def repeats(found: Sequence[bytes]) -> list[tuple[int, int]]:
    heads = ((found.index(one), row) for row, one in enumerate(found))
    return sorted((head, row) for head, row in heads if head != row)


def test_the_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So nothing of it is left behind, however the process ends."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = NamelessFile()
    file.write(b"something", 0)
    assert (os.fstat(file._file).st_nlink, list(tmp_path.iterdir())) == (0, [])


def test_without_a_place_for_files_memory_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    stored = Overflow(room=4)
    for block in (b"some", b"thing", b" else"):
        stored.append(block)
    assert stored.closed() == b"something else"


def test_where_the_disk_is_full_memory_is_used() -> None:
    """What lies in the file stays there, and the rest is kept."""
    stored = Overflow(room=100)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (450, before[1]))
        for number in range(100):
            stored.append(bytes([number]) * 30)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    whole = b"".join(bytes([number]) * 30 for number in range(100))
    assert 0 < stored._end < 450
    assert (stored[:], stored[400:500]) == (whole, whole[400:500])


@pytest.mark.parametrize("how", ["shorter", "closed"])
def test_a_disk_that_fails_is_said(how: str) -> None:
    """One line that says where to look, and no report of a bug."""
    file = NamelessFile()
    file.write(b"something", 0)
    spare = os.dup(file._file)
    if how == "shorter":
        os.ftruncate(file._file, 3)
    else:
        reader, writer = os.pipe()  # nothing can be read at a place of a pipe
        os.dup2(reader, file._file)
        os.close(reader)
        os.close(writer)
    with pytest.raises(DiskFailed, match=r"TMPDIR names .*: (it has be|Illegal s)"):
        file.read(9, 0)
    os.dup2(spare, file._file)
    os.close(spare)
