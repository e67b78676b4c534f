"""What a database gives, as the text that a CSV file would hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from typing import Any, BinaryIO
from uuid import UUID

_CAST = "select it as text, or leave it out"
_WORDS: dict[type, str] = {
    bytes: "bytes",
    bytearray: "bytes",
    memoryview: "bytes",
    list: "an array or JSON",
    tuple: "a row or an array",
    dict: "JSON",
}


_AS_IT_IS = {str, int, float, type(None)}
"""The types that ``csv`` itself writes as they are wanted here."""


class NotText(Exception):
    """A value for which there is no one way to write it; names its column and never the value."""

    def __init__(self, column: str, kind: type) -> None:
        what = _WORDS.get(kind, f"a value of the type {kind.__name__}")
        super().__init__(f"the column {column!r} holds {what}")
        self.hint = _CAST


class RowWriter:
    """Writes rows to ``sink`` as CSV in UTF-8, a block at a time; ``rows`` counts them."""

    def __init__(self, sink: BinaryIO, columns: Sequence[str]) -> None:
        self.rows = 0
        self._sink = sink
        self._columns = columns
        self._write([list(columns)])

    def write(self, block: Iterable[Sequence[Any]]) -> None:
        """Add rows.  Raises NotText."""
        rows = list(block)
        if not set(map(type, chain.from_iterable(rows))) <= _AS_IT_IS:
            rows = [self._written(row) for row in rows]
        self._write(rows)
        self.rows += len(rows)

    def _write(self, rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO(newline="")
        # with this end of a line, a value that holds either of its characters is quoted
        csv.writer(text, lineterminator="\r\n").writerows(rows)
        self._sink.write(text.getvalue().encode())

    def _written(self, row: Sequence[Any]) -> list[str]:
        try:
            return [_TEXT[value.__class__](value) for value in row]
        except KeyError:
            return [_slowly(value, name) for value, name in zip(row, self._columns, strict=True)]


def _slowly(value: Any, column: str) -> str:
    """The same for subclasses of what is known, as drivers have them."""
    for kind, write in _TEXT.items():
        if isinstance(value, kind):
            return write(value)
    raise NotText(column, value.__class__)


def _decimal(value: Decimal) -> str:
    """All digits and no exponent, with the zeros that the column has."""
    return format(value, "f")


_TEXT: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "",
    str: str,
    # before int: a bool is one
    bool: lambda value: "true" if value else "false",
    int: str,
    float: repr,
    Decimal: _decimal,
    # before date: a datetime is one
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    UUID: str,
}
