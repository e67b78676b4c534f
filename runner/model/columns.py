"""Columns: what a million contacts have in common is kept as a few long objects.

Every column is an ordinary sequence.  Walk it, or ask ``take`` for many at once: one value after
the other by its index is the slow way, and for text by far.
"""

from __future__ import annotations

import struct
from abc import abstractmethod
from array import array
from collections.abc import Hashable, Iterable, Iterator, Sequence, Set
from itertools import chain, compress, count
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
H = TypeVar("H", bound=Hashable)

KEY_WIDTH = 8
"""The length of a contact key."""

_ROOM = 1 << 17
"""About how many keys are compared at a time, so that ten million need no more room than one."""
_MOST_PARTS = 16
"""Each part is a walk over the keys on both sides."""
_AT_ONCE = 512
_MANY = struct.Struct(f"{KEY_WIDTH}s" * _AT_ONCE)


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


class KeyColumn(Column[bytes]):
    """Contact keys in one string of bytes, ``packed``."""

    __slots__ = ("packed",)

    def __init__(self, packed: bytes = b"") -> None:
        if len(packed) % KEY_WIDTH:
            raise ValueError("not a whole number of keys")
        self.packed = packed

    @classmethod
    def of(cls, keys: Iterable[bytes]) -> KeyColumn:
        """A column of these keys."""
        if isinstance(keys, KeyColumn):
            return keys
        return cls(b"".join(keys))

    @property
    def numbers(self) -> array[int]:
        """Each key as a number, for comparing many: the same key is the same number here only."""
        return array("Q", self.packed)

    def among(self, keys: Iterable[bytes]) -> bytes:
        """A mask, one byte for each key: 1 for those that are among ``keys``."""
        wanted = keys.packed if isinstance(keys, KeySet) else b"".join(keys)
        if len(wanted) > len(self.packed):
            wanted = _common(wanted, self.packed)
        parts = key_parts(wanted, _MOST_PARTS)
        if len(parts) == 1:
            numbers = set(array("Q", wanted))
            return bytes(map(numbers.__contains__, self.numbers)) if numbers else bytes(len(self))
        mask, theirs, mine = bytearray(len(self)), array("Q", wanted), self.numbers
        for part in parts:
            numbers = set(compress(theirs, wanted[::KEY_WIDTH].translate(part)))
            own = self.packed[::KEY_WIDTH].translate(part)
            found = map(numbers.__contains__, compress(mine, own))
            for row in compress(compress(count(), own), found):
                mask[row] = 1
        return bytes(mask)

    def only(self, mask: bytes) -> KeyColumn:
        """The keys whose byte in the mask is not 0."""
        return KeyColumn(array("Q", compress(self.numbers, mask)).tobytes())

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, int) and 0 <= index < len(self.packed) // KEY_WIDTH:
            return self.packed[index * KEY_WIDTH : index * KEY_WIDTH + KEY_WIDTH]
        return super().__getitem__(index)

    def take(self, indices: Sequence[int]) -> list[bytes]:
        packed = self.packed
        return [packed[i * KEY_WIDTH : i * KEY_WIDTH + KEY_WIDTH] for i in indices]

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """The first place of a key.  Raises ValueError."""
        end = len(self) if stop is None else min(stop, len(self))
        at = self._find(value, start) if isinstance(value, bytes) else -1
        if not 0 <= at < end:
            raise ValueError("no such key")
        return at

    def _find(self, key: bytes, start: int) -> int:
        at = self.packed.find(key, start * KEY_WIDTH) if len(key) == KEY_WIDTH else -1
        while at % KEY_WIDTH and at >= 0:  # found across two keys
            at = self.packed.find(key, at + 1)
        return at // KEY_WIDTH

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self._find(key, 0) >= 0

    def __len__(self) -> int:
        return len(self.packed) // KEY_WIDTH

    def __iter__(self) -> Iterator[bytes]:
        whole = len(self.packed) // _MANY.size * _MANY.size
        rest = struct.unpack(f"{KEY_WIDTH}s" * (len(self) % _AT_ONCE), self.packed[whole:])
        many = _MANY.iter_unpack(memoryview(self.packed)[:whole])
        return chain(chain.from_iterable(many), rest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyColumn) and self.packed == other.packed

    def __hash__(self) -> int:
        return hash(self.packed)

    def __repr__(self) -> str:
        return f"KeyColumn({len(self)} keys)"


class KeySet(Set[bytes]):
    """Contact keys, each of them once, in one string of bytes, ``packed``.

    Made for ``KeyColumn.among``, which compares many at a time in little room.  To ask for one key
    after the other it makes itself a set of objects.
    """

    __slots__ = ("_members", "packed")

    def __init__(self, packed: bytes) -> None:
        self.packed = packed
        self._members: frozenset[bytes] | None = None

    @staticmethod
    def are_distinct(packed: bytes) -> bool:
        """Whether no key is there twice, as a set wants it."""
        different = sum(len(set(numbers)) for numbers in in_parts(packed, _MOST_PARTS))
        return different * KEY_WIDTH == len(packed)

    def __contains__(self, key: object) -> bool:
        if self._members is None:
            self._members = frozenset(KeyColumn(self.packed))
        return key in self._members

    def __iter__(self) -> Iterator[bytes]:
        return iter(KeyColumn(self.packed))

    def __len__(self) -> int:
        return len(self.packed) // KEY_WIDTH

    @classmethod
    def _from_iterable(cls, it: Iterable[object]) -> Any:
        return set(it)

    def __repr__(self) -> str:
        return f"KeySet({len(self)} keys)"


def key_parts(packed: bytes, most: int = 256) -> list[bytes]:
    """Tables that translate first bytes of keys into masks, one for each part: equal keys come in
    one part, and there are so many parts (up to ``most``) that each is small."""
    parts = min(most, max(1, len(packed) // KEY_WIDTH // _ROOM))
    return [bytes(byte % parts == part for byte in range(256)) for part in range(parts)]


def in_parts(packed: bytes, most: int = 256) -> Iterator[Iterable[int]]:
    """The keys as numbers (see ``KeyColumn.numbers``), part by part."""
    numbers, parts = array("Q", packed), key_parts(packed, most)
    if len(parts) == 1:
        yield numbers
        return
    firsts = packed[::KEY_WIDTH]
    for part in parts:
        yield compress(numbers, firsts.translate(part))


def _common(many: bytes, few: bytes) -> bytes:
    """Those of many keys that are among few others, in room for the few."""
    theirs = set(array("Q", few))
    return array("Q", filter(theirs.__contains__, array("Q", many))).tobytes()


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

    def counts(self) -> dict[H, int]:
        """How often each value is there; none that is not."""
        found = ((value, self.codes.count(code)) for code, value in enumerate(self.values))
        return {value: count for value, count in found if count}

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[H]:
        return map(self.values.__getitem__, self.codes)

    def __repr__(self) -> str:
        return f"CodedColumn({len(self)} rows, {len(self.values)} values)"


class Picked:
    """Some rows of a table, ascending: what all columns of an audience are cut out with.

    ``mask`` has one byte for each row of the table, 1 for those that are picked.
    """

    __slots__ = ("mask", "rows")

    def __init__(self, mask: bytes) -> None:
        self.mask = mask
        self.rows = array("I", compress(range(len(mask)), mask))


class PickedColumn(Column[T], Generic[T]):
    """The picked rows of another column."""

    __slots__ = ("_base", "_picked")

    def __init__(self, base: Sequence[T], picked: Picked) -> None:
        self._base = base
        self._picked = picked

    def take(self, indices: Sequence[int]) -> list[T]:
        return take(self._base, list(map(self._picked.rows.__getitem__, indices)))

    def __len__(self) -> int:
        return len(self._picked.rows)

    def __iter__(self) -> Iterator[T]:
        return compress(self._base, self._picked.mask)

    def __repr__(self) -> str:
        return f"PickedColumn({len(self)} of {len(self._base)} rows)"
