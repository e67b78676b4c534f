"""Times as people type them, and what they come to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from ..dataclass import dataclass
from ..model.campaign import RECIPIENT, Delay
from ..model.settings import Lateness
from ..report import times, words
from ..timetable import cron, zones
from ..workspace.values import delay as delay_of
from ..workspace.values import moment
from .questions import Refused

EXAMPLE = "2025-10-20 09:00"
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?( ?(Z|[+-][0-9]{2}:?[0-9]{2}))?"
)
_NEARLY = re.compile(
    r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[T, ]+([0-9]{1,2})(?:[:.h]?([0-9]{2}))?)?"
)
_DELAY = re.compile(r"([0-9]{1,4}w)?([0-9]{1,5}d)?([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,8}s)?")
FIRST_YEAR, LAST_YEAR = 2000, 2100
LONGEST = timedelta(days=3650)
FAR = timedelta(days=366 * 41)
OCCURRENCES = 3


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone of a schedule.  For ``recipient``: ``fallback``, and how many contacts live in
    which zone ('' for not known)."""

    name: str
    fallback: str = ""
    counts: Mapping[str, int] | None = None

    @property
    def is_recipient(self) -> bool:
        return self.name == RECIPIENT

    @property
    def reading(self) -> ZoneInfo:
        """The zone in which times are shown."""
        return zones.zone(self.fallback if self.is_recipient else self.name)

    def all(self) -> dict[ZoneInfo, int]:
        """Every zone that counts, with its contacts."""
        if not self.is_recipient:
            return {self.reading: 0}
        found: dict[ZoneInfo, int] = {}
        for name, count in (self.counts or {}).items():
            zone = zones.zone(name or self.fallback)
            found[zone] = found.get(zone, 0) + count
        return found or {self.reading: 0}


def zone_name(text: str) -> str:
    """An IANA name.  Refuses others, with what may have been meant."""
    try:
        zones.zone(text)
    except LookupError:
        near = zones.suggest(text)
        more = "Did you mean:" if near else "Zones are named like America/Chicago."
        raise Refused(f"There is no time zone “{text}”. {more}", near) from None
    return text


def wall_time(text: str) -> datetime:
    """A date and time of day, with an offset or without; refuses what else there is."""
    if not _MOMENT.fullmatch(text):
        near = _nearly(text)
        raise Refused(
            f"Please write date and time of day like {EXAMPLE}."
            + (" Did you mean:" if near else ""),
            near,
        )
    try:
        found = moment(text)
    except ValueError as error:
        raise Refused(f"{error}. Please look at the calendar.") from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise Refused(f"The year {found.year} is too far away.")
    return found


def _nearly(text: str) -> list[str]:
    match = _NEARLY.fullmatch(text.strip())
    if match is None:
        return []
    year, month, day, hour, minute = match.groups()
    guess = f"{year}-{int(month):02}-{int(day):02} {int(hour or 9):02}:{minute or '00'}"
    try:
        wall_time(guess)
    except Refused:
        return []
    return [guess]


def delay(text: str) -> Delay:
    """A delay as the file takes it: ``3d``, ``4h``, a bare number is days."""
    is_days = text.isascii() and text.isdigit() and len(text) <= 4
    if not is_days and (len(text) < 2 or not _DELAY.fullmatch(text)):
        raise Refused("Please write a length of time like 3d, 2w, 4h, 90m or 1d12h.")
    found = delay_of(int(text) if is_days else text)
    if length(found) > LONGEST:
        raise Refused("That is more than ten years.")
    return found


def length(written: Delay) -> timedelta:
    """How long a delay is, by and large: for comparing."""
    return timedelta(days=written.days) + written.exact


def instants(wall: datetime, zone: Zone) -> list[tuple[datetime, int]]:
    """When that is, in order, with how many contacts get it then."""
    return sorted((zones.resolve(wall, tz), count) for tz, count in zone.all().items())


def first_send(wall: datetime, zone: Zone, now: datetime) -> str:
    """``First send at Mon 20 Oct 2025 09:00 CDT (UTC-05:00), in 3 days``."""
    found = instants(wall, zone)
    first, last = found[0][0], found[-1][0]
    text = f"First send at {times.when(first, zone.reading)}, {times.relative(first, now)}"
    if first != last:
        text += f"; the last time zone at {times.when(last, zone.reading)}"
    return f"{text}."


def oddity(wall: datetime, zone: Zone) -> str:
    """What the clocks do to this time; '' for nothing."""
    if wall.tzinfo is not None:
        return ""
    odd = [tz for tz in zone.all() if len(zones.both(wall, tz)) != 1]
    if not odd:
        return ""
    tz, *more = odd
    also = f" (and in {words.plural(len(more), 'other zone')})" if more else ""
    if zones.both(wall, tz):
        return f"The clocks show {times.wall(wall)} twice in {tz.key}{also}: the first is meant."
    moved = times.clock(zones.resolve(wall, tz).astimezone(tz))
    return f"The clocks skip {times.wall(wall)} in {tz.key}{also}: it is sent at {moved}."


def lateness_of(wall: datetime, zone: Zone, now: datetime, lateness: Lateness) -> str:
    """What becomes of a time that is past, at least for some; '' for one that is to come."""
    found = instants(wall, zone)
    past = [(at, count) for at, count in found if at <= now]
    if not past:
        return ""
    whom = ""
    if len(past) < len(found):
        whom = f" for {words.plural(sum(count for _, count in past), 'contact')}"
    if all(now - at <= lateness.expires_after for at, _ in past):
        then = "the next run sends at once"
    else:
        then = {
            "hold": "it counts as missed, and is held until someone decides",
            "send": "the next run sends it late",
            "skip": "it counts as missed, and is not sent",
        }[lateness.on_missed]
    return f"That time is past{whom}: {then}."


def occurrences(
    expression: str, zone: Zone, after: datetime, until: datetime | None = None
) -> list[datetime]:
    """The next few firings, as instants."""
    tz = zone.reading
    end = after + FAR if until is None else zones.resolve(until, tz)
    found = _between(cron.parse(expression), tz, after, end)
    return list(islice(found, OCCURRENCES))


def _between(parsed: cron.Cron, tz: ZoneInfo, after: datetime, end: datetime) -> Iterator[datetime]:
    if end > after:
        yield from (at for _, at in parsed.between(tz, after, end) if at > after)


def _nearly_day(year: int, month: int, day: int) -> list[str]:
    try:
        return [date(year, month, day).isoformat()]
    except ValueError:
        return []


def at_end(text: str) -> datetime:
    """The last moment of a recurring campaign: a date means the end of that day."""
    if len(text) <= len("2025-10-20"):
        match = _NEARLY.fullmatch(text)
        if match is None:
            raise Refused("Please write a date like 2026-06-30.")
        year, month, day = (int(part) for part in match.groups()[:3])
        if text != f"{year:04}-{month:02}-{day:02}":
            raise Refused("Please write a date like 2026-06-30.", _nearly_day(year, month, day))
        text = f"{text} 23:59:59"
    found = wall_time(text)
    if found.tzinfo is not None:
        raise Refused("Please leave the offset out: the campaign's time zone counts.")
    return found


def later(start: datetime, written: Delay, zone: Zone) -> datetime:
    """When a step of a drip that starts at ``start`` (an instant) is due."""
    return zones.add_days(start, written.days, zone.reading) + written.exact
