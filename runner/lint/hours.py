"""Mails that would arrive while people sleep: ``night-send``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from ..model.campaign import RECIPIENT, Drip, Recurring, Scheduled
from ..model.settings import Quiet
from ..planning.quietness import QuietZone
from ..timetable import cron, zones
from .draft import Subject
from .finding import Finding
from .sources import first_place

NIGHT_BEGINS = 22
NIGHT_ENDS = 6
WATCHED = timedelta(days=366)
"""How much of a recurring campaign is looked at: a year knows every season."""

DAYS_A_MONTH = 2
_REFERENCE = date(2026, 1, 1)


def check(subject: Subject) -> Iterator[Finding]:
    """A warning when the step's time is at night for some of its contacts."""
    zone = subject.campaign.schedule.timezone
    if zone == RECIPIENT:
        yield from _own_clock(subject)
    else:
        yield from _one_instant(subject, zone)


def _own_clock(subject: Subject) -> Iterator[Finding]:
    """Everyone gets it at the same hour of their own day."""
    # a wall clock without a zone runs as UTC does
    walls = (wall.replace(tzinfo=UTC) for wall in _walls(subject, "UTC") if wall.tzinfo is None)
    wall = _nightly(walls, "UTC", subject.campaign.quiet)
    if wall is not None:
        message = f"it is sent at {wall:%H:%M} of each contact's own time: at night"
        yield _finding(subject, message)


def _one_instant(subject: Subject, zone: str) -> Iterator[Finding]:
    walls = _walls(subject, zone)
    if not walls:
        return
    counts = Counter(subject.zones)
    unknown = counts.pop("", 0)
    counts[zone] += unknown or len(subject.audience) - sum(counts.values())
    instants = [zones.resolve(wall, zones.zone(zone)) for wall in walls]
    asleep: dict[str, str] = {}
    for name in sorted(name for name, count in counts.items() if count):
        local = _nightly(instants, name, subject.campaign.quiet)
        if local is not None:
            asleep[name] = f"{local:%H:%M} in {name}"
    if asleep:
        count = sum(counts[name] for name in asleep)
        where = max(asleep, key=lambda name: counts[name])
        people = "contact" if count == 1 else "contacts"
        message = (
            f"it reaches {count} {people} of {len(subject.audience)} at night ({asleep[where]})"
        )
        yield _finding(subject, message)


def _finding(subject: Subject, message: str) -> Finding:
    place = subject.files.key("schedule")
    hint = "timezone: recipient sends at each contact's own time"
    return Finding("night-send", first_place([place], subject.campaign.place), message, hint)


def _nightly(instants: Iterable[datetime], zone: str, quiet: Quiet | None) -> datetime | None:
    """The first local time that is at night, once what falls into the quiet time has waited."""
    try:
        own = zones.zone(zone)
    except LookupError:
        return None
    moments: Iterable[datetime] = (instant.astimezone(own) for instant in instants)
    if quiet is not None:
        moments = _woken(moments, quiet, QuietZone(quiet, own))
    return next((local for local in moments if _night(local)), None)


def _woken(moments: Iterable[datetime], quiet: Quiet, clock: QuietZone) -> Iterator[datetime]:
    """When what would be sent at these times leaves; nothing for what is held or skipped."""
    for moment in moments:
        end = datetime.fromtimestamp(clock.end(int(moment.timestamp())), moment.tzinfo)
        if end - moment <= quiet.max_deferral:
            yield end
        elif quiet.on_exceeded == "send":
            yield moment


def _night(moment: datetime) -> bool:
    return moment.hour >= NIGHT_BEGINS or moment.hour < NIGHT_ENDS


def _walls(subject: Subject, zone: str) -> list[datetime]:
    """Wall-clock times (naive, or instants) at which the step is sent, as far as they are known."""
    schedule = subject.campaign.schedule
    if isinstance(schedule, Scheduled):
        return [schedule.at]
    if isinstance(schedule, Drip):
        delay = subject.step.delay
        return [schedule.start_at + timedelta(days=delay.days) + delay.exact]
    if isinstance(schedule, Recurring):
        return _occurrences(schedule, zone)
    return []


def _occurrences(schedule: Recurring, zone: str) -> list[datetime]:
    """The wall-clock times of some days of each month of a year."""
    expression, tz = cron.parse(schedule.cron), zones.zone(zone)
    day = schedule.start_at.date() if schedule.start_at else _REFERENCE
    last = day + WATCHED
    if schedule.until is not None:
        last = min(last, schedule.until.date())
    looked: Counter[int] = Counter()
    walls: dict[tuple[int, int], datetime] = {}
    while day <= last:
        if looked[day.month] < DAYS_A_MONTH and expression.matches(day):
            looked[day.month] += 1
            for occurrence, _ in expression.on(day, tz):
                walls.setdefault((day.month, occurrence.wall.hour), occurrence.wall)
        day += timedelta(days=1)
    return list(walls.values())
