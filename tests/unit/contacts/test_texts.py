"""Text is packed away, and comes back as it was."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contacts.sources.table import BLOCK_ROWS
from runner.contacts.spool import Spool
from runner.contacts.texts import TextBuilder, TextColumn, pack, unpack
from runner.model.columns import CodedColumn, Column

anything = st.lists(st.text(st.characters(codec=None), max_size=5), min_size=1, max_size=20)


def built(values: list[str], at_once: int = 700, room: int = 1 << 20) -> Column[str]:
    builder = TextBuilder(Spool(room))
    for start in range(0, len(values), at_once):
        builder.extend(values[start : start + at_once])
    return builder.column()


@given(anything)
def test_what_was_packed_is_unpacked(values: list[str]) -> None:
    """Line breaks, NUL and halves of characters included."""
    assert unpack(pack(values)) == values


@pytest.mark.parametrize("value", ["", "\0", "[", '\0["a"]', "j", "t"])
def test_values_that_look_like_the_packing_are_values(value: str) -> None:
    for values in ([value], [value, value], ["x", value, "y"]):
        assert unpack(pack(values)) == values


@pytest.mark.parametrize("at_once", [1, 700, BLOCK_ROWS, 5 * BLOCK_ROWS])
@pytest.mark.parametrize("room", [0, 1 << 20])
def test_many_values_lie_in_blocks(at_once: int, room: int) -> None:
    """However they came; and near or far, in order or not, they are found."""
    values = [f"Ünï {number}" for number in range(2 * BLOCK_ROWS + 100)]
    column = built(values, at_once, room)
    assert isinstance(column, TextColumn)
    assert list(column) == values
    assert column[-1] == values[-1]
    for rows in ([5, 3, 4], [4100, 0, 2048, 2047], list(range(2000, 2100)), []):
        assert column.take(rows) == [values[row] for row in rows]
    with pytest.raises(IndexError):
        column.take([len(values)])


def test_few_different_values_take_a_byte_each() -> None:
    column = built([f"plan {number % 256}" for number in range(9000)])
    assert isinstance(column, CodedColumn)
    assert list(column) == [f"plan {number % 256}" for number in range(9000)]


def test_coded_values_are_coded_anew() -> None:
    """Each part of a column has codes of its own, and some may mean the same."""
    many = [f"v{number}" for number in range(255)]
    for more in ([], many):
        builder = TextBuilder(Spool())
        builder.extend(CodedColumn(b"\0\1\2", ["a", "b", "a"]))
        builder.extend(CodedColumn(b"\1\0\0", ["b", "c"]))
        builder.extend(["c"])
        builder.extend(CodedColumn(bytes(range(len(more))), more))
        assert list(builder.column()) == ["a", "b", "a", "c", "b", "b", "c", *more]


@pytest.mark.parametrize("early", [3, 1000, 5000])
def test_a_value_too_many_loses_none_of_those_before(early: int) -> None:
    values = ["same"] * early + [f"v{number}" for number in range(500)]
    assert list(built(values)) == values


def test_what_does_not_fit_into_memory_lies_where_nobody_can_read_it() -> None:
    """Past its room the spool writes a file without a name, and no address stands in it."""
    spool = Spool(room=100)
    secret = b"ann@example.com " * 1000
    refs = [spool.put(b"small"), spool.put(secret), spool.put(secret), spool.put(b"")]
    assert [spool.get(ref) for ref in refs] == [b"small", secret, secret, b""]
    assert refs[0] == b"small"
    assert os.fstat(spool._file._file).st_nlink == 0
    written = os.pread(spool._file._file, 1 << 20, 0)
    assert len(written) == 2 * len(secret)
    assert b"ann" not in written
    assert written[: len(secret)] != written[len(secret) :]


@pytest.mark.parametrize("room", [0, 40, 1 << 10])
def test_many_blocks_are_put_away_at_once(room: int) -> None:
    """And each is read alone, be it from amid what is veiled together."""
    blocks = [b"ann@example.com"[:n] * 3 for n in (15, 7, 0, 1, 15)]
    spool = Spool(room)
    refs = [*spool.put_all(blocks), *spool.put_all([]), *spool.put_all(blocks[::-1])]
    assert [spool.get(ref) for ref in reversed(refs)] == (blocks + blocks[::-1])[::-1]
    if not room:
        written = os.pread(spool._file._file, 1 << 20, 0)
        size = sum(map(len, blocks))
        assert len(written) == 2 * size
        assert b"ann" not in written
        assert written[:45] != written[-45:]


def test_a_full_disk_costs_memory_and_no_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    spool = Spool(room=0)
    assert spool.get(spool.put(b"text")) == b"text"
    assert [spool.get(ref) for ref in spool.put_all([b"more", b"text"])] == [b"more", b"text"]
