"""Reads what planning needs, through ports, and no more than that: the plan of a workspace.

The same code serves ``plan``, ``status``, ``why`` and ``run``: what a reviewer reads is what is
sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime

from .blind import stand_in
from .dataclass import dataclass
from .desk import Desk, Ledger
from .errors import LIST_REFRESH, LIST_UNREAD, InputError, Problem
from .model.campaign import Campaign, Step
from .model.changes import Version
from .model.keys import KeyColumn
from .model.ledger import BOOK, Claim, Glance, Planned, job_id
from .model.plan import Hold, JobPlan, Plan
from .overflow import Overflow
from .planning.account import Account, account
from .planning.agenda import continuous, entries, may_owe, schedule_print
from .planning.comparing import shape
from .planning.drafts import CampaignDraft
from .planning.glance import at_a_glance
from .planning.history import CampaignHistory, fold
from .planning.planner import CampaignInputs, Horizon, draft, finish, queue_up
from .planning.suppressing import Suppressing, exclude
from .ports import Condition


def survey(desk: Desk, ledger: Ledger, horizon: Horizon, *, thorough: bool = True) -> Plan:
    """Plan every campaign.

    ``thorough`` also reads the lists of campaigns that cannot have anything due yet; a run does
    not, and so costs next to nothing when nothing is due.  A campaign whose list or template
    cannot be read is held, and the others go on.
    """
    suppressing = Suppressing(
        lambda: ledger.records(BOOK),
        desk.workspace.settings.suppressions,
        horizon.now,
        blind=desk.blind,
    )
    found = _read(desk, ledger, horizon, suppressing, thorough=thorough)
    jobs: list[JobPlan] = []
    first_seen: dict[str, int] = {}
    for drafted in _drafts(desk, ledger, horizon, found):
        campaign, history = drafted.campaign, drafted.inputs.history
        if campaign.id not in desk.workspace.campaigns:
            continue
        planned = suppressing.look(finish(drafted, horizon), history)
        try:
            _compile(desk, planned)
        except InputError as error:
            found.holds.append(_unreadable(campaign, error))
            continue
        jobs += planned
        found.holds += _forgotten(campaign, history, planned)
        if history.planned is None and campaign.status == "active":
            first_seen[campaign.id] = len(drafted.inputs.audience)
    holds, idle = found.of(desk)
    return Plan(horizon.now, tuple(jobs), holds, idle, first_seen, found.rescheduled)


@dataclass(slots=True)
class _Found:
    """What was read of the campaigns that have to be planned together."""

    holds: list[Hold]
    inputs: list[CampaignInputs] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    rescheduled: dict[str, Planned] = field(default_factory=dict)

    def of(self, desk: Desk) -> tuple[tuple[Hold, ...], tuple[str, ...]]:
        """The holds, and who is idle, without those whom the desk shows for company only."""
        rivals = desk.rivals.keys() - desk.workspace.campaigns.keys()
        holds = tuple(hold for hold in self.holds if hold.campaign not in rivals)
        return holds, tuple(campaign for campaign in self.idle if campaign not in rivals)


def _read(
    desk: Desk, ledger: Ledger, horizon: Horizon, suppressing: Suppressing, *, thorough: bool
) -> _Found:
    """The inputs of every campaign that must be looked at closely."""
    found = _Found([_broken(campaign, path) for campaign, path in desk.workspace.broken.items()])
    glances = {} if thorough else ledger.glances(desk.competing)
    for campaign in desk.competing.values():
        seen = glances.get(campaign.id)
        if seen is not None and _is_idle(campaign, seen, horizon):
            found.idle.append(campaign.id)
            continue
        records = ledger.records(campaign.id)
        history = fold(records, horizon.now, resends=desk.resends, store=Overflow())
        if (sight := _outdated_sight(campaign, history)) is not None:
            found.rescheduled[campaign.id] = sight
        if not thorough and not needs_list(campaign, history, horizon):
            found.idle.append(campaign.id)
            continue
        if history.planned is None and (former := renamed_from(desk, campaign, ledger)):
            found.holds.append(_renamed(campaign, former))
            continue
        try:
            found.inputs.append(_inputs(desk, campaign, history, suppressing))
        except InputError as error:
            found.holds.append(_unreadable(campaign, error))
    return found


def _drafts(desk: Desk, ledger: Ledger, horizon: Horizon, found: _Found) -> list[CampaignDraft]:
    """All campaigns with their queues, since they may share caps; what fails is held."""
    shared, drafts = _account(desk, ledger, horizon, found.inputs), []
    for one in found.inputs:
        try:
            drafts.append(draft(one, horizon, shared))
        except InputError as error:
            found.holds.append(_unreadable(one.campaign, error))
    queue_up(drafts, shared, horizon)
    return drafts


def _account(
    desk: Desk, ledger: Ledger, horizon: Horizon, inputs: Sequence[CampaignInputs]
) -> Account:
    """What is left of the caps that all campaigns share; nobody asks when nobody waits."""
    if not inputs:
        return Account()
    books = (ledger.records(campaign) for campaign in ledger.campaigns())
    found = account(
        desk.workspace.settings,
        horizon.now,
        books,
        since=min((due for one in inputs for due in _due(one, horizon)), default=None),
        resends=desk.resends,
    )
    found.waiting = sum(number for one in inputs for number in _waiting(one, horizon.now))
    return found


def _due(one: CampaignInputs, horizon: Horizon) -> Iterator[int]:
    """When the jobs of a campaign that are not over began to be due.

    None of one that does not send: a run may not even look at it, and a plan must not differ.
    """
    if one.campaign.status != "active":
        return
    for entry in entries(one.campaign, one.history, horizon.now, horizon.claim_until):
        if entry.history.closed is None:
            yield entry.timing.window()[0]


def _waiting(one: CampaignInputs, now: datetime) -> Iterator[int]:
    """How many mails each job of a campaign wants to send now, or has wanted to since it was due.

    Only of jobs that owe something, which a run looks at: a plan that looks at all others besides
    must not be more patient with what is late than the run will be.
    """
    if one.campaign.status != "active":
        return
    for entry in entries(one.campaign, one.history, now, now):
        if may_owe(one.campaign, one.history, entry, now):
            over = entry.history.closed is not None
            yield max(0, len(one.audience) - (entry.history.claimed if over else 0))


def _outdated_sight(campaign: Campaign, history: CampaignHistory) -> Planned | None:
    """The newest record of a campaign's schedule, when it does not say what the file says."""
    sight = history.rescheduled
    if sight is None or campaign.status != "active" or sight.schedule == schedule_print(campaign):
        return None
    return sight


def _forgotten(
    campaign: Campaign, history: CampaignHistory, planned: Sequence[JobPlan]
) -> Iterator[Hold]:
    """Doubt about steps that the campaign does not have any more: it stays in sight."""
    shown = {(job.step.id, job.occurrence) for job in planned}
    for (step, occurrence), job in history.jobs.items():
        if job.in_doubt and (step, occurrence) not in shown:
            name = job_id(campaign.id, step, occurrence)
            yield Hold(
                "forgotten",
                campaign.id,
                name,
                f"{len(job.in_doubt):,} mails of {name} are in doubt, and the campaign has no such "
                "step any more",
                f"look at the provider, then: sendoff resolve {name} --as sent|not-sent",
                len(job.in_doubt),
            )


def _compile(desk: Desk, planned: Sequence[JobPlan]) -> None:
    """Compile what is to go now: found broken after the claim, it would end the run for all."""
    for job in planned:
        if len(job.queue):
            desk.composer(job.campaign, job.step)


def _is_idle(campaign: Campaign, seen: Glance, horizon: Horizon) -> bool:
    """True when a glance is enough to see that a run has nothing to do for this campaign."""
    history = at_a_glance(seen)
    return _outdated_sight(campaign, history) is None and not needs_list(campaign, history, horizon)


def needs_list(campaign: Campaign, history: CampaignHistory, horizon: Horizon) -> bool:
    """True when a run must look at this campaign's contacts."""
    if any(job.unsettled for job in history.jobs.values()):
        # shown until it is settled, also where the campaign has no such step any more
        return True
    if campaign.status != "active" or horizon.paused:
        return False
    if history.planned is None:
        return True
    found = entries(campaign, history, horizon.now, horizon.claim_until)
    return any(may_owe(campaign, history, entry, horizon.claim_until) for entry in found)


def _inputs(
    desk: Desk, campaign: Campaign, history: CampaignHistory, suppressing: Suppressing
) -> CampaignInputs:
    audience = exclude(desk.audience(campaign), suppressing.banned(campaign))
    history.compare_as(type(KeyColumn.of(audience.keys)))
    return CampaignInputs(
        campaign=campaign,
        history=history,
        audience=stand_in(audience, history) if desk.blind else audience,
        conditions=_conditions(campaign),
        contents=_contents(desk, campaign, history),
    )


def _contents(desk: Desk, campaign: Campaign, history: CampaignHistory) -> Mapping[str, str]:
    """Digests of the steps that are under way: only they can have changed after the start.

    A job that is over and has some to send again (``retry``) is under way; that of a drip which
    enrols for ever is not: its words may change with time.
    """
    open_steps = {
        step
        for (step, _), job in history.jobs.items()
        if job.content and (not job.closed or (job.released and not continuous(campaign)))
    }
    return {
        step.id: desk.content_digest(campaign, step)
        for step in campaign.steps
        if step.id in open_steps
    }


def _conditions(campaign: Campaign) -> dict[str, Condition]:
    return {step.id: _condition(campaign, step) for step in campaign.steps if step.only_if}


def _condition(campaign: Campaign, step: Step) -> Condition:
    # Jinja2 comes along: a run without conditions does without it
    from .expressions import ExpressionError, compile_expression  # noqa: PLC0415

    expression = compile_expression(step.only_if, frozenset({"sent"}))
    variables = {**campaign.variables, **step.variables}

    def holds(contact: Mapping[str, str], sent: Callable[[str], bool]) -> bool:
        try:
            return expression({"contact": contact, "variables": variables, "sent": sent})
        except ExpressionError as error:
            # the campaign's fault: it is held, and the others go on
            raise InputError([_unfit(campaign, step, error.message)]) from None

    return holds


def _unfit(campaign: Campaign, step: Step, message: str) -> Problem:
    place = step.place if step.place.line else campaign.place
    return Problem(place.path, place.line, place.column, f"only_if of step {step.id}: {message}")


def renamed_from(desk: Desk, campaign: Campaign, ledger: Ledger) -> str:
    """The campaign that this one was before its file was renamed, '' for none.

    With another name nothing would look sent, and everyone would be mailed again.  A campaign
    that says its ``id:`` itself is what it says.
    """
    if campaign.place.path != f"campaigns/{campaign.id}.yaml":
        return ""
    there = desk.known | desk.workspace.campaigns.keys() | desk.workspace.broken.keys()
    wanted = shape(campaign)
    for former in ledger.campaigns():
        if former not in there and _was(former, wanted, ledger):
            return former
    return ""


def _was(former: str, wanted: str, ledger: Ledger) -> bool:
    records = list(ledger.records(former))
    same = any(isinstance(r, Planned) and r.shape == wanted for r in records)
    return same and any(isinstance(r, Claim) for r in records)


def _renamed(campaign: Campaign, former: str) -> Hold:
    return Hold(
        "renamed",
        campaign.id,
        "",
        f"this looks like the campaign {former} under another name: everyone would be mailed again",
        f"to go on as before, set id: {former} in {campaign.place.path}; to really send anew, set "
        f"id: {campaign.id}",
    )


def _broken(campaign: str, path: str) -> Hold:
    return Hold(
        "invalid",
        campaign,
        "",
        f"{path} has errors",
        "mend what this reports: sendoff validate",
    )


_LIST_CODES = (LIST_REFRESH, LIST_UNREAD)


def _unreadable(campaign: Campaign, error: InputError) -> Hold:
    told = sorted(error.problems, key=lambda problem: problem.code not in _LIST_CODES)
    first, *rest = told
    more = f" (+{len(rest)} more)" if rest else ""
    message = f"{first.path}:{first.line}: {first.message}{more}"
    release = first.hint or "mend what this reports: sendoff validate"
    if first.code == LIST_REFRESH:
        return Hold("list_refresh", campaign.id, "", message, release)
    if first.code == LIST_UNREAD:
        return Hold("list_unread", campaign.id, "", message, release)
    return Hold("unreadable", campaign.id, "", message, release)


def version(desk: Desk, ledger: Ledger, horizon: Horizon) -> Version:
    """One side of a comparison: the plan of a desk, and a digest of all that it sends."""
    return Version(
        campaigns=desk.workspace.campaigns,
        lists=desk.workspace.lists,
        contents={
            (campaign.id, step.id): _digest_or_nothing(desk, campaign, step)
            for campaign in desk.workspace.campaigns.values()
            for step in campaign.steps
        },
        plan=survey(desk, ledger, horizon),
        broken=desk.workspace.broken,
        settings=desk.workspace.settings,
    )


def _digest_or_nothing(desk: Desk, campaign: Campaign, step: Step) -> str:
    try:
        return desk.composer(campaign, step).digest
    except InputError:
        return ""
