"""A snapshot over immutable ledger files, and the checks that span more than one record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Final

from ..errors import StateCorrupt
from ..model.contacts import KEY_BYTES
from ..model.ledger import BOOK, Claim, Glance, Receipt, Record, Resolution
from ..planning.glance import glance
from .layout import SEE, LedgerFile, in_order
from .records import decode
from .seal import split_end
from .shelf import Shelf, seen

Tokens = Callable[[], Mapping[str, str] | None]
"""By campaign, what names the content of all its files; None where that cannot be told."""
ListFiles = Callable[[], Iterable[LedgerFile]]
ListSome = Callable[[Sequence[str]], Iterable[LedgerFile]]
"""The files of some campaigns."""
ReadFiles = Callable[[Sequence[LedgerFile]], Iterator[bytes]]


_FEW: Final = 64
"""Campaigns whose files are asked for by name; more are found sooner among all."""


class StoredSnapshot:
    """The ledger at one moment.  Reads a campaign's files only when its records are asked for."""

    def __init__(
        self,
        version: str,
        list_files: ListFiles,
        read_files: ReadFiles,
        *,
        tokens: Tokens = lambda: None,
        shelf: Shelf | None = None,
        list_some: ListSome | None = None,
    ) -> None:
        self._version = version
        self._list_files = list_files
        self._read_files = read_files
        self._tokens = tokens
        self._shelf = shelf
        self._list_some = list_some
        self._sound = False

    @property
    def version(self) -> str:
        """Names this state of the ledger."""
        return self._version

    @cached_property
    def _files(self) -> Mapping[str, tuple[LedgerFile, ...]]:
        return in_order(self._list_files())

    def _of(self, names: Sequence[str]) -> Mapping[str, tuple[LedgerFile, ...]]:
        """The files of some campaigns at least.

        Once all others are known to be as they were, only theirs are looked for: what a write
        costs must not grow with the ledger.
        """
        if self._list_some is None or not self._sound or len(names) > _FEW:
            return self._files
        return in_order(self._list_some(names))

    def campaigns(self) -> Sequence[str]:
        """The ids of the campaigns that have records, sorted."""
        return tuple(name for name in self._files if name != BOOK)

    def records(self, campaign: str) -> Iterator[Record]:
        """A campaign's records in the order in which they were written.

        Raises StateCorrupt when one cannot be read or contradicts another; for the latter the
        iterator has to be read to its end.
        """
        files = self._of([campaign]).get(campaign, ())
        return _checked(zip(files, self._read_files(files), strict=True))

    def glances(self, campaigns: Collection[str]) -> Mapping[str, Glance | None]:
        """What the records of each campaign come to; None: they have to be folded.

        What a shelf knows of the same content is not read again; all others are read in one go.
        Raises StateCorrupt.
        """
        tokens = self._tokens() if self._shelf is not None else None
        if self._shelf is None or tokens is None:
            return dict(self._look(campaigns))
        known = self._shelf.known(tokens)
        changed = [name for name in tokens if name not in known]
        self._sound = len(changed) <= _FEW
        if changed:
            self._of(changed)  # are all files there, and named as files are?
        unread = [name for name in campaigns if name in tokens and not known.get(name)]
        fresh = dict(self._look(unread))
        if fresh or changed:
            self._shelf.keep(tokens, known, fresh)
        never = [name for name in campaigns if name not in tokens]
        old = {name: seen(known[name]) for name in campaigns if known.get(name)}
        return {**old, **fresh, **dict.fromkeys(never, Glance())}

    def _look(self, campaigns: Collection[str]) -> Iterator[tuple[str, Glance | None]]:
        """Each campaign at a glance; the files of all are read in one go."""
        if not campaigns:
            return
        listed = self._of(list(campaigns))
        files = {name: listed.get(name, ()) for name in campaigns}
        contents = self._read_files([file for own in files.values() for file in own])
        for name, own in files.items():
            yield name, glance(_checked(zip(own, islice(contents, len(own)), strict=True)))

    def check(self, campaign: str) -> None:
        """Read a campaign's records to their end, for the errors that ``records`` raises."""
        for _ in self.records(campaign):
            pass


def _checked(files: Iterable[tuple[LedgerFile, bytes]]) -> Iterator[Record]:
    """The records of a campaign's files, held against each other.  Raises StateCorrupt."""
    check = _CrossCheck()
    for file, content in files:
        for number, record in examine(file, content):
            place = f"state/{file.path}:{number}" if number else f"state/{file.path}"
            if isinstance(record, str):
                raise StateCorrupt(f"{place}: {record} {SEE}")
            check.add(place, record)
            yield record
    check.finish()


def examine(file: LedgerFile, content: bytes) -> Iterator[tuple[int, Record | str]]:
    """Each line of a file: (its number, the record, or what is wrong with it).

    Number 0: the file as a whole.
    """
    if not content.endswith(b"\n"):
        yield 0, "the last line is cut off: was the file truncated?"
        content = content[: content.rfind(b"\n") + 1]
    body, end = split_end(content)
    for number, line in enumerate(body.split(b"\n")[:-1], start=1):
        yield number, _record(file, line)
    if end and end.fault:
        yield 0, f"{end.fault}: was the file edited?"


def _record(file: LedgerFile, line: bytes) -> Record | str:
    try:
        record = decode(line.decode("utf-8"), "")
    except UnicodeDecodeError:
        return "this is not UTF-8"
    except StateCorrupt as error:
        return str(error).removeprefix(": ")
    if record.campaign != file.campaign:
        return "a record of another campaign: was the file moved?"
    return record


class _CrossCheck:
    """Claims, receipts and resolutions of one campaign must fit together, in any order."""

    def __init__(self) -> None:
        self._claims: dict[str, int] = {}
        self._settled: list[tuple[str, str, int, bool]] = []

    def add(self, place: str, record: Record) -> None:
        if isinstance(record, Claim):
            if record.id in self._claims:
                raise StateCorrupt(f"{place}: the claim {record.id} is there twice. {SEE}")
            self._claims[record.id] = len(record.keys) // KEY_BYTES
        elif isinstance(record, Receipt):
            ranges = [r for part in record.parts for r in part.ranges]
            end = max(start + count for start, count in ranges)
            self._settled.append((place, record.claim, end, True))
        elif isinstance(record, Resolution):
            end = max(start + count for start, count in record.ranges)
            self._settled.append((place, record.claim, end, False))

    def finish(self) -> None:
        for place, claim, end, whole in self._settled:
            size = self._claims.get(claim)
            if size is None:
                raise StateCorrupt(
                    f"{place}: its claim {claim} is missing: was a file deleted? {SEE}"
                )
            if end > size or (whole and end < size):
                what = f"settles {end} contacts of a claim of {size}"
                raise StateCorrupt(f"{place}: {what}. {SEE}")
