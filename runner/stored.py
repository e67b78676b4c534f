"""Values of the model as JSON and back, exactly: for a cache, never for people.

One table of values.  A row is a type and its parts; a part that is no plain JSON value is given as
``[n]``, the number of a row above it.  Equal rows are written once: a thousand campaigns share
their sender, their pacing and their list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import import_module
from typing import Any, Final

_HOMES: Final = ("runner.model.", "runner.errors.")
"""Where the types of rows live that are named by a path: data, and nothing that acts."""
_PLAIN: Final = (str, int, float, bool, type(None))


class NotStorableError(Exception):
    """A value that could not be brought back as it is."""


def dump(value: object) -> list[list[Any]]:
    """The table of a value.  Raises NotStorableError."""
    table = _Table()
    table.part([value])
    # a value that counts as equal may not print alike, and prints go into digests
    if repr(restore(table.rows)) != repr(value):
        raise NotStorableError("it would not come back as it was")
    return table.rows


def restore(rows: Sequence[Sequence[Any]]) -> Any:
    """The value of a table that ``dump`` made."""
    values: list[Any] = []
    for kind, *parts in rows:
        found = [values[part[0]] if part.__class__ is list else part for part in parts]
        values.append(_maker(kind)(found))
    return values[-1][0]


class _Table:
    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self._known: dict[str, int] = {}

    def part(self, value: object) -> Any:
        """A value as a part of a row."""
        if isinstance(value, _PLAIN):
            if type(value) not in _PLAIN:
                raise NotStorableError(type(value).__name__)
            return value
        row = self._row(value)
        # what looks alike need not be alike to Python: True is 1 there
        seen = json.dumps(row)
        if seen not in self._known:
            self._known[seen] = len(self.rows)
            self.rows.append(row)
        return [self._known[seen]]

    def _row(self, value: Any) -> list[Any]:
        kind = type(value)
        if is_dataclass(kind):
            name = f"{kind.__module__}.{kind.__qualname__}"
            _model(name)
            return [name, *(self.part(getattr(value, field.name)) for field in fields(value))]
        if kind is dict:
            return ["dict", *(self.part(part) for pair in value.items() for part in pair)]
        if kind in (list, tuple, frozenset):
            parts = sorted(value) if kind is frozenset else value
            return [kind.__name__, *map(self.part, parts)]
        if kind is timedelta:
            return ["timedelta", value.days, value.seconds, value.microseconds]
        if kind is datetime:
            return _moment(value)
        if kind in (date, time):
            return [kind.__name__, value.isoformat()]
        raise NotStorableError(kind.__name__)


def _model(name: str) -> type:
    if not name.startswith(_HOMES):
        raise NotStorableError(name)
    module, _, own = name.rpartition(".")
    kind = getattr(import_module(module), own, None)
    if not isinstance(kind, type) or not is_dataclass(kind):
        raise NotStorableError(name)
    return kind


@cache
def _maker(name: str) -> Callable[[list[Any]], Any]:
    """What makes a value of the parts of a row."""
    if name in _MAKERS:
        return _MAKERS[name]
    kind = _model(name)
    return lambda parts: kind(*parts)


def _moment(value: datetime) -> list[Any]:
    """A time of a named zone is kept with the name: its offset alone would be another zone."""
    name = getattr(value.tzinfo, "key", "")
    text = (value.replace(tzinfo=None) if name else value).isoformat()
    return ["datetime", text, name, value.fold]


def _datetime(parts: list[Any]) -> datetime:
    text, name, fold = parts
    found = datetime.fromisoformat(text).replace(fold=fold)
    if not name:
        return found
    # few times name a zone, and zones take longer to import than all others to read
    from .timetable.zones import zone  # noqa: PLC0415

    return found.replace(tzinfo=zone(name))


def _dict(parts: list[Any]) -> dict[Any, Any]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


_MAKERS: Final[Mapping[str, Callable[[list[Any]], Any]]] = {
    "dict": _dict,
    "list": list,
    "tuple": tuple,
    "frozenset": frozenset,
    "timedelta": lambda parts: timedelta(*parts),
    "date": lambda parts: date.fromisoformat(parts[0]),
    "datetime": _datetime,
    "time": lambda parts: time.fromisoformat(parts[0]),
}
