"""Where packed text lies: in memory, and past a limit in a file that nobody else can read."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import accumulate, pairwise

from ..overflow import NamelessFile

ROOM = 4 << 20
"""Bytes kept in memory; the columns of a list share them."""

_CIPHER_BLOCK = 16

Ref = bytes | tuple[int, int]
"""A block that was put away: itself, or offset and length in the file."""


class Spool:
    """Blocks of bytes, written once and read as often as need be.

    The file has no name, is gone with the process, and holds no address that anybody could read:
    AES in counter mode, under a key that is only in memory.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._key = secrets.token_bytes(32)
        self._file: NamelessFile | None = None
        self._end = 0

    def put(self, block: bytes) -> Ref:
        """Put a block away."""
        if self._room >= len(block):
            self._room -= len(block)
            return block
        at = self._end
        try:
            self._file = self._file or NamelessFile()
            self._file.write(self._veiled(block, at), at)
        except OSError:
            # no room on the disk either: slow is better than a list that cannot be read
            return block
        self._end += len(block)
        return at, len(block)

    def put_all(self, blocks: Sequence[bytes]) -> list[Ref]:
        """Put blocks away, all at once where they go to the file."""
        size = sum(map(len, blocks))
        if self._room >= size:
            return list(map(self.put, blocks))
        whole = self.put(b"".join(blocks))
        if isinstance(whole, bytes):
            return list(blocks)
        ends = list(accumulate(map(len, blocks), initial=whole[0]))
        return [(at, end - at) for at, end in pairwise(ends)]

    def get(self, ref: Ref) -> bytes:
        """A block that was put away.  Raises DiskFailed."""
        if isinstance(ref, bytes):
            return ref
        at, size = ref
        if self._file is None:
            raise ValueError("not put away here")
        return self._veiled(self._file.read(size, at), at)

    def _veiled(self, block: bytes, at: int) -> bytes:
        """Veils, and unveils.

        The file is one stream under one counter, one for each 16 bytes, so that any part of it
        can be read alone, and no two bytes are veiled alike.
        """
        # Slow to import, and most lists fit into memory.
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415

        counter, before = divmod(at, _CIPHER_BLOCK)
        cipher = Cipher(algorithms.AES(self._key), modes.CTR(counter.to_bytes(_CIPHER_BLOCK)))
        stream = cipher.encryptor()
        stream.update(bytes(before))
        return stream.update(block)
