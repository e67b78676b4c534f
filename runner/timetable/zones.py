"""Wall-clock times and the instants they mean, by the rules of formats.md.

A time inside a DST gap moves forward by the gap; a time that occurs twice means its first
occurrence; whole days keep the wall-clock time.
"""

from __future__ import annotations

import difflib
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

NOON = time(12)


@cache
def zone(name: str) -> ZoneInfo:
    """The IANA zone called ``name``; LookupError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        # ValueError: a path; OSError: a directory such as "America"
        raise LookupError(f"unknown time zone {name!r}") from error


def suggest(name: str) -> list[str]:
    """Up to three zone names that someone who typed ``name`` may have meant."""
    known = sorted(available_timezones())
    by_folded = {candidate.casefold(): candidate for candidate in known}
    cities = {candidate.rpartition("/")[2].casefold(): candidate for candidate in known}
    wanted = name.strip().replace(" ", "_").casefold()
    exact = [table[wanted] for table in (by_folded, cities) if wanted in table]
    city = wanted.rpartition("/")[2]
    near = [by_folded[n] for n in difflib.get_close_matches(wanted, by_folded, 3, 0.75)]
    near += [cities[n] for n in difflib.get_close_matches(city, cities, 3, 0.8)]
    return list(dict.fromkeys(exact + near))[:3]


def resolve(wall: datetime, tz: ZoneInfo) -> datetime:
    """The instant (UTC) of a naive wall-clock time; an aware one is only converted."""
    if wall.tzinfo is not None:
        return wall.astimezone(UTC)
    # fold=0 is the first occurrence, and in a gap the offset before it: both as promised
    return wall.replace(tzinfo=tz, fold=0).astimezone(UTC)


def both(wall: datetime, tz: ZoneInfo) -> list[datetime]:
    """Every instant at which the clock on the wall shows ``wall``: none, one or two."""
    first, second = (wall.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1))
    shown = [i for i in (first, second) if i.astimezone(tz).replace(tzinfo=None) == wall]
    return list(dict.fromkeys(shown))


def day_exists(day: date, tz: ZoneInfo) -> bool:
    """False for a day that the zone skipped (Apia had no 30 December 2011)."""
    return resolve(datetime.combine(day, NOON), tz).astimezone(tz).date() == day


def add_days(instant: datetime, days: int, tz: ZoneInfo) -> datetime:
    """``days`` later at the same wall-clock time in ``tz`` (UTC)."""
    wall = instant.astimezone(tz).replace(tzinfo=None)
    return resolve(wall + timedelta(days=days), tz)
