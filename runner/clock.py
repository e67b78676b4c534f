"""The only place that reads the time, waits, and hears that the run should stop."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock, or one that started at ``start`` (``--now``) and ticks on from there."""

    def __init__(self, start: datetime | None = None) -> None:
        self._shift = timedelta() if start is None else start - datetime.now(UTC)
        self._stop = threading.Event()

    def now(self) -> datetime:
        """The present instant, in UTC, aware."""
        return datetime.now(UTC) + self._shift

    def sleep(self, seconds: float) -> None:
        """Wait ``seconds``, or until a stop is asked for."""
        self._stop.wait(max(0.0, seconds))

    def pause(self, seconds: float) -> None:
        """Wait ``seconds``, also while stopping: what is being settled must have its time."""
        time.sleep(max(0.0, seconds))

    @property
    def stopping(self) -> bool:
        """True once SIGINT or SIGTERM asked the run to settle and end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask for the end; wakes every sleeper."""
        self._stop.set()
