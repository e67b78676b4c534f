"""What is claimed together: batches of one job, gathered into slices that grow.

One push claims one slice.  The first is small, so that a fault costs little; each next is larger,
so that a million recipients cost tens of pushes and not thousands.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from ..dataclass import dataclass
from ..model.plan import JobPlan, Plan
from .quietness import Quietness

GROWTH = 4
LARGEST = 64
"""Batches in one slice, at the most."""
AIM_SECONDS = 10.0
"""How long a slice should take: hosting services take about six pushes a minute, and what a
killed run leaves in doubt is at most one slice."""

WAIT_SECONDS = 30.0
"""How long one batch may take a provider that has to wait for each send time."""

DRIFT_SECONDS = 300
"""How late a mail may leave that counts for an hour's cap before the hour is planned anew."""


@dataclass(frozen=True)
class BatchPlan:
    """Contacts ``start`` to ``stop`` of a job's queue."""

    job: JobPlan
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @cached_property
    def indices(self) -> list[int]:
        """Audience indices, in send order."""
        return list(self.job.queue.indices[self.start : self.stop])

    @property
    def domains(self) -> bytes:
        """The number of the domain's cap that counts for each contact, b"" without such caps."""
        return self.job.queue.domains[self.start : self.stop]

    @cached_property
    def times(self) -> list[int]:
        """Send times (epoch seconds), one per contact."""
        return list(self.job.queue.times[self.start : self.stop])


def batches(plan: Plan, max_batch: int, max_seconds: float = math.inf) -> Iterator[BatchPlan]:
    """Everything that is due, cut into batches, the earliest first, whosever it is.

    ``max_seconds``: how far apart the send times of one batch may be, for a provider that is given
    each mail at its time: a slow campaign must not keep the others waiting.
    """
    cut = [_cut(job, max_batch, max_seconds) for job in plan.jobs if len(job.queue)]
    return heapq.merge(
        *cut, key=lambda batch: (batch.job.queue.times[batch.start], batch.job.job_id)
    )


def _cut(job: JobPlan, max_batch: int, max_seconds: float) -> Iterator[BatchPlan]:
    size = max(1, min(max_batch, job.campaign.pacing.batch_size))
    times, start = job.queue.times, 0
    while start < len(times):
        in_time = bisect_right(times, times[start] + max_seconds, start)
        stop = min(start + size, in_time)
        yield BatchPlan(job, start, stop)
        start = stop


def outdated(batch: BatchPlan, now: int, *, shared: bool) -> bool:
    """Whether a provider that is slow has made a batch so late that its times say nothing any more:
    an hour's cap would be overshot, or somebody's quiet time has begun meanwhile.

    ``now``: epoch seconds; ``shared``: all campaigns share caps.
    """
    campaign, late = batch.job.campaign, now - batch.times[0]
    if late <= 0:
        return False
    capped = shared or campaign.pacing.max_per_hour is not None
    return (capped and late > DRIFT_SECONDS) or _fell_quiet(batch, now)


def _fell_quiet(batch: BatchPlan, now: int) -> bool:
    quiet = Quietness.of(batch.job.campaign)
    if quiet is None:
        return False
    zones = batch.job.audience.fields["timezone"]
    pairs = {(t, zones[i]) for t, i in zip(batch.times, batch.indices, strict=True) if t < now}
    # who was to get it in the quiet time still is
    return any(quiet.end(t, zone) == t and quiet.end(now, zone) > now for t, zone in pairs)


class SliceSize:
    """How many batches the next slice holds: one at first, then by how long the last one took."""

    def __init__(self) -> None:
        self.batches = 1

    def took(self, seconds: float) -> None:
        """Note how long a slice of this size took."""
        if seconds > AIM_SECONDS:
            self.batches = max(1, self.batches // 2)
        elif seconds * GROWTH <= AIM_SECONDS:
            self.batches = min(self.batches * GROWTH, LARGEST)
        else:
            self.batches = min(self.batches + 1, LARGEST)
