"""Gathers what a reviewer is shown beside the plan: subjects, what is ahead, what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from ..bootstrap import Site
from ..checking import check
from ..desk import Desk
from ..errors import InputError, Problem
from ..model.campaign import Campaign, Recurring, Step
from ..model.changes import Difference
from ..model.message import Rendered
from ..model.plan import Plan
from ..model.views import Face, Occasion, Review
from ..planning.history import fold
from ..planning.outlook import occasions, occurrences
from ..ports import Snapshot
from ..report.times import zone_of
from ..templates.worst_case import choose

DAYS = 30
MAX_CONTACTS = 8
"""Contacts whose subject is looked at."""


def review(
    site: Site,
    desk: Desk,
    plan: Plan,
    snapshot: Snapshot,
    *,
    until: timedelta,
    against: tuple[Desk | None, Difference] | None = None,
) -> Review:
    """What there is to say of a plan; ``against``: what it is compared with.

    ``until`` is how far ahead the plan itself shows recurring campaigns.
    """
    provider = site.provider(desk.workspace.settings)
    problems: list[Problem] = []
    if against is not None:
        # a plan alone is refused when there are errors; a difference says what they are
        found = check(desk.workspace, desk.audiences, desk.templates, provider.capabilities)
        problems = [problem for problem in found if problem.severity == "error"]
    return Review(
        faces=dict(_all_faces(desk, plan, against)),
        max_batch=provider.capabilities.max_batch,
        calendar=tuple(_calendar(desk, plan, snapshot, until)),
        days=DAYS,
        problems=tuple(problems),
    )


def _calendar(desk: Desk, plan: Plan, snapshot: Snapshot, until: timedelta) -> list[Occasion]:
    zone = zone_of(desk.workspace.settings.timezone)
    end = plan.now + timedelta(days=DAYS)
    found = [one for one in occasions(plan, zone) if one.at <= end]
    held = {hold.campaign for hold in plan.holds}
    span = (plan.now + until, end)
    for campaign in desk.workspace.campaigns.values():
        if campaign.id in held or not isinstance(campaign.schedule, Recurring):
            continue
        history = fold(snapshot.records(campaign.id), plan.now)
        size = len(desk.audience(campaign))
        found += [
            replace(one, at=one.at.astimezone(zone))
            for one in occurrences(campaign, history, size, span)
        ]
    return sorted(found, key=lambda one: (one.at, one.campaign, one.step))


def _all_faces(
    desk: Desk, plan: Plan, against: tuple[Desk | None, Difference] | None
) -> Iterator[tuple[tuple[str, str], tuple[Face, ...]]]:
    old, former = None, {}
    shown = {job.campaign.id for job in plan.jobs}
    if against is not None:
        old, difference = against
        former = {
            change.campaign: change.former or change.campaign for change in difference.changes
        }
        shown = {c.campaign for c in difference.changes if c.kind in ("new", "changed")}
    open_steps = {(job.campaign.id, job.step.id) for job in plan.jobs if job.counts.open}
    for name in shown & desk.workspace.campaigns.keys():
        campaign = desk.workspace.campaigns[name]
        for step in campaign.steps:
            if (name, step.id) in open_steps:
                before = counterpart(old, former.get(name, name), step.id)
                yield (name, step.id), tuple(_faces(desk, campaign, step, before))


Before = tuple[Desk, Campaign, Step] | None


def counterpart(old: Desk | None, campaign: str, step: str) -> Before:
    """The same step as it stands at an older desk, if it does."""
    if old is None or campaign not in old.workspace.campaigns:
        return None
    there = old.workspace.campaigns[campaign]
    found = next((one for one in there.steps if one.id == step), None)
    return None if found is None else (old, there, found)


def chosen(desk: Desk, campaign: Campaign) -> list[tuple[str, int]]:
    """Contacts that put what a campaign sends to the test: (why, index in the audience)."""
    audience = desk.audience(campaign)
    uses = frozenset().union(*(desk.composer(campaign, step).uses for step in campaign.steps))
    return choose(audience, uses & audience.fields.keys())


def _faces(desk: Desk, campaign: Campaign, step: Step, before: Before) -> Iterable[Face]:
    """The subject and preheader of a step, each wording once; () where it cannot be rendered."""
    try:
        audience = desk.audience(campaign)
        composer = desk.composer(campaign, step)
        found: dict[tuple[str, str], Face] = {}
        for label, index in choose(audience, composer.uses)[:MAX_CONTACTS]:
            contact, key = audience.contact(index), audience.keys[index]
            now = composer.render(contact, key)
            words = (now.subject, now.preheader)
            alike = found[words].alike + 1 if words in found else 0
            if alike:
                one = found[words]
                found[words] = Face(one.label, *words, alike, one.former)
            else:
                found[words] = Face(label, *words, former=_former(before, contact, key))
    except InputError:
        return ()
    return found.values()


def rendered(before: Before, contact: dict[str, str], key: bytes) -> Rendered | None:
    """What a contact would have got; None where there was nothing that could be rendered."""
    if before is None:
        return None
    desk, campaign, step = before
    try:
        return desk.composer(campaign, step).render(contact, key)
    except InputError:
        return None


def _former(before: Before, contact: dict[str, str], key: bytes) -> tuple[str, str] | None:
    was = rendered(before, contact, key)
    return None if was is None else (was.subject, was.preheader)
