"""What a merge does to a campaign, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..dataclass import dataclass
from ..model.campaign import RECIPIENT, Campaign, Drip, Immediate, Recurring, Scheduled, Step
from ..model.changes import Aspect, CampaignChange, Difference, Kind
from ..model.plan import Hold, JobPlan
from ..model.settings import Guards, Mailbox
from . import cronwords, jobs, restraint, times, words

KINDS: Mapping[Kind, str] = {
    "broken": "has errors",
    "renamed": "renamed",
    "new": "new",
    "changed": "changed",
    "cancelled": "cancelled",
    "removed": "removed",
    "unchanged": "unchanged",
}

STYLES: Mapping[Kind, str] = {
    "broken": "bad",
    "renamed": "warn",
    "new": "good",
    "changed": "info",
    "cancelled": "warn",
    "removed": "warn",
    "unchanged": "dim",
}

LABELS: Mapping[Aspect, str] = {
    "status": "Status",
    "who": "Who",
    "what": "What",
    "when": "When",
    "pacing": "Pace",
    "guards": "Guards",
    "sender": "Sender",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that is not what it was; ``old`` is '' where there was nothing."""

    label: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.old} → {self.new}" if self.old else self.new


def headline(found: Difference) -> str:
    """``Merging this changes 2 campaigns: 1 new, 1 changed``."""
    counts = {kind: sum(c.kind == kind for c in found.changes) for kind in KINDS}
    changing = sum(counts.values()) - counts["unchanged"]
    if not changing:
        if found.settings is not None:
            return "Merging this changes no campaign, but the settings of all"
        return "Merging this changes nothing that is sent"
    parts = [f"{counts[k]:,} {KINDS[k] if k != 'broken' else 'with errors'}" for k in KINDS]
    said = [part for part in parts[:-1] if not part.startswith("0 ")]
    also = ", and the settings of all" if found.settings is not None else ""
    return f"Merging this changes {words.plural(changing, 'campaign')}: {', '.join(said)}{also}"


def name_of(change: CampaignChange) -> str:
    """The campaign's name, or its id where the file cannot be read."""
    known = change.new or change.old
    return known.name if known else change.campaign


def consequence(change: CampaignChange) -> str:
    """One sentence: what the merge means for those who are mailed."""
    mails = words.plural(change.to_go, "mail")
    if change.kind == "broken":
        return "Nothing of it is sent until the errors are mended."
    if change.kind == "renamed":
        return f"It was {change.former}; under another name everyone would be mailed again."
    if change.kind == "new" and not change.unread:
        return f"{mails} to go." if change.to_go else "No mail to go."
    if change.kind in ("cancelled", "removed"):
        gone = f" {change.had_old:,} went out already." if change.had_old else ""
        if not change.was_to_go:
            return f"Nothing more was to be sent.{gone}"
        return f"{words.plural(change.was_to_go, 'mail')} will not be sent.{gone}"
    return _of_change(change)


def _of_change(change: CampaignChange) -> str:
    if change.unread:
        return "How many mails are to go is not known here: its list was not read."
    mails = words.plural(change.to_go, "mail")
    if change.to_go != change.was_to_go:
        mails += f" to go, {change.was_to_go:,} before"
    else:
        mails += " to go"
    if change.had_old and "what" in change.aspects:
        return f"{change.had_old:,} have had the old version; {mails}."
    if change.had_old:
        return f"{change.had_old:,} went out already; {mails}."
    return f"{mails}."


def turns(change: CampaignChange) -> Iterator[Turn]:
    """What is not as it was: who, what, when …, before and after."""
    if change.old is None or change.new is None:
        return
    for aspect in change.aspects:
        if aspect == "what" and change.kind == "renamed":
            continue  # known by its content; what is sent names the campaign it is sent for
        if aspect == "what":
            yield from _what(change, change.old, change.new)
            continue
        said = [_SAYS[aspect](one) for one in (change.old, change.new)]
        if said[0] == said[1]:
            yield Turn(LABELS[aspect], "", _QUIET.get(aspect, "changed"))
        else:
            yield Turn(LABELS[aspect], said[0], said[1])


_QUIET: Mapping[Aspect, str] = {
    "who": "the list's own definition",
    "sender": "reply-to or unsubscribe",
    "when": "only_if, or what happens when it is late",
}


def _what(change: CampaignChange, old: Campaign, new: Campaign) -> Iterator[Turn]:
    before = {step.id: step for step in old.steps}
    for step in new.steps:
        if step.id not in change.steps:
            continue
        label = "What" if len(new.steps) == 1 else f"Step {step.id}"
        was = before.get(step.id)
        if was is None:
            yield Turn(label, "", f"new: {_content(step)}")
        elif _content(was) != _content(step):
            yield Turn(label, _content(was), _content(step))
        else:
            yield Turn(label, "", f"{_content(step)} changed")
    for gone in before.keys() - {step.id for step in new.steps}:
        yield Turn(f"Step {gone}", "", "taken out")


def _content(step: Step) -> str:
    if step.content.template:
        return f"template {step.content.template}"
    return "the content in the campaign file"


def _status(campaign: Campaign) -> str:
    return campaign.status


def _who(campaign: Campaign) -> str:
    use = campaign.audience
    return words.lists(use) + (f" where {use.where}" if use.where else "")


def schedule(campaign: Campaign) -> str:
    """When a campaign goes, as its file says it."""
    plan, zone = campaign.schedule, zone_words(campaign)
    match plan:
        case Immediate():
            return "as soon as it is merged"
        case Scheduled():
            return f"{times.wall(plan.at)} {zone}"
        case Drip():
            steps = ", ".join(_step(step) for step in campaign.steps)
            more = ", whoever joins later too" if plan.enrol == "continuous" else ""
            return f"from {times.wall(plan.start_at)} {zone}: {steps}{more}"
        case Recurring():
            end = f", until {times.day(plan.until)}" if plan.until else ""
            return f"{cronwords.in_words(plan.cron)} {zone}{end}"


def zone_words(campaign: Campaign) -> str:
    """The zone of a campaign's times."""
    name = campaign.schedule.timezone
    return "by each contact's own clock" if name == RECIPIENT else name


def _step(step: Step) -> str:
    span = step.delay.days * 86400 + step.delay.exact.total_seconds()
    said = f"{step.id} after {words.duration(span)}" if span else f"{step.id} at once"
    return f"{said} if {step.only_if}" if step.only_if else said


def _pacing(campaign: Campaign) -> str:
    pace = words.pace(campaign.pacing) or ("as fast as the provider takes them",)
    batch = f"{campaign.pacing.batch_size:,} in a batch"
    return ", ".join((*pace, batch, *restraint.of_campaign(campaign)))


def _guards(campaign: Campaign) -> str:
    guards: Guards = campaign.guards
    parts = [f"at most {guards.max_recipients:,} recipients"] if guards.max_recipients else []
    for name, limit in (
        ("growth", guards.max_growth),
        ("shrinkage", guards.max_shrink),
        ("failures", guards.max_failure_rate),
    ):
        parts += [f"{name} up to {limit:.0%}"] if limit is not None else []
    return ", ".join(parts) or "none"


def _sender(campaign: Campaign) -> str:
    return mailbox(campaign.sender)


def mailbox(box: Mailbox) -> str:
    """``F3 Nation <hello@f3.example>``."""
    return f"{box.name} <{box.email}>" if box.name else box.email


_SAYS = {
    "status": _status,
    "who": _who,
    "when": schedule,
    "pacing": _pacing,
    "guards": _guards,
    "sender": _sender,
}


def jobs_of(found: Difference, change: CampaignChange) -> list[JobPlan]:
    """The jobs that a reviewer has to look at: what is ahead of a new or changed campaign."""
    if change.kind not in ("new", "changed"):
        return []
    mine = [job for job in found.after.jobs if job.campaign.id == change.campaign]
    return [job for job in mine if not jobs.is_over(job)]


def changing(found: Difference) -> list[CampaignChange]:
    """Every campaign that is not as it was."""
    return [change for change in found.changes if change.kind != "unchanged"]


def unchanged(found: Difference) -> list[str]:
    """The names of those that are."""
    return [change.campaign for change in found.changes if change.kind == "unchanged"]


def holds(found: Difference) -> tuple[Sequence[Hold], int]:
    """Holds that the merge makes, or that keep back what it changes; and how many others."""
    before = {(hold.code, hold.campaign, hold.job_id) for hold in found.before.every_hold}
    mine = {change.campaign for change in changing(found)}
    broken = {change.campaign for change in found.changes if change.kind == "broken"}
    shown, others = [], 0
    for hold in found.after.every_hold:
        if hold.code == "invalid" and hold.campaign in broken:
            continue  # its errors are shown, each with its line
        if hold.campaign in mine or (hold.code, hold.campaign, hold.job_id) not in before:
            shown.append(hold)
        else:
            others += 1
    return shown, others
