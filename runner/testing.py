"""Fakes for the ports, for our tests and for those of people who extend Sendoff.

They keep the ports' promises (a stale base loses the race, an append is whole) without a disk, a
network or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from hashlib import sha256

from .dataclass import dataclass
from .desk import Desk
from .errors import InputError, Problem, RaceLost
from .model.campaign import Campaign, Step
from .model.contacts import Audience, ContactList, Excluded, Selection
from .model.keys import KeyColumn
from .model.ledger import BOOK, Claim, Document, Glance, Record
from .model.message import Capabilities, Composed, MessageBatch, Outcome, Parts, Rendered, Verdict
from .planning.glance import glance
from .ports import Composer, Snapshot


class FakeClock:
    """A clock that moves when it is told to, or when someone sleeps."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.stopping = False

    def now(self) -> datetime:
        """The present instant."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self._now += timedelta(seconds=max(0.0, seconds))

    def set(self, now: datetime) -> None:
        """Jump, also backwards."""
        self._now = now


class Silent:
    """An observer that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def event(self, name: str, **details: object) -> None:
        """Remember an event."""
        self.events.append((name, details))


@dataclass(frozen=True)
class OneDesk:
    """A desk that nobody changes."""

    current: Desk

    def newest(self) -> Desk:
        """Always the same."""
        return self.current


@dataclass(frozen=True)
class MemorySnapshot:
    """A ledger in memory as it stood after ``count`` appends."""

    entries: tuple[Record, ...]

    @property
    def version(self) -> str:
        """Changes with every append."""
        return str(len(self.entries))

    def campaigns(self) -> Sequence[str]:
        """The campaigns that have records."""
        return sorted({record.campaign for record in self.entries} - {BOOK})

    def records(self, campaign: str) -> Iterator[Record]:
        """A campaign's records."""
        return (record for record in self.entries if record.campaign == campaign)

    def glances(self, campaigns: Collection[str]) -> Mapping[str, Glance | None]:
        """What the records of each campaign come to."""
        return {campaign: glance(self.records(campaign)) for campaign in campaigns}


@dataclass
class MemoryLedger:
    """A ledger store in memory.

    ``before_append`` is called before each append with the records: raise in it to make the
    append fail, or write through a second store on the same ``shared`` list to win a race.
    """

    shared: list[Record] = field(default_factory=list)
    before_append: Callable[[Sequence[Record]], None] = lambda records: None
    appends: int = 0
    documents: dict[str, Document] = field(default_factory=dict)

    def sync(self) -> MemorySnapshot:
        """The newest state."""
        return MemorySnapshot(tuple(self.shared))

    def append(
        self,
        base: Snapshot,
        records: Sequence[Record],
        *,
        run: str,
        message: str,
        documents: Sequence[Document] = (),
    ) -> MemorySnapshot:
        """Add records on top of ``base``, or lose the race."""
        self.before_append(records)
        if base.version != self.sync().version:
            raise RaceLost("another run wrote first")
        return self._write(records, documents)

    def add_facts(
        self,
        records: Sequence[Record],
        *,
        run: str,
        message: str,
        documents: Sequence[Document] = (),
    ) -> MemorySnapshot:
        """Add records on top of whatever is there."""
        self.before_append(records)
        return self._write(records, documents)

    def _write(self, records: Sequence[Record], documents: Sequence[Document]) -> MemorySnapshot:
        self.appends += 1
        self.shared.extend(records)
        self.documents.update({document.campaign: document for document in documents})
        return self.sync()

    @property
    def claims(self) -> list[Claim]:
        """All claims, in order."""
        return [record for record in self.shared if isinstance(record, Claim)]


@dataclass
class RecordingProvider:
    """A provider that remembers what it was handed: (job id, contact key, send time).

    ``answer`` decides the outcome of one message; by default everything is accepted.
    """

    capabilities: Capabilities = Capabilities(schedule_ahead_seconds=72 * 3600)
    answer: Callable[[MessageBatch, int], Outcome] = lambda batch, i: Outcome("accepted")
    name: str = "recording"
    sent: list[tuple[str, bytes, int]] = field(default_factory=list)
    batches: list[MessageBatch] = field(default_factory=list)
    recalled: list[str] = field(default_factory=list)
    verdicts: dict[bytes, Verdict] = field(default_factory=dict)

    def check(self) -> None:
        """Always usable."""

    def deliver(
        self, batches: Iterable[MessageBatch], deadline: datetime
    ) -> Iterator[tuple[MessageBatch, Sequence[Outcome]]]:
        """Answer batch by batch."""
        for batch in batches:
            self.batches.append(batch)
            outcomes = [self.answer(batch, i) for i in range(len(batch))]
            for i, outcome in enumerate(outcomes):
                if outcome.kind in ("accepted", "ambiguous"):
                    self.sent.append((batch.job_id, batch.keys[i], batch.send_at[i]))
            yield batch, outcomes

    def handle(self, job_id: str) -> str:
        """A handle for each job, if anything can be called back at all."""
        return f"handle:{job_id}" if self.capabilities.recall_before_seconds else ""

    def recall(self, handle: str) -> bool:
        """Always in time."""
        self.recalled.append(handle)
        return True

    def evidence(
        self, claim: Claim, contacts: Sequence[tuple[int, str, bytes]]
    ) -> Mapping[int, Verdict]:
        """What ``verdicts`` says, by contact key."""
        return {position: self.verdicts.get(key, "unknown") for position, _, key in contacts}

    def close(self) -> None:
        """Nothing to give back."""


@dataclass
class PlainTemplates:
    """Templates whose every message is its subject; fails for the emails in ``unfit``."""

    unfit: frozenset[str] = frozenset()

    def composer(self, campaign: Campaign, step: Step) -> Composer:
        """A composer that needs no template."""
        return _PlainComposer(step, self.unfit)

    def check(self, campaign: Campaign, step: Step, fields: frozenset[str]) -> list[Problem]:
        """Nothing to complain about."""
        return []

    def check_empty(self, campaign: Campaign, step: Step, audience: Audience) -> list[Problem]:
        """Nobody lacks anything."""
        return []


@dataclass
class _PlainComposer:
    step: Step
    unfit: frozenset[str]

    @property
    def digest(self) -> str:
        return sha256(repr(self.step.content).encode()).hexdigest()

    @property
    def uses(self) -> frozenset[str]:
        return frozenset({"email"})

    def compose(self, audience: Audience, indices: Sequence[int]) -> Composed:
        emails = [audience.emails[i] for i in indices]
        if self.unfit.intersection(emails):
            raise InputError([Problem("template", 1, 1, "cannot be rendered")])
        return Composed(Parts(("Hello",), ("<p>", 0, "</p>"), (0,)), [emails])

    def render(self, contact: Mapping[str, str], key: bytes) -> Rendered:
        return Rendered("Hello", "", f"<p>{contact['email']}</p>", contact["email"], {})


@dataclass
class FixedAudiences:
    """Audiences made beforehand, by list name; a missing one cannot be read."""

    by_list: dict[str, Audience]
    reads: list[str] = field(default_factory=list)

    def columns(self, contact_list: ContactList) -> frozenset[str]:
        """The fields of the list's audience."""
        return frozenset(self._get(contact_list).fields)

    def read(self, contact_list: ContactList, where: str = "") -> Audience:
        """The audience, whatever the segment."""
        self.reads.append(contact_list.name)
        return self._get(contact_list)

    def select(self, selection: Selection) -> Audience:
        """The audience of the first list."""
        return self.read(selection.lists[0], selection.where)

    def key(self, email: str) -> bytes:
        """A key that has nothing to do with any secret."""
        return fake_key(email)

    def _get(self, contact_list: ContactList) -> Audience:
        if contact_list.name not in self.by_list:
            raise InputError([Problem("list.csv", 1, 1, "cannot be read")])
        return self.by_list[contact_list.name]


def fake_key(email: str) -> bytes:
    """Eight bytes that stand for an address."""
    return sha256(email.encode()).digest()[:8]


def audience(
    emails: Sequence[str],
    *,
    timezones: Sequence[str] = (),
    excluded: Excluded = Excluded(),
    fields: Mapping[str, Sequence[str]] | None = None,
) -> Audience:
    """An audience of these addresses."""
    zones = list(timezones) or [""] * len(emails)
    columns = {"email": list(emails), "timezone": zones, **(fields or {})}
    keys = KeyColumn.of(fake_key(email) for email in emails)
    return Audience("people", list(emails), keys, columns, range(2, len(emails) + 2), excluded)
