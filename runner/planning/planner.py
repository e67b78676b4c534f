"""The plan of one campaign: a pure function of what people wrote, the ledger, and now.

Place every contact, let the gates look, pace what may go, and cut off what can be claimed now.
"""

from __future__ import annotations

from ..model.campaign import Campaign, Drip, Recurring
from ..model.ledger import job_id
from ..model.plan import JobPlan, Spot
from . import counting
from .agenda import Entry, continuous, entries
from .columns import distinct, indices, turn
from .drafts import CampaignDraft, CampaignInputs, Draft, Horizon, epoch
from .finishing import finish
from .gates import STOPPING, GateInputs, gates
from .history import JobHistory
from .pacing import span
from .placing import Placing, PlacingInputs, place
from .queueing import queue_up

__all__ = ["CampaignInputs", "Horizon", "draft", "finish", "plan_campaign"]


def plan_campaign(inputs: CampaignInputs, horizon: Horizon) -> list[JobPlan]:
    """The plan of every job of a campaign, in order of time."""
    drafted = draft(inputs, horizon)
    queue_up(drafted, horizon)
    return finish(drafted, horizon)


def draft(inputs: CampaignInputs, horizon: Horizon) -> CampaignDraft:
    """Every job of a campaign with its contacts placed, and what the gates say of it."""
    drafted = CampaignDraft(inputs, _place_all(inputs, horizon))
    for job in drafted.jobs:
        _let_gates_look(job, inputs, horizon)
    return drafted


def _place_all(inputs: CampaignInputs, horizon: Horizon) -> list[Draft]:
    drafts: list[Draft] = []
    first: tuple[Placing, JobHistory] | None = None
    is_drip = isinstance(inputs.campaign.schedule, Drip)
    sent = {step.id: inputs.history.job(step.id).sent for step in inputs.campaign.steps}
    for entry in _worth_a_look(inputs, horizon):
        placing = place(
            entry,
            PlacingInputs(
                campaign=inputs.campaign,
                audience=inputs.audience,
                now=epoch(horizon.now),
                until=epoch(horizon.claim_until),
                condition=inputs.conditions.get(entry.step.id),
                first=first,
                sent=sent,
                before={draft.entry.step.id: draft.placing for draft in drafts} if is_drip else {},
            ),
        )
        drafts.append(Draft(entry, placing))
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


def _mark_missed(job: Draft, inputs: CampaignInputs, horizon: Horizon, nth: int) -> None:
    """Whoever is later than the campaign allows, its own pace taken into account: the ``nth`` step
    of a drip may have to wait for all mails of those before it."""
    lateness, now = inputs.campaign.lateness, epoch(horizon.now)
    if lateness.on_missed == "send":
        return
    allowed = int(lateness.expires_after.total_seconds())
    allowed += span(inputs.campaign.pacing, len(inputs.audience) * nth)
    held = lateness.on_missed == "hold" or _opens(job, inputs.campaign)
    _move_late(job, now - allowed, Spot.MISSED if held else Spot.TOO_LATE)


def _move_late(job: Draft, limit: int, spot: Spot) -> None:
    """Whoever was due before ``limit`` is at ``spot``."""
    placing, waiting = job.placing, job.waiting()
    known = distinct(placing.nominal)
    if not any(0 < time < limit for time in known):
        return
    if waiting.count(1) == placing.spots.count(Spot.LATER) and all(time < limit for time in known):
        turn(placing.spots, Spot.LATER, spot)
        return
    for index in indices(waiting):
        if placing.nominal[index] < limit:
            placing.spots[index] = spot


def _opens(job: Draft, campaign: Campaign) -> bool:
    """True for a continuous drip's first step until the enrolment at its start is complete: to
    skip those who are there would enrol nobody who comes after them either."""
    entry = job.entry
    return continuous(campaign) and entry.step is campaign.steps[0] and not entry.history.closed


def _let_gates_look(job: Draft, inputs: CampaignInputs, horizon: Horizon) -> None:
    history, campaign = job.entry.history, inputs.campaign
    spots = job.placing.spots
    holds = gates(
        GateInputs(
            campaign=campaign,
            job_id=job_id(campaign.id, job.entry.step.id, job.entry.occurrence),
            counts=counting.count(inputs.audience, spots, history),
            audience=len(inputs.audience),
            missed=spots.count(Spot.MISSED),
            history=history,
            campaign_history=inputs.history,
            content=inputs.contents.get(job.entry.step.id, ""),
        )
    )
    job.holds = tuple(holds)
    stopping = any(hold.code in STOPPING for hold in job.holds)
    job.stopped = stopping or horizon.paused or campaign.status != "active"
