"""The sockets in the wall: what the core asks of the world, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from .errors import Problem
from .model.campaign import Campaign, Step
from .model.contacts import Audience, ContactList, Selection
from .model.feedback import Feedback
from .model.ledger import Claim, Document, Glance, Record
from .model.message import Capabilities, Composed, MessageBatch, Outcome, Rendered, Verdict


class Clock(Protocol):
    """Time, waiting, and the wish to stop.  ``runner.clock.SystemClock`` is the real one."""

    def now(self) -> datetime:
        """The present instant, in UTC, aware."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait, or return at once when a stop is asked for."""
        ...

    @property
    def stopping(self) -> bool:
        """True once the run was asked to settle and end."""
        ...


class Files(Protocol):
    """The files of a workspace, by path relative to it, with ``/``.

    Refuses (InputError) absolute paths, ``..``, and symbolic links that lead out.
    """

    def locate(self, path: str) -> Path | None:
        """Where the file is on disk, or None when there is none."""
        ...


class Texts(Protocol):
    """The files of a workspace that people write as text.

    Refuses (InputError) symbolic links, what is no file, and what is too long or no UTF-8.
    """

    def read_text(self, path: str) -> str | None:
        """The text of a file, by its path relative to the workspace; None when there is none."""
        ...


class Snapshot(Protocol):
    """The ledger as it stood at one moment."""

    @property
    def version(self) -> str:
        """Names this state of the ledger: a commit id, or the files store's generation."""
        ...

    def campaigns(self) -> Sequence[str]:
        """The ids of the campaigns that have records, sorted."""
        ...

    def records(self, campaign: str) -> Iterator[Record]:
        """A campaign's records in the order in which they were written.

        Raises StateCorrupt when one cannot be read.
        """
        ...

    def glances(self, campaigns: Collection[str]) -> Mapping[str, Glance | None]:
        """What the records of each of these campaigns come to; None: they have to be folded.

        Raises StateCorrupt when one cannot be read.
        """
        ...


class LedgerStore(Protocol):
    """Where records live.  An append either happens whole and durably, or not at all."""

    def sync(self) -> Snapshot:
        """Read the newest state.

        Raises StateMissing, StateKeyChanged, StateCorrupt, StateUnreachable.
        """
        ...

    def append(
        self,
        base: Snapshot,
        records: Sequence[Record],
        *,
        run: str,
        message: str,
        documents: Sequence[Document] = (),
    ) -> Snapshot:
        """Add ``records`` on top of ``base``; returns the state that includes them.

        Claims are only added if nothing was written since ``base``: otherwise RaceLost, and
        nothing was written.  Raises StateRefused, StateUnreachable (nothing was written).
        """
        ...

    def add_facts(
        self,
        records: Sequence[Record],
        *,
        run: str,
        message: str,
        documents: Sequence[Document] = (),
    ) -> Snapshot:
        """Add receipts and other facts on top of whatever is there now, retrying lost races."""
        ...


class Provider(Protocol):
    """Hands messages over.  Never sleeps for pacing: what it is given is due."""

    @property
    def name(self) -> str:
        """The name in the settings and in claims."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    def check(self) -> None:
        """Refuse early: raises ProviderError for missing credentials or an unusable address."""
        ...

    def deliver(
        self, batches: Iterable[MessageBatch], deadline: datetime
    ) -> Iterator[tuple[MessageBatch, Sequence[Outcome]]]:
        """Send batches, several at once if it likes; yields each with an outcome per contact.

        Never raises for what happens to a message.  Takes from ``batches`` lazily.  After
        ``deadline`` or once the clock is stopping, what was not begun is ``temporary``.
        """
        ...

    def handle(self, job_id: str) -> str:
        """A name under which what is handed over for later can be called back.

        '' when the provider cannot, or gives none now: sending goes on without.
        """
        ...

    def recall(self, handle: str) -> bool:
        """Call back everything of a handle that has not gone; False when that is not certain."""
        ...

    def evidence(
        self, claim: Claim, contacts: Sequence[tuple[int, str, bytes]]
    ) -> Mapping[int, Verdict]:
        """What became of some of a claim's contacts: (position, address, contact key).

        By position; what cannot be found out is ``unknown`` or missing.
        """
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


class Audiences(Protocol):
    """Turns lists into audiences."""

    def columns(self, contact_list: ContactList) -> frozenset[str]:
        """The field names a contact of this list has, ``email`` and ``timezone`` included.

        Raises InputError when the source cannot be read.
        """
        ...

    def read(self, contact_list: ContactList, where: str = "") -> Audience:
        """The audience of a list, or of the segment of it for which ``where`` is true.

        Raises InputError (with line numbers) rather than return a shorter list.
        """
        ...

    def select(self, selection: Selection) -> Audience:
        """The audience of several lists together, less those in others.

        Raises InputError like ``read``, also for a list that is empty and may not be.
        """
        ...

    def key(self, email: str) -> bytes:
        """The contact key of an address.  Raises InputError for one that is not valid."""
        ...


class Composer(Protocol):
    """One step's content, compiled: renders for contacts."""

    @property
    def digest(self) -> str:
        """Changes when anything that is sent changes, contacts' own values apart."""
        ...

    @property
    def uses(self) -> frozenset[str]:
        """The names that the content looks at: contact fields, variables, built-in ones."""
        ...

    def compose(self, audience: Audience, indices: Sequence[int]) -> Composed:
        """The content for these contacts.  Raises InputError when one cannot be rendered."""
        ...

    def render(self, contact: Mapping[str, str], key: bytes) -> Rendered:
        """The message for one contact, for preview and proof."""
        ...


class Templates(Protocol):
    """Compiles and checks what campaigns send."""

    def composer(self, campaign: Campaign, step: Step) -> Composer:
        """Raises InputError with every problem of the sources."""
        ...

    def check(self, campaign: Campaign, step: Step, fields: frozenset[str]) -> list[Problem]:
        """Every problem of a step's content for contacts that have ``fields``."""
        ...

    def check_empty(self, campaign: Campaign, step: Step, audience: Audience) -> list[Problem]:
        """Fields that are printed bare though some of these contacts have none."""
        ...


Condition = Callable[[Mapping[str, str], Callable[[str], bool]], bool]
"""A compiled ``only_if``: (contact's fields, "was this step sent to it?") -> wanted."""


class FeedbackSource(Protocol):
    """Tells of those who must not be mailed any more.  ``model.feedback.PARTS`` names its parts."""

    @property
    def name(self) -> str:
        """The name in the settings."""
        ...

    def read(self, part: str, since: datetime | None, until: datetime) -> Feedback:
        """Everything that was told of between two instants (None: ever), and rather more than less.

        Raises ProviderError, with a text that names no contact, when that is not all there is.
        """
        ...


class Observer(Protocol):
    """Hears what a run does, as it does it: a progress bar, or log lines.

    Events: ``planned`` (due), ``claimed`` (job, count), ``settled`` (job, sent, failed, in_doubt,
    released), ``raced``, ``waiting`` (seconds), ``held`` (job, code),
    ``old_list`` (job).  Never personal data.
    """

    def event(self, name: str, **details: object) -> None:
        """One thing that happened."""
        ...
