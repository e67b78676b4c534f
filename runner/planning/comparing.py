"""The difference that a merge makes: two versions of the files against one ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256

from ..errors import LIST_UNREAD
from ..model.campaign import Campaign, Immediate, Recurring
from ..model.changes import (
    ASPECTS,
    SETTINGS_ASPECTS,
    Aspect,
    CampaignChange,
    Difference,
    Kind,
    SettingsAspect,
    SettingsChange,
    Version,
)
from ..model.contacts import ContactList
from ..model.ledger import job_id
from ..model.plan import JobPlan, Plan
from ..model.settings import Settings
from .view import stamp

_ORDER: tuple[Kind, ...] = (
    "broken",
    "renamed",
    "new",
    "changed",
    "cancelled",
    "removed",
    "unchanged",
)


def compare(base: str, before: Version, after: Version) -> Difference:
    """Every campaign of either side and what becomes of it."""
    found = sorted(
        _changes(before, after), key=lambda change: (_ORDER.index(change.kind), change.campaign)
    )
    settings = _settings_change(before.settings, after.settings)
    return Difference(base, tuple(found), before.plan, after.plan, plan_digest(after), settings)


def _settings_change(old: Settings | None, new: Settings | None) -> SettingsChange | None:
    if old is None or new is None:
        return None
    aspects = tuple(one for one in SETTINGS_ASPECTS if _said(old, one) != _said(new, one))
    return SettingsChange(aspects, old, new) if aspects else None


def _said(settings: Settings, aspect: SettingsAspect) -> object:
    if aspect == "provider":  # and how it is spoken to; what is set for others does not matter
        return settings.provider, getattr(settings, settings.provider)
    return getattr(settings, aspect)


def shape(campaign: Campaign) -> str:
    """A fingerprint of what a campaign sends to whom and when, whatever it is called."""
    what = [(step.id, step.content, step.delay, step.only_if) for step in campaign.steps]
    described = repr((campaign.audience, campaign.schedule, what))
    return sha256(described.encode()).hexdigest()[:16]


def _changes(before: Version, after: Version) -> Iterator[CampaignChange]:
    renamed = _renames(before, after)
    for name, path in after.broken.items():
        yield CampaignChange(name, "broken", path)
    for name, campaign in after.campaigns.items():
        former = renamed.get(name, name)
        old = before.campaigns.get(former)
        if old is None:
            yield CampaignChange(
                name,
                "new",
                campaign.place.path,
                to_go=_to_go(after.plan, name),
                unread=_is_unread(after.plan, name),
                new=campaign,
            )
        else:
            yield _change(old, campaign, before, after)
    gone = before.campaigns.keys() - after.campaigns.keys() - set(renamed.values())
    for name in gone - after.broken.keys():
        yield CampaignChange(
            name,
            "removed",
            before.campaigns[name].place.path,
            had_old=_gone_out(before.plan, name),
            was_to_go=_to_go(before.plan, name),
            old=before.campaigns[name],
        )


def _renames(before: Version, after: Version) -> dict[str, str]:
    """New ids of campaigns that stand under another id on the other side: new -> former."""
    lost = {
        shape(campaign): name
        for name, campaign in before.campaigns.items()
        if name not in after.campaigns and name not in after.broken
    }
    return {
        name: lost[shape(campaign)]
        for name, campaign in after.campaigns.items()
        if name not in before.campaigns and shape(campaign) in lost
    }


def _change(old: Campaign, new: Campaign, before: Version, after: Version) -> CampaignChange:
    steps = tuple(_changed_steps(old, new, before, after))
    differs = set(_aspects(old, new, before, after))
    if steps:
        differs.add("what")
    aspects = tuple(aspect for aspect in ASPECTS if aspect in differs)
    kind: Kind = "changed" if aspects else "unchanged"
    if old.id != new.id:
        kind = "renamed"
    elif "status" in differs and new.status == "cancelled":
        kind = "cancelled"
    return CampaignChange(
        campaign=new.id,
        kind=kind,
        path=new.place.path,
        aspects=aspects,
        steps=steps,
        former=old.id if old.id != new.id else "",
        had_old=_gone_out(before.plan, old.id) if kind != "unchanged" else 0,
        to_go=_to_go(after.plan, new.id),
        was_to_go=_to_go(before.plan, old.id),
        unread=_is_unread(after.plan, new.id),
        old=old,
        new=new,
    )


def _aspects(old: Campaign, new: Campaign, before: Version, after: Version) -> Iterator[Aspect]:
    if old.status != new.status:
        yield "status"
    if old.audience != new.audience or not all(
        _same_list(before.lists.get(name), after.lists.get(name)) for name in new.audience.every
    ):
        yield "who"
    timing = [(step.id, step.delay, step.only_if) for step in old.steps]
    if (old.schedule, old.lateness, timing) != (
        new.schedule,
        new.lateness,
        [(step.id, step.delay, step.only_if) for step in new.steps],
    ):
        yield "when"
    if (old.pacing, restraint(old)) != (new.pacing, restraint(new)):
        yield "pacing"
    if old.guards != new.guards:
        yield "guards"
    if (old.sender, old.reply_to, old.unsubscribe) != (new.sender, new.reply_to, new.unsubscribe):
        yield "sender"


def _same_list(old: ContactList | None, new: ContactList | None) -> bool:
    return old == new or _without_place(old) == _without_place(new)


def restraint(campaign: Campaign) -> tuple[object, ...]:
    """What a campaign says of quiet hours, frequency and priority; () for nothing."""
    said = (campaign.quiet, campaign.frequency, campaign.priority)
    return said if any(said) else ()


def _without_place(contact_list: object) -> object:
    """A list as it reads, wherever its lines stand."""
    if contact_list is None:
        return None
    return {
        name: getattr(contact_list, name)
        for name in ("name", "source", "columns", "require_consent")
    }


def _changed_steps(old: Campaign, new: Campaign, before: Version, after: Version) -> Iterator[str]:
    known = {step.id for step in old.steps}
    for step in new.steps:
        was = before.contents.get((old.id, step.id), "")
        now = after.contents.get((new.id, step.id), "")
        if step.id not in known or was != now:
            yield step.id


def _jobs(plan: Plan, campaign: str) -> Iterator[JobPlan]:
    return (job for job in plan.jobs if job.campaign.id == campaign)


def _gone_out(plan: Plan, campaign: str) -> int:
    """Mails that went out, or may have, in jobs of a campaign that is not over."""
    jobs = list(_jobs(plan, campaign))
    if not any(job.counts.open for job in jobs):
        return 0
    return sum(j.counts.sent + j.counts.in_flight + j.counts.in_doubt for j in jobs)


def _is_unread(plan: Plan, campaign: str) -> bool:
    return any(hold.code == LIST_UNREAD and hold.campaign == campaign for hold in plan.holds)


def _to_go(plan: Plan, campaign: str) -> int:
    return sum(job.counts.due + job.counts.later for job in _jobs(plan, campaign))


def plan_digest(version: Version) -> str:
    """Names what a plan does: who, what and when, but not when it was looked at."""
    rows = {json.dumps(_row(job, version), sort_keys=True) for job in version.plan.jobs}
    rows |= {json.dumps([hold.code, hold.campaign]) for hold in version.plan.holds}
    if version.settings is not None and version.settings.caps_shared:
        rows.add(repr((version.settings.limits, version.settings.frequency)))
    return sha256("\n".join(sorted(rows)).encode()).hexdigest()[:12]


def _row(job: JobPlan, version: Version) -> list[object]:
    """What a job does.  What moves with the clock is left out: which occurrences are in sight,
    how far a job has come, and that what goes at once would go now."""
    schedule, name, when = job.campaign.schedule, job.job_id, stamp(job.scheduled_for)
    if isinstance(schedule, Recurring):
        name, when = job_id(job.campaign.id, job.step.id), repr(schedule)
    elif isinstance(schedule, Immediate):
        when = ""
    return [
        name,
        when,
        job.status if job.status in ("held", "paused", "cancelled") else "",
        len(job.audience),
        sorted(job.audience.excluded.counts().items()),
        version.contents.get((job.campaign.id, job.step.id), ""),
        repr(job.campaign.pacing),
        *map(repr, restraint(job.campaign)),
    ]
