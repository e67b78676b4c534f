"""What a run does, while it does it: bars on a terminal, log lines elsewhere.  Always on stderr.

Only numbers, job ids and codes are ever written: whatever else an event carries is dropped.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from ..ports import Observer
from .terminal import clean

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

_ALLOWED = frozenset(
    {"due", "job", "count", "sent", "failed", "in_doubt", "released"}
    | {"suppressed", "doubted", "seconds", "code"}
)


class Watch(Observer, Protocol):
    """An observer that is closed when the run is over."""

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


def observer(environ: Mapping[str, str], stderr: TextIO | None = None) -> Watch:
    """Bars where someone looks at a terminal, log lines otherwise.

    ``SENDOFF_LOG``: ``json`` or ``text`` for log lines whatever stderr is.
    """
    stream = stderr or sys.stderr
    wish = environ.get("SENDOFF_LOG", "").lower()
    if wish in ("json", "text") or not _someone_looks(stream, environ):
        return LogObserver(stream, as_json=wish == "json")
    # only for those who look
    from rich.console import Console  # noqa: PLC0415

    from .bars import BarObserver  # noqa: PLC0415

    return BarObserver(Console(file=stream, no_color="NO_COLOR" in environ, highlight=False))


def _someone_looks(stream: TextIO, environ: Mapping[str, str]) -> bool:
    return stream.isatty() and environ.get("TERM") != "dumb" and not environ.get("CI")


def harmless(details: Mapping[str, object]) -> dict[str, object]:
    """Numbers as they are, words cleaned, everything that is not expected left out."""
    return {
        name: value if isinstance(value, int | float) else clean(str(value))
        for name, value in details.items()
        if name in _ALLOWED
    }


class LogObserver:
    """One line an event: ``level=info event=settled job=invite/main sent=100``."""

    def __init__(self, stream: TextIO, *, as_json: bool = False) -> None:
        self._stream = stream
        self._as_json = as_json

    def event(self, name: str, **details: object) -> None:
        """One thing that happened; that nothing is due is left to the summary."""
        fields = harmless(details)
        if name == "planned" and not fields.get("due"):
            return
        bad = (
            name in ("raced", "held", "old_list", "bounced")
            or fields.get("failed")
            or fields.get("in_doubt")
        )
        write = self._log.warning if bad else self._log.info
        write(name, **fields)

    def close(self) -> None:
        """Nothing to put away."""

    @cached_property
    def _log(self) -> Any:
        # made at the first line: to import it takes as long as a run with nothing to do
        import structlog  # noqa: PLC0415

        renderer = (
            structlog.processors.JSONRenderer()
            if self._as_json
            else structlog.processors.LogfmtRenderer()
        )
        return structlog.wrap_logger(
            structlog.WriteLogger(self._stream), processors=[_level_first, renderer]
        )


def _level_first(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {"level": method, "event": event.pop("event"), **event}
