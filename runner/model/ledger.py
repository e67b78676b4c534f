"""The records of the ledger: facts that are written once and never changed.

How they look on disk is ``runner.ledger.records``' business.  All instants are aware UTC with
whole seconds.  A *range* is (start, count) into the claim's keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import ClassVar, Final, Literal

from ..dataclass import dataclass
from ..errors import Problem

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Planned:
    """A run saw this campaign for the first time, or with another schedule than before.

    ``anchor``: occurrences before it are not owed.  ``total``: the audience at the first time,
    against which growth is measured.  ``shape``: a fingerprint by which the campaign is known
    again when its file was renamed.  ``schedule``: a fingerprint of when a recurring campaign is
    due; '' in ledgers of the first version, and for campaigns that do not recur.
    """

    campaign: str
    run: str
    at: datetime
    anchor: datetime
    total: int
    shape: str = ""
    schedule: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """This run is about to send this batch; pushed before anything is sent.

    ``keys``: concatenated 8-byte contact keys in send order.  ``times``: (first epoch second,
    step in seconds, count) runs that give each contact's send time.  ``enrolled``: for a
    continuous drip's first step, the instant from which these contacts' delays count; None when
    that is the drip's own start.  ``handle``: the name under which the provider can be asked to
    call back what it holds for later, '' when it cannot.  ``content``: digest of what is sent;
    ``commit``: the approved commit it came from ('' without git).  ``domains``: by a domain's cap
    a bit for each contact that it counts for; empty where there were no such caps.
    """

    id: str
    campaign: str
    step: str
    occurrence: str
    run: str
    at: datetime
    lease_until: datetime
    provider: str
    keys: bytes
    times: tuple[tuple[int, int, int], ...]
    total: int
    content: str = ""
    revision: int = 1
    commit: str = ""
    enrolled: datetime | None = None
    handle: str = ""
    domains: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def job_id(self) -> str:
        return job_id(self.campaign, self.step, self.occurrence)


ReceiptKind = Literal["accepted", "refused", "temporary", "ambiguous"]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of some of a claim's contacts, and why (no personal data)."""

    kind: ReceiptKind
    ranges: tuple[Range, ...]
    reason: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a claim, contact by contact; ``parts`` cover the claim exactly once."""

    claim: str
    campaign: str
    run: str
    at: datetime
    parts: tuple[Settled, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing of this job is owed any more; who joins the list later is not part of it."""

    campaign: str
    step: str
    occurrence: str
    run: str
    at: datetime
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def job_id(self) -> str:
        return job_id(self.campaign, self.step, self.occurrence)


@dataclass(frozen=True, slots=True)
class Resolution:
    """A person or the provider's evidence settled what was in doubt or failed.

    ``sent``: it was sent after all.  ``not_sent``: it was not, so it is due again.
    """

    claim: str
    campaign: str
    at: datetime
    ranges: tuple[Range, ...]
    verdict: Literal["sent", "not_sent"]
    by: str
    evidence: str = ""


BOOK: Final = ""
"""Stands where a record names its campaign: whom nobody may mail belongs to none of them."""

SuppressionReason = Literal[
    "manual", "invalid", "bounce", "group_unsubscribed", "unsubscribed", "spam", "erased"
]
"""Why somebody must not be mailed, the strongest reason last."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """These contacts must not be mailed, each from its own time on, until they are released.

    ``keys``: concatenated 8-byte contact keys in order of time.  ``since``: the time of the first
    one; ``later``: how many seconds each one is later than the one before it, the first included,
    as packed numbers (``planning.suppressing``), b"" when all are of the same second.  ``group``:
    with ``group_unsubscribed``, the provider's group that they left.  ``by``: who decided it,
    where a person did.
    """

    run: str
    at: datetime
    source: str
    reason: SuppressionReason
    keys: bytes
    since: datetime
    later: bytes = b""
    group: int = 0
    by: str = ""
    campaign: ClassVar[str] = BOOK


@dataclass(frozen=True, slots=True)
class Released:
    """These contacts may be mailed again: every suppression before their time is over."""

    run: str
    at: datetime
    source: str
    keys: bytes
    since: datetime
    later: bytes = b""
    by: str = ""
    campaign: ClassVar[str] = BOOK


@dataclass(frozen=True, slots=True)
class Pulled:
    """Everything that these sources knew up to ``until`` is in the records before this one.

    ``sources``: parts, each followed by ``@`` and a keyed digest of its account, where it has one.
    A source that is named so itself is one of which another account was asked than before.
    ``counts``: what they told besides that is no suppression (``blocked``, ``soft`` …).
    """

    run: str
    at: datetime
    sources: tuple[str, ...]
    until: datetime
    counts: Mapping[str, int] = field(default_factory=dict)
    campaign: ClassVar[str] = BOOK


Record = Planned | Claim | Receipt | Closed | Resolution | Suppressed | Released | Pulled


@dataclass(frozen=True, slots=True)
class Entry:
    """A record and where it is written: ``path`` as problems name it, ``line`` from 1."""

    path: str
    line: int
    record: Record


@dataclass(frozen=True, slots=True)
class Inspection:
    """A whole ledger as it is stored: what can be read of it, and all that is wrong with it.

    ``format``: 0 when it cannot be read.  ``where``: the store, for people.
    """

    where: str
    format: int
    files: int
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]


def job_id(campaign: str, step: str, occurrence: str = "") -> str:
    """``campaign/step`` or ``campaign/step@occurrence``."""
    return f"{campaign}/{step}@{occurrence}" if occurrence else f"{campaign}/{step}"


@dataclass(frozen=True, slots=True)
class Document:
    """A derived file for people (``state/jobs/CAMPAIGN.json``); may be rewritten."""

    campaign: str
    jobs: Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class JobGlance:
    """A job all of whose claims are settled; ``closed``: nothing of it is owed any more."""

    step: str
    occurrence: str
    started_at: datetime | None = None
    closed: Closed | None = None


@dataclass(frozen=True, slots=True)
class Glance:
    """What a campaign's records come to, told without a single contact key.

    Only for a campaign in which everything that was claimed was sent or failed: nobody is in
    doubt, in flight, given back or resolved.  ``planned`` is the first sight of the campaign,
    ``rescheduled`` the newest.
    """

    planned: Planned | None = None
    rescheduled: Planned | None = None
    jobs: tuple[JobGlance, ...] = ()
