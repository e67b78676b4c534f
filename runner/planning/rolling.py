"""How many may leave: in any rolling stretch of time, and on any day."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..model.settings import WarmUp
from ..timetable import zones
from .pacing import HOUR

FORGET = 10_000
"""How many times that no longer count are kept before they are thrown away."""

ANY = 1 << 30
"""More than anybody sends at a time."""


def blocked_until(times: Sequence[int], moment: int, cap: int, length: int, start: int = 0) -> int:
    """When, at the earliest, one more may go, judging by the times (sorted, from ``start`` on)
    around ``moment``; ``moment`` itself when it may go now.

    One more than ``cap`` within less than ``length`` is too many, whether they went before or are
    handed over for later.
    """
    low = bisect_right(times, moment - length, start)
    high = bisect_left(times, moment + length, low)
    if high - low < cap:
        return moment
    here = bisect_right(times, moment, low, high)
    # neighbours, `cap` of them, that would be one too many together with this one: the last such
    # group keeps it waiting the longest
    for first in range(min(here, high - cap), low - 1, -1):
        last = max(times[first + cap - 1], moment)
        if last - min(times[first], moment) < length:
            return max(times[first] + length, moment + 1)
    return moment


class Rolling:
    """At most ``cap`` in any stretch of ``length`` seconds; asked in order of time."""

    def __init__(self, cap: int, past: Iterable[int] = (), length: int = HOUR) -> None:
        self._cap = cap
        self._length = length
        self._times = array("q", sorted(past))
        self._start = 0

    def next(self, moment: int) -> int:
        """The first time from ``moment`` on at which one more may go."""
        self._forget(moment)
        while True:
            free = blocked_until(self._times, moment, self._cap, self._length, self._start)
            if free == moment:
                return moment
            moment = free

    def room(self, moment: int) -> int:
        """How many may go at this time, which ``next`` has given: at least so many."""
        if self._times and self._times[-1] > moment:
            return 1
        return self._cap - (len(self._times) - self._start)

    def book(self, moment: int, count: int = 1) -> None:
        """So many go at this time."""
        if not self._times or moment >= self._times[-1]:
            self._times.extend(array("q", [moment]) * count)
            return
        place = bisect_right(self._times, moment, self._start)
        self._times[place:place] = array("q", [moment]) * count

    def _forget(self, moment: int) -> None:
        self._start = bisect_right(self._times, moment - self._length, self._start)
        if self._start > FORGET:
            del self._times[: self._start]
            self._start = 0

    def span(self, count: int) -> int:
        """How long ``count`` take (seconds), when nothing else goes."""
        return (count - 1) // self._cap * self._length if count else 0


class Daily:
    """At most as many a day as a table says, by the clock of one zone."""

    def __init__(self, warm_up: WarmUp, tz: ZoneInfo, past: Iterable[int] = ()) -> None:
        self._warm_up = warm_up
        self._tz = tz
        self._minute = -1
        self._day = date.min
        self._sent: Counter[date] = Counter()
        for moment in sorted(past):
            self.book(moment)

    def next(self, moment: int) -> int:
        """The first time from ``moment`` on at which one more may go."""
        while self._full(self._on(moment)):
            moment = tomorrow(moment, self._tz)
        return moment

    def _full(self, day: date) -> bool:
        volume = self._warm_up.volume(day)
        return volume is not None and self._sent[day] >= volume

    def room(self, moment: int) -> int:
        """How many may go at this time."""
        day = self._on(moment)
        volume = self._warm_up.volume(day)
        return ANY if volume is None else volume - self._sent[day]

    def book(self, moment: int, count: int = 1) -> None:
        """So many go at this time."""
        self._sent[self._on(moment)] += count

    def _on(self, moment: int) -> date:
        """The day that the clock shows."""
        # zones differ from UTC by whole minutes
        if moment // 60 != self._minute:
            self._minute = moment // 60
            self._day = datetime.fromtimestamp(moment, self._tz).date()
        return self._day

    def span(self, count: int, start: int) -> int:
        """How long ``count`` take from ``start`` on (seconds), when nothing else goes."""
        moment, left = start, count
        while left > 0:
            volume = self._warm_up.volume(self._on(moment))
            if volume is None or volume >= left:
                return moment - start
            moment, left = tomorrow(moment, self._tz), left - volume
        return 0


def tomorrow(moment: int, tz: ZoneInfo) -> int:
    """When the next day begins (epoch seconds)."""
    day = datetime.fromtimestamp(moment, tz).date() + timedelta(days=1)
    midnight = datetime.combine(day, datetime.min.time())
    # where the clock goes back over midnight, it comes twice
    shown = (zones.resolve(midnight, tz), *zones.both(midnight, tz))
    return min((int(i.timestamp()) for i in shown if i.timestamp() > moment), default=moment + 60)
