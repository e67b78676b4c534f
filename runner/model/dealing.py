"""Contact keys in parts: equal keys lie in one part, and each part is small enough for a set.

Ten million keys are so compared in the room that one part takes.  A few parts are found by a walk
over all keys for each; many are dealt out in one walk, into what is stored beside the keys.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, compress
from operator import call, ne

from .packed import KEY_WIDTH, Packed, another, numbers, pieces, placed

_ROOM = 1 << 17
"""About how many keys are compared at a time, so that ten million need no more room than one."""
_WALKS = 4
"""Parts that are found by a walk over all keys for each."""

Part = tuple[Sequence[int], Sequence[int]]
"""Keys as numbers, and the row of each, ascending."""


def parts_of(packed: Packed) -> int:
    """In how many parts keys are looked at, so that each is small."""
    return min(256, max(1, len(packed) // KEY_WIDTH // _ROOM))


class Dealt:
    """All keys as numbers, dealt out into parts, and the rows of them if they are asked for."""

    __slots__ = ("_ends", "_keys", "_rows", "parts")

    def __init__(self, packed: Packed, parts: int, *, rows: bool = False) -> None:
        self.parts = parts
        self._keys = another(packed)
        self._rows = another(packed) if rows else None
        self._ends: list[Sequence[int]] = []
        for row, piece in placed(packed):
            self._take(piece, row)

    def _take(self, piece: bytes, row: int) -> None:
        first, start = piece[::KEY_WIDTH], len(self._keys) // KEY_WIDTH
        dealt = _deal(first, array("Q", piece), self.parts)
        self._keys.append(b"".join(dealt))
        self._ends.append(array("Q", accumulate(map(len, dealt), initial=start)))
        if self._rows is not None:
            rows = range(row, row + len(first))
            self._rows.append(b"".join(_deal(first, rows, self.parts, "I")))

    def keys(self, part: int) -> array[int]:
        """The keys of one part."""
        width = KEY_WIDTH
        found = (self._keys[ends[part] * width : ends[part + 1] * width] for ends in self._ends)
        return array("Q", b"".join(found))

    def rows(self, part: int) -> array[int]:
        """The rows of one part."""
        if self._rows is None:
            raise ValueError("without rows")
        rows, width = self._rows, array("I").itemsize
        found = (rows[ends[part] * width : ends[part + 1] * width] for ends in self._ends)
        return array("I", b"".join(found))


def _deal(first: bytes, values: Iterable[int], parts: int, kind: str = "Q") -> list[array[int]]:
    """A value for each key, which belongs to a part by the key's first byte."""
    dealt = [array(kind) for _ in range(parts)]
    add = [dealt[byte % parts].append for byte in range(256)]
    deque(map(call, map(add.__getitem__, first), values), 0)
    return dealt


def split(packed: Packed, parts: int) -> Iterator[array[int]]:
    """The keys as numbers, part by part."""
    if parts > _WALKS:
        return map(Dealt(packed, parts).keys, range(parts))
    return (array("Q", _of_part(packed, part)) for part in _tables(parts))


def _with_rows(packed: Packed) -> Iterator[Part]:
    """The keys and their rows, part by part."""
    parts = parts_of(packed)
    if parts > _WALKS:
        dealt = Dealt(packed, parts, rows=True)
        yield from ((dealt.keys(part), dealt.rows(part)) for part in range(parts))
        return
    for part in _tables(parts):
        rows = array("I")
        for start, piece in placed(packed):
            own = piece[::KEY_WIDTH].translate(part)
            rows.extend(compress(range(start, start + len(own)), own))
        yield array("Q", _of_part(packed, part)), rows


def repeated(packed: Packed) -> Iterator[tuple[int, int]]:
    """Each row whose key is in a row before it, with the first of that key's rows.

    In any order, but of one key ascending.
    """
    for keys, rows in _with_rows(packed):
        if len(set(keys)) == len(keys):
            continue
        first: dict[int, int] = {}
        heads = list(map(first.setdefault, keys, rows))
        yield from compress(zip(heads, rows, strict=True), map(ne, heads, rows))


def mark(mask: bytearray, mine: Packed, wanted: Packed, dealt: Dealt | None = None) -> None:
    """Set the bytes of those rows whose keys (``mine``) are among the wanted.

    ``dealt``: the wanted ones, where they are dealt out already.
    """
    parts = parts_of(wanted)
    if parts <= _WALKS:
        for part in _tables(parts):
            _mark_part(mask, mine, frozenset(_of_part(wanted, part)), part)
        return
    theirs = dealt or Dealt(wanted, parts)
    own = Dealt(mine, parts, rows=True)
    for number in range(parts):
        found = map(frozenset(theirs.keys(number)).__contains__, own.keys(number))
        for row in compress(own.rows(number), found):
            mask[row] = 1


def _mark_part(mask: bytearray, mine: Packed, keys: frozenset[int], part: bytes) -> None:
    for start, piece in placed(mine):
        own = piece[::KEY_WIDTH].translate(part)
        found = map(keys.__contains__, compress(array("Q", piece), own))
        for row in compress(compress(range(start, start + len(own)), own), found):
            mask[row] = 1


def common(many: Packed, few: Packed) -> bytes:
    """Those of many keys that are among few others, in room for the few."""
    found, parts = array("Q"), parts_of(few)
    for theirs, part in zip(split(few, parts), _tables(parts), strict=True):
        found.extend(filter(frozenset(theirs).__contains__, _of_part(many, part)))
    return found.tobytes()


def are_distinct(packed: Packed, dealt: Dealt | None = None) -> bool:
    """Whether no key is there twice."""
    parts = map(dealt.keys, range(dealt.parts)) if dealt else split(packed, parts_of(packed))
    return all(len(frozenset(keys)) == len(keys) for keys in parts)


def dealt_out(packed: Packed) -> Dealt | None:
    """Keys that are compared more than once, dealt out where that takes no memory."""
    parts = parts_of(packed)
    return None if parts <= _WALKS or isinstance(packed, bytes) else Dealt(packed, parts)


def _tables(parts: int) -> list[bytes]:
    """Tables that translate the first bytes of keys into masks, one for each part."""
    return [bytes(byte % parts == part for byte in range(256)) for part in range(parts)]


def _of_part(packed: Packed, part: bytes) -> Iterator[int]:
    """One part, by a walk over all keys."""
    if all(part):
        return numbers(packed)
    chosen = (compress(array("Q", one), one[::KEY_WIDTH].translate(part)) for one in pieces(packed))
    return (number for found in chosen for number in found)
