"""The plan of one campaign: a pure function of what people wrote, the ledger, and now.

Place every contact, let the gates look, pace what may go, and cut off what can be claimed now.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ..model.campaign import Campaign, Drip, Recurring
from ..model.contacts import Audience
from ..model.ledger import job_id
from ..model.plan import EMPTY_QUEUE, Counts, Hold, JobPlan, Queue, Spot, ZoneTime
from ..ports import Condition
from . import counting
from .agenda import Entry, continuous, entries
from .gates import STOPPING, GateInputs, gates
from .history import CampaignHistory, JobHistory
from .pacing import Pacer, span
from .placing import Placing, PlacingInputs, place


@dataclass(frozen=True, slots=True)
class Horizon:
    """``claim_until``: send times up to it may be claimed now (the provider can hold them, or
    the run lasts as long).  ``show_until``: recurring occurrences up to it are planned.
    ``closed_shown``: how many occurrences that are over are looked at, the newest: a digest of
    years has hundreds of them, and nothing of theirs is owed."""

    now: datetime
    claim_until: datetime
    show_until: datetime
    paused: bool = False
    closed_shown: int = 5


@dataclass(frozen=True, slots=True)
class CampaignInputs:
    """All that decides about one campaign.

    ``conditions``: compiled ``only_if`` by step id.  ``contents``: digest of what would be sent
    now by step id, for the steps where it is known.
    """

    campaign: Campaign
    history: CampaignHistory
    audience: Audience
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Draft:
    """A job on its way through the stages."""

    entry: Entry
    placing: Placing
    holds: tuple[Hold, ...] = ()
    stopped: bool = False

    def waiting(self) -> Iterator[int]:
        """Indices of contacts with a time who may go."""
        nominal = self.placing.nominal
        for index, spot in enumerate(self.placing.spots):
            if spot == Spot.LATER and nominal[index]:
                yield index


def plan_campaign(inputs: CampaignInputs, horizon: Horizon) -> list[JobPlan]:
    """The plan of every job of a campaign, in order of time."""
    drafts = _place_all(inputs, horizon)
    for draft in drafts:
        _let_gates_look(draft, inputs, horizon)
    queues = _pace(drafts, inputs, horizon)
    plans = [_finish(draft, queues[i], inputs, horizon) for i, draft in enumerate(drafts)]
    return _first_step_first(plans) if isinstance(inputs.campaign.schedule, Drip) else plans


def _first_step_first(plans: list[JobPlan]) -> list[JobPlan]:
    """A later step is not over before the first one is: who comes late to it would be lost."""
    first, *rest = plans
    first_is_over = first.finished or first.closed
    return [first, *(p if first_is_over else replace(p, finished=False) for p in rest)]


def _place_all(inputs: CampaignInputs, horizon: Horizon) -> list[_Draft]:
    drafts: list[_Draft] = []
    first: tuple[Placing, JobHistory] | None = None
    is_drip = isinstance(inputs.campaign.schedule, Drip)
    sent = {step.id: inputs.history.job(step.id).sent for step in inputs.campaign.steps}
    for entry in _worth_a_look(inputs, horizon):
        placing = place(
            entry,
            PlacingInputs(
                campaign=inputs.campaign,
                audience=inputs.audience,
                now=_epoch(horizon.now),
                until=_epoch(horizon.claim_until),
                condition=inputs.conditions.get(entry.step.id),
                first=first,
                sent=sent,
                before={draft.entry.step.id: draft.placing for draft in drafts} if is_drip else {},
            ),
        )
        drafts.append(_Draft(entry, placing))
        # before the next step asks: who was too late for this one is not waited for
        _mark_missed(drafts[-1], inputs, horizon, len(drafts) if is_drip else 1)
        if is_drip and first is None:
            first = (placing, entry.history)
    return drafts


def _worth_a_look(inputs: CampaignInputs, horizon: Horizon) -> list[Entry]:
    found = entries(inputs.campaign, inputs.history, horizon.now, horizon.show_until)
    if not isinstance(inputs.campaign.schedule, Recurring):
        return found
    over = [entry.occurrence for entry in found if _is_over(entry.history)]
    forgotten = set(over[: max(0, len(over) - horizon.closed_shown)])
    return [entry for entry in found if entry.occurrence not in forgotten]


def _is_over(history: JobHistory) -> bool:
    return history.closed is not None and not history.released and not history.unsettled


def _mark_missed(draft: _Draft, inputs: CampaignInputs, horizon: Horizon, nth: int) -> None:
    """Whoever is later than the campaign allows, its own pace taken into account: the ``nth`` step
    of a drip may have to wait for all mails of those before it."""
    lateness, now = inputs.campaign.lateness, _epoch(horizon.now)
    if lateness.on_missed == "send":
        return
    allowed = int(lateness.expires_after.total_seconds())
    allowed += span(inputs.campaign.pacing, len(inputs.audience) * nth)
    held = lateness.on_missed == "hold" or _opens(draft, inputs.campaign)
    spot = Spot.MISSED if held else Spot.TOO_LATE
    for index in list(draft.waiting()):
        if draft.placing.nominal[index] + allowed < now:
            draft.placing.spots[index] = spot


def _opens(draft: _Draft, campaign: Campaign) -> bool:
    """True for a continuous drip's first step until the enrolment at its start is complete: to
    skip those who are there would enrol nobody who comes after them either."""
    entry = draft.entry
    return continuous(campaign) and entry.step is campaign.steps[0] and not entry.history.closed


def _let_gates_look(draft: _Draft, inputs: CampaignInputs, horizon: Horizon) -> None:
    history, campaign = draft.entry.history, inputs.campaign
    spots = draft.placing.spots
    holds = gates(
        GateInputs(
            campaign=campaign,
            job_id=_job_id(draft, campaign),
            counts=counting.count(inputs.audience, spots, history),
            audience=len(inputs.audience),
            missed=spots.count(Spot.MISSED),
            history=history,
            campaign_history=inputs.history,
            content=inputs.contents.get(draft.entry.step.id, ""),
        )
    )
    draft.holds = tuple(holds)
    stopping = any(hold.code in STOPPING for hold in draft.holds)
    draft.stopped = stopping or horizon.paused or campaign.status != "active"


def _pace(drafts: list[_Draft], inputs: CampaignInputs, horizon: Horizon) -> list[Queue]:
    """Send times for all who may go, over all jobs of the campaign in order of their times."""
    pacer = Pacer(inputs.campaign.pacing, inputs.history.recent)
    now, until = _epoch(horizon.now), _epoch(horizon.claim_until)
    queues = [(array("L"), array("q")) for _ in drafts]
    for earliest, number, index in _in_order(drafts, now):
        draft = drafts[number]
        time = earliest if draft.stopped else pacer.take(earliest)
        draft.placing.nominal[index] = time
        if time <= until:
            draft.placing.spots[index] = Spot.DUE
            if not draft.stopped:
                queues[number][0].append(index)
                queues[number][1].append(time)
    return [_queue(draft, *queue) for draft, queue in zip(drafts, queues, strict=True)]


def _in_order(drafts: list[_Draft], now: int) -> Iterator[tuple[int, int, int]]:
    columns = [
        sorted((max(draft.placing.nominal[i], now), number, i) for i in draft.waiting())
        for number, draft in enumerate(drafts)
    ]
    busy = [column for column in columns if column]
    return iter(busy[0]) if len(busy) == 1 else heapq.merge(*busy)


def _queue(draft: _Draft, indices: array[int], times: array[int]) -> Queue:
    if not indices:
        return EMPTY_QUEUE
    # one claim has one clock: all are late joiners of a drip, or none of them
    return Queue(indices, times, late=bool(draft.placing.late))


def _finish(draft: _Draft, queue: Queue, inputs: CampaignInputs, horizon: Horizon) -> JobPlan:
    campaign, history = inputs.campaign, draft.entry.history
    counts = counting.count(inputs.audience, draft.placing.spots, history)
    times = sorted(_open_times(draft))
    return JobPlan(
        campaign=campaign,
        step=draft.entry.step,
        occurrence=draft.entry.occurrence,
        status=counting.status(
            campaign.status,
            counts,
            paused=horizon.paused or campaign.status == "paused",
            held=bool(draft.holds),
        ),
        counts=counts,
        audience=inputs.audience,
        spots=bytes(draft.placing.spots),
        times=draft.placing.nominal,
        queue=queue,
        holds=draft.holds,
        scheduled_for=_utc(draft.entry.timing.window()[0]),
        first_send=_utc(times[0]) if times else None,
        last_send=_utc(times[-1]) if times else history.last_send,
        started_at=history.started_at,
        completed_at=_completed(history, counts.open),
        zone_times=_zone_times(draft, inputs.audience),
        failures=dict(Counter(history.failed.values())),
        closed=history.closed is not None,
        finished=_is_finished(draft, counts, campaign, horizon),
    )


def _completed(history: JobHistory, still_open: int) -> datetime | None:
    if still_open:
        return None
    return history.last_send or (history.closed.at if history.closed else None)


def _is_finished(draft: _Draft, counts: Counts, campaign: Campaign, horizon: Horizon) -> bool:
    """Nothing is owed any more, and the ledger does not say so yet."""
    history, entry = draft.entry.history, draft.entry
    if history.closed or campaign.status != "active":
        return False
    begun = history.begun or entry.timing.window()[1] <= _epoch(horizon.now)
    waiting = counts.due + counts.later + counts.in_flight
    if not continuous(campaign):
        # doubt stays in sight of its own, and must not keep a job open for who joins later
        return begun and not waiting and all(hold.code == "in_doubt" for hold in draft.holds)
    # it never ends; what can be complete is the enrolment at its start.  Doubt does not keep that
    # open, nor does a list that nobody is on yet: who joins would go by the start's clock
    # (those who were skipped as too late keep it open, or they would be mailed as if they joined)
    begun = history.begun or (begun and not draft.placing.spots)
    others = [hold for hold in draft.holds if hold.code not in ("in_doubt", "empty_audience")]
    return entry.step is campaign.steps[0] and begun and not waiting and not others


def _open_times(draft: _Draft) -> Iterator[int]:
    for spot, time in zip(draft.placing.spots, draft.placing.nominal, strict=True):
        if spot in (Spot.DUE, Spot.LATER) and time:
            yield time


def _zone_times(draft: _Draft, audience: Audience) -> tuple[ZoneTime, ...]:
    timing = draft.entry.timing
    if not timing.by_recipient:
        return ()
    counts: dict[str, int] = defaultdict(int)
    first: dict[str, int] = {}
    zones = audience.fields["timezone"]
    for index, spot in enumerate(draft.placing.spots):
        if spot in (Spot.DUE, Spot.LATER) and draft.placing.nominal[index]:
            name = timing.zone_name(zones[index])
            counts[name] += 1
            time = draft.placing.nominal[index]
            first[name] = min(first.get(name, time), time)
    rows = [ZoneTime(name, counts[name], _utc(first[name])) for name in counts]
    return tuple(sorted(rows, key=lambda row: (row.at, row.zone)))


def _job_id(draft: _Draft, campaign: Campaign) -> str:
    return job_id(campaign.id, draft.entry.step.id, draft.entry.occurrence)


def _epoch(instant: datetime) -> int:
    return int(instant.timestamp())


def _utc(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
