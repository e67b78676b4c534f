"""The ledger in a directory: for a laptop, a server, or a repository that commits it itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from ..errors import RaceLost, StateMissing, StateRefused
from ..model.ledger import BOOK, Document, Inspection, Record
from ..ports import Snapshot
from .directory import IGNORE, LOCK, Directory, Holdings, missing_state
from .disk import locked, make_directories, state_error
from .journal import finish, pending, sweep, write_all
from .layout import (
    META,
    RECORDS,
    LedgerFile,
    by_month,
    document_files,
    month_path,
    next_seq,
)
from .meta import SEALED, SUPPRESSING, encode_meta, raised
from .seal import SEAL, dump_seal, first_seal, grown, with_end
from .snapshot import StoredSnapshot

_IGNORED: Final = (
    b"# of this machine only, for where the state is committed\n.lock\n.journal\n.*.tmp\n"
)


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
        self._directory = Directory(root, fingerprint)
        self._sleep = sleep
        self._patience = patience

    def sync(self) -> Snapshot:
        """Read the newest state.

        Raises StateMissing, StateKeyChanged, StateCorrupt, StateUnreachable.
        """
        self._check_place()
        try:
            with self._reading():
                return self._snapshot(self._directory.sound().files)
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

    def inspect(self) -> Inspection:
        """Everything that is wrong with the ledger.  Raises StateMissing, StateUnreachable."""
        self._check_place()
        try:
            with self._reading():
                return self._directory.inspect()
        except OSError as error:
            raise state_error(error, self._root) from None

    def initialise(self, created: datetime) -> Snapshot:
        """Make the directory with an empty ledger.  StateRefused when there is a state already."""
        self._check_inside()
        try:
            make_directories(self._root)
            with self._lock(shared=False):
                finish(self._root)
                if (self._root / META).exists() or any((self._root / d).exists() for d in RECORDS):
                    raise StateRefused(f"{self._root} holds a state already")
                meta = encode_meta(self._fingerprint, created)
                write_all(self._root, {META: meta, SEAL: dump_seal({}), IGNORE: _IGNORED})
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
                held = self._directory.sound()
                now = self._snapshot(held.files)
                if base and base.version != now.version:
                    raise RaceLost("another run wrote first: the state is no longer what was read")
                if not contents and not derived:
                    return now
                added = self._new_files(contents, run, held)
                texts = {file.path: text for file, text in added.items()}
                write_all(self._root, {**texts, **derived, **self._sealing(held, list(added))})
                # Not looked up again: once it has happened, nothing may fail any more.
                return self._snapshot([*held.files, *added])
        except OSError as error:
            raise state_error(error, self._root) from None

    def _new_files(
        self, contents: Mapping[tuple[str, str], bytes], run: str, held: Holdings
    ) -> Mapping[LedgerFile, bytes]:
        files = {}
        for (campaign, month), body in contents.items():
            text = with_end(body, held.last(campaign))
            directory = self._root / month_path(campaign, month)
            sweep(directory)
            names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
            file = LedgerFile(campaign, month, run, next_seq(names, run))
            files[replace(file, source=str(self._root / file.path), size=len(text))] = text
        return files

    def _sealing(self, held: Holdings, added: Sequence[LedgerFile]) -> Mapping[str, bytes]:
        """What is rewritten with an append; a state from before there were seals gets its first."""
        if not added:
            return {}
        books = any(file.campaign == BOOK for file in (*added, *held.files))
        wanted = SUPPRESSING if books else SEALED
        files = {META: raised(held.meta, wanted, META)} if held.format < wanted else {}
        if held.seal is not None:
            return {**files, SEAL: dump_seal(grown(held.seal, added))}
        ignored = {} if (self._root / IGNORE).exists() else {IGNORE: _IGNORED}
        return {**files, **ignored, SEAL: dump_seal(grown(first_seal(held.files), added))}

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

    def _snapshot(self, files: Iterable[LedgerFile]) -> StoredSnapshot:
        files = sorted(files)
        names = "".join(f"{file.path}\0{file.size}\n" for file in files)
        version = hashlib.sha256(names.encode()).hexdigest()[:40]
        return StoredSnapshot(version, lambda: files, self._directory.read)

    def _check_place(self) -> None:
        self._check_inside()
        if not self._root.exists():
            raise StateMissing(missing_state(self._root, "there is no state"))

    def _check_inside(self) -> None:
        home = self._workspace.resolve()
        for path in (self._root, *(self._root / name for name in (*RECORDS, "jobs"))):
            if not path.resolve().is_relative_to(home):
                raise StateRefused(f"{path} leads out of the workspace: a symbolic link?")
            if path.exists() and not path.is_dir():
                raise StateRefused(f"{path} is not a directory")
