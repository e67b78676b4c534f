"""Times as people type them, and what is said of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model.campaign import RECIPIENT, Delay
from runner.model.settings import Lateness
from runner.wizard import moments
from runner.wizard.moments import Zone
from runner.wizard.questions import Refused

NOW = datetime(2025, 10, 17, 14, tzinfo=UTC)
CHICAGO = Zone("America/Chicago")
WORLD = Zone(RECIPIENT, "America/Chicago", {"": 3, "Asia/Tokyo": 2, "Europe/London": 1})
WALL = datetime(2025, 10, 20, 9)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2025-10-20 09:00", WALL),
        ("2025-10-20T09:00:30", WALL.replace(second=30)),
        ("2025-10-20 09:00Z", WALL.replace(tzinfo=UTC)),
    ],
)
def test_a_time_as_the_file_takes_it(text: str, meant: datetime) -> None:
    assert moments.wall_time(text) == meant


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("2025-10-20", ["2025-10-20 09:00"]),
        ("2025-10-20 9:30", ["2025-10-20 09:30"]),
        ("2025/1/2 18", ["2025-01-02 18:00"]),
        ("2025-13-20 9:00", []),
        ("2025-02-30", []),
        ("20.10.2025", []),
        ("09:00", []),
        ("tomorrow", []),
    ],
)
def test_what_is_nearly_a_time(text: str, suggested: list[str]) -> None:
    with pytest.raises(Refused, match="like 2025-10-20 09:00") as refused:
        moments.wall_time(text)
    assert list(refused.value.suggestions) == suggested


@pytest.mark.parametrize("text", ["2025-02-30 09:00", "0001-01-01 00:00", "9999-12-31 23:59"])
def test_a_time_that_there_is_not(text: str) -> None:
    with pytest.raises(Refused):
        moments.wall_time(text)


@given(st.text(st.sampled_from("0123456789-/:. TZ+"), max_size=24))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    taken: list[datetime] = []
    suggestions: tuple[str, ...] = ()
    try:
        taken.append(moments.wall_time(text))
    except Refused as refused:
        suggestions = refused.suggestions
    assert [found.strftime("%Y-%m-%d") for found in taken] in ([], [text[:10]])
    assert len(suggestions) == len([moments.wall_time(one) for one in suggestions])


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("3", Delay(3)),
        ("0", Delay()),
        ("2w1d", Delay(15)),
        ("1d12h", Delay(1, timedelta(hours=12))),
        ("90m", Delay(0, timedelta(minutes=90))),
    ],
)
def test_a_delay(text: str, meant: Delay) -> None:
    assert moments.delay(text) == meant


@pytest.mark.parametrize("text", ["", "soon", "-1", "3 d", "1h2d", "3.5d", "99999d", "d", "٣"])
def test_no_delay(text: str) -> None:
    with pytest.raises(Refused):
        moments.delay(text)


def test_a_zone_that_was_meant() -> None:
    with pytest.raises(Refused, match="There is no time zone") as refused:
        moments.zone_name("Amerika/Chicago")
    assert "America/Chicago" in refused.value.suggestions
    assert moments.zone_name("Europe/London") == "Europe/London"


def test_the_first_send() -> None:
    assert moments.first_send(WALL, CHICAGO, NOW) == (
        "First send at Mon 20 Oct 2025 09:00 CDT (UTC-05:00), in 3 days."
    )
    assert moments.first_send(WALL, WORLD, NOW) == (
        "First send at Sun 19 Oct 2025 19:00 CDT (UTC-05:00), in 2 days; "
        "the last time zone at Mon 20 Oct 2025 09:00 CDT (UTC-05:00)."
    )


@pytest.mark.parametrize(
    ("wall", "zone", "said"),
    [
        (WALL, CHICAGO, ""),
        (datetime(2026, 3, 8, 2, 30), CHICAGO, "it is sent at 03:30"),
        (datetime(2026, 11, 1, 1, 30), CHICAGO, "twice in America/Chicago: the first is meant"),
        (datetime(2026, 11, 1, 1, 30, tzinfo=UTC), CHICAGO, ""),
        (datetime(2026, 3, 29, 1, 30), WORLD, "in Europe/London: it is sent at 02:30"),
        (datetime(2026, 3, 29, 1, 30), Zone(RECIPIENT, "UTC", {"": 1}), ""),
    ],
)
def test_what_the_clocks_do(wall: datetime, zone: Zone, said: str) -> None:
    assert moments.oddity(wall, zone).find(said) >= 0
    assert bool(moments.oddity(wall, zone)) is bool(said)


@pytest.mark.parametrize(
    ("wall", "zone", "lateness", "said"),
    [
        (WALL, CHICAGO, Lateness(), ""),
        (datetime(2025, 10, 17, 8), CHICAGO, Lateness(), "past: the next run sends at once."),
        (datetime(2025, 10, 1, 8), CHICAGO, Lateness(), "is held until someone decides."),
        (datetime(2025, 10, 1, 8), CHICAGO, Lateness(on_missed="skip"), "is not sent."),
        (datetime(2025, 10, 1, 8), CHICAGO, Lateness(on_missed="send"), "sends it late."),
        (datetime(2025, 10, 17, 12), WORLD, Lateness(), "past for 3 contacts: the next run"),
    ],
)
def test_a_time_that_is_past(wall: datetime, zone: Zone, lateness: Lateness, said: str) -> None:
    found = moments.lateness_of(wall, zone, NOW, lateness)
    assert found.find(said) >= 0
    assert bool(found) is bool(said)


@pytest.mark.parametrize(
    "expression",
    ["* * * * *", "0 9 * * MON", "0 9 29 2 *", "@yearly", "30 2 * * *", "0 0 29 2 MON"],
)
@pytest.mark.parametrize("zone", [CHICAGO, WORLD, Zone("Pacific/Apia")])
def test_the_next_three_are_to_come_and_in_order(expression: str, zone: Zone) -> None:
    found = moments.occurrences(expression, zone, NOW)
    assert 1 <= len(found) <= moments.OCCURRENCES
    assert found[0] > NOW
    assert all(before < after for before, after in pairwise(found))


def test_none_after_the_end() -> None:
    assert not moments.occurrences("0 9 * * MON", CHICAGO, NOW, datetime(2025, 10, 19))
    assert not moments.occurrences("0 9 * * MON", CHICAGO, NOW, datetime(2024, 1, 1))
    assert len(moments.occurrences("0 9 * * MON", CHICAGO, NOW, datetime(2025, 10, 28))) == 2


def test_the_end_of_a_day() -> None:
    assert moments.at_end("2026-06-30") == datetime(2026, 6, 30, 23, 59, 59)
    assert moments.at_end("2026-06-30 18:00") == datetime(2026, 6, 30, 18)


@pytest.mark.parametrize(
    ("text", "suggested"),
    [("2026-6-30", ["2026-06-30"]), ("2026-2-30", []), ("June", []), ("2026-02-30", [])],
)
def test_no_end(text: str, suggested: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        moments.at_end(text)
    assert list(refused.value.suggestions) == suggested


def test_an_end_has_no_offset() -> None:
    with pytest.raises(Refused, match="offset"):
        moments.at_end("2026-06-30 18:00Z")


def test_days_keep_the_clock_and_hours_do_not() -> None:
    start = datetime(2025, 11, 1, 14, tzinfo=UTC)  # 09:00 in Chicago, the day before the change
    assert moments.later(start, Delay(1), CHICAGO) == datetime(2025, 11, 2, 15, tzinfo=UTC)
    day = Delay(0, timedelta(hours=24))
    assert moments.later(start, day, CHICAGO) == datetime(2025, 11, 2, 14, tzinfo=UTC)
