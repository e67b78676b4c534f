"""Columns are sequences like any other, only smaller."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model import columns as of_columns
from runner.model import dealing as of_dealing
from runner.model import packed as of_packed
from runner.model.columns import CodedColumn, Picked, PickedColumn, take
from runner.model.keys import KeyColumn

keys = st.lists(st.binary(min_size=8, max_size=8), max_size=40)


@given(keys, st.data())
def test_a_column_of_keys_is_the_list_of_its_keys(found: list[bytes], data: st.DataObject) -> None:
    """Walked, indexed, cut, taken from and searched."""
    column = KeyColumn.of(found)
    assert list(column) == found
    assert [column[i] for i in range(-len(found), len(found))] == found * 2
    assert column[1:-1] == found[1:-1]
    assert all(key in column and column.index(key) == found.index(key) for key in found)
    rows = data.draw(st.lists(st.integers(0, len(found) - 1))) if found else []
    assert take(column, rows) == take(found, rows)
    assert KeyColumn.of(column) is column


def test_more_keys_than_are_unpacked_at_once_are_all_walked() -> None:
    found = [number.to_bytes(8) for number in range(1500)]
    assert list(KeyColumn.of(found)) == found


def test_a_key_that_two_others_hold_between_them_is_not_there() -> None:
    column = KeyColumn.of([b"ABCDEFGH", b"IJKLMNOP"])
    assert b"EFGHIJKL" not in column
    with pytest.raises(ValueError, match="no such key"):
        column.index(b"EFGHIJKL")
    assert b"ABCD" not in column
    with pytest.raises(ValueError, match="whole number"):
        KeyColumn(b"ABCD")


def test_a_key_may_be_searched_for_from_some_place_on() -> None:
    column = KeyColumn.of([b"ABCDEFGH", b"IJKLMNOP", b"ABCDEFGH"])
    assert column.index(b"ABCDEFGH", 1) == 2
    with pytest.raises(ValueError, match="no such key"):
        column.index(b"ABCDEFGH", 1, 2)


@given(st.lists(st.sampled_from(["a", "b", "", "ü"]), max_size=30))
def test_a_coded_column_is_the_list_of_its_values(values: list[str]) -> None:
    known = ["a", "b", "", "ü", "never"]
    column = CodedColumn(bytes(map(known.index, values)), known)
    assert list(column) == values
    assert column.counts() == {value: values.count(value) for value in values}
    every_other = bytes(row % 2 for row in range(len(values)))
    assert column.counts(every_other) == dict(Counter(values[1::2]))
    assert [value in column for value in known] == [value in values for value in known]
    assert list(column.mask(bool)) == [int(bool(value)) for value in values]
    assert take(column, range(len(values))) == values


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 20), st.data())
def test_picked_rows_are_those_of_the_mask(
    mask: list[bool], block: int, data: st.DataObject
) -> None:
    """Whatever marks them; walked, one by one, many at once, close together or not."""
    mark = data.draw(st.sampled_from([1, 7]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of_columns, "_BLOCK", block)
        column = PickedColumn(range(100, 100 + len(mask)), Picked(bytes(map(mark.__mul__, mask))))
        expected = [100 + row for row, wanted in enumerate(mask) if wanted]
        assert list(column) == expected
        assert len(column) == len(expected)
        assert [column[i] for i in range(len(expected))] == expected
        with pytest.raises(IndexError):
            column[len(expected)]
        with pytest.raises(IndexError):
            column.take([0, len(expected)])
        if expected:
            places = data.draw(st.lists(st.integers(0, len(expected) - 1), max_size=10))
            assert column.take(places) == [expected[place] for place in places]


@given(keys, keys, st.integers(1, 40), st.integers(1, 40))
def test_who_is_among_others_is_masked(
    found: list[bytes], others: list[bytes], room: int, piece: int
) -> None:
    """Whichever are more, and however many are looked at together."""
    others = [*others, *found[::2]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of_dealing, "_ROOM", room)
        patch.setattr(of_packed, "PIECE", piece)
        masked(found, others)


def masked(found: list[bytes], others: list[bytes]) -> None:
    column = KeyColumn.of(found)
    mask = column.among(others)
    assert list(mask) == [key in others for key in found]
    assert list(column.only(mask)) == [key for key in found if key in others]
