"""Several files at once, all or nothing, on an ordinary file system.

1. Every file is written beside its place under a hidden name, and is on the disk.
2. ``.journal``, the list of these files, appears in the state directory by one rename.  **That is
   the moment at which the append happens**: a power cut before it leaves the old state, one after
   it the new state.
3. The files get their names, and the journal goes.

Whoever comes after a crash between 2 and 3 ends the work, or, when it may only read, looks at the
hidden files in place of the missing ones.  Whatever else is hidden is rubbish of a crash before 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from ..errors import StateCorrupt
from .disk import state_error, sync_directory, write_durably

JOURNAL: Final = ".journal"


def hidden(path: Path) -> Path:
    """Where a file is until it gets its name."""
    return path.with_name(f".{path.name}.tmp")


def write_all(root: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` (by path below ``root``) as one; the caller holds the lock.

    Raises StateRefused or StateUnreachable, and then nothing was written.
    """
    try:
        for path, content in files.items():
            _prepare(root / path, content)
        for directory in _chain(root, files):
            sync_directory(directory)
        _commit(root, sorted(files))
    except OSError as error:
        _tidy(root, files)
        raise state_error(error, Path(error.filename or root)) from None
    # It has happened.  If the names cannot be given now, they are at the next sync.
    with suppress(OSError):
        finish(root)


def _chain(root: Path, files: Iterable[str]) -> list[Path]:
    """The directories on the way to ``files``, one above before one below.

    All of them, not only new ones: a run that was killed may have made one and not synced it.
    """
    inner = {root / parent for path in files for parent in PurePosixPath(path).parents}
    return sorted(inner)


def _prepare(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_durably(hidden(path), content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _commit(root: Path, paths: Sequence[str]) -> None:
    journal = root / JOURNAL
    write_durably(hidden(journal), json.dumps(paths).encode())
    hidden(journal).rename(journal)
    try:
        sync_directory(root)
    except OSError:
        journal.unlink()
        raise


def _tidy(root: Path, files: Mapping[str, bytes]) -> None:
    if (root / JOURNAL).exists():
        return  # it could not be taken back: whoever comes next ends it
    for path in [root / JOURNAL, *(root / name for name in files)]:
        with suppress(OSError):
            hidden(path).unlink(missing_ok=True)


def pending(root: Path) -> tuple[str, ...]:
    """The paths of an append that has happened but not yet got its names; mostly none."""
    try:
        content = (root / JOURNAL).read_bytes()
    except FileNotFoundError:
        return ()
    try:
        paths = json.loads(content)
    except ValueError:
        paths = None
    if not isinstance(paths, list) or not all(map(_inside, paths)):
        raise StateCorrupt(f"state/{JOURNAL}: this is not a list of paths: was it edited?")
    return tuple(paths)


def _inside(path: object) -> bool:
    """Whether a line of the journal is a path that stays in the state directory."""
    return isinstance(path, str) and not {"", ".", ".."} & set(path.split("/"))


def finish(root: Path) -> None:
    """End an append that was interrupted after it had happened.  May raise OSError."""
    paths = [root / path for path in pending(root)]
    if not paths:
        return
    for path in paths:
        if hidden(path).exists():
            hidden(path).replace(path)
        elif not path.exists():
            raise StateCorrupt(f"{path} is missing: was it deleted?")
    for directory in {path.parent for path in paths}:
        sync_directory(directory)
    (root / JOURNAL).unlink()
    sync_directory(root)


def sweep(directory: Path) -> None:
    """Remove what a crashed append left in a directory; the caller holds the lock."""
    for path in directory.glob(".*.tmp"):
        path.unlink(missing_ok=True)
