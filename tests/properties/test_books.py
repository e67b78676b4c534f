"""Any history of suppressing and releasing folds to the same people, whatever the order."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from runner.ledger.records import decode, encode
from runner.model.ledger import Record
from runner.planning.book import Stamp, fold_book, news, pack, released, suppressed, unpack

KEYS = [bytes([n]) * 8 for n in range(1, 5)]
CAUSES = [("bounce", 0), ("unsubscribed", 0), ("group_unsubscribed", 3), ("group_unsubscribed", 4)]
STAMP = Stamp("r", datetime(2025, 10, 20, tzinfo=UTC), "manual")
TIME = st.integers(1_700_000_000, 1_700_000_006)
EVENT = st.tuples(st.sampled_from([*CAUSES, None]), st.sampled_from(KEYS), TIME)
HISTORY = st.lists(EVENT, max_size=25)


def records(history: list[tuple[tuple[str, int] | None, bytes, int]]) -> list[Record]:
    found: list[Record] = []
    for cause, key, time in history:
        if cause is None:
            found += released({key: time}, STAMP)
        else:
            found += suppressed({cause: {key: time}}, STAMP)
    return found


@given(HISTORY, st.randoms(use_true_random=False))
def test_later_facts_win_in_any_order(history: list[tuple], chance) -> None:
    expected = {
        (cause, key)
        for cause, key, time in history
        if cause and not any(c is None and k == key and t > time for c, k, t in history)
    }
    made = records(history)
    chance.shuffle(made)
    book = fold_book(decode(encode(record), "") for record in made)
    assert {(cause, key) for cause, keys in book.active.items() for key in keys} == expected


@given(
    HISTORY, st.sampled_from([datetime(2025, 10, 20, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)])
)
def test_what_is_told_twice_is_no_news(history: list[tuple], now: datetime) -> None:
    """Pulling again what was pulled before adds nothing, and undoes no release."""
    book = fold_book(records(history))
    told: dict = {}
    for cause, key, time in history:
        if cause:
            times = told.setdefault(cause, {})
            times[key] = max(time, times.get(key, 0))
    again = fold_book([*records(history), *suppressed(news(told, book, now), STAMP)])
    assert again.active == book.active
    assert not {c: k for c, k in news(told, again, now).items() if k}


@given(st.lists(st.tuples(st.sampled_from(CAUSES), st.integers(0, 10**6), TIME), max_size=60))
def test_many_in_one_record_are_as_many_in_their_own(rows: list[tuple]) -> None:
    told: dict = {}
    for cause, number, time in rows:
        told.setdefault(cause, {})[number.to_bytes(8)] = time
    book = fold_book(suppressed(told, STAMP))
    assert {cause: set(times) for cause, times in told.items()} == book.active


@given(st.lists(st.integers(0, 2**40)))
def test_packed_numbers_come_back(numbers: list[int]) -> None:
    assert unpack(pack(numbers)) == numbers
    assert sum(byte < 0x80 for byte in pack(numbers)) == len(numbers)
