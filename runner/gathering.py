"""Gathers who must not be mailed any more: asks the sources, and writes down what is news.

Each part of a source is read whole or counts as not read.  What was read is written as facts, which
may be there twice: a gathering that is killed is simply done again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from .dataclass import dataclass
from .errors import ProviderError
from .model.feedback import PARTS
from .model.ledger import BOOK, Pulled, Record
from .planning.book import Book, Stamp, account_mark, fold_book, news, suppressed
from .ports import FeedbackSource, LedgerStore, Snapshot

Accounts = Mapping[str, str]
"""By the name of a source, which account of it is asked: a keyed digest, which tells nothing."""

NO_ACCOUNTS: Final[Accounts] = {}


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


def due(
    book: Book,
    names: Iterable[str],
    every: timedelta,
    now: datetime,
    accounts: Accounts = NO_ACCOUNTS,
) -> list[str]:
    """The parts of these sources that were not read for so long, of these accounts."""
    parts = [(part, accounts.get(name, "")) for name in names for part in PARTS[name]]
    return [
        part
        for part, account in parts
        if (part, account) not in book.marks or now - book.marks[part, account] >= every
    ]


def gather(
    store: LedgerStore,
    sources: Sequence[FeedbackSource],
    now: datetime,
    *,
    run: str,
    every: timedelta = timedelta(),
    accounts: Accounts = NO_ACCOUNTS,
) -> Gathering:
    """Ask every source for the parts that are due, and record what is news.

    Another account than before is asked from the beginning, and until all of it was read nothing
    counts as known of that source.
    Raises StateError when it cannot be recorded: then nothing was.
    """
    at = now.replace(microsecond=0)
    snapshot = store.sync()
    book = fold_book(snapshot.records(BOOK), at)
    wanted = due(book, [source.name for source in sources], every, at, accounts)
    if not wanted:
        return Gathering(snapshot)
    clerk = _Clerk(book, run, at, accounts)
    for source in sources:
        for part in PARTS[source.name]:
            if part in wanted:
                clerk.read(source, part)
    after = clerk.write(store) or snapshot
    return Gathering(after, tuple(clerk.parts), tuple(sorted(clerk.counts.items())))


class _Clerk:
    """Reads part by part, and keeps what is to be written."""

    def __init__(self, book: Book, run: str, at: datetime, accounts: Accounts) -> None:
        self._book = book
        self._accounts = accounts
        self._asked: dict[str, str] = {}
        self._run = run
        self._at = at
        self._records: list[Record] = []
        self.parts: list[Gathered] = []
        self.counts: Counter[str] = Counter()

    def read(self, source: FeedbackSource, part: str) -> None:
        """One part, whole or not at all."""
        account = self._accounts.get(source.name, "")
        before = self._book.accounts.get(source.name, "")
        if account and before and account != before:
            self._asked[source.name] = account
        try:
            feedback = source.read(part, self._book.marks.get((part, account)), self._at)
        except ProviderError as error:
            self.parts.append(Gathered(part, problem=str(error)))
            return
        fresh = news(feedback.told, self._book, self._at)
        self._records += suppressed(fresh, Stamp(self._run, self._at, part))
        self.counts.update(feedback.counts)
        self.parts.append(Gathered(part, sum(map(len, fresh.values()))))

    def write(self, store: LedgerStore) -> Snapshot | None:
        """Everything that was read whole, in one append."""
        # named like no part: of this account nothing is known yet
        switched = [account_mark(f"{name}/", account) for name, account in self._asked.items()]
        read = [self._mark(part.part) for part in self.parts if not part.problem]
        whole = (*switched, *read)
        if not whole:
            return None
        counts = {word: number for word, number in self.counts.items() if number}
        self._records.append(Pulled(self._run, self._at, whole, self._at, counts))
        added = sum(part.added for part in self.parts)
        message = f"suppressions: {added:,} pulled"
        return store.add_facts(self._records, run=self._run, message=message)

    def _mark(self, part: str) -> str:
        return account_mark(part, self._accounts.get(part.partition("/")[0], ""))
