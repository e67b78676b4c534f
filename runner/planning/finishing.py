"""From drafts to plans: the numbers, the times and the word for each job."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from itertools import compress

from ..model.campaign import Drip
from ..model.contacts import Audience
from ..model.plan import Counts, JobPlan, ZoneTime
from . import counting
from .agenda import continuous
from .columns import ends
from .drafts import CampaignDraft, CampaignInputs, Draft, Horizon, epoch, utc
from .history import JobHistory


def finish(draft: CampaignDraft, horizon: Horizon) -> list[JobPlan]:
    """The plan of every job of a campaign, in order of time."""
    plans = [_finish(job, draft.inputs, horizon) for job in draft.jobs]
    return _first_step_first(plans) if isinstance(draft.campaign.schedule, Drip) else plans


def _first_step_first(plans: list[JobPlan]) -> list[JobPlan]:
    """A later step is not over before the first one is: who comes late to it would be lost."""
    first, *rest = plans
    first_is_over = first.finished or first.closed
    return [first, *(p if first_is_over else replace(p, finished=False) for p in rest)]


def _finish(job: Draft, inputs: CampaignInputs, horizon: Horizon) -> JobPlan:
    campaign, history = inputs.campaign, job.entry.history
    counts = counting.count(job.left_out, job.placing.spots, history)
    times = ends(job.open(), job.placing.nominal)
    return JobPlan(
        campaign=campaign,
        step=job.entry.step,
        occurrence=job.entry.occurrence,
        status=counting.status(
            campaign.status,
            counts,
            paused=horizon.paused or campaign.status == "paused",
            held=bool(job.holds),
            undecided=job.undecided > epoch(horizon.now),
        ),
        counts=counts,
        audience=inputs.audience,
        spots=bytes(job.placing.spots),
        times=job.placing.nominal,
        queue=job.queue,
        holds=job.holds,
        scheduled_for=utc(job.entry.timing.window()[0]),
        first_send=utc(times[0]) if times else None,
        last_send=utc(times[1]) if times else history.last_send,
        started_at=history.started_at,
        completed_at=_completed(history, counts.open),
        zone_times=_zone_times(job, inputs.audience),
        failures=dict(Counter(history.failed.values())),
        closed=history.closed is not None,
        finished=_is_finished(job, counts, inputs, horizon),
    )


def _completed(history: JobHistory, still_open: int) -> datetime | None:
    if still_open:
        return None
    return history.last_send or (history.closed.at if history.closed else None)


def _is_finished(job: Draft, counts: Counts, inputs: CampaignInputs, horizon: Horizon) -> bool:
    """Nothing is owed any more, and the ledger does not say so yet."""
    history, entry, campaign = job.entry.history, job.entry, inputs.campaign
    if history.closed or campaign.status != "active" or job.undecided > epoch(horizon.now):
        return False
    begun = history.begun or entry.timing.window()[1] <= epoch(horizon.now)
    waiting = counts.due + counts.later + counts.in_flight
    if not continuous(campaign):
        # doubt stays in sight of its own, and must not keep a job open for who joins later
        return begun and not waiting and all(hold.code == "in_doubt" for hold in job.holds)
    # it never ends; what can be complete is the enrolment at its start.  Doubt does not keep that
    # open, nor does a list that nobody is on yet: who joins would go by the start's clock
    # (those who were skipped as too late keep it open, or they would be mailed as if they joined)
    begun = history.begun or (begun and not job.placing.spots)
    others = [hold for hold in job.holds if hold.code not in ("in_doubt", "empty_audience")]
    return entry.step is campaign.steps[0] and begun and not waiting and not others


def _zone_times(job: Draft, audience: Audience) -> tuple[ZoneTime, ...]:
    timing = job.entry.timing
    if not timing.by_recipient:
        return ()
    open_, zones = job.open(), audience.fields["timezone"]
    pairs = Counter(zip(compress(zones, open_), compress(job.placing.nominal, open_), strict=True))
    counts: Counter[str] = Counter()
    first: dict[str, int] = {}
    for (zone, time), count in pairs.items():
        if time:
            name = timing.zone_name(zone)
            counts[name] += count
            first[name] = min(first.get(name, time), time)
    rows = [ZoneTime(name, counts[name], utc(first[name])) for name in counts]
    return tuple(sorted(rows, key=lambda row: (row.at, row.zone)))
