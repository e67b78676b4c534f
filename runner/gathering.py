"""Gathers who must not be mailed any more: asks the sources, and writes down what is news.

Each part of a source is read whole or counts as not read.  What was read is written as facts, which
may be there twice: a gathering that is killed is simply done again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .errors import ProviderError
from .model.feedback import PARTS
from .model.ledger import BOOK, Pulled, Record
from .planning.book import Book, Stamp, fold_book, news, suppressed
from .ports import FeedbackSource, LedgerStore, Snapshot


@dataclass(frozen=True, slots=True)
class Gathered:
    """One part of a source: how many contacts were news, or why it could not be read."""

    part: str
    added: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Gathering:
    """What one pull came to.  ``counts``: what was told and suppresses nobody.

    ``snapshot``: the state with what was news in it.
    """

    snapshot: Snapshot
    parts: tuple[Gathered, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()

    @property
    def added(self) -> int:
        """Contacts that were news."""
        return sum(part.added for part in self.parts)

    @property
    def parts_as_rows(self) -> list[tuple[str, int, str]]:
        """Part, contacts that were news, problem."""
        return [(one.part, one.added, one.problem) for one in self.parts]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why something could not be read, each reason once."""
        return tuple(dict.fromkeys(part.problem for part in self.parts if part.problem))


def due(book: Book, names: Iterable[str], every: timedelta, now: datetime) -> list[str]:
    """The parts of these sources that were not read for so long."""
    parts = [part for name in names for part in PARTS[name]]
    return [part for part in parts if part not in book.pulls or now - book.pulls[part] >= every]


def gather(
    store: LedgerStore,
    sources: Sequence[FeedbackSource],
    now: datetime,
    *,
    run: str,
    every: timedelta = timedelta(),
) -> Gathering:
    """Ask every source for the parts that are due, and record what is news.

    Raises StateError when it cannot be recorded: then nothing was.
    """
    at = now.replace(microsecond=0)
    snapshot = store.sync()
    book = fold_book(snapshot.records(BOOK), at)
    wanted = due(book, [source.name for source in sources], every, at)
    if not wanted:
        return Gathering(snapshot)
    clerk = _Clerk(book, run, at)
    for source in sources:
        for part in PARTS[source.name]:
            if part in wanted:
                clerk.read(source, part)
    after = clerk.write(store) or snapshot
    return Gathering(after, tuple(clerk.parts), tuple(sorted(clerk.counts.items())))


class _Clerk:
    """Reads part by part, and keeps what is to be written."""

    def __init__(self, book: Book, run: str, at: datetime) -> None:
        self._book = book
        self._run = run
        self._at = at
        self._records: list[Record] = []
        self.parts: list[Gathered] = []
        self.counts: Counter[str] = Counter()

    def read(self, source: FeedbackSource, part: str) -> None:
        """One part, whole or not at all."""
        try:
            feedback = source.read(part, self._book.pulls.get(part), self._at)
        except ProviderError as error:
            self.parts.append(Gathered(part, problem=str(error)))
            return
        fresh = news(feedback.told, self._book, self._at)
        self._records += suppressed(fresh, Stamp(self._run, self._at, part))
        self.counts.update(feedback.counts)
        self.parts.append(Gathered(part, sum(map(len, fresh.values()))))

    def write(self, store: LedgerStore) -> Snapshot | None:
        """Everything that was read whole, in one append."""
        whole = tuple(part.part for part in self.parts if not part.problem)
        if not whole:
            return None
        counts = {word: number for word, number in self.counts.items() if number}
        self._records.append(Pulled(self._run, self._at, whole, self._at, counts))
        added = sum(part.added for part in self.parts)
        message = f"suppressions: {added:,} pulled"
        return store.add_facts(self._records, run=self._run, message=message)
