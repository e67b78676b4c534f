"""Quiet hours and days: when a contact may be mailed, by the clock on the wall where it is."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ..model.campaign import RECIPIENT, Campaign
from ..model.settings import Quiet
from ..timetable import zones
from .columns import Constant, Times

DAY = 86400
STEP = 900
"""Seconds: how finely time outside the quiet time is counted."""
GRACE = 3600
"""Seconds after the quiet time in which what had to wait for its end is not late: a run may come
once an hour."""
_ONE_DAY = timedelta(days=1)
_LONGEST = 4000
"""More stretches of quiet time in a row than any calendar has."""


class QuietZone:
    """The quiet time on the clocks of one zone."""

    def __init__(self, quiet: Quiet, tz: ZoneInfo) -> None:
        self._quiet = quiet
        self._tz = tz
        self._ends: dict[int, int] = {}

    def end(self, moment: int) -> int:
        """The first time from ``moment`` on that is not quiet (epoch seconds)."""
        # zones differ from UTC by whole minutes, and so does the quiet time begin and end
        minute = moment // 60
        found = self._ends.get(minute)
        if found is None:
            begin = minute * 60
            end = self._end(begin)
            self._ends[minute] = found = end if end > begin else 0
        return found or moment

    def _end(self, moment: int) -> int:
        for _ in range(_LONGEST):
            wall = datetime.fromtimestamp(moment, self._tz).replace(tzinfo=None)
            until = self._until(wall)
            if until is None:
                return moment
            # where the clock went back, the end may have been shown once already
            shown = (zones.resolve(until, self._tz), *zones.both(until, self._tz))
            later = [int(i.timestamp()) for i in shown if i.timestamp() > moment]
            moment = min(later, default=moment + 60)
        return moment

    def _until(self, wall: datetime) -> datetime | None:
        """What the clock will show when the quiet time that it shows now is over."""
        if self.is_quiet(wall.date()):
            return datetime.combine(wall.date() + _ONE_DAY, time())
        if self._quiet.hours is None:
            return None
        start, end = self._quiet.hours
        minute = wall.hour * 60 + wall.minute
        inside = start <= minute < end if start < end else minute >= start or minute < end
        if not inside:
            return None
        over_midnight = start > end and minute >= start
        day = wall.date() + _ONE_DAY if over_midnight else wall.date()
        return datetime.combine(day, time(end // 60, end % 60))

    def is_quiet(self, day: date) -> bool:
        """Whether nothing is sent on this day."""
        if day.weekday() in self._quiet.days:
            return True
        dates = self._quiet.dates
        return (day.year, day.month, day.day) in dates or (0, day.month, day.day) in dates

    def after(self, start: int, seconds: int) -> int:
        """When so many seconds outside the quiet time have passed since ``start``."""
        moment, left = self.end(start), seconds
        while left > 0:
            moment += min(STEP, left)
            left -= STEP
            moment = self.end(moment)
        return moment


class Quietness:
    """The quiet time of one campaign, for contacts wherever they are."""

    def __init__(self, quiet: Quiet, zone: str) -> None:
        self.quiet = quiet
        self._default = zone
        self._zones: dict[str, QuietZone] = {}

    @classmethod
    def of(cls, campaign: Campaign) -> Quietness | None:
        """A campaign's, None when its contacts always may be mailed.

        Contacts without a zone of their own go by the campaign's.
        """
        if campaign.quiet is None:
            return None
        schedule = campaign.schedule
        own = schedule.timezone if schedule.timezone != RECIPIENT else ""
        return cls(campaign.quiet, own or getattr(schedule, "fallback_timezone", "") or "UTC")

    def zone(self, name: str) -> QuietZone:
        """The clocks of one zone; '' for contacts without one."""
        found = self._zones.get(name)
        if found is None:
            found = QuietZone(self.quiet, zones.zone(name or self._default))
            self._zones[name] = found
        return found

    def end(self, moment: int, zone: str) -> int:
        """The first time from ``moment`` on at which a contact may be mailed; 0 stays none."""
        return self.zone(zone).end(moment) if moment else 0

    def too_long(self, moment: int, zone: str) -> bool:
        """Whether the end of the quiet time is further away than people want to wait."""
        return self.end(moment, zone) - moment > self.quiet.max_deferral.total_seconds()

    def deadline(self, moment: int, zone: str, paced: int, allowed: int) -> int:
        """Until when a mail that is due at ``moment`` is not late: the ``paced`` seconds that the
        mails before it may take pass outside the quiet time only."""
        clock = self.zone(zone)
        late = clock.after(moment, paced) + allowed
        end = clock.end(late)
        return late if end == late else end + GRACE


def by_pairs(times: Times, zones_: Sequence[str], change: Callable[[int, str], int]) -> Times:
    """Every time changed by what it is and by its contact's zone; 0 stays none."""
    pairs = zip(times, zones_, strict=True)
    known = {pair: change(*pair) if pair[0] else 0 for pair in set(pairs)}
    if len(set(known.values())) == 1 and isinstance(times, Constant):
        return Constant(next(iter(known.values())), len(times))
    return array("q", map(known.__getitem__, zip(times, zones_, strict=True)))
