"""Files that are there whole or not at all, and still there after a power cut."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

FEW = 16
"""Up to this many files are synced one by one; more are cheaper all at once."""


def replace_file(path: Path, data: bytes) -> None:
    """Write ``path``: a reader sees the old file or the new one.  Raises OSError.

    Not yet durable: see ``make_durable``.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as stream:
            stream.write(data)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def make_durable(folder: Path, names: Sequence[str]) -> None:
    """Bring these files of a folder to the disk, and the folder itself.  Raises OSError.

    Waiting for each of a thousand files takes seconds, one ``sync`` a fraction of one.
    """
    if len(names) > FEW:
        os.sync()
    else:
        for name in names:
            _sync(folder / name)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
