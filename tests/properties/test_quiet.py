"""Quiet hours and days, on clocks that are put forward and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model.campaign import Scheduled
from runner.model.plan import Spot
from runner.model.settings import Lateness, Pacing, Quiet
from runner.planning.history import fold
from runner.planning.planner import CampaignInputs, Horizon, plan_campaign
from runner.planning.quietness import QuietZone
from runner.testing import audience
from tests.builders import campaign, utc
from tests.properties.test_shared_caps import is_quiet

# (zone, an instant near a change of its clock)
CHANGES = [
    ("Europe/London", "2025-03-30 01:00"),
    ("Europe/London", "2025-10-26 01:00"),
    ("America/New_York", "2025-03-09 07:00"),
    ("America/New_York", "2025-11-02 06:00"),
    ("Australia/Lord_Howe", "2025-04-05 15:00"),
    ("Australia/Lord_Howe", "2025-10-04 15:30"),
    ("Pacific/Apia", "2011-12-30 10:00"),
    ("America/Havana", "2025-11-02 05:00"),
    ("America/St_Johns", "2006-10-29 02:31"),
    ("Asia/Kathmandu", "2025-06-01 00:00"),
]
minutes = st.integers(0, 1439)
quiets = st.builds(
    Quiet,
    hours=st.none() | st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1]),
    days=st.lists(st.integers(0, 6), max_size=3, unique=True).map(tuple),
    dates=st.sampled_from([(), ((0, 12, 30), (2025, 10, 26))]),
)


def wall(moment: int, zone: str) -> datetime:
    return datetime.fromtimestamp(moment, ZoneInfo(zone))


@settings(max_examples=300, deadline=None)
@given(quiets, st.sampled_from(CHANGES), st.integers(-3 * 1440, 3 * 1440), st.integers(0, 59))
def test_a_mail_leaves_at_the_end_of_the_quiet_time(quiet, change, offset, seconds):
    """Never in it, never before its time, and no later than the clock on the wall allows."""
    zone, near = change
    moment = int(utc(near).timestamp()) + offset * 60 + seconds
    end = QuietZone(quiet, ZoneInfo(zone)).end(moment)
    assert not is_quiet(quiet, wall(end, zone))
    if not is_quiet(quiet, wall(moment, zone)):
        assert end == moment
        return
    first = next(
        minute
        for minute in range(moment - moment % 60, end + 60, 60)
        if minute > moment and not is_quiet(quiet, wall(minute, zone))
    )
    assert first <= end
    # an end that the clock skips moves forward by the gap, and may be quiet again by then
    offsets = {wall_offset(first + seconds, zone) for seconds in (-60, 0)}
    assert end == first or len(offsets) == 2


def wall_offset(moment: int, zone: str) -> timedelta | None:
    return datetime.fromtimestamp(moment, ZoneInfo(zone)).utcoffset()


@pytest.mark.parametrize(
    ("zone", "hours", "moment", "end"),
    [
        # the clock goes from 02:00 to 03:00: 02:30 means 03:30
        ("America/New_York", (60, 150), "2025-03-09 06:10", "2025-03-09 07:30"),
        # 01:10 comes twice, and is quiet twice
        ("America/New_York", (0, 90), "2025-11-02 05:10", "2025-11-02 05:30"),
        ("America/New_York", (0, 90), "2025-11-02 06:10", "2025-11-02 06:30"),
        # half an hour only: 02:00 is shown again as 01:30
        ("Australia/Lord_Howe", (60, 120), "2025-04-05 14:40", "2025-04-05 15:30"),
        # a day that does not exist: Friday night in Apia ends on Saturday
        ("Pacific/Apia", (22 * 60, 8 * 60), "2011-12-30 09:00", "2011-12-30 18:00"),
    ],
)
def test_when_clocks_change(zone, hours, moment, end):
    found = QuietZone(Quiet(hours=hours), ZoneInfo(zone)).end(int(utc(moment).timestamp()))
    assert datetime.fromtimestamp(found, UTC) == utc(end)


def planned(quiet, at, now, *, zones=("",), pacing=Pacing(), **more):
    one = campaign(Scheduled(at, "UTC"), quiet=quiet, pacing=pacing, **more)
    people = audience([f"p{n}@example.com" for n in range(len(zones))], timezones=list(zones))
    horizon = Horizon(now, now + timedelta(hours=1), now + timedelta(days=9))
    (job,) = plan_campaign(CampaignInputs(one, fold((), now), people), horizon)
    return job


FRIDAY = datetime(2025, 10, 24, 22)
NIGHTS = Quiet(hours=(21 * 60, 8 * 60))
WEEKENDS = Quiet(hours=(21 * 60, 8 * 60), days=(5, 6))


def times(job):
    return [datetime.fromtimestamp(t, UTC).strftime("%a %H:%M") for t in job.times]


def test_each_contact_by_its_own_clock():
    """22:00 in London is night there, and afternoon in Chicago."""
    job = planned(NIGHTS, FRIDAY, utc("2025-10-24 12:00"), zones=["", "America/Chicago"])
    assert times(job) == ["Sat 08:00", "Fri 22:00"]


def test_a_pace_goes_on_in_the_morning():
    late = datetime(2025, 10, 24, 20, 30)
    job = planned(
        NIGHTS, late, utc("2025-10-24 12:00"), zones=[""] * 4, pacing=Pacing(delay_seconds=900)
    )
    assert times(job) == ["Fri 20:30", "Fri 20:45", "Sat 08:00", "Sat 08:15"]


@pytest.mark.parametrize(
    ("action", "spot"),
    [("hold", Spot.QUIET_HELD), ("skip", Spot.QUIET_HOURS), ("send", Spot.LATER)],
)
def test_who_would_wait_too_long(action, spot):
    """A weekend is longer than a day: held with the line that releases it, skipped, or sent."""
    quiet = Quiet(hours=WEEKENDS.hours, days=WEEKENDS.days, on_exceeded=action)
    job = planned(quiet, FRIDAY, utc("2025-10-24 12:00"))
    assert job.spots == bytes([spot])
    assert [hold.code for hold in job.holds] == (["quiet_hours"] if action == "hold" else [])
    assert job.counts.total == 1
    if action == "send":
        assert times(job) == ["Fri 22:00"]
    for hold in job.holds:
        assert "quiet.on_exceeded" in hold.release


def test_what_is_held_stays_held_as_time_goes_by():
    """Measured from the time it is due: on Sunday the rest of the wait would be short enough."""
    job = planned(WEEKENDS, FRIDAY, utc("2025-10-26 12:00"))
    assert job.spots == bytes([Spot.QUIET_HELD])


@pytest.mark.parametrize("now", ["2025-10-27 08:00", "2025-10-27 08:59"])
def test_waiting_for_the_morning_is_not_late(now):
    patient = Quiet(hours=WEEKENDS.hours, days=WEEKENDS.days, max_deferral=timedelta(days=3))
    job = planned(patient, FRIDAY, utc(now), lateness=Lateness(timedelta(hours=1), "hold"))
    assert job.spots == bytes([Spot.DUE])


def test_a_pace_that_needs_nights_is_not_late():
    """Twelve hours of mails from the evening on are not over before the next evening."""
    job = planned(
        NIGHTS,
        datetime(2025, 10, 24, 20),
        utc("2025-10-25 18:30"),
        zones=[""] * 12,
        pacing=Pacing(delay_seconds=3600),
        lateness=Lateness(timedelta(hours=1), "hold"),
    )
    assert Spot.MISSED not in job.spots
