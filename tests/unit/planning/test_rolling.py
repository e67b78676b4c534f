"""Caps on stretches of time and on days, against counting by hand."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from datetime import date, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model.settings import WarmUp
from runner.planning.rolling import Daily, Rolling
from tests.builders import utc

LENGTH = 10


def fits(times: list[int], cap: int) -> bool:
    """No stretch of LENGTH holds more than ``cap``."""
    pairs = zip(times, times[cap:], strict=False)
    return all(after - before >= LENGTH for before, after in pairs)


@settings(max_examples=400)
@given(
    cap=st.integers(1, 4),
    past=st.lists(st.integers(-20, 60), max_size=14),
    wishes=st.lists(st.integers(0, 40), min_size=1, max_size=10),
)
def test_each_goes_at_the_first_time_that_breaks_no_cap(cap, past, wishes):
    """Also before what is handed over for later already, if there is room."""
    kept: list[int] = []
    for time in past:
        insort(kept, time)
        if not fits(kept, cap):
            kept.remove(time)
    rolling, now = Rolling(cap, kept, LENGTH), 0
    for wish in sorted(wishes):
        now = max(now, wish)
        found = rolling.next(now)
        by_hand = next(t for t in range(now, 500) if fits(sorted([*kept, t]), cap))
        assert found == by_hand
        rolling.book(found)
        insort(kept, found)
        now = found


@settings(max_examples=100, deadline=None)
@given(
    zone=st.sampled_from(["UTC", "Australia/Lord_Howe", "America/Havana", "America/St_Johns"]),
    volumes=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    unlimited=st.booleans(),
    wishes=st.lists(st.integers(0, 4 * 86400), min_size=1, max_size=30),
)
def test_no_day_gets_more_than_its_volume(zone, volumes, unlimited, wishes):
    tz = ZoneInfo(zone)
    for begin in ("2006-10-27 12:00", "2025-11-01 12:00"):
        start = int(utc(begin).timestamp())
        first = datetime.fromtimestamp(start, tz).date()
        daily = Daily(WarmUp(first, tuple(volumes), unlimited), tz)
        now, sent = start, Counter[date]()
        for wish in sorted(wishes):
            now = daily.next(max(now, start + wish))
            daily.book(now)
            sent[datetime.fromtimestamp(now, tz).date()] += 1
        for day, count in sent.items():
            number = (day - first).days
            if number < len(volumes):
                assert count <= volumes[number]
            elif not unlimited:
                assert count <= volumes[-1]


def test_days_before_the_warm_up_are_like_its_first():
    table = WarmUp(date(2026, 11, 1), (5, 10), unlimited=True)
    days = [date(2026, 10, 1), date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)]
    assert [table.volume(day) for day in days] == [5, 5, 10, None]
