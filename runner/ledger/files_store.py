"""The ledger in a directory: for a laptop, a server, or a repository that commits it itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from ..errors import RaceLost, StateCorrupt, StateMissing, StateRefused
from ..model.ledger import Document, Record
from ..ports import Snapshot
from .disk import locked, make_directories, state_error
from .journal import finish, hidden, pending, sweep, write_all
from .layout import (
    LEDGER,
    META,
    LedgerFile,
    by_month,
    document_files,
    ledger_file,
    month_path,
    next_seq,
)
from .meta import check_meta, encode_meta
from .snapshot import StoredSnapshot

LOCK: Final = ".lock"


class FilesStore:
    """A ``LedgerStore`` in the directory ``root``, which must lie in ``workspace``.

    ``fingerprint`` is ``meta.key_id`` of the state key.  ``patience``: seconds to wait for a lock
    that another process holds.
    """

    def __init__(
        self,
        root: Path,
        fingerprint: str,
        *,
        workspace: Path,
        sleep: Callable[[float], None],
        patience: float = 20.0,
    ) -> None:
        self._root = root
        self._workspace = workspace
        self._fingerprint = fingerprint
        self._sleep = sleep
        self._patience = patience

    def sync(self) -> Snapshot:
        """Read the newest state.

        Raises StateMissing, StateKeyChanged, StateCorrupt, StateUnreachable.
        """
        self._check_place()
        try:
            with self._reading():
                return self._snapshot(self._sound_files())
        except OSError as error:
            raise state_error(error, self._root) from None

    def append(
        self,
        base: Snapshot,
        records: Sequence[Record],
        *,
        run: str,
        message: str,
        documents: Sequence[Document] = (),
    ) -> Snapshot:
        """Add ``records`` on top of exactly ``base``; RaceLost when another run wrote first."""
        return self._write(records, run, documents, base)

    def add_facts(
        self,
        records: Sequence[Record],
        *,
        run: str,
        message: str,
        documents: Sequence[Document] = (),
    ) -> Snapshot:
        """Add facts on top of whatever is there."""
        return self._write(records, run, documents, None)

    def initialise(self, created: datetime) -> Snapshot:
        """Make the directory with an empty ledger.  StateRefused when there is a state already."""
        self._check_inside()
        try:
            make_directories(self._root)
            with self._lock(shared=False):
                finish(self._root)
                if (self._root / META).exists() or (self._root / LEDGER).exists():
                    raise StateRefused(f"{self._root} holds a state already")
                write_all(self._root, {META: encode_meta(self._fingerprint, created)})
                return self._snapshot([])
        except OSError as error:
            raise state_error(error, self._root) from None

    def _write(
        self,
        records: Sequence[Record],
        run: str,
        documents: Sequence[Document],
        base: Snapshot | None,
    ) -> Snapshot:
        contents, derived = by_month(records), document_files(documents)
        self._check_place()
        try:
            with self._lock(shared=False):
                finish(self._root)
                files = self._sound_files()
                now = self._snapshot(files)
                if base and base.version != now.version:
                    raise RaceLost("another run wrote first: the state is no longer what was read")
                if not contents and not derived:
                    return now
                added = self._new_files(contents, run)
                texts = {file.path: text for file, text in added.items()}
                write_all(self._root, {**texts, **derived})
                # Not looked up again: once it has happened, nothing may fail any more.
                return self._snapshot([*files, *added])
        except OSError as error:
            raise state_error(error, self._root) from None

    def _new_files(
        self, contents: Mapping[tuple[str, str], bytes], run: str
    ) -> Mapping[LedgerFile, bytes]:
        files = {}
        for (campaign, month), text in contents.items():
            directory = self._root / month_path(campaign, month)
            sweep(directory)
            names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
            file = LedgerFile(campaign, month, run, next_seq(names, run))
            files[replace(file, source=str(self._root / file.path), size=len(text))] = text
        return files

    def _lock(self, *, shared: bool) -> AbstractContextManager[None]:
        return locked(self._root / LOCK, shared=shared, seconds=self._patience, sleep=self._sleep)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Keep writers away while the directory is listed."""
        with ExitStack() as stack:
            # Where nothing may be written there is no writer to keep away, and what an interrupted
            # append left to do is done by looking at its hidden files.
            with suppress(OSError):
                if pending(self._root):
                    with self._lock(shared=False):
                        finish(self._root)
                stack.enter_context(self._lock(shared=True))
            yield

    def _sound_files(self) -> list[LedgerFile]:
        """What is on disk, once it is known to be ours; the caller keeps writers away."""
        self._check_meta()
        return list(self._listing())

    def _snapshot(self, files: Iterable[LedgerFile]) -> StoredSnapshot:
        files = sorted(files)
        names = "".join(f"{file.path}\0{file.size}\n" for file in files)
        version = hashlib.sha256(names.encode()).hexdigest()[:40]
        return StoredSnapshot(version, lambda: files, self._read)

    def _check_meta(self) -> None:
        path = self._root / META
        if not path.exists() and hidden(path).exists() and META in pending(self._root):
            path = hidden(path)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            if (self._root / LEDGER).exists():
                raise StateCorrupt(self._missing(f"{META} is missing")) from None
            raise StateMissing(self._missing(f"{META} is missing")) from None
        check_meta(content, self._fingerprint, f"{self._root.name}/{META}")

    def _listing(self) -> Iterator[LedgerFile]:
        for path in self._walk(self._root / LEDGER, 3):
            name = path.relative_to(self._root).as_posix()
            yield ledger_file(name, str(path), path.stat().st_size)
        for name in pending(self._root):
            path = self._root / name
            if name.startswith(f"{LEDGER}/") and not path.exists():
                yield ledger_file(name, str(hidden(path)), hidden(path).stat().st_size)

    def _walk(self, directory: Path, depth: int) -> Iterator[Path]:
        if not directory.exists():
            return
        for path in sorted(directory.iterdir()):
            if path.name.startswith("."):
                continue
            if path.is_symlink():
                raise StateCorrupt(f"{path} is a symbolic link: records are ordinary files")
            if path.is_dir() and depth > 1:
                yield from self._walk(path, depth - 1)
            else:
                yield path

    def _read(self, files: Sequence[LedgerFile]) -> Iterator[bytes]:
        for file in files:
            try:
                yield self._content(file)
            except FileNotFoundError:
                raise StateCorrupt(f"state/{file.path} is missing: was it deleted?") from None
            except OSError as error:
                raise state_error(error, Path(file.source)) from None

    def _content(self, file: LedgerFile) -> bytes:
        """A file's bytes, whether or not it has got its name yet."""
        path = self._root / file.path
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return hidden(path).read_bytes()

    def _check_place(self) -> None:
        self._check_inside()
        if not self._root.exists():
            raise StateMissing(self._missing("there is no state"))

    def _check_inside(self) -> None:
        home = self._workspace.resolve()
        for path in (self._root, self._root / LEDGER, self._root / "jobs"):
            if not path.resolve().is_relative_to(home):
                raise StateRefused(f"{path} leads out of the workspace: a symbolic link?")
            if path.exists() and not path.is_dir():
                raise StateRefused(f"{path} is not a directory")

    def _missing(self, what: str) -> str:
        return (
            f"{self._root}: {what}: if nothing was ever sent from here, run sendoff init; else "
            "bring the directory back"
        )
