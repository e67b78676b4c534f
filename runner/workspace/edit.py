"""Changing one line of a file that people wrote, and nothing else in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from ..dataclass import dataclass
from .document import parse

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_/-]*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_AFTER = ("name", "id", "version")
"""A new key goes below the first of these that there is."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A top-level key and its value, as places in the text (characters)."""

    key: str
    key_start: int
    start: int
    end: int
    style: str | None
    scalar: bool


def set_key(text: str, key: str, value: str) -> str:
    """``text`` with the top-level ``key`` set to ``value``; every other character stays.

    The key is added when there is none.  Raises InputError when the text is not one YAML
    mapping, ValueError when the key's value is more than a word or a text of one line.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text.removeprefix("\ufeff")
    before = _mapping(body)
    entries = list(_entries(body))
    found = next((entry for entry in entries if entry.key == key), None)
    changed = _replaced(body, found, value) if found else _added(body, entries, key, value)
    if _mapping(changed) != {**before, key: value}:
        raise ValueError(f"{key} cannot be changed here; change it by hand")
    return mark + changed


def _mapping(text: str) -> dict[str, Any]:
    data = parse(text, "this file").root.data
    if not isinstance(data, dict):
        raise ValueError("this is not a mapping (name: value)")
    return data


def _entries(text: str) -> Iterator[_Entry]:
    """The entries of the top-level mapping, in order."""
    depth, key = 0, None
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        opens = isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent))
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        elif depth == 1 and isinstance(event, yaml.NodeEvent):
            if key is None and isinstance(event, yaml.ScalarEvent):
                key = (event.value, _index(event.start_mark))
            elif key is not None:
                yield _entry(key, event)
                key = None
        depth += opens


def _index(mark: Any) -> int:
    return int(mark.index) if mark is not None else 0


def _entry(key: tuple[str, int], event: yaml.NodeEvent) -> _Entry:
    scalar = isinstance(event, yaml.ScalarEvent)
    style = event.style if isinstance(event, yaml.ScalarEvent) else None
    return _Entry(key[0], key[1], _index(event.start_mark), _index(event.end_mark), style, scalar)


def _replaced(text: str, entry: _Entry, value: str) -> str:
    old = text[entry.start : entry.end]
    if not entry.scalar or entry.style in ("|", ">") or "\n" in old or old.startswith("&"):
        raise ValueError(f"{entry.key} holds more than a word; change it by hand")
    space = " " if entry.start == entry.end and text[entry.start - 1] == ":" else ""
    return text[: entry.start] + space + _written(value, entry.style) + text[entry.end :]


def _written(value: str, style: str | None = None) -> str:
    """``value`` as YAML, in the quotes that were there."""
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    if style == '"' or not _PLAIN.fullmatch(value) or value.lower() in _WORDS:
        return json.dumps(value, ensure_ascii=False)
    return value


def _added(text: str, entries: list[_Entry], key: str, value: str) -> str:
    line = f"{_written(key)}: {_written(value)}"
    if text.lstrip().startswith("{") or not entries:
        opening = text.index("{") + 1
        return text[:opening] + line + (", " if entries else "") + text[opening:]
    ending = "\r\n" if "\r\n" in text else "\n"
    above = _above(text, entries)
    if above is None:
        start = entries[0].key_start
        indent = text[text.rfind("\n", 0, start) + 1 : start]
        return text[:start] + line + ending + indent + text[start:]
    indent = " " * (above.key_start - text.rfind("\n", 0, above.key_start) - 1)
    stop = text.find("\n", above.end)
    if stop < 0:
        return text + ending + indent + line
    return text[: stop + 1] + indent + line + ending + text[stop + 1 :]


def _above(text: str, entries: list[_Entry]) -> _Entry | None:
    """The entry below which a new one reads best: one line, no block."""
    for name in _AFTER:
        for entry in entries:
            one_line = "\n" not in text[entry.key_start : entry.end]
            if entry.key == name and entry.scalar and one_line:
                return entry
    return None
