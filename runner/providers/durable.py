"""Files that are there whole or not at all, and still there after a power cut."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

FEW = 16
"""Up to this many files are synced one by one; more are cheaper all at once."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


class Folder:
    """A directory that files are put into.  Opened once: a path is looked up for each use."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        self._suffix = f".{os.getpid()}.tmp"
        self._names: list[str] = []

    @property
    def names(self) -> Sequence[str]:
        """What was put into it, and may not be durable yet."""
        return self._names

    def replace(self, name: str, data: bytes) -> None:
        """Write a file: a reader sees the old one or the new one.  Raises OSError.

        Not yet durable: see ``make_durable``.
        """
        folder = self._descriptor
        temporary = f".{name}{self._suffix}"
        try:
            with os.fdopen(os.open(temporary, _NEW, 0o600, dir_fd=folder), "wb") as stream:
                stream.write(data)
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            self._remove(temporary)
            raise
        self._names.append(name)

    def sync(self, names: Sequence[str] = ()) -> None:
        """Bring these files to the disk, and the directory itself.  Raises OSError."""
        for name in names:
            descriptor = os.open(name, os.O_RDONLY, dir_fd=self._descriptor)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)

    def _remove(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._descriptor)
        except FileNotFoundError:
            return


def make_durable(folders: Sequence[Folder]) -> None:
    """Bring all that was put into these folders to the disk.  Raises OSError.

    Waiting for each of a thousand files takes seconds, one ``sync`` a fraction of one.
    """
    few = sum(len(folder.names) for folder in folders) <= FEW
    if not few:
        os.sync()
    for folder in folders:
        folder.sync(folder.names if few else ())
