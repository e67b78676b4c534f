"""Who must not be mailed, whatever the list says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..dataclass import dataclass
from ..errors import InputError, Problem
from ..model.keys import KeyColumn
from ..ports import Files
from . import frames
from .addresses import domain_name, fault
from .findings import Findings
from .identities import identify
from .keys import Keyer

_is_key = re.compile(r"key:([0-9a-f]{16})", re.IGNORECASE).fullmatch
_comment = re.compile(r"(?:^|\s)#.*")


@dataclass(frozen=True, slots=True)
class Suppressions:
    """Contact keys (some perhaps twice), whole domains, and domains whose sub-domains are meant
    (``wildcards``)."""

    keys: KeyColumn
    domains: frozenset[str]
    wildcards: frozenset[str]

    @property
    def by_domain(self) -> bool:
        """Whether ``covers`` can be true at all."""
        return bool(self.domains or self.wildcards)

    def covers(self, domain: str) -> bool:
        """Whether all addresses at this domain (lower-case A-labels) are suppressed."""
        return domain in self.domains or not self.wildcards.isdisjoint(_parents(domain))


def _parents(domain: str) -> Iterator[str]:
    while "." in domain:
        domain = domain.partition(".")[2]
        yield domain


def read_suppressions(
    files: Files, paths: Iterable[str], keyer: Keyer, keys: Iterable[bytes] = ()
) -> Suppressions:
    """All entries of these files, and ``keys``.

    Raises InputError when a file is missing, unreadable, or holds a line that is no entry:
    a suppression that cannot be understood must not be passed over.
    """
    findings = Findings()
    gathered = _Gathered(bytearray().join(keys), set(), set())
    for path in paths:
        for first, entries in _entries(files, path, findings):
            for row, problem in sorted(gathered.take(entries, keyer)):
                findings.add(Problem(path, first + row, 1, problem, _FORMS))
    findings.raise_if_any()
    return gathered.freeze()


_CHUNK = 1 << 20
"""About how many bytes of a file are text at the same time."""
_FORMS = "write an address, a domain, *.domain, or key: and 16 hex digits; one a line"


def _is_address(entry: str) -> bool:
    """Whether it is meant as one."""
    return "@" in entry and entry[0] != "@" and entry[:2] != "*." and entry[:4].lower() != "key:"


@dataclass(frozen=True, slots=True)
class _Gathered:
    keys: bytearray
    domains: set[str]
    wildcards: set[str]

    def take(self, entries: Sequence[str], keyer: Keyer) -> list[tuple[int, str]]:
        """Add entries, except those that are blank; returns what is wrong with which of them."""
        rows = [row for row, entry in enumerate(entries) if _is_address(entry)]
        addresses = [entries[row] for row in rows]
        found = identify(frames.held(addresses), keyer)
        self.keys.extend(found.keys)
        wrong = [(rows[at], fault(addresses[at])) for at in found.invalid]
        if len(rows) < len(entries):
            known = frozenset(rows)
            others = ((row, entry) for row, entry in enumerate(entries) if row not in known)
            told = ((row, self._take_other(entry)) for row, entry in others if entry)
            wrong += [(row, problem) for row, problem in told if problem]
        return wrong

    def _take_other(self, entry: str) -> str:
        if entry[:4].lower() == "key:":
            return self._take_key(entry)
        if entry.startswith("*."):
            # Below any name, be it a top-level one: *.example
            return _put(domain_name(f"x{entry[1:]}")[2:], self.wildcards)
        return _put(domain_name(entry.removeprefix("@")), self.domains)

    def _take_key(self, entry: str) -> str:
        match = _is_key(entry)
        if match is None:
            return "not a contact key"
        self.keys.extend(bytes.fromhex(match[1]))
        return ""

    def freeze(self) -> Suppressions:
        return Suppressions(
            KeyColumn(bytes(self.keys)), frozenset(self.domains), frozenset(self.wildcards)
        )


def _put(domain: str, among: set[str]) -> str:
    if not domain:
        return "neither an address nor a domain"
    among.add(domain)
    return ""


def _entries(files: Files, path: str, findings: Findings) -> Iterator[tuple[int, list[str]]]:
    """The lines of one file without comments, some at a time with the first one's number.

    What cannot be read is noted.
    """
    known = 0
    try:
        place = files.locate(path)
        if place is None or not place.is_file():
            findings.add(Problem(path, 0, 0, "the suppression file is missing"))
            return
        for text in _decoded(place):
            lines = text.split("\n")
            uncommented = map(_uncommented, lines) if "#" in text else lines
            yield known + 1, list(map(str.strip, uncommented))
            known += len(lines)
    except InputError as error:
        findings.extend(error.problems)
    except UnicodeDecodeError as error:
        line = known + error.object[: error.start].count(b"\n") + 1
        findings.add(Problem(path, line, 1, "not UTF-8", "save the file as UTF-8"))
    except OSError as error:
        findings.add(Problem(path, 0, 0, f"cannot be read: {error.strerror}"))


def _uncommented(line: str) -> str:
    return _comment.sub("", line) if "#" in line else line


def _decoded(place: Path) -> Iterator[str]:
    """The text of a file, some whole lines at a time, without the last one's end."""
    encoding = "utf-8-sig"
    with place.open("rb") as stream:
        while lines := stream.readlines(_CHUNK):
            yield b"".join(lines).decode(encoding).removesuffix("\n")
            encoding = "utf-8"
