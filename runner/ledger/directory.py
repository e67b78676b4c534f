"""Reading a state directory: what is there, an interrupted append included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ..dataclass import dataclass
from ..errors import StateCorrupt, StateMissing
from ..model.ledger import Inspection
from .disk import state_error
from .inspection import Inspector, strays
from .journal import JOURNAL, hidden, pending
from .layout import LEDGER, META, RECORDS, SEE, LedgerFile, ledger_file
from .meta import SEALED, check_meta
from .seal import SEAL, End, Seal, broken, explain, inner, load_seal, split_end
from .snapshot import StoredSnapshot

LOCK: Final = ".lock"
IGNORE: Final = ".gitignore"
_KNOWN: Final = frozenset(
    {META, SEAL, *RECORDS, LOCK, IGNORE, JOURNAL, "jobs", "events", ".gitkeep"}
)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a state directory holds; ``seal`` None: it is from before there were seals."""

    files: tuple[LedgerFile, ...]
    meta: bytes
    seal: Seal | None
    format: int

    def last(self, campaign: str) -> str:
        """The campaign's newest file, as check lines name it; '' when there is none."""
        return self.seal[campaign].last if self.seal and campaign in self.seal else ""


class Directory:
    """The state directory ``root``.  Whoever reads it keeps writers away meanwhile, if any."""

    def __init__(self, root: Path, fingerprint: str) -> None:
        self._root = root
        self._fingerprint = fingerprint

    def sound(self) -> Holdings:
        """What is there, once it is known to be ours and whole.

        Raises StateMissing, StateKeyChanged and StateCorrupt; may raise OSError.
        """
        meta, version = self.meta()
        while True:
            seal = self.seal(version)
            files = tuple(self.listing())
            suspects = broken(seal, files) if seal is not None else []
            if not suspects or seal is None:
                return Holdings(files, meta, seal, version)
            # Without the lock (where only reading is allowed) a writer may have been between.
            if self.seal(version) == seal:
                raise StateCorrupt(self._reason(suspects, seal, files))

    def meta(self) -> tuple[bytes, int]:
        """The content of ``meta.json`` and its format.  Raises like ``sound``."""
        content = self._newest(META)
        if content is None:
            kind = StateCorrupt if (self._root / LEDGER).exists() else StateMissing
            raise kind(missing_state(self._root, f"{META} is missing"))
        return content, check_meta(content, self._fingerprint, f"{self._root.name}/{META}")

    def seal(self, version: int) -> Seal | None:
        """The seal; None where there need not be one.  Raises StateCorrupt."""
        content = self._newest(SEAL)
        if content is not None:
            return load_seal(content)
        if version >= SEALED:
            raise StateCorrupt(f"state/{SEAL} is missing: was it deleted? {SEE}")
        return None

    def _newest(self, name: str) -> bytes | None:
        """A file that may be rewritten; that of an append which has just happened goes first."""
        path = self._root / name
        if name in pending(self._root) and hidden(path).exists():
            path = hidden(path)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def listing(self) -> Iterator[LedgerFile]:
        """The ledger files.  Raises StateCorrupt for one that does not belong."""
        for name, path in self.paths():
            if path.is_symlink():
                raise StateCorrupt(f"{path} is a symbolic link: records are ordinary files")
            yield ledger_file(name, str(path), path.stat().st_size)

    def paths(self) -> Iterator[tuple[str, Path]]:
        """All records' files that are not hidden: (path below the state, path on disk)."""
        for directory in RECORDS:
            for path in _walk(self._root / directory, 3):
                yield path.relative_to(self._root).as_posix(), path
        for name in pending(self._root):
            path = self._root / name
            if name.partition("/")[0] in RECORDS and not path.exists():
                yield name, hidden(path)

    def read(self, files: Sequence[LedgerFile]) -> Iterator[bytes]:
        """The contents.  Raises StateCorrupt when a file is gone."""
        for file in files:
            try:
                yield self._content(file)
            except FileNotFoundError:
                raise StateCorrupt(f"state/{file.path} is missing: was it deleted? {SEE}") from None
            except OSError as error:
                raise state_error(error, Path(file.source)) from None

    def inspect(self) -> Inspection:
        """Everything that is wrong.  Raises StateMissing; may raise OSError."""
        found, seals = Inspector(), list[Seal | None]()
        version = [0]
        found.attempt(META, lambda: version.append(self.meta()[1]))
        found.attempt(SEAL, lambda: seals.append(self.seal(version[-1])))
        found.problems += strays((path.name for path in self._root.iterdir()), _KNOWN)
        for name, path in self.paths():
            ordinary = path.is_file() and not path.is_symlink()
            found.add(name, str(path), path.stat().st_size if ordinary else 0, ordinary=ordinary)
        found.read(self.read)
        if seals and seals[0] is not None:
            found.compare(seals[0])
        return found.result(f"the directory {self._root.name}/", version[-1])

    def _content(self, file: LedgerFile) -> bytes:
        """A file's bytes, whether or not it has got its name yet."""
        path = self._root / file.path
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return hidden(path).read_bytes()

    def _reason(self, suspects: Sequence[str], seal: Seal, files: Sequence[LedgerFile]) -> str:
        """Which file is at fault; found by reading, for which there is now a reason."""
        campaign = suspects[0]
        StoredSnapshot("", lambda: files, self.read).check(campaign)
        own = [file for file in files if file.campaign == campaign]
        ends: dict[str, End | None] = {
            inner(file): split_end(content)[1]
            for file, content in zip(own, self.read(own), strict=True)
        }
        size = sum(file.size for file in own)
        found = [
            f"state/{path}: {what}"
            for path, what in explain(campaign, seal.get(campaign), ends, size)
        ]
        return f"{found[0]} {SEE}"


def missing_state(root: Path, what: str) -> str:
    """Why there is no state, and what to do."""
    return (
        f"{root}: {what}: if nothing was ever sent from here, run sendoff init; else "
        "bring the directory back"
    )


def _walk(directory: Path, depth: int) -> Iterator[Path]:
    if not directory.exists():
        return
    for path in sorted(directory.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink() and depth > 1:
            yield from _walk(path, depth - 1)
        else:
            yield path
