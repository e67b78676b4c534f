"""A campaign's records at a glance: what most campaigns come to, without taking a key apart.

What is over, or not begun, needs no more than that; for all others the records are folded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime

from ..dataclass import dataclass
from ..model.ledger import Claim, Closed, Glance, JobGlance, Planned, Receipt, Record, Resolution
from .history import CampaignHistory, JobHistory

_FINAL = frozenset({"accepted", "refused"})


def glance(records: Iterable[Record]) -> Glance | None:
    """What the records come to; None when they have to be folded.

    Reads them all to their end, and keeps none of them but a few.
    """
    found = _Found()
    for record in records:
        found.add(record)
    return found.glance()


@dataclass(slots=True)
class _Found:
    first: Planned | None = None
    newest: Planned | None = None
    closed: dict[tuple[str, str], Closed] = field(default_factory=dict)
    started: dict[tuple[str, str], datetime] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    plain: bool = True

    def add(self, record: Record) -> None:
        """Take in a record; they may come in any order."""
        if isinstance(record, Claim):
            self.claimed.add(record.id)
            job = record.step, record.occurrence
            self.started[job] = min(record.at, self.started.get(job, record.at))
        elif isinstance(record, Receipt):
            once = record.claim not in self.settled
            self.plain &= once and _FINAL.issuperset(part.kind for part in record.parts)
            self.settled.add(record.claim)
        elif isinstance(record, Closed):
            self.closed[record.step, record.occurrence] = record
        elif isinstance(record, Planned):
            self._add_sight(record)
        elif isinstance(record, Resolution):
            self.plain = False

    def _add_sight(self, sight: Planned) -> None:
        if self.first is None or sight.at < self.first.at:
            self.first = sight
        if self.newest is None or sight.at >= self.newest.at:
            self.newest = sight

    def glance(self) -> Glance | None:
        """What was found; None when some contact's fate is not final."""
        if not self.plain or self.claimed != self.settled:
            return None
        jobs = sorted(self.started.keys() | self.closed.keys())
        return Glance(
            self.first,
            self.newest,
            tuple(
                JobGlance(*job, started_at=self.started.get(job), closed=self.closed.get(job))
                for job in jobs
            ),
        )


def at_a_glance(found: Glance) -> CampaignHistory:
    """The history of a campaign without its keys: enough to tell whether somebody may be owed."""
    return CampaignHistory(
        planned=found.planned,
        rescheduled=found.rescheduled,
        jobs={
            (job.step, job.occurrence): JobHistory.without_keys(job.started_at, job.closed)
            for job in found.jobs
        },
    )
