"""Bytes on disk that only the holder of the key can read, in pieces that can be read at random.

The construction is STREAM over AES-GCM: every piece is sealed under its number and under whether it
is the last, with a key of the file's own.  So a piece that is missing, moved, changed or taken from
another file is noticed, and so is an end that was cut off.
"""

from __future__ import annotations

import errno
import io
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, cast

from .fetching import writes

CHUNK = 1 << 16
"""Plain bytes in a piece."""
TAG = 16
SALT = 16


class Tampered(Exception):
    """These are not the bytes that were sealed here, or not with this key."""


def cipher(secret: bytes, salt: bytes, purpose: str) -> Any:
    """AES-GCM under a key that is used for this one file."""
    # 30 ms, only for lists that are fetched
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    info = f"sendoff list cache 1: {purpose}".encode()
    return AESGCM(HKDF(SHA256(), length=32, salt=salt, info=info).derive(secret))


def seal(secret: bytes, purpose: str, plain: bytes) -> bytes:
    """A short text, sealed in one piece."""
    salt = os.urandom(SALT)
    return salt + bytes(cipher(secret, salt, purpose).encrypt(_nonce(0, last=True), plain, None))


def unseal(secret: bytes, purpose: str, sealed: bytes) -> bytes:
    """The text again.  Raises Tampered."""
    key = cipher(secret, sealed[:SALT], purpose)
    return _opened(key, 0, sealed[SALT:], last=True)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _opened(key: Any, number: int, piece: bytes, *, last: bool) -> bytes:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above

    try:
        return bytes(key.decrypt(_nonce(number, last=last), piece, None))
    except (InvalidTag, ValueError):
        raise Tampered from None


class Sealer(io.RawIOBase):
    """Seals what is written to it; FetchError when the disk refuses.  ``written``: plain bytes."""

    def __init__(self, stream: IO[bytes], key: Any) -> None:
        self._stream = stream
        self._key = key
        self._held = bytearray()
        self._number = 0
        self.written = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:
        """Take bytes; a piece is only sealed once it is known not to be the last."""
        view = memoryview(data).cast("B")
        self.written += len(view)
        for start in range(0, len(view), CHUNK):
            self._held += view[start : start + CHUNK]
            while len(self._held) > CHUNK:
                self._emit(bytes(self._held[:CHUNK]), last=False)
                del self._held[:CHUNK]
        return len(view)

    def finish(self) -> None:
        """Seal the end."""
        self._emit(bytes(self._held), last=True)
        self._held.clear()
        with writes():
            self._stream.flush()

    def _emit(self, plain: bytes, *, last: bool) -> None:
        with writes():
            self._stream.write(self._key.encrypt(_nonce(self._number, last=last), plain, None))
        self._number += 1


class Sealed:
    """Sealed bytes to be read; implements ``raw.Stored``.

    Keeps a descriptor of its own, so that it can be read on when the file is replaced or taken
    away.
    """

    def __init__(self, stream: IO[bytes], key: Any) -> None:
        self._descriptor = os.dup(stream.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        self._key = key
        self._stored = os.fstat(self._descriptor).st_size
        self._pieces = max(1, -(-self._stored // (CHUNK + TAG)))

    def size(self) -> int:
        """Plain bytes."""
        return max(0, self._stored - self._pieces * TAG)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """A stream at the beginning; reading it raises OSError where the bytes were changed."""
        yield cast("BinaryIO", _Reader(self))

    def piece(self, number: int) -> bytes:
        """Plain bytes of one piece.  Raises Tampered."""
        sealed = os.pread(self._descriptor, CHUNK + TAG, number * (CHUNK + TAG))
        return _opened(self._key, number, sealed, last=number == self._pieces - 1)

    def check(self) -> None:
        """Read everything once.  Raises Tampered."""
        for number in range(self._pieces):
            self.piece(number)


class _Reader(io.RawIOBase):
    """A position in sealed bytes."""

    def __init__(self, sealed: Sealed) -> None:
        self._sealed = sealed
        self._at = 0
        self._loaded = -1
        self._piece = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._sealed.size()}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        number, start = divmod(self._at, CHUNK)
        if self._at >= self._sealed.size():
            return 0
        if number != self._loaded:
            try:
                self._piece = self._sealed.piece(number)
            except Tampered:
                message = "the copy was changed while it was read"
                raise OSError(errno.EIO, message) from None
            self._loaded = number
        part = self._piece[start : start + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)
