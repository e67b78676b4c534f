"""Yes, no, or an error: an opt-out that cannot be understood must not be guessed at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contacts.flags import Truths, truth


@pytest.mark.parametrize("word", ["yes", "Y", "TRUE", "t", "1", "x", "X", " Yes "])
def test_words_for_yes(word: str) -> None:
    assert truth(word) is True


@pytest.mark.parametrize("word", ["no", "N", "False", "f", "0", "", "   "])
def test_words_for_no(word: str) -> None:
    assert truth(word) is False


@pytest.mark.parametrize(
    "word",
    [
        "2024-01-01",
        "2024-01-01 10:30",
        "2024-01-01T10:30:00Z",
        "2024-01-01T10:30:00.123+02:00",
        "2024-01-01 10:30:00 UTC",
        "2024/1/5",
        "31.12.2024",
        "12/31/2024",
        "12/31/2024 4:05 PM",
        "1704067200",
        "1704067200000",
    ],
)
def test_a_date_means_that_it_happened(word: str) -> None:
    assert truth(word) is True


@pytest.mark.parametrize(
    "word",
    [
        *("maybe", "unsubscribed", "ja", "2", "-1", "null", "none", "n/a", "-", "yes no", "01"),
        *("0000-00-00", "2024-00-10", "2024-13-32", "2024-20-20", "0000-01-01", "24-01-01"),
        *("2024-01", "2024-01/01", "2024-01-01 nonsense", "0001704067200", "12345"),
    ],
)
def test_anything_else_is_neither(word: str) -> None:
    assert truth(word) is None


@given(st.text(max_size=20))
def test_remembering_changes_no_verdict(word: str) -> None:
    truths = Truths()
    assert truths[word] is truths[word] is truth(word)


def test_remembering_has_a_limit() -> None:
    """A column of a million different timestamps does not fill the memory."""
    truths = Truths()
    for second in range(1_700_000_000, 1_700_020_000):
        assert truths[str(second)] is True
    assert len(truths) == 1 << 14
