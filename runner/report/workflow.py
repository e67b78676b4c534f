"""Workflow commands of GitHub Actions: text that may come from anyone, made harmless."""

from __future__ import annotations

from collections.abc import Sequence

from .terminal import clean
from .words import plural

MAX_ANNOTATIONS = 10
"""How many annotations of a level GitHub shows for one step."""


def data(text: str) -> str:
    """The message of a workflow command; line breaks survive, other control does not."""
    return "%0A".join(clean(line).replace("%", "%25") for line in text.split("\n"))


def property_value(text: str) -> str:
    """A property of a workflow command."""
    return clean(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


def limited(commands: Sequence[str], level: str, see: str) -> list[str]:
    """As many commands of one level as are shown; the last one then says how many are not."""
    if len(commands) <= MAX_ANNOTATIONS:
        return list(commands)
    shown = commands[: MAX_ANNOTATIONS - 1]
    more = plural(len(commands) - len(shown), f"more {level}")
    return [*shown, f"::{level}::+{more}, {see}"]
