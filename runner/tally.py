"""What a run did, counted as it does it; the summary comes from here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from .bounced import Bounced
from .dataclass import dataclass
from .delivery import NOT_BEGUN
from .model.message import Outcome
from .model.result import JobResult


@dataclass
class Tally:
    """Outcomes by job.  What was never handed over does not count: it is simply still due."""

    accepted: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    ambiguous: dict[str, int] = field(default_factory=dict)
    temporary: dict[str, int] = field(default_factory=dict)
    receipts: int = 0
    bounced: int = 0
    doubted: int = 0

    def add(self, job: str, outcomes: Iterable[Outcome]) -> frozenset[str]:
        """Count one claim's outcomes; returns the kinds there were."""
        self.receipts += 1
        kinds = set()
        for outcome in outcomes:
            if outcome.reason != NOT_BEGUN.reason:
                column: dict[str, int] = getattr(self, outcome.kind)
                column[job] = column.get(job, 0) + 1
                kinds.add(outcome.kind)
        return frozenset(kinds)

    def add_bounced(self, found: Bounced) -> None:
        """Count whose address does not work."""
        self.bounced += len(found.keys)
        self.doubted += found.doubted

    def results(self) -> tuple[JobResult, ...]:
        """One line a job, sorted."""
        columns = (self.accepted, self.refused, self.ambiguous, self.temporary)
        jobs = sorted({job for column in columns for job in column})
        return tuple(JobResult(job, *(column.get(job, 0) for column in columns)) for job in jobs)


def subject(verb: str, jobs: Sequence[tuple[str, int]]) -> str:
    """A commit subject: what happened, without a word about whom it happened to."""
    totals: dict[str, int] = {}
    for job, count in jobs:
        totals[job] = totals.get(job, 0) + count
    if not totals:
        return f"{verb}: nothing sent"
    head = ", ".join(f"{count} {job}" for job, count in list(totals.items())[:3])
    return f"{verb}: {head}" + (f" and {len(totals) - 3} more" if len(totals) > 3 else "")
