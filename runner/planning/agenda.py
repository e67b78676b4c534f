"""Which jobs a campaign has, and from when: known without reading a single contact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from ..dataclass import dataclass
from ..model.campaign import RECIPIENT, Campaign, Drip, Immediate, Recurring, Scheduled, Step
from ..timetable import cron, zones
from .history import CampaignHistory, JobHistory
from .timing import EARLIEST_OFFSET, Timing


@dataclass(frozen=True, slots=True)
class Entry:
    """A job and when it is due."""

    step: Step
    occurrence: str
    timing: Timing
    history: JobHistory


def entries(
    campaign: Campaign, history: CampaignHistory, now: datetime, until: datetime
) -> list[Entry]:
    """Every job that exists by ``until``, those under way or done included, in order of time."""
    schedule = campaign.schedule
    if isinstance(schedule, Recurring):
        found = list(_occurrences(campaign, schedule, history, now, until))
        begun = list(_begun(campaign, schedule, history, {entry.occurrence for entry in found}))
        return sorted(found + begun, key=_earliest) if begun else found
    return [
        Entry(step, "", _timing(schedule, step, history.job(step.id), now), history.job(step.id))
        for step in campaign.steps
    ]


def _timing(
    schedule: Immediate | Scheduled | Drip, step: Step, history: JobHistory, now: datetime
) -> Timing:
    if isinstance(schedule, Immediate):
        return Timing(history.started_at or now, schedule.timezone)
    start = schedule.at if isinstance(schedule, Scheduled) else schedule.start_at
    return Timing(start, schedule.timezone, schedule.fallback_timezone, step.delay)


def _occurrences(
    campaign: Campaign,
    schedule: Recurring,
    history: CampaignHistory,
    now: datetime,
    until: datetime,
) -> Iterator[Entry]:
    step = campaign.steps[0]
    sight = None if is_rescheduled(campaign, history) else history.rescheduled
    anchor = sight.anchor if sight else now
    for occurrence in _firings(schedule, anchor, until):
        timing = _firing(schedule, occurrence)
        if timing.window()[0] >= int(anchor.timestamp()):
            yield Entry(step, occurrence.id, timing, history.job(step.id, occurrence.id))


def schedule_print(campaign: Campaign) -> str:
    """A fingerprint of when a recurring campaign is due, '' for one that does not recur."""
    schedule = campaign.schedule
    if not isinstance(schedule, Recurring):
        return ""
    when = (schedule.cron, schedule.timezone, schedule.fallback_timezone)
    described = repr((*when, schedule.start_at, schedule.until))
    return sha256(described.encode()).hexdigest()[:16]


def is_rescheduled(campaign: Campaign, history: CampaignHistory) -> bool:
    """True when a recurring campaign's schedule is another than the ledger's newest.

    What the new one would have fired before anybody saw it is not owed: nobody waited for it.
    """
    sight = history.rescheduled
    if sight is None or not sight.schedule:
        return False
    return sight.schedule != schedule_print(campaign)


def _begun(
    campaign: Campaign, schedule: Recurring, history: CampaignHistory, found: set[str]
) -> Iterator[Entry]:
    """Occurrences that were begun and are not over, which the schedule as it is now does not name:
    those in doubt stay in sight, and who is left gets what the others got."""
    step = campaign.steps[0]
    for (name, occurrence), job in list(history.jobs.items()):
        if name != step.id or not occurrence or occurrence in found:
            continue
        if job.unsettled or (job.released if job.closed else job.begun):
            timing = _firing(schedule, cron.Occurrence.named(occurrence))
            yield Entry(step, occurrence, timing, job)


def _firing(schedule: Recurring, occurrence: cron.Occurrence) -> Timing:
    return Timing(
        occurrence.wall,
        schedule.timezone,
        schedule.fallback_timezone,
        second=bool(occurrence.fold),
    )


def _earliest(entry: Entry) -> int:
    return entry.timing.window()[0]


def _firings(schedule: Recurring, anchor: datetime, until: datetime) -> Iterator[cron.Occurrence]:
    """Occurrences on the wall clock whose instant may lie between ``anchor`` and ``until``."""
    start, end = anchor, until
    if schedule.timezone == RECIPIENT:
        # UTC's clock stands for everybody's: the earliest zone is 14 hours ahead of it
        tz, end = zones.zone("UTC"), until + EARLIEST_OFFSET
    else:
        tz = zones.zone(schedule.timezone)
    for occurrence, _ in cron.parse(schedule.cron).between(tz, start, end):
        if schedule.start_at is not None and occurrence.wall < schedule.start_at:
            continue
        if schedule.until is not None and occurrence.wall > schedule.until:
            return
        yield occurrence


def continuous(campaign: Campaign) -> bool:
    """True for a drip that enrols whoever joins the list."""
    return isinstance(campaign.schedule, Drip) and campaign.schedule.enrol == "continuous"


def may_owe(campaign: Campaign, history: CampaignHistory, entry: Entry, by: datetime) -> bool:
    """True when this job can have something to send until ``by``.

    The question that saves the list from being read: a job that is closed with nothing given
    back owes nothing, one that starts later owes nothing yet.
    """
    if entry.history.unsettled:
        # shown until it is settled, wherever the job was moved to
        return True
    if entry.history.closed is not None and not continuous(campaign):
        first = history.job(campaign.steps[0].id)
        return bool(entry.history.released or entry.history.reopened_by(first))
    return entry.timing.window()[0] <= int(by.timestamp())
