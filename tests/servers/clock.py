"""A clock that stands still until somebody sleeps."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

NOON = datetime(2025, 10, 20, 12, 0, tzinfo=UTC)


class StillClock:
    """``sleep`` moves ``now`` on at once and remembers how long; safe in several threads."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._left: int | None = None
        self.slept: list[float] = []
        self.stopped = False

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += timedelta(seconds=max(0.0, seconds))
            self.slept.append(seconds)

    def stop_after(self, looks: int) -> None:
        """``stopping`` is to say False this many times, and then True."""
        with self._lock:
            self._left = looks

    @property
    def stopping(self) -> bool:
        with self._lock:
            if self._left is not None:
                self._left -= 1
                if self._left < 0:
                    self.stopped = True
            return self.stopped
