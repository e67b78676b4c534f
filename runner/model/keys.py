"""Contact keys by the million, packed: compared as numbers, a piece at a time."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import chain, compress
from operator import eq
from typing import Any, overload

from .columns import Column
from .dealing import Dealt, are_distinct, common, dealt_out, mark, repeated
from .packed import KEY_WIDTH, Packed, another, pieces, placed

__all__ = ["KEY_WIDTH", "KeyColumn", "KeySet", "packed_keys"]

_AT_ONCE = 512
_MANY = struct.Struct(f"{KEY_WIDTH}s" * _AT_ONCE)


class KeyColumn(Column[bytes]):
    """Contact keys behind each other, ``packed``: in a string of bytes, or where there is room."""

    __slots__ = ("packed",)

    def __init__(self, packed: Packed = b"") -> None:
        if len(packed) % KEY_WIDTH:
            raise ValueError("not a whole number of keys")
        self.packed = packed

    @classmethod
    def of(cls, keys: Iterable[bytes]) -> KeyColumn:
        """A column of these keys."""
        if isinstance(keys, KeyColumn):
            return keys
        return cls(b"".join(keys))

    def followed_by(self, *others: KeyColumn) -> KeyColumn:
        """These keys, and those of others behind them."""
        found = another(max((one.packed for one in (self, *others)), key=len))
        for one in (self, *others):
            for piece in pieces(one.packed):
                found.append(piece)
        return type(self)(found.closed())

    def among(self, keys: Iterable[bytes]) -> bytes:
        """A mask, one byte for each key: 1 for those that are among ``keys``."""
        wanted = packed_keys(keys)
        if not len(wanted):
            return bytes(len(self))
        mask = bytearray(len(self))
        if 2 * len(self.packed) <= len(wanted):
            mark(mask, self.packed, common(wanted, self.packed))
        else:
            mark(mask, self.packed, wanted, keys.dealt if isinstance(keys, KeySet) else None)
        return bytes(mask)

    def repeated(self) -> Iterable[tuple[int, int]]:
        """Each row whose key is in a row before it, as (the first of the key's rows, the row).

        In any order, but of one key ascending.
        """
        return repeated(self.packed)

    def as_set(self) -> KeySet | None:
        """These keys, None where one is there twice."""
        found = KeySet(self.packed)
        return found if are_distinct(self.packed, found.dealt) else None

    def only(self, mask: bytes) -> KeyColumn:
        """The keys whose byte in the mask is not 0."""
        found = another(self.packed)
        for row, piece in placed(self.packed):
            chosen = mask[row : row + len(piece) // KEY_WIDTH]
            found.append(array("Q", compress(array("Q", piece), chosen)).tobytes())
        return KeyColumn(found.closed())

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, int) and 0 <= index < len(self):
            return self.packed[index * KEY_WIDTH : index * KEY_WIDTH + KEY_WIDTH]
        return super().__getitem__(index)

    def take(self, indices: Sequence[int]) -> list[bytes]:
        packed = self.packed
        if isinstance(packed, bytes):
            return [packed[i * KEY_WIDTH : i * KEY_WIDTH + KEY_WIDTH] for i in indices]
        return list(self._gathered(indices))

    def _gathered(self, indices: Iterable[int]) -> Iterator[bytes]:
        """Each of them out of a stretch, for which the place is asked once."""
        start, stretch, width = 0, b"", _MANY.size
        for at in (index * KEY_WIDTH for index in indices):
            if not 0 <= at - start < len(stretch):
                start = at // width * width
                stretch = self.packed[start : start + width]
            yield stretch[at - start : at - start + KEY_WIDTH]

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """The first place of a key.  Raises ValueError."""
        end = len(self) if stop is None else min(stop, len(self))
        at = self._find(value, start) if isinstance(value, bytes) else -1
        if not 0 <= at < end:
            raise ValueError("no such key")
        return at

    def _find(self, key: bytes, start: int) -> int:
        if len(key) != KEY_WIDTH:
            return -1
        for row, piece in placed(self.packed):
            at = _found(piece, key, max(0, start - row) * KEY_WIDTH)
            if at >= 0:
                return row + at // KEY_WIDTH
        return -1

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self._find(key, 0) >= 0

    def __len__(self) -> int:
        return len(self.packed) // KEY_WIDTH

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(map(_apart, pieces(self.packed)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeyColumn) or len(self) != len(other):
            return False
        return all(map(eq, pieces(self.packed), pieces(other.packed)))

    def __hash__(self) -> int:
        return hash((len(self), self.packed[: _MANY.size]))

    def __repr__(self) -> str:
        return f"KeyColumn({len(self)} keys)"


def _found(piece: bytes, key: bytes, start: int) -> int:
    at = piece.find(key, start)
    while at % KEY_WIDTH and at >= 0:  # found across two keys
        at = piece.find(key, at + 1)
    return at


def _apart(piece: bytes) -> Iterator[bytes]:
    """The keys of one piece."""
    whole = len(piece) // _MANY.size * _MANY.size
    rest = struct.unpack(f"{KEY_WIDTH}s" * ((len(piece) - whole) // KEY_WIDTH), piece[whole:])
    return chain(chain.from_iterable(_MANY.iter_unpack(memoryview(piece)[:whole])), rest)


class KeySet(Set[bytes]):
    """Contact keys, each of them once, ``packed`` as those of a ``KeyColumn``.

    Made for ``KeyColumn.among``, which compares many at a time in little room.  To ask for one key
    after the other it makes itself a set of objects.
    """

    __slots__ = ("_dealt", "_members", "packed")

    def __init__(self, packed: Packed) -> None:
        self.packed = packed
        self._dealt: Dealt | None = None
        self._members: frozenset[bytes] | None = None

    @property
    def dealt(self) -> Dealt | None:
        """Many of them, dealt out once for whoever compares them."""
        if self._dealt is None:
            self._dealt = dealt_out(self.packed)
        return self._dealt

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


def packed_keys(keys: Iterable[bytes]) -> Packed:
    """Any keys, packed."""
    return keys.packed if isinstance(keys, KeyColumn | KeySet) else b"".join(keys)
