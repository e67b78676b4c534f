"""Delimited text cut into records, a chunk of lines at a time.

There are three ways, and they give the same.  Where a chunk holds no quote, a record is a line and
a field is what stands between two delimiters.  Where it holds quotes, Python's csv reads it as a
whole.  Where a record goes on over lines, or is not sound, csv reads record by record, so that
everything is said with its line.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from typing import Any, BinaryIO

from ...dataclass import dataclass
from .table import BLOCK_ROWS, Block

_LONGEST = csv.field_size_limit()
_line_end = re.compile(r"\r\n?|\n").search
"""As csv wants it: no other character ends a line."""
CHUNK = _LONGEST - 4096
"""Bytes read at a time: in most chunks no field can be too long."""


QUICK_CHUNK = 4 << 20
"""The same with ``Quickly``."""

Quickly = Callable[[bytes, int, int, str], list[Sequence[str]] | None]
"""Another way to cut sound lines without quotes, for long texts: ``frames.read_lines``."""


@dataclass(frozen=True, slots=True)
class Ragged:
    """A record with another number of fields than the header."""

    line: int
    fields: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that is not sound; nobody knows what the quotes after it open."""

    line: int
    error: csv.Error


class Records:
    """The records of a stream, the header first."""

    def __init__(
        self, data: BinaryIO, encoding: str, delimiter: str, quickly: Quickly | None = None
    ) -> None:
        self._chunks = _Chunks(data, encoding, CHUNK if quickly is None else QUICK_CHUNK)
        self._quickly = quickly
        self._delimiter = delimiter
        # to compare nothing but delimiters and line ends; one that is several bytes is not there
        self._delimiter_byte = delimiter.encode()
        wanted = self._delimiter_byte + b"\n"
        self._other_bytes = bytes(byte for byte in range(256) if byte not in wanted)
        self._text = ""
        self._at = 0  # in the text
        self._line = 1  # of the file

    def header(self) -> list[str] | None:
        """The first record, None when there is none.  Raises csv.Error, and what reading does."""
        return next(self._reader(self._fed()), None)

    def blocks(self, width: int) -> Iterator[Block | Ragged | Broken]:
        """All other records, and what is wrong with some; blank lines are none.

        Nothing follows on Broken.  Raises what reading does.
        """
        while True:
            text = self._text[self._at :]
            if not text and not (text := self._chunks.next()):
                return
            self._text, self._at = "", 0
            whole = self._at_once(text, width)
            if whole is not None:
                self._line += whole[0]
                yield whole[1]
                continue
            self._text = text
            for found in self._one_by_one(width):
                yield found
                if isinstance(found, Broken):
                    return

    # -- a chunk as a whole -------------------------------------------------------------------

    def _at_once(self, text: str, width: int) -> tuple[int, Block] | None:
        """The chunk as a block, and how many lines that was; None when it takes a closer look."""
        if "\r" in text:
            text = text.replace("\r\n", "\n")
            if "\r" in text:
                return None
        if not text.endswith("\n"):
            text += "\n"
        if '"' in text:
            columns = self._quoted(text.split("\n")[:-1], width)
        else:
            # blank lines are looked for where delimiters are missing, or there are none to miss
            columns = self._plain(text, width) if width > 1 else None
            if columns is None and (width == 1 or text.startswith("\n") or "\n\n" in text):
                return self._among_blank_lines(text.split("\n")[:-1], width)
        if columns is None:
            return None
        count = len(columns[0])
        return count, Block(range(self._line, self._line + count), columns)

    def _among_blank_lines(self, lines: list[str], width: int) -> tuple[int, Block] | None:
        columns = self._plain("".join(f"{line}\n" for line in lines if line), width)
        if columns is None:
            return None
        numbers: Sequence[int] = range(self._line, self._line + len(lines))
        if len(columns[0]) < len(lines):
            numbers = list(compress(numbers, lines))
        return len(lines), Block(numbers, columns)

    def _plain(self, text: str, width: int) -> list[Sequence[str]] | None:
        """Lines without quotes as columns; None when they are not all alike."""
        encoded = text.encode("utf-8", "surrogatepass")
        ends = encoded.translate(None, self._other_bytes)
        wanted = self._delimiter_byte * (width - 1) + b"\n"
        # quicker than to count the lines
        count = len(ends) // len(wanted)
        if ends != wanted * count:
            return None
        if self._quickly and (found := self._quickly(encoded, count, width, self._delimiter)):
            return found
        fields = text.replace("\n", self._delimiter).split(self._delimiter)
        if len(fields) != count * width + 1:  # bytes of other characters looked like delimiters
            return None
        if len(text) > _LONGEST and max(map(len, fields)) > _LONGEST:
            return None
        return [fields[at : count * width : width] for at in range(width)]

    def _quoted(self, lines: list[str], width: int) -> list[Sequence[str]] | None:
        try:
            rows = list(self._reader(iter(lines)))
        except csv.Error:
            return None
        if len(rows) != len(lines) or set(map(len, rows)) != {width}:
            return None
        return list(zip(*rows, strict=True))

    # -- record by record ---------------------------------------------------------------------

    def _one_by_one(self, width: int) -> Iterator[Block | Ragged | Broken]:
        """Records up to one that ends where a chunk does."""
        rows: list[list[str]] = []
        lines: list[int] = []
        end: Broken | None = None
        reader = self._reader(self._fed())
        while not end and self._at < len(self._text):
            start = self._line
            row: list[str] = []
            try:
                row = next(reader, [])
            except csv.Error as error:
                end = Broken(start, error)
            if len(row) == width:
                rows.append(row)
                lines.append(start)
            elif row:
                yield Ragged(start, len(row))
            if len(rows) == BLOCK_ROWS:
                yield Block(lines, list(zip(*rows, strict=True)))
                rows, lines = [], []
        if rows:
            yield Block(lines, list(zip(*rows, strict=True)))
        if end:
            yield end

    def _fed(self) -> Iterator[str]:
        """Lines, for as long as a record asks for them."""
        while True:
            if self._at == len(self._text):
                self._text, self._at = self._chunks.next(), 0
                if not self._text:
                    return
            end = _line_end(self._text, self._at)
            start, self._at = self._at, end.end() if end else len(self._text)
            self._line += 1
            yield self._text[start : self._at]

    def _reader(self, lines: Iterator[str]) -> Any:
        return csv.reader(lines, delimiter=self._delimiter, strict=True)


class _Chunks:
    """The text of a stream in pieces that end where a line does, all but the last."""

    def __init__(self, data: BinaryIO, encoding: str, size: int) -> None:
        self._data = data
        self._size = size
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._first = True
        self._begun = ""
        self._ended = False
        self._failure: UnicodeDecodeError | None = None

    def next(self) -> str:
        """The next piece, '' at the end."""
        parts = [self._begun]
        self._begun = ""
        while not self._ended:
            text = self._decoded()
            # a carriage return at the very end may be half of a line end
            cut = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
            if cut:
                self._begun = text[cut:]
                return "".join((*parts, text[:cut]))
            parts.append(text)
        return "".join(parts)

    def _decoded(self) -> str:
        if self._failure is not None:
            raise self._failure
        data = self._data.read1(self._size)  # type: ignore[attr-defined]  # mypy: every buffered stream has it
        self._ended = not data
        first, self._first = self._first, False
        try:
            return self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            # the lines before it are looked at first
            self._failure, self._ended = error, False
            encoding = self._encoding if first else error.encoding
            return error.object[: error.start].decode(encoding, "replace")
