"""Whole columns are looked at once: what is let through needs nothing at any kind of place."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.templates.atoms import has_control, is_plain
from runner.templates.forms import WRITTEN

HOSTILE = st.sampled_from(
    ["&", "<", ">", '"', "'", "\xa0", "\r\n", "\x00", "\u2028", "\ufdd0", "\ud800", "é", "a b"]
)


@settings(deadline=None)
@given(st.lists(st.text(max_size=8) | st.lists(HOSTILE, max_size=3).map("".join), max_size=4))
def test_a_plain_column_is_written_as_it_is(column: list[str]) -> None:
    """In text, in an attribute, in a comment and in a subject."""
    if is_plain(column):
        assert all([*map(write, column)] == column for write in WRITTEN.values())
        assert not any(map(has_control, column))


def test_ordinary_columns_are_plain() -> None:
    """Names in any script; an apostrophe is not, since comments escape it."""
    assert is_plain(["Ada", "Łucja Zoë", "\u05d0\u05d1", "王", ""])
    assert not is_plain(["Ada", "O'Brien"])
