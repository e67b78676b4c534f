"""Writing to disk so that it is there after a power cut, or an error says it is not."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..errors import StateError, StateRefused, StateUnreachable

_REFUSED: Final = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ELOOP,
        errno.ENAMETOOLONG,
    }
)
_LOCK_WAIT: Final = 0.05


def state_error(error: OSError, path: Path) -> StateError:
    """The error of ours for one of the operating system's at ``path``."""
    kind = StateRefused if error.errno in _REFUSED else StateUnreachable
    return kind(f"{path}: {error.strerror or 'input/output error'}")


# a link in a checkout must not be written through
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_LOCK: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def write_durably(path: Path, content: bytes) -> None:
    """Write a file and wait until its bytes are on the disk; its directory entry may not be."""
    descriptor = os.open(path, _NEW, 0o644)
    try:
        rest = memoryview(content)
        while rest:
            # A disk that fills up takes a part and says so only in the number it returns.
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Wait until the entries of a directory are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directories(path: Path) -> None:
    """Make a directory and its parents, each one's entry durably in the one above."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        directory.mkdir(exist_ok=True)
        sync_directory(directory.parent)


@contextmanager
def locked(
    path: Path, *, shared: bool, seconds: float, sleep: Callable[[float], None]
) -> Iterator[None]:
    """Hold the lock on the file ``path``, made when there is none.

    Raises StateUnreachable when another process keeps it for longer than ``seconds``; the lock of
    a process that died is gone with it.
    """
    descriptor = os.open(path, _LOCK, 0o644)
    try:
        _lock(descriptor, path, shared, seconds, sleep)
        yield
    finally:
        os.close(descriptor)


def _lock(
    descriptor: int, path: Path, shared: bool, seconds: float, sleep: Callable[[float], None]
) -> None:
    operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
    for _ in range(int(seconds / _LOCK_WAIT) + 1):
        try:
            fcntl.flock(descriptor, operation)
        except BlockingIOError:
            sleep(_LOCK_WAIT)
        else:
            return
    raise StateUnreachable(f"{path}: another process has held this lock for {seconds:g} s")
