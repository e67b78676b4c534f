"""The bytes of a contact file, watched while they are read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from ...dataclass import dataclass
from ...model.contacts import FileSource

_BUFFER = 1 << 18
_MAGIC = {
    b"\xff\xfe": ("the file is UTF-16", "save it as UTF-8"),
    b"\xfe\xff": ("the file is UTF-16", "save it as UTF-8"),
    b"\x1f\x8b": ("the file is gzip-compressed", "let its name end in .gz"),
    b"PK\x03\x04": ("the file is a spreadsheet or a zip archive", "save the sheet as CSV UTF-8"),
    b"\xd0\xcf\x11\xe0": ("the file is a spreadsheet", "save the sheet as CSV UTF-8"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may unpack to: bytes in all, and once ``grace`` is passed, times its size."""

    unpacked: int = 2 << 30
    ratio: int = 250
    grace: int = 16 << 20


class Stored(Protocol):
    """Bytes that lie somewhere, and can be read from their beginning as often as need be."""

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """A stream at their beginning, without a buffer of its own."""
        ...

    def size(self) -> int:
        """How many there are."""
        ...


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A file as it lies on disk."""

    path: Path

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """See ``Stored``."""
        return self.path.open("rb", buffering=0)

    def size(self) -> int:
        """See ``Stored``."""
        return self.path.stat().st_size


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file source and its bytes; ``source.path`` is what problems call it."""

    source: FileSource
    stored: Stored
    limits: Limits = Limits()


class SourceError(Exception):
    """The bytes are not what a contact file holds; ``offset`` is where, or -1 for nowhere."""

    def __init__(self, message: str, hint: str = "", offset: int = -1) -> None:
        super().__init__(message)
        self.message, self.hint, self.offset = message, hint, offset


@contextmanager
def open_bytes(raw: RawFile) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked and watched.

    What is wrong with them is raised on reading: SourceError, OSError, and from gzip also
    EOFError and zlib.error.
    """
    ceiling = 0
    if raw.source.compressed:
        most = max(raw.limits.grace, raw.limits.ratio * raw.stored.size())
        ceiling = min(raw.limits.unpacked, most)
    with _unpacked(raw) as stream:
        yield cast("BinaryIO", io.BufferedReader(_Watched(stream, ceiling), _BUFFER))


@contextmanager
def _unpacked(raw: RawFile) -> Iterator[IO[bytes]]:
    with raw.stored.open() as file:
        if not raw.source.compressed:
            yield file
            return
        import gzip  # noqa: PLC0415 - few lists are compressed

        with gzip.open(file) as stream:
            yield cast("IO[bytes]", stream)


def line_at(raw: RawFile, offset: int) -> int:
    """The line that holds the byte at ``offset``, up to which the file is sound."""
    read, line = 0, 1
    with _unpacked(raw) as stream:
        while read < offset and (chunk := stream.read(min(_BUFFER, offset - read))):
            line += chunk.count(b"\n")
            read += len(chunk)
    return line


class _Watched(io.RawIOBase):
    """Passes bytes on; refuses NUL, other kinds of file, and more than ``ceiling`` bytes."""

    def __init__(self, stream: IO[bytes], ceiling: int) -> None:
        self._stream = stream
        self._ceiling = ceiling
        self._passed = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # mypy: the base class takes any buffer
        chunk = self._stream.read(len(buffer))
        if self._passed == 0:
            _sniff(chunk)
        nul = chunk.find(b"\0")
        if nul >= 0:
            raise SourceError("a NUL byte", "this is not a text file", self._passed + nul)
        self._passed += len(chunk)
        if self._ceiling and self._passed > self._ceiling:
            raise SourceError(
                f"unpacks to more than {self._ceiling:,} bytes", "is it really a contact list?"
            )
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _sniff(start: bytes) -> None:
    """Refuse by their first bytes the files that people mistake for CSV."""
    for magic, (message, hint) in _MAGIC.items():
        if start.startswith(magic):
            raise SourceError(message, hint)
    if b"\0" in start[:4]:
        raise SourceError("the file is UTF-16 or binary", "save it as UTF-8")
