from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.report import times
from tests.builders import utc


@pytest.mark.parametrize(
    ("instant", "zone", "shown"),
    [
        ("2025-10-20 14:00", "America/Chicago", "Mon 20 Oct 2025 09:00 CDT (UTC-05:00)"),
        ("2025-11-03 15:00:07", "America/Chicago", "Mon 3 Nov 2025 09:00:07 CST (UTC-06:00)"),
        ("2025-10-20 14:00", "UTC", "Mon 20 Oct 2025 14:00 UTC"),
        ("2025-10-20 14:00", "America/Sao_Paulo", "Mon 20 Oct 2025 11:00 (UTC-03:00)"),
        ("2025-10-20 14:00", "Asia/Kathmandu", "Mon 20 Oct 2025 19:45 (UTC+05:45)"),
        ("2025-10-20 14:00", "America/St_Johns", "Mon 20 Oct 2025 11:30 NDT (UTC-02:30)"),
        ("2025-10-20 14:00", "Nowhere/Land", "Mon 20 Oct 2025 14:00 UTC"),
    ],
)
def test_when(instant: str, zone: str, shown: str) -> None:
    assert times.when(utc(instant), times.zone_of(zone)) == shown


@pytest.mark.parametrize(
    ("last", "shown"),
    [
        ("2025-10-20 15:30", "10:30"),
        ("2025-10-21 05:30", "Tue 21 Oct 2025 00:30 CDT (UTC-05:00)"),
    ],
)
def test_until_says_only_what_differs(last: str, shown: str) -> None:
    chicago = times.zone_of("America/Chicago")
    assert times.until(utc("2025-10-20 14:00"), utc(last), chicago) == shown


def test_until_names_the_offset_when_the_clock_was_changed_in_between() -> None:
    chicago = times.zone_of("America/Chicago")
    shown = times.until(utc("2025-11-02 06:30"), utc("2025-11-02 07:15"), chicago)
    assert shown == "Sun 2 Nov 2025 01:15 CST (UTC-06:00)"


@pytest.mark.parametrize(
    ("delta", "shown"),
    [
        (timedelta(), "now"),
        (timedelta(seconds=29), "now"),
        (timedelta(seconds=59), "in 1 min"),
        (timedelta(minutes=59, seconds=59), "in 1 h"),
        (timedelta(hours=22, minutes=59, seconds=59), "in 23 h"),
        (timedelta(minutes=2), "in 2 min"),
        (timedelta(hours=23, minutes=59), "in 1 day"),
        (timedelta(days=1), "in 1 day"),
        (timedelta(days=3), "in 3 days"),
        (-timedelta(hours=2), "2 h ago"),
        (-timedelta(days=400), "400 days ago"),
    ],
)
def test_relative(delta: timedelta, shown: str) -> None:
    now = utc("2025-10-16 14:00")
    assert times.relative(now + delta, now) == shown


def test_brief_names_another_year() -> None:
    now, zone = utc("2025-10-16 14:00"), times.zone_of("America/Chicago")
    assert times.brief(utc("2025-10-20 14:00"), now, zone) == "Mon 20 Oct 09:00 CDT"
    assert times.brief(utc("2026-01-05 15:00"), now, zone) == "Mon 5 Jan 2026 09:00 CST"
    sao_paulo = times.zone_of("America/Sao_Paulo")
    assert times.brief(utc("2025-10-20 14:00"), now, sao_paulo) == "Mon 20 Oct 11:00 UTC-03:00"


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),
    st.sampled_from(["America/Chicago", "Asia/Kolkata", "Pacific/Apia", "Europe/London", "UTC"]),
)
def test_the_offset_shown_is_the_one_that_leads_back(wall: datetime, zone: str) -> None:
    instant = wall.replace(microsecond=0, tzinfo=UTC)
    shown = times.when(instant, times.zone_of(zone))
    text = shown.rpartition("(")[2].rstrip(")") if "(" in shown else "UTC+00:00"
    sign = -1 if text[3] == "-" else 1
    hours, minutes = text[4:].split(":")
    offset = sign * timedelta(hours=int(hours), minutes=int(minutes))
    local = instant + offset
    assert f"{local:%H:%M}" in shown
    assert f"{local.day} " in shown
