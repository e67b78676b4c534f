"""What is ahead, for people who are to approve it: shape, cost, and a calendar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo

from ..dataclass import dataclass
from ..model.campaign import Campaign, Recurring
from ..model.plan import JobPlan, JobStatus, Plan, Spot
from ..model.views import Occasion
from .agenda import entries
from .columns import flags, tally
from .history import CampaignHistory

QUARTER = 900
"""Seconds: every zone's day begins on a quarter of an hour."""
HOUR = 3600
RUN_EVERY = 1800
"""Seconds between two runs, where a CI cron comes every half hour."""
MAX_BARS = 48
WIDTHS = (1, 2, 3, 6, 12, 24, 48, 168)
"""Hours that one bar may stand for."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the mails of a job are spread: ``counts`` in spans of ``hours`` from ``start`` on."""

    start: datetime
    hours: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """``requests`` to the provider and ``runs`` that hand them over, both about."""

    requests: int
    runs: int


def shape(job: JobPlan) -> Shape | None:
    """How the mails that are to go are spread; None when they have no times yet."""
    found = _by(HOUR, open_times(job))
    if not found:
        return None
    first, last = min(found), max(found)
    width = next((w for w in WIDTHS if (last - first) // w < MAX_BARS), WIDTHS[-1])
    bars = [0] * min(MAX_BARS, (last - first) // width + 1)
    for hour, count in found.items():
        # what lies beyond a year of weekly bars is one last bar
        bars[min((hour - first) // width, len(bars) - 1)] += count
    return Shape(_utc(first * HOUR), width, tuple(bars))


def cost(job: JobPlan, max_batch: int) -> Cost:
    """What a job still costs: each run hands over what falls into its half hour."""
    size = max(1, min(max_batch, job.campaign.pacing.batch_size))
    slots = _by(RUN_EVERY, open_times(job))
    timeless = job.counts.due + job.counts.later - sum(slots.values())
    parts = [*slots.values(), *([timeless] if timeless > 0 else [])]
    return Cost(sum(-(-part // size) for part in parts), len(parts))


def open_times(job: JobPlan) -> Counter[int]:
    """How many of those who are to get it, and have a time, have which (epoch seconds)."""
    return tally(flags(job.spots, Spot.DUE, Spot.LATER), job.times)


def _by(span: int, times: Counter[int]) -> Counter[int]:
    """The numbers summed over spans of as many seconds."""
    found: Counter[int] = Counter()
    for time, count in times.items():
        found[time // span] += count
    return found


def occasions(plan: Plan, zone: tzinfo) -> Iterator[Occasion]:
    """The mails of a plan, a job and a day at a time."""
    for job in plan.jobs:
        yield from _of_job(job, zone)


def _of_job(job: JobPlan, zone: tzinfo) -> Iterator[Occasion]:
    days: dict[date, tuple[int, int]] = {}
    found = _by(QUARTER, open_times(job))
    for quarter in sorted(found):
        day = _utc(quarter * QUARTER).astimezone(zone).date()
        first, count = days.get(day, (quarter * QUARTER, 0))
        days[day] = (first, count + found[quarter])
    for first, count in days.values():
        yield _occasion(job, _utc(first).astimezone(zone), count)
    # later steps of a drip wait for the first one, and have no times of their own until then
    timeless = job.counts.due + job.counts.later - found.total()
    if timeless > 0 and job.scheduled_for is not None:
        yield _occasion(job, job.scheduled_for.astimezone(zone), timeless, estimated=True)


def _occasion(job: JobPlan, at: datetime, count: int, *, estimated: bool = False) -> Occasion:
    name = job.campaign.name
    undecided = estimated or bool(job.step.only_if)
    return Occasion(at, job.campaign.id, name, job.step.id, count, job.status, undecided)


def occurrences(
    campaign: Campaign, history: CampaignHistory, size: int, span: tuple[datetime, datetime]
) -> Iterator[Occasion]:
    """What a recurring campaign will send within ``span``, beyond the jobs that are planned.

    ``size``: how many would get it today.
    """
    start, end = span
    if not isinstance(campaign.schedule, Recurring) or campaign.status == "cancelled":
        return
    status: JobStatus = "paused" if campaign.status == "paused" else "scheduled"
    for entry in entries(campaign, history, start, end):
        at = _utc(entry.timing.nominal(""))
        if start < at <= end:
            yield Occasion(
                at, campaign.id, campaign.name, entry.step.id, size, status, estimated=True
            )


def _utc(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
