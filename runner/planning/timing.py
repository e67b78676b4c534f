"""When a step is due for a contact: its nominal time, before pacing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from ..dataclass import dataclass
from ..model.campaign import RECIPIENT, Delay
from ..timetable import zones

# no zone is further from UTC than these
EARLIEST_OFFSET = timedelta(hours=14)
LATEST_OFFSET = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Timing:
    """A start, a zone and a delay.

    ``start`` is naive (wall clock in ``zone``) or aware (an instant).  ``zone`` may be
    ``recipient``: each contact's own, ``fallback`` where it has none.  ``second`` means the
    second showing of a wall-clock time that occurs twice.
    """

    start: datetime
    zone: str
    fallback: str = ""
    delay: Delay = Delay()
    second: bool = False

    @property
    def by_recipient(self) -> bool:
        """True when contacts in different zones get it at different instants."""
        return self.zone == RECIPIENT

    def zone_name(self, contact_zone: str) -> str:
        """The zone whose clock counts for a contact with this ``timezone`` field."""
        if not self.by_recipient:
            return self.zone
        return contact_zone or self.fallback or "UTC"

    def nominal(self, contact_zone: str) -> int:
        """The nominal time for a contact (epoch seconds)."""
        tz = zones.zone(self.zone_name(contact_zone))
        start = self.start
        if start.tzinfo is not None:
            due = zones.add_days(start.astimezone(UTC), self.delay.days, tz)
        elif self.second and not self.delay.days:
            due = zones.both(start, tz)[-1]
        else:
            # from the wall clock, not from the instant: a start inside a gap must not shift
            # the days that follow
            due = zones.resolve(start + timedelta(days=self.delay.days), tz)
        return int((due + self.delay.exact).timestamp())

    def after(self, enrolled: datetime, contact_zone: str) -> int:
        """The nominal time for a contact that joined at ``enrolled`` (epoch seconds)."""
        tz = zones.zone(self.zone_name(contact_zone))
        return int((zones.add_days(enrolled, self.delay.days, tz) + self.delay.exact).timestamp())

    def window(self) -> tuple[int, int]:
        """The earliest and the latest nominal time that any contact can have."""
        if not self.by_recipient:
            nominal = self.nominal("")
            return nominal, nominal
        wall = self.start.replace(tzinfo=UTC) + timedelta(days=self.delay.days) + self.delay.exact
        return int((wall - EARLIEST_OFFSET).timestamp()), int((wall + LATEST_OFFSET).timestamp())


def nominal_by_zone(timing: Timing) -> Callable[[str], int]:
    """``timing.nominal`` remembered by zone: a million contacts live in a few hundred."""
    return cache(timing.nominal)


def zone_of(timing: Timing, default: str) -> ZoneInfo:
    """The zone in which people read this job's times."""
    return zones.zone(default if timing.by_recipient else timing.zone)
