"""What is handed to a provider, and what it answers.

A batch is columns: constant text with numbered holes, and for each hole a column of values.  A
provider with substitutions sends the text once; one without joins the pieces per contact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Literal

from ..dataclass import dataclass
from .settings import Mailbox

Segments = tuple[str | int, ...]
"""Text (str) and holes (int: index into ``MessageBatch.values``), in order."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The variable parts of a message.

    A hole's value is already escaped for the part it stands in.  ``headers`` are extra headers
    (``List-Unsubscribe`` …); values never hold CR or LF once filled.
    """

    subject: Segments
    html: Segments
    text: Segments
    headers: tuple[tuple[str, Segments], ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes along with every message; ``cid`` set means inline."""

    filename: str
    content_type: str
    data: bytes
    cid: str = ""


@dataclass(frozen=True, slots=True)
class Composed:
    """Parts and values for some contacts: ``values[hole][i]`` belongs to contact i."""

    parts: Parts
    values: Sequence[Sequence[str]]
    files: tuple[File, ...] = ()

    def fill(self, segments: Segments, index: int) -> str:
        """The full text of one part for contact ``index``."""
        return "".join(
            piece if isinstance(piece, str) else self.values[piece][index] for piece in segments
        )

    def every(self, segments: Segments, count: int) -> Iterator[str]:
        """The full text of one part for each of ``count`` contacts, in order."""
        pieces: list[Iterable[str]] = [
            repeat(piece, count) if isinstance(piece, str) else self.values[piece]
            for piece in segments
        ]
        return map("".join, zip(*pieces, strict=True)) if pieces else repeat("", count)


@dataclass(frozen=True, slots=True)
class MessageBatch:
    """Up to 1000 contacts of one job that go to the provider together.

    ``emails``, ``keys`` and ``send_at`` (epoch seconds, UTC; a past one means "now") are columns
    of equal length.  ``asm_group`` is SendGrid's unsubscribe group; ``handle`` what ``recall`` is
    given to call this batch back.
    """

    claim_id: str
    job_id: str
    campaign: str
    sender: Mailbox
    reply_to: str
    emails: Sequence[str]
    keys: Sequence[bytes]
    send_at: Sequence[int]
    content: Composed
    asm_group: int | None = None
    handle: str = ""

    def __len__(self) -> int:
        return len(self.keys)


OutcomeKind = Literal["accepted", "refused", "temporary", "ambiguous"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message at the provider.

    accepted: it has it.  refused: permanent, nothing was sent.  temporary: nothing was sent, try
    later.  ambiguous: it may have been sent, so in doubt.  ``reason`` is a short code without
    personal data (``smtp 550 5.1.1``, ``http 429``); ``ref`` the provider's id for the message or
    request; ``dead``: with refused, that the server says that nobody has this address.
    """

    kind: OutcomeKind
    reason: str = ""
    ref: str = ""
    dead: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do.

    ``schedule_ahead_seconds``: how far ahead it takes mails with a send time, 0 for "cannot
    schedule"; ``idempotent``: sending the same send key again cannot mail twice;
    ``max_batch``: contacts in one request; ``asm_groups``: knows unsubscribe groups;
    ``recall_before_seconds``: how long before its send time a mail can still be called back, 0
    for never; ``evidence``: can say afterwards whether a mail was sent.
    """

    schedule_ahead_seconds: int = 0
    idempotent: bool = False
    max_batch: int = 1000
    asm_groups: bool = False
    recall_before_seconds: int = 0
    evidence: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """One message as one contact would get it, for previews and proofs."""

    subject: str
    preheader: str
    html: str
    text: str
    headers: Mapping[str, str]
    files: tuple[File, ...] = ()


Verdict = Literal["sent", "not_sent", "unknown"]
"""What a provider's evidence says of one message."""
