"""JSON Lines: one object a line, read strictly.

An exporter may leave out what a contact lacks, so the first object need not have every name: the
names are gathered from all lines before the rows are read.  Else an ``opted_out`` that the first
contact has no use for would be a column that nobody sees.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from ...errors import InputError, Problem
from ..findings import Findings
from .decoding import faults
from .raw import RawFile, open_bytes
from .table import BLOCK_ROWS, Block, Table

LONGEST = 1 << 20
"""Bytes of a line."""
MOST_NAMES = 1000
_has_half = re.compile("[\ud800-\udfff]").search
"""What an escape may leave of a character that takes two of them."""
_BOM = b"\xef\xbb\xbf"

Pairs = list[tuple[str, object]]


class _BadLine(Exception):
    """What is wrong with a line, and how to mend it; never what stands in it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@contextmanager
def read_json_lines(raw: RawFile) -> Iterator[Table]:
    """JSON Lines as a table; its header are all names, in the order in which they turn up."""
    findings = Findings()
    path = raw.source.path
    with faults(raw, findings):
        with open_bytes(raw) as data:
            header = tuple(_names(data, path, findings))
        if not header:
            findings.add(Problem(path, 1, 1, "there is no contact", "write an object a line"))
        findings.raise_if_any()
        with open_bytes(raw) as data:
            yield Table(path, header, 1, _blocks(data, header))


def _names(data: BinaryIO, path: str, findings: Findings) -> dict[str, None]:
    """Every name, and every fault of every line."""
    names: dict[str, None] = {}
    for number, line in _lines(data):
        try:
            pairs = _pairs(line)
            names.update(dict.fromkeys(name for name, _ in pairs))
            for name, value in pairs:
                _text(name, value)
            if len(names) > MOST_NAMES:
                raise _BadLine(f"more than {MOST_NAMES:,} different names")
        except _BadLine as error:
            findings.add(Problem(path, number, 1, error.message, error.hint))
            if findings.full or len(names) > MOST_NAMES:
                raise InputError(findings.problems()) from None
    return names


def _lines(data: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Numbered lines; a blank one is none."""
    number = 0
    while line := data.readline(LONGEST + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(_BOM)
        if line.strip():
            yield number, line


def _pairs(line: bytes) -> Pairs:
    """The names and values of one object.  Raises _BadLine."""
    if len(line) > LONGEST:
        raise _BadLine(f"a line longer than {LONGEST:,} bytes", "is it really JSON Lines?")
    try:
        # numbers as they stand: 01234 is none, but 1.10 is not 1.1
        found: object = json.loads(
            line.decode(),  # bytes it would take for UTF-16, or for half a character, as well
            object_pairs_hook=_Object,
            parse_int=str,
            parse_float=str,
            parse_constant=_refuse,
        )
    except UnicodeDecodeError:
        raise _BadLine("this line is not UTF-8", "save the file as UTF-8") from None
    except (ValueError, RecursionError):
        raise _BadLine("this line is not JSON", "write one object a line") from None
    if not isinstance(found, _Object):
        raise _BadLine("this line is no object", 'write {"email": …}')
    if len(dict(found)) != len(found):
        raise _BadLine("this object has a name twice", "keep one of them")
    return found


class _Object(list[tuple[str, object]]):
    """A JSON object as it was written, with names that are there twice."""


def _refuse(name: str) -> object:
    raise ValueError(name)


def _text(name: str, value: object) -> str:
    """A value as a CSV file would hold it."""
    shown = f'"{name}"' if name.isidentifier() else "a field"
    if isinstance(value, str):
        if _has_half(value):
            raise _BadLine(f"{shown} holds half a character", "write both halves of it")
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    raise _BadLine(f"{shown} is a list or an object", "write text, a number, true or false")


def _blocks(data: BinaryIO, header: Sequence[str]) -> Iterator[Block]:
    lines: list[int] = []
    rows: list[list[str]] = []
    for number, line in _lines(data):
        found = dict(_pairs(line))
        lines.append(number)
        rows.append([_text(name, found.get(name)) for name in header])
        if len(rows) == BLOCK_ROWS:
            yield Block(lines, list(zip(*rows, strict=True)))
            lines, rows = [], []
    if rows:
        yield Block(lines, list(zip(*rows, strict=True)))
