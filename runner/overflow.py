"""Room on the disk for what would fill the memory: files that have no name."""

from __future__ import annotations

import os
import sys
import tempfile
import weakref

from .errors import DiskFailed

ROOM = 4 << 20
"""Bytes that stay in memory before there is a file."""
_BUFFER = 1 << 18
_FAILED = (
    "a temporary file cannot be read again, look at the disk that TMPDIR names (nothing is lost: "
    "what was claimed is in the ledger)"
)


class NamelessFile:
    """A file that only this process can reach, and that is gone with it, however it ends."""

    def __init__(self) -> None:
        """Raises OSError."""
        self._file, name = tempfile.mkstemp(prefix="sendoff-")
        os.unlink(name)  # noqa: PTH108 - mkstemp gives a string
        weakref.finalize(self, os.close, self._file)

    def write(self, block: bytes | bytearray, at: int) -> None:
        """Write all of it.  Raises OSError, and then some of it may have been written."""
        view = memoryview(block)
        while view:
            written = os.pwrite(self._file, view, at)
            view, at = view[written:], at + written

    def read(self, size: int, at: int) -> bytes:
        """What was written there, all of it.  Raises DiskFailed."""
        found = self._read(size, at)
        while len(found) < size:
            more = self._read(size - len(found), at + len(found))
            if not more:
                raise DiskFailed(f"{_FAILED}: it has become shorter")
            found += more
        return found

    def _read(self, size: int, at: int) -> bytes:
        try:
            return os.pread(self._file, size, at)
        except OSError as error:
            raise DiskFailed(f"{_FAILED}: {error.strerror}") from None


class Overflow:
    """Bytes that grow at their end (``runner.model.packed.Stored``).

    A few stay in memory.  Of more, all but the newest lie in a file without a name, in the clear:
    nothing for addresses.  Where the disk is full they stay in memory all the same.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room = self._limit = room
        self._file: NamelessFile | None = None
        self._end = 0
        self._rest = bytearray()

    def append(self, block: bytes | bytearray, /) -> None:
        """Add bytes at the end."""
        self._rest += block
        if len(self._rest) > self._limit:
            self._put_away()

    def _put_away(self) -> None:
        try:
            self._file = self._file or NamelessFile()
            self._file.write(self._rest, self._end)
        except OSError:
            # no room on the disk either: slow is better than a list that cannot be read
            self._limit = sys.maxsize
            return
        self._end += len(self._rest)
        self._rest = bytearray()
        self._limit = min(self._room, _BUFFER)

    def another(self) -> Overflow:
        """An empty one of the same kind."""
        return Overflow(self._room)

    def closed(self) -> bytes | Overflow:
        """See ``Stored``."""
        return self if self._file else bytes(self._rest)

    def __len__(self) -> int:
        return self._end + len(self._rest)

    def __getitem__(self, where: slice, /) -> bytes:
        """A copy of a part, read from the file where it lies there.  Raises DiskFailed."""
        start, stop, _ = where.indices(len(self))
        found = bytes(memoryview(self._rest)[max(0, start - self._end) : max(0, stop - self._end)])
        if self._file is None or start >= min(stop, self._end):
            return found
        return self._file.read(min(stop, self._end) - start, start) + found
