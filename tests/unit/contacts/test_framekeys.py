"""Keys are compared by polars as they are without it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.contacts import framekeys, frames
from runner.contacts.framekeys import FrameKeys, key_column
from runner.model import packed as of_packed
from runner.model.keys import KeyColumn, KeySet

pytest.importorskip("polars_hash")

# few different ones, so that many are there more than once; some differ in one byte, or its order
key = st.sampled_from([b"\0" * 8, b"\xff" * 8, b"ABCDEFGH", b"HGFEDCBA", b"\0" * 7 + b"\1"])
keys = st.lists(key | st.binary(min_size=8, max_size=8), max_size=30)


@given(keys, keys, st.data())
@settings(max_examples=200)
def test_many_keys_are_compared_as_few_are(
    mine: list[bytes], theirs: list[bytes], data: st.DataObject
) -> None:
    plain, quick = KeyColumn.of(mine), FrameKeys(b"".join(mine))
    mask = bytes(
        data.draw(st.lists(st.sampled_from([0, 1, 7]), min_size=len(mine), max_size=len(mine)))
    )
    different = b"".join(dict.fromkeys(theirs))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(framekeys, "FEWEST", 1)
        patch.setattr(of_packed, "PIECE", data.draw(st.sampled_from([1, 3, 1 << 17])))
        assert quick.among(theirs) == plain.among(theirs)
        assert quick.among(KeySet(different)) == plain.among(KeySet(different))
        assert quick.among(frozenset(theirs)) == plain.among(theirs)
        assert quick.among(quick) == bytes([1] * len(mine))
        assert sorted(quick.repeated()) == sorted(plain.repeated())
        for one in (quick, plain):
            assert (one.as_set() is not None) == (len(set(mine)) == len(mine))
        assert quick.only(mask) == plain.only(mask)
    assert quick == plain
    assert type(quick.only(mask)) is FrameKeys


@pytest.mark.parametrize(("few", "most"), [(0, 1 << 22), (1 << 20, 1 << 22), (0, 3)])
def test_few_and_very_many_are_compared_without_polars(
    monkeypatch: pytest.MonkeyPatch, few: int, most: int
) -> None:
    monkeypatch.setattr(framekeys, "FEWEST", few)
    monkeypatch.setattr(framekeys, "MOST", most)
    quick = FrameKeys(b"ABCDEFGHIJKLMNOPABCDEFGH")
    assert quick.among([b"IJKLMNOP"]) == b"\0\1\0"
    assert list(quick.repeated()) == [(0, 2)]
    assert quick.as_set() is None
    assert quick.only(b"\0\1\1").packed == b"IJKLMNOPABCDEFGH"


def test_polars_is_not_loaded_for_keys_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "loaded", lambda: False)
    assert type(key_column(b"ABCDEFGH")) is KeyColumn
    monkeypatch.setattr(frames, "loaded", lambda: True)
    assert type(key_column(b"ABCDEFGH")) is FrameKeys
