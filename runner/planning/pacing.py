"""Send times: one after the other, never more than the cap in any rolling hour."""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Iterable

from ..model.settings import Pacing

HOUR = 3600


class Pacer:
    """Gives out send times in order.

    ``recent`` are the send times (epoch seconds) of what a campaign sent in the last hour or has
    already handed over for later; new times come after them, so that a cap that spans runs and
    crashes needs no memory but the ledger.
    """

    def __init__(self, pacing: Pacing, recent: Iterable[int] = ()) -> None:
        self._delay = float(pacing.delay_seconds)
        self._cap = pacing.max_per_hour
        self._free = pacing.free
        past = [] if self._free else sorted(recent)
        self._last: float = past[-1] if past else -math.inf
        self._window: deque[int] = deque(past[-self._cap :] if self._cap else (), self._cap or 0)

    def next(self, earliest: float) -> float:
        """The next time that is not before ``earliest``, to a fraction of a second."""
        exact = max(earliest, self._last + self._delay)
        if self._cap is not None and len(self._window) == self._cap:
            # an hour after the one that is `cap` sends ago, so that no hour holds cap + 1
            exact = max(exact, float(self._window[0] + HOUR))
        return exact

    def book(self, exact: float) -> int:
        """One goes at this time, which ``next`` has given; the whole second of it."""
        self._last = exact
        time = math.floor(exact)
        if self._cap is not None:
            self._window.append(time)
        return time

    def take(self, earliest: int) -> int:
        """The next send time that is not before ``earliest``; call in order of ``earliest``."""
        return earliest if self._free else self.book(self.next(float(earliest)))

    def fill(self, earliest: int, count: int) -> array[int]:
        """``take``, ``count`` times."""
        if self._free:
            return array("q", [earliest]) * count
        if self._cap is not None:
            return array("q", (self.take(earliest) for _ in range(count)))
        start, delay = max(float(earliest), self._last + self._delay), self._delay
        if count:
            self._last = start + delay * (count - 1)
        if delay.is_integer() and start.is_integer():
            return array("q", range(int(start), int(start) + int(delay) * count, int(delay)))
        return array("q", (math.floor(start + delay * n) for n in range(count)))


def span(pacing: Pacing, count: int) -> int:
    """How long ``count`` mails take at this pace (seconds), for lateness and estimates."""
    by_delay = pacing.delay_seconds * max(0, count - 1)
    hours = (count - 1) // pacing.max_per_hour if pacing.max_per_hour and count else 0
    return math.ceil(max(by_delay, hours * HOUR))
