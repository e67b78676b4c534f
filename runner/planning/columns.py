"""Columns over an audience, worked on as wholes: a million contacts without a million objects."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import compress, repeat
from typing import TypeAlias, overload

from ..model.keys import KeyColumn, KeySet
from ..model.plan import Spot


class Constant(Sequence[int]):
    """The same number for everybody, held once."""

    __slots__ = ("_length", "value")

    def __init__(self, value: int, length: int) -> None:
        self.value = value
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Constant):
            return NotImplemented
        return (self.value, self._length) == (other.value, other._length)

    def __hash__(self) -> int:
        return hash((self.value, self._length))

    def __iter__(self) -> Iterator[int]:
        return repeat(self.value, self._length)

    def __contains__(self, value: object) -> bool:
        return value == self.value and self._length > 0

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> Constant: ...
    def __getitem__(self, at: int | slice) -> int | Constant:
        if isinstance(at, slice):
            return Constant(self.value, len(range(*at.indices(self._length))))
        if not -self._length <= at < self._length:
            raise IndexError(at)
        return self.value


Times: TypeAlias = "Constant | array[int]"
"""Epoch seconds, one for each contact; 0 where there is no time."""


def spread(times: Times) -> array[int]:
    """The times as a column that can be written to."""
    if isinstance(times, Constant):
        return array("q", [times.value]) * len(times)
    return times


def mapped(times: Times, change: Mapping[int, int]) -> Times:
    """Every time replaced by what ``change`` says of it."""
    if isinstance(times, Constant):
        return Constant(change[times.value], len(times))
    return array("q", map(change.__getitem__, times))


def distinct(times: Times) -> set[int]:
    """The different times: few, since contacts share zones."""
    if isinstance(times, Constant):
        return {times.value} if len(times) else set()
    return set(times)


def among(keys: Sequence[bytes], found: Collection[bytes]) -> bytes:
    """A flag for each key: is it one of those?"""
    if isinstance(found, KeySet):
        return KeyColumn.of(keys).among(found)
    return bytes(map(found.__contains__, keys)) if found else bytes(len(keys))


def turn(spots: bytearray, before: Spot, after: Spot) -> None:
    """Everybody at one spot is at another now."""
    if before != after:
        spots[:] = spots.replace(bytes([before]), bytes([after]))


@cache
def table(changes: tuple[tuple[int, int], ...], other: int | None = None) -> bytes:
    """A translation of spots; those that ``changes`` does not name become ``other``, or stay."""
    entries = list(range(256)) if other is None else [other] * 256
    for before, after in changes:
        entries[before] = after
    return bytes(entries)


@cache
def _marks(wanted: tuple[Spot, ...]) -> bytes:
    return table(tuple((spot, 1) for spot in wanted), 0)


def flags(spots: bytes | bytearray, *wanted: Spot) -> bytes:
    """1 for everybody at one of the wanted spots, else 0."""
    return bytes(spots.translate(_marks(wanted)))


def indices(chosen: bytes) -> Iterator[int]:
    """Where a column of flags is set."""
    return compress(range(len(chosen)), chosen)


def timed(chosen: bytes, times: Times) -> bytes:
    """Those of the chosen who have a time."""
    if isinstance(times, Constant):
        return chosen if times.value else bytes(len(chosen))
    return chosen if 0 not in times else bytes(map(_both, chosen, times))


def _both(chosen: int, time: int) -> bool:
    return bool(chosen and time)


def tally(chosen: bytes, times: Sequence[int]) -> Counter[int]:
    """How many of the chosen have which time; those without one are not counted."""
    if isinstance(times, Constant):
        count = chosen.count(1)
        return Counter({times.value: count} if times.value and count else {})
    found = Counter(compress(times, chosen))
    del found[0]
    return found


def ends(chosen: bytes, times: Times) -> tuple[int, int] | None:
    """The first and the last time of the chosen, None when nobody has one."""
    if isinstance(times, Constant):
        return (times.value, times.value) if times.value and 1 in chosen else None
    last = max(compress(times, chosen), default=0)
    # a time of 0 is none
    return (min(filter(None, compress(times, chosen))), last) if last else None
