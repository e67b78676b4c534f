"""What the doctor found, and what helps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..model.views import Check
from . import words
from .flow import Piece
from .jsontext import dump
from .page import Page
from .terminal import PLAIN, Screen


def text(checks: Sequence[Check], screen: Screen = PLAIN) -> str:
    """One entry a check, what helps below it, and a line that sums up."""
    page = Page(screen)
    for check in checks:
        sign = Piece(words.SIGNS[check.state], words.STYLES[check.state])
        page.text(Piece(check.name + ":", "bold"), check.message, sign=sign)
        if check.mend and check.state != "ok":
            page.text(check.mend, indent=2, sign="→")
    page.blank()
    page.text(Piece(closing(checks), "bold"))
    return str(page)


def closing(checks: Sequence[Check]) -> str:
    """``1 error, 2 warnings``, or ``all well: 8 checks``."""
    states = [check.state for check in checks]
    if set(states) <= {"ok"}:
        return f"all well: {words.plural(len(checks), 'check')}"
    unknown = states.count("unknown")
    parts = [words.named({level: states.count(level) for level in ("error", "warning")})]
    parts += [f"{unknown} could not be checked"] if unknown else []
    return ", ".join(part for part in parts if part)


def as_json(checks: Sequence[Check], screen: Screen = PLAIN) -> str:
    """``checks``: name, state, message, mend."""
    return dump(
        {
            "checks": [
                {
                    "name": check.name,
                    "state": check.state,
                    "message": check.message,
                    "mend": check.mend,
                }
                for check in checks
            ]
        }
    )


FORMATS: Mapping[str, Callable[[Sequence[Check], Screen], str]] = {"text": text, "json": as_json}
