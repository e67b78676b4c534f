"""What a run does, while it does it: bars on a terminal, log lines elsewhere.  Always on stderr.

Only numbers, job ids and codes are ever written: whatever else an event carries is dropped.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TextIO

from ..ports import Observer
from .terminal import clean

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

_ALLOWED = frozenset(
    {"due", "job", "count", "sent", "failed", "in_doubt", "released", "seconds", "code"}
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
        # not at the top: it takes as long to import as everything else together
        import structlog  # noqa: PLC0415

        renderer = (
            structlog.processors.JSONRenderer(sort_keys=False)
            if as_json
            else structlog.processors.LogfmtRenderer(key_order=["level", "event", "job"])
        )
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(stream), processors=[_level_first, renderer]
        )

    def event(self, name: str, **details: object) -> None:
        """One thing that happened."""
        fields = harmless(details)
        bad = name in ("raced", "held") or fields.get("failed") or fields.get("in_doubt")
        write = self._log.warning if bad else self._log.info
        write(name, **fields)

    def close(self) -> None:
        """Nothing to put away."""


def _level_first(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {"level": method, **event}
