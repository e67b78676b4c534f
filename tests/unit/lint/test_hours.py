"""night-send: whose clock counts, for each way of sending."""

from __future__ import annotations

from pathlib import Path

import pytest

from .workshop import base, lay, problems

TOKYO = "email,firstName,timezone\nann@example.org,Ann,Asia/Tokyo\nbob@example.org,Bob,\n"
DELAYS = ("0", "1d14h")
OWN = "timezone: recipient, fallback_timezone: UTC"


def night(root: Path, schedule: str, contacts: str = TOKYO, more: str = "") -> list[str]:
    base(root)
    what = "" if more else "template: mail\n"
    lay(
        root,
        csv=contacts,
        yaml=f"version: 1\nlist: readers\n{what}schedule: {{{schedule}}}\n{more}",
    )
    found = problems(root)
    assert {problem.code for problem in found} <= {"night-send"}
    return [problem.message for problem in found]


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("send: scheduled, at: 2026-03-02 06:00, timezone: Asia/Tokyo", ""),
        ("send: scheduled, at: 2026-03-02 05:59, timezone: Asia/Tokyo", "2 contacts of 2"),
        ("send: scheduled, at: 2026-03-02 21:59, timezone: Asia/Tokyo", ""),
        ("send: scheduled, at: 2026-03-02 22:00, timezone: Asia/Tokyo", "(22:00 in Asia/Tokyo)"),
        ("send: scheduled, at: 2026-03-02 14:30, timezone: Europe/Berlin", "1 contact of 2"),
        ("send: scheduled, at: 2026-03-02T14:30Z, timezone: Europe/Berlin", "(23:30 in Asia"),
        (f"send: scheduled, at: 2026-03-02 09:00, {OWN}", ""),
        (
            "send: scheduled, at: 2026-03-02 23:00, timezone: recipient, fallback_timezone: UTC",
            "own",
        ),
        ("send: immediate", ""),
        ('send: recurring, cron: "0 9 * * MON", timezone: Asia/Tokyo', ""),
        ('send: recurring, cron: "0 9,23 1 * *", timezone: Asia/Tokyo', "(23:00 in Asia/Tokyo)"),
        ('send: recurring, cron: "0 3 29 2 *", timezone: Asia/Tokyo', ""),
        (
            'send: recurring, cron: "0 4 * * *", timezone: recipient, fallback_timezone: UTC',
            "04:00",
        ),
    ],
)
def test_it_is_night_where_the_clock_says_so(schedule: str, said: str, tmp_path: Path) -> None:
    found = night(tmp_path, schedule)
    assert (said in found[0]) if said else found == []


def test_summer_time_counts(tmp_path: Path) -> None:
    """14:30 in Berlin is 21:30 in Tokyo in summer, 22:30 in winter."""
    cron = 'send: recurring, cron: "30 14 1 {} *", timezone: Europe/Berlin'
    assert night(tmp_path, cron.format(7)) == []
    assert len(night(tmp_path, cron.format(1))) == 1


@pytest.mark.parametrize(
    ("quiet", "said"),
    [
        ('{hours: "21:00-08:00"}', ""),
        # it begins too late, or ends too early
        ('{hours: "23:30-08:00"}', "(23:00 in Asia/Tokyo)"),
        ('{hours: "21:00-05:00"}', "(05:00 in Asia/Tokyo)"),
        ('{hours: "21:00-08:00", max_deferral: 1h}', ""),
        ('{hours: "21:00-08:00", max_deferral: 1h, on_exceeded: skip}', ""),
        ('{hours: "21:00-08:00", max_deferral: 1h, on_exceeded: send}', "(23:00 in Asia/Tokyo)"),
        ("{days: [mon]}", "(00:00 in Asia/Tokyo)"),
        ("{days: [mon], max_deferral: 30m}", ""),
        ('"off"', "(23:00 in Asia/Tokyo)"),
    ],
)
def test_what_waits_for_the_morning_is_fine(quiet: str, said: str, tmp_path: Path) -> None:
    schedule = "send: scheduled, at: 2026-03-02 23:00, timezone: Asia/Tokyo"
    found = night(tmp_path, schedule, more=f"template: mail\nquiet: {quiet}\n")
    assert (said in found[0]) if said else found == []


def test_a_quiet_day_ends_at_night(tmp_path: Path) -> None:
    schedule = "send: scheduled, at: 2026-03-02 12:00, timezone: Asia/Tokyo"
    (found,) = night(tmp_path, schedule, more="template: mail\nquiet: {days: [mon]}\n")
    assert "(00:00 in Asia/Tokyo)" in found


def test_each_contact_waits_for_its_own_morning(tmp_path: Path) -> None:
    schedule = f"send: scheduled, at: 2026-03-02 23:00, {OWN}"
    more = "template: mail\nquiet: {hours: '22:30-07:00'}\n"
    assert night(tmp_path, schedule, more=more) == []


def test_what_ends_before_the_night_begins_is_fine(tmp_path: Path) -> None:
    cron = 'send: recurring, cron: "30 14 1 * *", timezone: Europe/Berlin'
    bounds = "start_at: 2026-05-01 00:00, until: 2026-09-30"
    assert night(tmp_path, f"{cron}, {bounds}") == []


def test_each_step_of_a_drip_has_its_own_hour(tmp_path: Path) -> None:
    steps = "".join(
        f"  - {{id: s{n}, delay: {delay}, template: mail}}\n" for n, delay in enumerate(DELAYS)
    )
    schedule = "send: drip, start_at: 2026-03-02 09:00, timezone: Asia/Tokyo"
    (found,) = night(tmp_path, schedule, more=f"sequence:\n{steps}")
    assert "(23:00 in Asia/Tokyo)" in found


def test_addresses_are_never_told(tmp_path: Path) -> None:
    found = night(tmp_path, "send: scheduled, at: 2026-03-02 23:00, timezone: Asia/Tokyo")
    assert "@" not in "".join(found)
