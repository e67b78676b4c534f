"""The plan of one campaign: a pure function of what people wrote, the ledger, and now.

Place every contact, let the gates look, pace what may go, and cut off what can be claimed now.
"""

from __future__ import annotations

from ..model.campaign import Drip, Immediate, Recurring
from ..model.ledger import job_id
from ..model.plan import JobPlan, Spot
from . import counting
from .account import Account
from .agenda import Entry, entries
from .drafts import CampaignDraft, CampaignInputs, Draft, Horizon, epoch
from .finishing import finish
from .gates import STOPPING, GateInputs, gates
from .history import JobHistory
from .lateness import mark_late
from .placing import Placing, PlacingInputs, place
from .queueing import queue_up
from .quietness import Quietness

__all__ = ["CampaignInputs", "Horizon", "draft", "finish", "plan_campaign", "queue_up"]


def plan_campaign(inputs: CampaignInputs, horizon: Horizon) -> list[JobPlan]:
    """The plan of every job of a campaign that shares no cap with others, in order of time."""
    account = Account()
    drafted = draft(inputs, horizon, account)
    queue_up([drafted], account, horizon)
    return finish(drafted, horizon)


def draft(inputs: CampaignInputs, horizon: Horizon, account: Account) -> CampaignDraft:
    """Every job of a campaign with its contacts placed, and what the gates say of it."""
    drafted = CampaignDraft(inputs, _place_all(inputs, horizon, account))
    for job in drafted.jobs:
        _let_gates_look(job, inputs, horizon)
    return drafted


def _place_all(inputs: CampaignInputs, horizon: Horizon, account: Account) -> list[Draft]:
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
                quiet=Quietness.of(inputs.campaign),
                asked=_asked(inputs),
            ),
        )
        left_out = counting.left_out(inputs.audience, entry.history)
        job = Draft(entry, placing, inputs.audience.fields["timezone"], left_out)
        drafts.append(job)
        # before the next step asks: who was too late for this one is not waited for
        mark_late(job, inputs, epoch(horizon.now), account, len(drafts) if is_drip else 1)
        if is_drip and first is None:
            first = (placing, entry.history)
    return drafts


def _asked(inputs: CampaignInputs) -> int:
    planned = inputs.history.planned
    at_once = isinstance(inputs.campaign.schedule, Immediate) and planned is not None
    return epoch(planned.at) if planned is not None and at_once else 0


def _worth_a_look(inputs: CampaignInputs, horizon: Horizon) -> list[Entry]:
    found = entries(inputs.campaign, inputs.history, horizon.now, horizon.show_until)
    if not isinstance(inputs.campaign.schedule, Recurring):
        return found
    over = [entry.occurrence for entry in found if _is_over(entry.history)]
    forgotten = set(over[: max(0, len(over) - horizon.closed_shown)])
    return [entry for entry in found if entry.occurrence not in forgotten]


def _is_over(history: JobHistory) -> bool:
    return history.closed is not None and not history.released and not history.unsettled


def _let_gates_look(job: Draft, inputs: CampaignInputs, horizon: Horizon) -> None:
    history, campaign = job.entry.history, inputs.campaign
    spots = job.placing.spots
    holds = gates(
        GateInputs(
            campaign=campaign,
            job_id=job_id(campaign.id, job.entry.step.id, job.entry.occurrence),
            counts=counting.count(job.left_out, spots, history),
            audience=len(inputs.audience),
            missed=spots.count(Spot.MISSED),
            quiet=spots.count(Spot.QUIET_HELD),
            history=history,
            campaign_history=inputs.history,
            content=inputs.contents.get(job.entry.step.id, ""),
        )
    )
    job.holds = tuple(holds)
    stopping = any(hold.code in STOPPING for hold in job.holds)
    job.stopped = stopping or horizon.paused or campaign.status != "active"
