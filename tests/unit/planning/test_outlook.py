from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model.campaign import Drip, Immediate, Recurring, Scheduled
from runner.model.settings import Pacing
from runner.planning.history import fold
from runner.planning.outlook import MAX_BARS, cost, occasions, occurrences, open_times, shape
from runner.planning.planner import Horizon
from runner.survey import survey
from runner.testing import MemoryLedger, audience
from tests.builders import campaign, desk, step, utc

NOW = utc("2025-10-20 14:00")
WALL = datetime(2025, 10, 21, 9)
CHICAGO = ZoneInfo("America/Chicago")


def plan(one, count=10, zones=(), days=7):
    people = audience(
        [f"p{n}@example.com" for n in range(count)],
        timezones=[zones[n % len(zones)] if zones else "" for n in range(count)],
    )
    horizon = Horizon(NOW, NOW + timedelta(hours=1), NOW + timedelta(days=days))
    return survey(desk([one], people), MemoryLedger().sync(), horizon)


def job(one, **more):
    return plan(one, **more).jobs[0]


def test_mails_that_all_go_at_once_are_one_bar():
    found = shape(job(campaign(Scheduled(WALL, "UTC"))))
    assert (found.start, found.hours, found.counts) == (utc("2025-10-21 09:00"), 1, (10,))


def test_a_pace_shows_as_bars():
    found = shape(job(campaign(Scheduled(WALL, "UTC"), pacing=Pacing(delay_seconds=1200))))
    assert found.counts == (3, 3, 3, 1)


@given(st.integers(1, 60), st.integers(1, 40 * 3600))
def test_no_mail_is_missing_from_the_bars(count, delay):
    pacing = Pacing(delay_seconds=delay)
    one = job(campaign(Scheduled(WALL, "UTC"), pacing=pacing), count=count)
    found = shape(one)
    assert sum(found.counts) == count
    assert len(found.counts) <= MAX_BARS
    assert found.counts[0] > 0


def test_nothing_to_send_has_no_shape_and_costs_nothing():
    over = replace(job(campaign()), spots=b"", times=())
    assert shape(over) is None
    assert cost(job(campaign(status="cancelled")), 1000).requests == 0


@pytest.mark.parametrize(
    ("pacing", "batch", "requests", "runs"),
    [
        (Pacing(), 1000, 1, 1),
        (Pacing(batch_size=4), 1000, 3, 1),
        (Pacing(), 1, 10, 1),
        # one an hour: each run hands over one
        (Pacing(delay_seconds=3600), 1000, 10, 10),
        # four in half an hour
        (Pacing(delay_seconds=450), 3, 5, 3),
    ],
)
def test_a_run_hands_over_what_falls_into_its_half_hour(pacing, batch, requests, runs):
    found = cost(job(campaign(Scheduled(WALL, "UTC"), pacing=pacing)), batch)
    assert (found.requests, found.runs) == (requests, runs)


def test_later_steps_of_a_drip_are_on_the_day_they_are_meant_for():
    steps = [step("invite"), step("reminder", 3)]
    found = list(occasions(plan(campaign(Drip(WALL, "America/Chicago"), steps=steps)), CHICAGO))
    assert [(one.step, one.at.strftime("%d %H:%M"), one.count) for one in found] == [
        ("invite", "21 09:00", 10),
        ("reminder", "24 09:00", 10),
    ]
    assert [one.estimated for one in found] == [False, True]


def test_contacts_in_other_zones_may_be_on_another_day():
    one = campaign(Scheduled(datetime(2025, 10, 21, 3), "recipient", "UTC"))
    found = list(occasions(plan(one, zones=("Asia/Tokyo", "America/Chicago")), CHICAGO))
    assert [(o.at.day, o.at.hour, o.count) for o in found] == [(20, 13, 5), (21, 3, 5)]


@given(st.integers(0, 40), st.integers(0, 7200))
def test_the_calendar_has_every_mail_once(count, delay):
    one = campaign(Scheduled(WALL, "UTC"), pacing=Pacing(delay_seconds=delay))
    found = plan(one, count=count)
    assert sum(o.count for o in occasions(found, CHICAGO)) == sum(
        open_times(j).total() for j in found.jobs
    )


def upcoming(one, size=10):
    history = fold((), NOW)
    span = (NOW + timedelta(days=7), NOW + timedelta(days=30))
    return list(occurrences(one, history, size, span))


def test_what_repeats_goes_on_beyond_the_plan():
    one = campaign(Recurring("0 9 * * MON", "America/Chicago", until=datetime(2025, 11, 12)))
    assert [(o.at.day, o.at.hour, o.count, o.estimated) for o in upcoming(one)] == [
        (3, 15, 10, True),
        (10, 15, 10, True),
    ]


def test_the_plan_and_what_goes_on_beyond_it_do_not_overlap():
    one = campaign(Recurring("0 9 * * *", "America/Chicago"))
    planned = [o.at for o in occasions(plan(one), ZoneInfo("UTC"))]
    beyond = [o.at for o in upcoming(one)]
    assert not set(planned) & set(beyond)
    days = sorted(at.date() for at in planned + beyond)
    assert days == [days[0] + timedelta(days=n) for n in range(30)]


@pytest.mark.parametrize(
    "one", [campaign(Immediate()), campaign(Recurring("0 9 * * *", "UTC"), status="cancelled")]
)
def test_nothing_else_goes_on(one):
    assert upcoming(one) == []


def test_what_is_paused_is_said_to_be():
    one = campaign(Recurring("0 9 * * MON", "UTC"), status="paused")
    assert {o.status for o in upcoming(one)} == {"paused"}
