"""Bytes by the million: in memory, or wherever else there is room for them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import chain, count
from typing import Protocol, TypeAlias, runtime_checkable

KEY_WIDTH = 8
"""The length of a contact key."""

PIECE = 1 << 17
"""Keys that are looked at at the same time."""


@runtime_checkable
class Stored(Protocol):
    """Bytes that grow at their end.  To read them is to cut slices (of step 1) out of them."""

    def __len__(self) -> int: ...

    def __getitem__(self, where: slice, /) -> bytes: ...

    def append(self, block: bytes | bytearray, /) -> None:
        """Add bytes at the end."""

    def another(self) -> Stored:
        """An empty one in a place of the same kind."""

    def closed(self) -> Packed:
        """What is complete: bytes, if they are in memory anyway."""


Packed: TypeAlias = "bytes | Stored"
"""Contact keys behind each other."""


class Held:
    """Bytes that stay in memory."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, where: slice, /) -> bytes:
        return bytes(memoryview(self._data)[where])

    def append(self, block: bytes | bytearray, /) -> None:
        """See ``Stored``."""
        self._data += block

    def another(self) -> Stored:
        """See ``Stored``."""
        return Held()

    def closed(self) -> Packed:
        """See ``Stored``."""
        return bytes(self._data)


def another(packed: Packed) -> Stored:
    """Room for what is made of these keys: where they lie there may be more of them."""
    return Held() if isinstance(packed, bytes) else packed.another()


def pieces(packed: Packed) -> Iterator[bytes]:
    """The keys in strings of bytes that are not too long."""
    width = PIECE * KEY_WIDTH
    return (packed[at : at + width] for at in range(0, len(packed), width))


def placed(packed: Packed) -> Iterator[tuple[int, bytes]]:
    """The pieces, each with the row of its first key."""
    return zip(count(0, PIECE), pieces(packed))


def numbers(packed: Packed) -> Iterator[int]:
    """The keys as numbers, of which not too many are there at a time.

    The same key is the same number, on this machine.
    """
    return chain.from_iterable(array("Q", piece) for piece in pieces(packed))
