"""Occurrences of a cron expression: local days first, then the wall clock, then the instant.

croniter parses the expression; the walk is ours, because croniter fires a fixed time twice on
the night the clocks go back and gives instants for days that a zone skipped.

The rules (Vixie's, and Debian's cron for DST): day-of-month and day-of-week match with *or* when
both are restricted, with *and* when one begins with ``*``.  A fixed hour fires once per local
day: in a gap it moves forward by the gap, in an overlap it means the first occurrence.  An
expression whose hour begins with ``*`` follows elapsed hours instead: what the clock skips does
not fire, what it shows twice fires twice.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ..dataclass import dataclass
from . import zones

NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIELDS = ("minute", "hour", "day of month", "month", "day of week")
# 29 February falls on each weekday once in 28 years (40 across a century without leap year)
NEVER_AFTER_DAYS = 366 * 41
REFERENCE = date(2024, 1, 1)
EXAMPLE = 'for example "0 9 * * MON": Mondays at 09:00'


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One firing: the wall-clock time, and ``fold`` 1 for the second showing of it."""

    wall: datetime
    fold: int = 0

    @property
    def id(self) -> str:
        """Names the occurrence for ever: ``2025-10-20T09:00``, second showing ``…T01:30.2``."""
        return self.wall.strftime("%Y-%m-%dT%H:%M") + (".2" if self.fold else "")

    @staticmethod
    def named(name: str) -> Occurrence:
        """The occurrence that has this ``id``."""
        return Occurrence(datetime.fromisoformat(name.removesuffix(".2")), int(name.endswith(".2")))

    def instant(self, tz: ZoneInfo) -> datetime:
        """When this occurrence is in ``tz`` (UTC)."""
        if self.fold:
            return zones.both(self.wall, tz)[-1]
        return zones.resolve(self.wall, tz)


@dataclass(frozen=True)
class Cron:
    """A parsed expression; made by ``parse``."""

    expression: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    last_day: bool
    months: frozenset[int]
    weekdays: frozenset[int]
    nth: dict[int, frozenset[int | str]] = field(hash=False)
    days_starred: bool
    weekdays_starred: bool
    elapsed: bool

    def matches(self, day: date) -> bool:
        """True when the day fields choose this calendar day."""
        if day.month not in self.months:
            return False
        by_month, by_week = self._in_month(day), self._in_week(day)
        if self.days_starred or self.weekdays_starred:
            return by_month and by_week
        return by_month or by_week

    def _in_month(self, day: date) -> bool:
        last = calendar.monthrange(day.year, day.month)[1]
        return day.day in self.days or (self.last_day and day.day == last)

    def _in_week(self, day: date) -> bool:
        weekday = day.isoweekday() % 7
        if weekday not in self.weekdays:
            return False
        wanted = self.nth.get(weekday)
        if not wanted:
            return True
        last = calendar.monthrange(day.year, day.month)[1]
        return (day.day - 1) // 7 + 1 in wanted or ("l" in wanted and day.day + 7 > last)

    def between(
        self, tz: ZoneInfo, start: datetime, end: datetime
    ) -> Iterator[tuple[Occurrence, datetime]]:
        """Occurrences with start <= instant <= end, each with its instant (UTC), in order."""
        day = start.astimezone(tz).date() - timedelta(days=1)
        last = end.astimezone(tz).date() + timedelta(days=1)
        latest: datetime | None = None
        while day <= last:
            for occurrence, instant in self.on(day, tz):
                # two wall times that a gap moves to one instant are one firing
                if start <= instant <= end and (latest is None or instant > latest):
                    latest = instant
                    yield occurrence, instant
            day += timedelta(days=1)

    def on(self, day: date, tz: ZoneInfo) -> list[tuple[Occurrence, datetime]]:
        """The occurrences of one local day, in order of their instants."""
        if not self.matches(day) or not zones.day_exists(day, tz):
            return []
        walls = [datetime.combine(day, time(h, m)) for h in self.hours for m in self.minutes]
        if not self.elapsed:
            found = [(Occurrence(wall), zones.resolve(wall, tz)) for wall in walls]
        else:
            found = [
                (Occurrence(wall, fold), instant)
                for wall in walls
                for fold, instant in enumerate(zones.both(wall, tz))
            ]
        return sorted(found, key=lambda pair: pair[1])


@lru_cache(maxsize=1024)
def parse(expression: str) -> Cron:
    """Parse five fields or an ``@`` name; ValueError says what is wrong and how to write it."""
    from croniter import croniter  # noqa: PLC0415 - only recurring campaigns pay for it

    fields = NAMED.get(expression.strip(), expression).split()
    _refuse_what_croniter_reads_otherwise(fields)
    try:
        expanded, nth = croniter.expand(" ".join(fields))
    except (ValueError, KeyError) as error:
        raise ValueError(f"{_reason(str(error))}; write {' '.join(_hint())}") from error
    cron = Cron(
        expression=expression,
        minutes=_numbers(expanded[0], range(60)),
        hours=_numbers(expanded[1], range(24)),
        days=frozenset(_numbers(expanded[2], range(1, 32))),
        last_day="l" in expanded[2],
        months=frozenset(_numbers(expanded[3], range(1, 13))),
        weekdays=frozenset(_numbers(expanded[4], range(7))),
        nth={int(day): frozenset(which) for day, which in nth.items()},
        days_starred=fields[2][0] in "*?",
        weekdays_starred=fields[4][0] in "*?",
        elapsed=fields[1].startswith("*"),
    )
    if not any(cron.matches(REFERENCE + timedelta(days=n)) for n in range(NEVER_AFTER_DAYS)):
        raise ValueError("never fires: no month has such a day")
    return cron


def _hint() -> tuple[str, ...]:
    return ("minute hour day-of-month month day-of-week,", EXAMPLE)


def _reason(text: str) -> str:
    if "columns" in text:
        return "a cron expression has five fields"
    if "out of range" in text:
        return "a field is out of range"
    return "not a cron expression"


def _refuse_what_croniter_reads_otherwise(fields: list[str]) -> None:
    if len(fields) != len(FIELDS):
        raise ValueError(
            f"a cron expression has five fields, this has {len(fields)}; write " + " ".join(_hint())
        )
    for name, text in zip(FIELDS, fields, strict=False):
        # croniter knows Jenkins' H and R (random at every start) and silently drops Quartz's W
        if re.search(r"(?i)\b[HR]\b|\d+W|\b[HR]\(", text):
            raise ValueError(f"{text!r} in the {name} field is not supported; write plain numbers")


def _numbers(values: Sequence[int | str], everything: range) -> tuple[int, ...]:
    if "*" in values:
        return tuple(everything)
    return tuple(sorted(value for value in values if isinstance(value, int)))
