"""From a planned batch to the claim that is pushed before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta

from .dataclass import dataclass
from .delivery import Claimed
from .desk import Desk
from .model.ledger import Claim, Closed
from .model.plan import JobPlan
from .planning.domains import Domains
from .planning.ranges import compress_times
from .planning.slices import BatchPlan
from .ports import Clock, Provider

LEASE_MARGIN = timedelta(minutes=10)
"""Added to the budget: a run that is still alive settles well within it."""


@dataclass
class Claimer:
    """Makes the claims of one run."""

    run_id: str
    budget: timedelta
    provider: Provider
    clock: Clock
    made: int = 0
    _handles: dict[str, str] = field(default_factory=dict)

    def claim(self, batch: BatchPlan, desk: Desk) -> Claimed:
        """The claim on a batch, with what sending it takes.  Raises InputError."""
        job, now = batch.job, self.clock.now()
        self.made += 1
        last = max(now.timestamp(), batch.times[-1])
        claim = Claim(
            id=f"{self.run_id}-{self.made:05d}",
            campaign=job.campaign.id,
            step=job.step.id,
            occurrence=job.occurrence,
            run=self.run_id,
            at=whole(now),
            lease_until=whole(
                datetime.fromtimestamp(last, now.tzinfo) + self.budget + LEASE_MARGIN
            ),
            provider=self.provider.name,
            keys=b"".join(job.audience.keys.take(batch.indices)),
            times=compress_times(batch.times),
            total=len(job.audience),
            content=desk.content_digest(job.campaign, job.step),
            revision=job.campaign.revision,
            commit=desk.commit,
            enrolled=whole(now) if job.queue.late else None,
            handle=self._handle(job.job_id) if last > now.timestamp() else "",
            domains=_domains(batch, desk),
        )
        return Claimed(claim, batch, desk.composer(job.campaign, job.step))

    def _handle(self, job: str) -> str:
        """One handle a job and run, asked for only when something is handed over for later."""
        if not self.provider.capabilities.recall_before_seconds:
            return ""
        if job not in self._handles:
            self._handles[job] = self.provider.handle(job)
        return self._handles[job]

    def forget_handles(self) -> None:
        """Ask for new ones from now on."""
        self._handles.clear()

    def close(self, job: JobPlan) -> Closed:
        """The record that nothing of a job is owed any more."""
        return Closed(
            campaign=job.campaign.id,
            step=job.step.id,
            occurrence=job.occurrence,
            run=self.run_id,
            at=whole(self.clock.now()),
            counts={
                "audience": len(job.audience),
                "sent": job.counts.sent,
                "failed": job.counts.failed,
                "excluded": job.counts.excluded_total,
                **job.counts.skipped,
            },
        )


def _domains(batch: BatchPlan, desk: Desk) -> Mapping[str, bytes]:
    """Which contacts fall under which domain's cap, for the runs to come."""
    caps = desk.workspace.settings.limits.domains
    return Domains(caps).marks(batch.domains) if caps else {}


def whole(instant: datetime) -> datetime:
    """Records hold whole seconds."""
    return instant.replace(microsecond=0)
