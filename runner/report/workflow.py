"""Workflow commands of GitHub Actions: text that may come from anyone, made harmless."""

from __future__ import annotations

from .terminal import clean

MAX_ANNOTATIONS = 10
"""How many annotations of a level GitHub shows for one step."""


def data(text: str) -> str:
    """The message of a workflow command; line breaks survive, other control does not."""
    return "%0A".join(clean(line).replace("%", "%25") for line in text.split("\n"))


def property_value(text: str) -> str:
    """A property of a workflow command."""
    return clean(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
