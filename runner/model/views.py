"""What the commands that look show: plain data for ``runner.report`` to write down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Literal

from ..dataclass import dataclass
from ..errors import Problem
from .campaign import Campaign
from .message import Rendered
from .plan import JobPlan, JobStatus


@dataclass(frozen=True, slots=True)
class ListView:
    """One list: counts and exclusions by reason.  ``problem``: why it cannot be read, or ''.

    ``suppressed``: what lies behind the exclusions of that name.  ``warnings`` are (line in the
    source, text), without personal data.  ``fetched``: when the copy of a list that lies elsewhere
    was fetched, and ``age`` how long that is ago; None for one that lies here.
    """

    name: str
    description: str
    source: str
    fetched: datetime | None = None
    age: timedelta | None = None
    rows: int = 0
    audience: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    suppressed: Mapping[str, int] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    warnings: tuple[tuple[int, str], ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TemplateView:
    """One saved template and its use, as the ledger knows it; ``sent`` None: it cannot be read.

    ``slow``: why messages of it are made anew for each contact, () when it is compiled; None where
    that is not known, since no campaign that uses it can be checked here.
    """

    name: str
    kind: str
    subject: str
    description: str = ""
    used_by: tuple[str, ...] = ()
    sent: int | None = 0
    last_used: datetime | None = None
    slow: tuple[Problem, ...] | None = None


@dataclass(frozen=True, slots=True)
class WhyRow:
    """What happened, or will, to one contact in one job.

    ``spot`` is a word of ``model.plan.Spot`` (``sent``, ``later``, ``only_if`` …) or a reason of
    ``model.contacts.Reason``; ``at`` its time, if it has one; ``note`` more for people.
    """

    job: JobPlan
    spot: str
    at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ToldRow:
    """That a contact was suppressed, or (reason '') released; ``holds``: it still counts."""

    at: datetime
    reason: str
    group: int
    source: str
    holds: bool


@dataclass(frozen=True, slots=True)
class WhyView:
    """``masked``: the address as it may be shown.  ``lists``: (list, line, reason or '').

    ``told``: every suppression and (reason '') release of this contact, in order of time.
    """

    masked: str
    key: str
    lists: tuple[tuple[str, int, str], ...]
    rows: tuple[WhyRow, ...]
    told: tuple[ToldRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of ``sendoff doctor``; ``mend`` says what to do when it is not ok."""

    name: str
    state: Literal["ok", "warning", "error", "unknown"]
    message: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class PreviewView:
    """One message of a preview: ``label`` says why this contact was chosen.

    ``former``: the same message as it was before, where there is something to compare with and
    the step was in it.  ``compared``: there is something to compare with.
    """

    step: str
    label: str
    masked: str
    message: Rendered
    former: Rendered | None = None
    compared: bool = False


@dataclass(frozen=True, slots=True)
class PreviewGroup:
    """The messages of one campaign.  ``problems``: why (some of) it cannot be shown."""

    campaign: Campaign
    views: tuple[PreviewView, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Face:
    """What a contact sees of a mail before opening it.

    ``label`` says why this contact was chosen, ``alike`` how many others of those chosen see the
    same.  ``former``: (subject, preheader) as they were before, None where there was no mail.
    """

    label: str
    subject: str
    preheader: str
    alike: int = 0
    former: tuple[str, str] | None = None

    @property
    def differs(self) -> bool:
        """True when it was different before."""
        return self.former is not None and self.former != (self.subject, self.preheader)


@dataclass(frozen=True, slots=True)
class Occasion:
    """Mails of one job on one day: ``at`` is the first of that day, in the calendar's zone.

    ``estimated``: the number is that of the audience today; who gets it is not decided yet.
    """

    at: datetime
    campaign: str
    name: str
    step: str
    count: int
    status: JobStatus
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer is shown beside the plan itself.

    ``faces`` by (campaign, step).  ``max_batch``: contacts in one request to the provider.
    ``calendar``: the next ``days`` days, in order of time.  ``problems``: what is wrong in the
    files.
    """

    faces: Mapping[tuple[str, str], tuple[Face, ...]] = field(default_factory=dict)
    max_batch: int = 1000
    calendar: tuple[Occasion, ...] = ()
    days: int = 30
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class SuppressionsView:
    """The suppressions of a state.

    ``contacts``: how many people, each once.  ``reasons``: how many for each reason, and for each
    group that they left.  ``counts``: what was told besides and suppresses nobody.  ``sources``:
    (name, until when it is known whole, is that too old).
    """

    contacts: int
    reasons: Mapping[tuple[str, int], int]
    counts: Mapping[str, int]
    sources: tuple[tuple[str, datetime | None, bool], ...]


@dataclass(frozen=True, slots=True)
class VerifyView:
    """What ``sendoff verify`` found.  ``outcomes``: mails by what became of them.

    ``where``: the store, for people.  ``format``: of the state; 0 when it cannot be read.
    """

    where: str
    format: int
    files: int
    records: int
    campaigns: int
    claims: int
    outcomes: Mapping[str, int]
    problems: tuple[Problem, ...]
