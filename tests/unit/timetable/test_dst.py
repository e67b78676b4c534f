"""Local times at the edges of the calendar, each answer with its source.

Sources: IANA = the tz database (files named; the offsets and transitions are its data); D =
Debian's cron(8), "Notes" on local time changes; V = Vixie's crontab(5) on day fields; F =
docs/writing-campaigns.md, our own promise (formats.md of the design): a gap moves forward, an
overlap means the first occurrence, a skipped day does not exist, whole days keep the wall clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runner.timetable import cron, zones


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# zone, wall clock, instant, why
RESOLVED = [
    ("America/Chicago", "2025-03-09 02:30", "2025-03-09T08:30Z", "gap 2-3, +1 h: F; IANA northamerica, US rule since 2007"),
    ("America/Chicago", "2025-03-09 01:59", "2025-03-09T07:59Z", "last minute before the gap: IANA northamerica"),
    ("America/Chicago", "2025-03-09 03:00", "2025-03-09T08:00Z", "first minute after the gap: IANA northamerica"),
    ("America/Chicago", "2025-11-02 01:30", "2025-11-02T06:30Z", "twice, the first (CDT): F; IANA northamerica"),
    ("America/Chicago", "2025-11-02 02:00", "2025-11-02T08:00Z", "after the overlap (CST): IANA northamerica"),
    ("Europe/London", "2025-03-30 01:30", "2025-03-30T01:30Z", "gap 1-2 GMT to BST: F; IANA europe, EU rule"),
    ("Europe/London", "2025-10-26 01:30", "2025-10-26T00:30Z", "twice, the first (BST): F; IANA europe, EU rule"),
    ("Europe/Berlin", "2025-10-26 02:59", "2025-10-26T00:59Z", "twice, the first (CEST): F; IANA europe"),
    ("Europe/Dublin", "2025-10-26 01:30", "2025-10-26T00:30Z", "Irish winter time is the negative DST: F; IANA europe, Eire"),
    ("Australia/Lord_Howe", "2025-10-05 02:15", "2025-10-04T15:45Z", "half-hour gap 2:00-2:30, +30 min: F; IANA australasia, LH"),
    ("Australia/Lord_Howe", "2025-04-06 01:45", "2025-04-05T14:45Z", "half-hour overlap, the first (+11): F; IANA australasia, LH"),
    ("Pacific/Apia", "2011-12-30 09:00", "2011-12-30T19:00Z", "a day that was not: forward by 24 h to the 31st: F; IANA australasia, WS"),
    ("Pacific/Kwajalein", "1993-08-21 12:00", "1993-08-22T00:00Z", "a day that was not: F; IANA australasia, Kwajalein"),
    ("Asia/Kathmandu", "2025-01-01 09:00", "2025-01-01T03:15Z", "+05:45, no DST: IANA asia"),
    ("Asia/Kolkata", "2025-10-26 01:30", "2025-10-25T20:00Z", "+05:30, no DST: IANA asia"),
    ("America/Phoenix", "2025-03-09 02:30", "2025-03-09T09:30Z", "no gap in Arizona: IANA northamerica"),
    ("Africa/Cairo", "2025-04-25 00:30", "2025-04-24T22:30Z", "gap at midnight, 0-1: F; IANA africa, Egypt 2023-"),
    ("America/Sao_Paulo", "2018-11-04 00:30", "2018-11-04T03:30Z", "gap at midnight: F; IANA southamerica, Brazil 2018"),
    ("Asia/Pyongyang", "2015-08-14 23:45", "2015-08-14T14:45Z", "23:30-24:00 twice, the first (+09): F; IANA asia, Pyongyang 2015"),
    ("Asia/Pyongyang", "2015-08-15 00:00", "2015-08-14T15:30Z", "midnight came once, after the overlap (+08:30): IANA asia"),
    ("Europe/London", "2024-02-29 09:00", "2024-02-29T09:00Z", "a leap day is a day"),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "wall", "instant", "why"), RESOLVED)
def test_wall_clock_to_instant(zone, wall, instant, why):
    assert zones.resolve(at(wall), zones.zone(zone)) == at(instant.replace("Z", ":00+00:00")), why


# expression, zone, from, to, instants, why
FIRED = [
    ("30 2 * * *", "America/Chicago", "2025-03-08T12:00", "2025-03-10T12:00",
     ["2025-03-09T08:30", "2025-03-10T07:30"], "a fixed time in the gap fires once, moved forward: D, F"),
    ("30 1 * * *", "America/Chicago", "2025-11-01T12:00", "2025-11-03T12:00",
     ["2025-11-02T06:30", "2025-11-03T07:30"], "a fixed time in the overlap fires once: D, F (croniter 7 fires twice)"),
    ("30 * * * *", "America/Chicago", "2025-11-02T05:45", "2025-11-02T08:45",
     ["2025-11-02T06:30", "2025-11-02T07:30", "2025-11-02T08:30"], "a wildcard hour follows elapsed hours through the overlap: D, F"),
    ("30 * * * *", "America/Chicago", "2025-03-09T06:45", "2025-03-09T09:45",
     ["2025-03-09T07:30", "2025-03-09T08:30", "2025-03-09T09:30"], "a wildcard hour skips what the clock skips: D, F"),
    ("0 */2 * * *", "Europe/London", "2025-10-25T22:30", "2025-10-26T05:00",
     ["2025-10-25T23:00", "2025-10-26T02:00", "2025-10-26T04:00"], "wildcard with a step: the clock's even hours: D, F"),
    ("0 9 * * *", "Pacific/Apia", "2011-12-29T12:00", "2012-01-01T00:00",
     ["2011-12-29T19:00", "2011-12-30T19:00", "2011-12-31T19:00"], "the 29th, then the 31st and the 1st: no 30 December: F; IANA australasia"),
    ("0 0 29 2 *", "UTC", "2023-01-01T00:00", "2029-01-01T00:00",
     ["2024-02-29T00:00", "2028-02-29T00:00"], "leap days only: the calendar"),
    ("0 0 1 * MON", "UTC", "2025-09-28T00:00", "2025-10-14T00:00",
     ["2025-09-29T00:00", "2025-10-01T00:00", "2025-10-06T00:00", "2025-10-13T00:00"], "both day fields restricted: or: V"),
    ("0 0 */2 * MON", "UTC", "2025-09-28T00:00", "2025-10-14T00:00",
     ["2025-09-29T00:00", "2025-10-13T00:00"], "a day field that begins with *: and: V (29 and 13 are odd Mondays)"),
    ("0 0 1 * *", "UTC", "2025-09-28T00:00", "2025-11-14T00:00",
     ["2025-10-01T00:00", "2025-11-01T00:00"], "one day field restricted: that one: V"),
    ("0 0 13 * FRI", "UTC", "2025-06-10T00:00", "2025-06-21T00:00",
     ["2025-06-13T00:00", "2025-06-20T00:00"], "Friday or the 13th, not Friday the 13th: V"),
    ("0 9 L * *", "UTC", "2024-02-01T00:00", "2024-04-01T00:00",
     ["2024-02-29T09:00", "2024-03-31T09:00"], "the last day of the month, leap year: croniter's L"),
    ("0 9 * * 1#1", "UTC", "2025-10-01T00:00", "2025-12-01T00:00",
     ["2025-10-06T09:00", "2025-11-03T09:00"], "the first Monday: croniter's #"),
    ("0 9 * * 7", "UTC", "2025-10-01T00:00", "2025-10-13T00:00",
     ["2025-10-05T09:00", "2025-10-12T09:00"], "7 is Sunday too: V"),
    ("15,45 2 * * *", "Australia/Lord_Howe", "2025-10-04T12:00", "2025-10-05T12:00",
     ["2025-10-04T15:45"], "2:15 moves to 2:45 in the half-hour gap, where 2:45 fires already: one mail, not two: F"),
    ("0 9 31 * *", "UTC", "2025-01-15T00:00", "2025-06-01T00:00",
     ["2025-01-31T09:00", "2025-03-31T09:00", "2025-05-31T09:00"], "months without a 31st are left out: V"),
    ("@weekly", "UTC", "2025-10-01T00:00", "2025-10-13T00:00",
     ["2025-10-05T00:00", "2025-10-12T00:00"], "@weekly is 0 0 * * 0: V"),
    ("30 0 * * *", "Africa/Cairo", "2025-04-24T12:00", "2025-04-26T12:00",
     ["2025-04-24T22:30", "2025-04-25T21:30"], "a gap at midnight moves the time, not the day: F; IANA africa"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "zone", "start", "end", "instants", "why"), FIRED)
def test_cron_fires(expression, zone, start, end, instants, why):
    found = cron.parse(expression).between(
        zones.zone(zone), at(start).replace(tzinfo=UTC), at(end).replace(tzinfo=UTC)
    )
    assert [f"{instant:%Y-%m-%dT%H:%M}" for _, instant in found] == instants, why


@pytest.mark.parametrize(
    ("start", "days", "zone", "then"),
    [
        ("2025-03-08T15:00", 1, "America/Chicago", "2025-03-09T14:00"),
        ("2025-10-31T14:00", 3, "America/Chicago", "2025-11-03T15:00"),
        ("2025-10-25T08:00", 7, "Europe/London", "2025-11-01T09:00"),
        ("2025-03-08T08:30", 1, "America/Chicago", "2025-03-09T08:30"),
    ],
)
def test_whole_days_keep_the_wall_clock(start, days, zone, then):
    moved = zones.add_days(at(start).replace(tzinfo=UTC), days, zones.zone(zone))
    assert moved == at(then).replace(tzinfo=UTC)


def test_the_second_showing_of_an_hour_has_a_name_of_its_own():
    fired = cron.parse("30 * * * *").between(
        zones.zone("America/Chicago"), at("2025-11-02T06:00+00:00"), at("2025-11-02T08:00+00:00")
    )
    assert [occurrence.id for occurrence, _ in fired] == [
        "2025-11-02T01:30",
        "2025-11-02T01:30.2",
    ]


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4,6,9,11 *", "never fires"),
        ("0 9 * *", "five fields, this has 4"),
        ("0 9 * * * *", "five fields, this has 6"),
        ("60 9 * * *", "out of range"),
        ("0 24 * * *", "out of range"),
        ("R 9 * * *", "not supported"),
        ("H 9 * * *", "not supported"),
        ("0 9 15W * *", "not supported"),
        ("nine o clock every day", "not a cron expression"),
        ("", "five fields, this has 0"),
    ],
)
def test_what_is_no_cron_expression_says_why(expression, says):
    with pytest.raises(ValueError, match=says):
        cron.parse(expression)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("America/Chcago", "America/Chicago"),
        ("europe/london", "Europe/London"),
        ("America/New York", "America/New_York"),
        ("Berlin", "Europe/Berlin"),
    ],
)
def test_a_zone_typo_is_answered_with_what_was_meant(typed, meant):
    assert zones.suggest(typed)[0] == meant
    if typed != "europe/london":  # some file systems fold case
        with pytest.raises(LookupError):
            zones.zone(typed)


@pytest.mark.parametrize(
    "name", ["", "..", "../etc/passwd", "/etc/localtime", "America", "x" * 300]
)
def test_what_is_no_zone_is_refused(name):
    with pytest.raises(LookupError):
        zones.zone(name)


def test_days_that_were_skipped_do_not_exist():
    apia = zones.zone("Pacific/Apia")
    days = [at("2011-12-28").date() + timedelta(days=n) for n in range(4)]
    assert [zones.day_exists(day, apia) for day in days] == [True, True, False, True]
