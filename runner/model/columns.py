"""Columns: what a million contacts have in common is kept as a few long objects.

Every column is an ordinary sequence.  Walk it, or ask ``take`` for many at once: one value after
the other by its index is the slow way, and for text by far.
"""

from __future__ import annotations

from abc import abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import accumulate, compress
from typing import Generic, TypeVar, overload

T = TypeVar("T")
H = TypeVar("H", bound=Hashable)


class Column(Sequence[T]):
    """A sequence that can hand out many values at once."""

    __slots__ = ()

    @abstractmethod
    def take(self, indices: Sequence[int]) -> list[T]:
        """The values at these indices (from 0 on, none negative), in their order."""

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return self.take(range(*index.indices(len(self))))
        return self.take([range(len(self))[index]])[0]


def take(column: Sequence[T], indices: Sequence[int]) -> list[T]:
    """The values of any sequence at these indices (none negative), the quickest way it has."""
    if isinstance(column, Column):
        return column.take(indices)
    return list(map(column.__getitem__, indices))


class CodedColumn(Column[H], Generic[H]):
    """Few different ``values``: each row is one byte, a place among them."""

    __slots__ = ("codes", "values")

    def __init__(self, codes: bytes, values: Sequence[H]) -> None:
        self.codes = codes
        self.values = tuple(values)

    def take(self, indices: Sequence[int]) -> list[H]:
        return [self.values[code] for code in map(self.codes.__getitem__, indices)]

    @classmethod
    def of(cls, column: Sequence[H], values: Sequence[H]) -> CodedColumn[H]:
        """Any column of some of these values, coded."""
        if isinstance(column, cls) and column.values == tuple(values):
            return column
        return cls(bytes(map(values.index, column)), values)

    def mask(self, wanted: Callable[[H], object]) -> bytes:
        """One byte for each row: 1 where its value is wanted."""
        return self.codes.translate(bytes(map(bool, map(wanted, self.values))).ljust(256, b"\0"))

    def counts(self, chosen: bytes | None = None) -> dict[H, int]:
        """How often each value is there, none that is not: in all rows, or in those whose byte in
        ``chosen`` is not 0."""
        codes = self.codes if chosen is None else bytes(compress(self.codes, chosen))
        found = ((value, codes.count(code)) for code, value in enumerate(self.values))
        return {value: count for value, count in found if count}

    def __contains__(self, value: object) -> bool:
        codes = (code for code, known in enumerate(self.values) if known == value)
        return any(code in self.codes for code in codes)

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[H]:
        return map(self.values.__getitem__, self.codes)

    def __repr__(self) -> str:
        return f"CodedColumn({len(self)} rows, {len(self.values)} values)"


_BLOCK = 512
"""Rows of a mask that are counted together."""
_CLOSE = 8
"""Rows are found all at once while at least every eighth of those between them is wanted."""


def _counts(mask: bytes) -> Iterator[int]:
    """How many are not 0 in each block."""
    for at in range(0, len(mask), _BLOCK):
        yield min(_BLOCK, len(mask) - at) - mask.count(0, at, at + _BLOCK)


class Picked:
    """Some rows of a table, ascending: what all columns of an audience are cut out with.

    ``mask`` has one byte for each row of the table, not 0 for those that are picked.  Which row is
    the n-th of them is counted when somebody asks: kept, it would be four bytes a row.
    """

    __slots__ = ("_before", "_last", "mask")

    def __init__(self, mask: bytes) -> None:
        self.mask = mask
        self._before = array("Q", accumulate(_counts(mask), initial=0))
        self._last: tuple[int, list[int]] = (-1, [])

    def __len__(self) -> int:
        return self._before[-1]

    def rows(self, indices: Sequence[int]) -> list[int]:
        """The rows that are picked as these (0 is the first), in the order of the indices."""
        if not indices:
            return []
        first, last = min(indices), max(indices)
        if last >= len(self):
            raise IndexError("no such row")
        if 1 < last - first <= len(indices) * _CLOSE:
            low, high = self._block_of(first), self._block_of(last) + 1
            near, before = self._between(low, high), self._before[low]
            return [near[index - before] for index in indices]
        return list(map(self._row, indices))

    def _row(self, index: int) -> int:
        """One row; the last block is kept, for whoever walks by index."""
        block, rows = self._last
        if block < 0 or not self._before[block] <= index < self._before[block + 1]:
            block = self._block_of(index)
            rows = self._between(block, block + 1)
            self._last = block, rows
        return rows[index - self._before[block]]

    def _block_of(self, index: int) -> int:
        return bisect_right(self._before, index) - 1

    def _between(self, low: int, high: int) -> list[int]:
        """The picked rows of some blocks."""
        start, stop = low * _BLOCK, min(high * _BLOCK, len(self.mask))
        return list(compress(range(start, stop), self.mask[start:stop]))


class PickedColumn(Column[T], Generic[T]):
    """The picked rows of another column."""

    __slots__ = ("_base", "_picked")

    def __init__(self, base: Sequence[T], picked: Picked) -> None:
        self._base = base
        self._picked = picked

    def take(self, indices: Sequence[int]) -> list[T]:
        return take(self._base, self._picked.rows(indices))

    def __len__(self) -> int:
        return len(self._picked)

    def __iter__(self) -> Iterator[T]:
        return compress(self._base, self._picked.mask)

    def __repr__(self) -> str:
        return f"PickedColumn({len(self)} of {len(self._base)} rows)"
