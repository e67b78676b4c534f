"""Columns of text: a number a row where there are few values, else packed in blocks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain

from ..model.columns import CodedColumn, Column
from .frames import SeriesColumn
from .sources.table import BLOCK_ROWS
from .spool import Ref, Spool

_CLOSE = 8
"""Values are cut out of whole blocks while at least every eighth of them is wanted."""
_FEW = 256
_APART = "\0"
_AS_TEXT, _AS_JSON = b"t", b"j"


class TextColumn(Column[str]):
    """Text in packed blocks of BLOCK_ROWS rows, unpacked when it is looked at."""

    __slots__ = ("_blocks", "_last", "_rows", "_spool")

    def __init__(self, spool: Spool, blocks: Sequence[Ref], rows: int) -> None:
        self._spool = spool
        self._blocks = blocks
        self._rows = rows
        self._last: tuple[int, list[str]] = (-1, [])

    def _block(self, number: int) -> list[str]:
        """One block; the last one that was looked at is kept, for whoever walks by index."""
        known, values = self._last
        if known != number:
            values = unpack(self._spool.get(self._blocks[number]))
            self._last = number, values
        return values

    def take(self, indices: Sequence[int]) -> list[str]:
        """The values at these indices; quick when they lie close together."""
        if not indices:
            return []
        first, last = min(indices), max(indices)
        if last >= self._rows:
            raise IndexError("no such row")
        if last - first <= len(indices) * _CLOSE:
            low = first // BLOCK_ROWS
            near = [self._block(number) for number in range(low, last // BLOCK_ROWS + 1)]
            values = near[0] if len(near) == 1 else list(chain.from_iterable(near))
            start = low * BLOCK_ROWS
            return [values[index - start] for index in indices]
        return [self._block(index // BLOCK_ROWS)[index % BLOCK_ROWS] for index in indices]

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[str]:
        get = self._spool.get
        return chain.from_iterable(unpack(get(ref)) for ref in self._blocks)

    def __repr__(self) -> str:
        return f"TextColumn({self._rows} rows)"


def pack(values: Sequence[str]) -> bytes:
    """Values as bytes."""
    text = _APART.join(values)
    if text.count(_APART) != len(values) - 1:
        # a value holds what stands between values; in no file, but a database may have it
        return _AS_JSON + json.dumps(list(values)).encode()
    return _AS_TEXT + text.encode("utf-8", "surrogatepass")


def unpack(block: bytes) -> list[str]:
    """The inverse of ``pack``."""
    if block.startswith(_AS_JSON):
        values: list[str] = json.loads(block[1:])
        return values
    return block[1:].decode("utf-8", "surrogatepass").split(_APART)


class _TooMany(Exception):
    """More different values than a byte can tell apart."""


class _Codes(dict[str, int]):
    """A number for each value, given out as they come."""

    def __missing__(self, value: str) -> int:
        if len(self) == _FEW:
            raise _TooMany
        self[value] = code = len(self)
        return code


class TextBuilder:
    """Grows a column.  ``few``: try whether it has few different values."""

    def __init__(self, spool: Spool, *, few: bool = True) -> None:
        self._spool = spool
        self._codes = _Codes()
        self._coded: bytearray | None = bytearray() if few else None
        self._blocks: list[Ref] = []
        self._open: list[str] = []
        self._rows = 0

    def extend(self, values: Sequence[str]) -> None:
        """Append values."""
        self._rows += len(values)
        if self._coded is not None:
            try:
                self._coded += self._encoded(values)
            except _TooMany:
                self._give_up_codes()
            else:
                return
        if isinstance(values, SeriesColumn):
            self._append_series(values)
        else:
            self._append(list(values))

    def _encoded(self, values: Sequence[str]) -> bytes:
        if isinstance(values, SeriesColumn):
            raise _TooMany
        if isinstance(values, CodedColumn):
            mine = bytes(map(self._codes.__getitem__, values.values))
            return values.codes.translate(mine.ljust(_FEW, b"\0"))
        return bytes(map(self._codes.__getitem__, values))

    def _give_up_codes(self) -> None:
        coded, self._coded = self._coded or bytearray(), None
        names = list(self._codes)
        for start in range(0, len(coded), BLOCK_ROWS):
            self._append([names[code] for code in coded[start : start + BLOCK_ROWS]])

    def _append(self, values: list[str]) -> None:
        if len(values) == BLOCK_ROWS and not self._open:
            self._blocks.append(self._spool.put(pack(values)))
            return
        self._open += values
        while len(self._open) >= BLOCK_ROWS:
            self._blocks.append(self._spool.put(pack(self._open[:BLOCK_ROWS])))
            del self._open[:BLOCK_ROWS]

    def _append_series(self, values: SeriesColumn) -> None:
        """The same, without taking whole blocks apart."""
        at = min(-len(self._open) % BLOCK_ROWS, len(values))
        self._append(values.part(0, at))
        end = at + (len(values) - at) // BLOCK_ROWS * BLOCK_ROWS
        if end > at:
            texts = values.joined(at, end, BLOCK_ROWS, _APART)
            self._blocks += self._spool.put_all([_AS_TEXT + text for text in texts])
        self._append(values.part(end, len(values)))

    def column(self) -> Column[str]:
        """The column, once nothing more comes."""
        if self._coded is not None:
            coded, self._coded = self._coded, bytearray()
            return CodedColumn(bytes(coded), list(self._codes))
        if self._open:
            self._blocks.append(self._spool.put(pack(self._open)))
            self._open = []
        return TextColumn(self._spool, self._blocks, self._rows)
