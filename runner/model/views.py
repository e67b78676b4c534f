"""What the commands that look show: plain data for ``runner.report`` to write down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from .message import Rendered
from .plan import JobPlan


@dataclass(frozen=True, slots=True)
class ListView:
    """One list: counts and exclusions by reason.  ``problem``: why it cannot be read, or ''.

    ``warnings`` are (line in the source, text), without personal data.
    """

    name: str
    description: str
    source: str
    rows: int = 0
    audience: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    warnings: tuple[tuple[int, str], ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TemplateView:
    """One saved template and its use, as the ledger knows it."""

    name: str
    kind: str
    subject: str
    description: str = ""
    used_by: tuple[str, ...] = ()
    sent: int = 0
    last_used: datetime | None = None


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
class WhyView:
    """``masked``: the address as it may be shown.  ``lists``: (list, line, reason or '')."""

    masked: str
    key: str
    lists: tuple[tuple[str, int, str], ...]
    rows: tuple[WhyRow, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of ``sendoff doctor``; ``mend`` says what to do when it is not ok."""

    name: str
    state: Literal["ok", "warning", "error", "unknown"]
    message: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class PreviewView:
    """One message of a preview: ``label`` says why this contact was chosen."""

    step: str
    label: str
    masked: str
    message: Rendered
