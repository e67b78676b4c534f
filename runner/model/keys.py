"""Contact keys by the million, in strings of bytes: compared as numbers, a piece at a time."""

from __future__ import annotations

import struct
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import chain, compress, count
from operator import call
from typing import Any, overload

from .columns import Column

KEY_WIDTH = 8
"""The length of a contact key."""

_ROOM = 1 << 17
"""About how many keys are compared at a time, so that ten million need no more room than one."""
_WALKS = 4
"""Parts that are found by a walk over all keys for each."""
_PIECE = 1 << 17
"""Keys that are numbers at the same time, and not bytes."""
_AT_ONCE = 512
_MANY = struct.Struct(f"{KEY_WIDTH}s" * _AT_ONCE)


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

    def among(self, keys: Iterable[bytes]) -> bytes:
        """A mask, one byte for each key: 1 for those that are among ``keys``."""
        wanted = packed_keys(keys)
        if not wanted:
            return bytes(len(self))
        if 2 * len(self.packed) <= len(wanted):
            wanted = _common(wanted, self.packed)
        mask = bytearray(len(self))
        _mark(mask, self.packed, wanted)
        return bytes(mask)

    def repeated(self) -> Iterable[int]:
        """The rows, ascending, of the keys that are there more than once."""
        found: set[int] = set()
        for numbers in _in_parts(self.packed):
            seen: set[int] = set()
            add = seen.add
            found.update(number for number in numbers if number in seen or add(number))
        return _rows_of(self.packed, found) if found else ()

    def are_distinct(self) -> bool:
        """Whether no key is there twice."""
        return sum(len(set(numbers)) for numbers in _in_parts(self.packed)) == len(self)

    def only(self, mask: bytes) -> KeyColumn:
        """The keys whose byte in the mask is not 0."""
        return KeyColumn(array("Q", compress(_numbers(self.packed), mask)).tobytes())

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


def packed_keys(keys: Iterable[bytes]) -> bytes:
    """Any keys in one string of bytes."""
    return keys.packed if isinstance(keys, KeyColumn | KeySet) else b"".join(keys)


def _parts(packed: bytes) -> int:
    """In how many parts keys are looked at, so that each is small: equal keys come in one part."""
    return min(256, max(1, len(packed) // KEY_WIDTH // _ROOM))


def _in_parts(packed: bytes) -> Iterator[Iterable[int]]:
    """The keys as numbers, part by part.  The same key is the same number, on this machine."""
    return _split(packed, _parts(packed))


def _rows_of(packed: bytes, numbers: Set[int]) -> Iterator[int]:
    """The rows of those keys that, as numbers, are among these."""
    return compress(count(), map(numbers.__contains__, _numbers(packed)))


def _mark(mask: bytearray, mine: bytes, wanted: bytes) -> None:
    """Set the bytes of those rows whose keys (``mine``) are among the wanted."""
    parts = _parts(wanted)
    if parts <= _WALKS:
        for part in _tables(parts):
            _mark_part(mask, mine, set(_of_part(wanted, part)), part)
        return
    keys = memoryview(mine).cast("Q")
    dealt = _dealt(mine, parts, "I", count())
    for theirs, rows in zip(_split(wanted, parts), dealt, strict=True):
        found = map(set(theirs).__contains__, map(keys.__getitem__, rows))
        for row in compress(rows, found):
            mask[row] = 1


def _mark_part(mask: bytearray, mine: bytes, numbers: Set[int], part: bytes) -> None:
    own = mine[::KEY_WIDTH].translate(part)
    found = map(numbers.__contains__, compress(_numbers(mine), own))
    for row in compress(compress(count(), own), found):
        mask[row] = 1


def _split(packed: bytes, parts: int) -> Iterator[Iterable[int]]:
    if parts <= _WALKS:
        return (_of_part(packed, part) for part in _tables(parts))
    return _dealt(packed, parts, "Q", _numbers(packed))


def _tables(parts: int) -> list[bytes]:
    """Tables that translate the first bytes of keys into masks, one for each part."""
    return [bytes(byte % parts == part for byte in range(256)) for part in range(parts)]


def _of_part(packed: bytes, part: bytes) -> Iterator[int]:
    """One part, by a walk over all keys."""
    return compress(_numbers(packed), packed[::KEY_WIDTH].translate(part))


def _dealt(packed: bytes, parts: int, kind: str, values: Iterator[int]) -> Iterator[array[int]]:
    """A value for each key, all parts at once, in room for all: five walks would take longer.

    Each part is handed out, and then nobody has it any more.
    """
    found = [array(kind) for _ in range(parts)]
    add = [found[byte % parts].append for byte in range(256)]
    deque(map(call, map(add.__getitem__, packed[::KEY_WIDTH]), values), 0)
    del add
    found.reverse()
    while found:
        yield found.pop()


def _numbers(packed: bytes) -> Iterator[int]:
    """The keys as numbers, of which not too many are there at a time."""
    return chain.from_iterable(array("Q", piece) for piece in pieces(packed))


def pieces(packed: bytes) -> Iterator[bytes]:
    """The keys in strings of bytes that are not too long."""
    width = _PIECE * KEY_WIDTH
    return (packed[at : at + width] for at in range(0, len(packed), width))


def _common(many: bytes, few: bytes) -> bytes:
    """Those of many keys that are among few others, in room for the few."""
    found, parts = array("Q"), _parts(few)
    for theirs, part in zip(_split(few, parts), _split(many, parts), strict=True):
        found.extend(filter(set(theirs).__contains__, part))
    return found.tobytes()
