"""An end for waiting: a database may be slow, frozen, or gone without a word."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from ...ports import Clock

_LOOK = 0.5
"""Seconds between two looks at whether the run must end."""
_AGAIN = 0.05


class TimeIsOver(Exception):
    """The connection was cut, since the time was over or the run must end."""


class Watch:
    """Cuts the connection it is bound to when ``seconds`` are over, or ``clock`` is stopping.

    What the driver then raises comes out as TimeIsOver.  A driver that shows neither a socket nor
    a way to be interrupted cannot be cut: there ``check`` must be called now and then.
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds = seconds
        self._clock = clock
        self._done = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._driver: Any = None
        self._line: socket.socket | None = None
        self._thread = threading.Thread(target=self._wait, daemon=True)

    def bind(self, driver: Any, _record: object = None) -> None:
        """``driver`` is the driver's own connection; one that comes too late is cut at once."""
        with self._lock:
            self._driver = driver
            if hasattr(driver, "fileno"):
                # a handle of our own: the driver may close its own, and the number be reused
                self._line = socket.socket(fileno=os.dup(driver.fileno()))

    @property
    def is_over(self) -> bool:
        """True once the time is."""
        return self._over.is_set()

    def check(self) -> None:
        """Raises TimeIsOver when it is."""
        if self.is_over:
            raise TimeIsOver

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        if self._line is not None:
            self._line.close()
        if error is None or isinstance(error, Exception):
            self.check()

    def _wait(self) -> None:
        left = self.seconds
        while left > 0 and not self._clock.stopping:
            if self._done.wait(min(left, _LOOK)):
                return
            left -= _LOOK
        self._over.set()
        while True:
            with self._lock:
                self._cut()
            # an interrupt between two statements is forgotten
            if self._done.wait(_AGAIN):
                return

    def _cut(self) -> None:
        with suppress(Exception):  # whatever is wrong with it, it is no longer waited for
            if self._line is not None:
                self._line.shutdown(socket.SHUT_RDWR)
            elif hasattr(self._driver, "interrupt"):
                self._driver.interrupt()
