"""The words in which problems are told: nouns for formats, near misses, safe quoting."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

QUOTED = 60
"""Longer values are not repeated in a message."""

NOUNS = {
    "duration": "a length of time",
    "percent": "a percentage",
    "moment": "a date and time of day",
    "wall_moment": "a date and time of day without an offset",
    "last_moment": "a date, or a date and time of day without an offset",
    "email": "an email address",
    "mailbox": "an address with a name",
    "cron": "five fields: minute, hour, day of month, month, day of week",
    "branch": "a branch name",
    "subject": "a subject of one line",
    "preheader": "a preview of one line",
    "single_line": "text of one line",
}

# What people write who know other tools, or the mission's own names.
SYNONYMS = {
    "contact_list_id": "list",
    "contact_list": "list",
    "audience": "list",
    "template_id": "template",
    "custom_content": "content",
    "send_type": "send",
    "scheduled_for": "at",
    "send_at": "at",
    "date": "at",
    "sequences": "sequence",
    "steps": "sequence",
    "ab_test": "experiment",
    "sender": "from",
    "vars": "variables",
    "segment": "where",
    "filter": "where",
    "body": "html",
    "delay_between": "delay_seconds",
    "start_at": "at",
    "at": "start_at",
    "end_at": "until",
    "tz": "timezone",
    "expires": "expires_after",
    "condition": "only_if",
    "if": "only_if",
    "email": "from",
    "api-key": "api_key",
    "file": "path",
}


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """The name in ``known`` that ``written`` was meant to be, or ''."""
    names = sorted(known)
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", written).replace("-", "_").lower()
    if snake in names:
        return snake
    synonym = SYNONYMS.get(snake, "")
    if synonym in names:
        return synonym
    lowered = {name.lower(): name for name in names}
    close = difflib.get_close_matches(snake, lowered, 1, 0.7)
    return lowered[close[0]] if close else ""


def suggestion(written: str, known: Iterable[str], noun: str = "there are") -> str:
    """A hint: the near miss, else what there is."""
    names = sorted(known)
    near = did_you_mean(written, names)
    if near:
        return f"did you mean {near}?"
    if not names:
        return ""
    more = f", and {len(names) - 12} more" if len(names) > 12 else ""
    return f"{noun}: {', '.join(names[:12])}{more}"


def quoted(value: object) -> str:
    """A value in quotes for a message, or '' when it is long or may hold personal data."""
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "nothing"
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str) or "@" in value or len(value) > QUOTED or not value.isprintable():
        return ""
    return f'"{value}"'


def kind_of(value: object) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the word {quoted(value)}"
    if isinstance(value, (int, float)):
        return f"the number {quoted(value)}"
    if isinstance(value, str):
        return f"the text {quoted(value)}".rstrip() if quoted(value) else "text"
    return "a list" if isinstance(value, list) else "a mapping"


def example(value: object) -> str:
    """An example value as it is written in YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {example(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(example, value)) + "]"
    if isinstance(value, str) and re.search(r"[{}\[\],'#*]|: |^@", value):
        return f'"{value}"'
    return str(value).lower() if isinstance(value, bool) else str(value)
