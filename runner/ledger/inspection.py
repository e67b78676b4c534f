"""Looking through a whole ledger for everything that is wrong with it, and not only the first.

``sync`` and ``records`` stop at the first fault, since nothing may be sent after it.  Here every
fault is collected, and what can be read is read, whatever lies beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC

from ..errors import Problem, StateCorrupt, StateError, StateKeyChanged
from ..model.ledger import Entry, Inspection, Record
from .layout import LedgerFile, gaps, ledger_file
from .seal import End, Seal, explain, inner, split_end
from .snapshot import ReadFiles, examine

BRING_BACK = "bring it back as it was: from git, or from a backup"
_Ends = dict[str, dict[str, End | None]]


class Inspector:
    """Collects ``problems`` and ``entries``.  Paths are those below ``state/``."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.entries: list[Entry] = []
        self.files: list[LedgerFile] = []
        self._ends: _Ends = {}

    def report(self, path: str, message: str, *, line: int = 0, code: str = "damaged") -> None:
        """Note something wrong with a file of the state."""
        self.problems.append(Problem(f"state/{path}", line, 0, message, BRING_BACK, code))

    def attempt(self, path: str, look: Callable[[], object]) -> None:
        """Look at something; that it is wrong, or of another key, is a finding like others."""
        try:
            look()
        except (StateCorrupt, StateKeyChanged) as error:
            self.problems.append(Problem(f"state/{path}", 0, 0, _after_place(error), "", "damaged"))

    def add(self, path: str, source: str, size: int, *, ordinary: bool) -> None:
        """A file that lies below the ledger."""
        if not ordinary:
            self.report(path, "this is not an ordinary file", code="stray")
            return
        try:
            self.files.append(ledger_file(path, source, size))
        except StateCorrupt:
            self.report(path, "no ledger file is named so: was it renamed?", code="stray")

    def read(self, read: ReadFiles) -> None:
        """Read every file that was added, line by line."""
        self.files.sort()
        for missing in gaps(self.files):
            self.report(missing.path, "this file is missing: was it deleted?", code="lost")
        for file, content in self._contents(read):
            self._examine(file, content)

    def _contents(self, read: ReadFiles) -> Iterator[tuple[LedgerFile, bytes]]:
        rest: Sequence[LedgerFile] = self.files
        while rest:
            done = 0
            try:
                for content in read(rest):
                    yield rest[done], content
                    done += 1
            except StateError as error:
                self.report(rest[done].path, str(error), code="unreadable")
                done += 1
            rest = rest[done:]

    def _examine(self, file: LedgerFile, content: bytes) -> None:
        first: Record | None = None
        for number, record in examine(file, content):
            if isinstance(record, str):
                self.report(file.path, record, line=number)
                continue
            first = first or record
            self.entries.append(Entry(f"state/{file.path}", number, record))
        if first and first.at.astimezone(UTC).isoformat()[:7] != file.month:
            self.report(file.path, "its records are of another month: was it moved?", code="stray")
        self._ends.setdefault(file.campaign, {})[inner(file)] = split_end(content)[1]

    def compare(self, seal: Seal) -> None:
        """Hold the files that were read against the seal."""
        told = {problem.path for problem in self.problems}
        for campaign in sorted(seal.keys() | self._ends.keys()):
            ends = self._ends.get(campaign, {})
            size = sum(file.size for file in self.files if file.campaign == campaign)
            for path, what in explain(campaign, seal.get(campaign), ends, size):
                # one word for one fault: a file that was cut has another size, too
                if not any(place.startswith(f"state/{path}") for place in told):
                    self.report(path, what, code="lost")

    def result(self, where: str, version: int) -> Inspection:
        """All that was found."""
        return Inspection(
            where, version, len(self.files), tuple(self.entries), tuple(self.problems)
        )


def strays(names: Iterable[str], known: frozenset[str]) -> Iterator[Problem]:
    """Warnings for what lies in the state directory and is none of its files."""
    for name in sorted(set(names) - known):
        message = "this is no file of the state: nothing reads it"
        yield Problem(f"state/{name}", 0, 0, message, "take it away", "stray", "warning")


def _after_place(error: StateError) -> str:
    """The error's text without the path that a problem gives anyway."""
    text = str(error)
    return text.split(": ", 1)[1] if text.startswith("state/") and ": " in text else text
