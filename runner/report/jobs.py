"""What there is to say of one job, in words; text and Markdown only set it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from ..dataclass import dataclass
from ..model.campaign import RECIPIENT, Campaign, Drip, Immediate, Recurring, Scheduled
from ..model.plan import Hold, JobPlan, Plan, ZoneTime
from ..planning.view import estimated_duration
from . import cronwords, restraint, times, words
from .flow import Piece
from .page import Fact

AT_ONCE = "as long as the provider needs"


def what(job: JobPlan) -> tuple[str, ...]:
    """The content, and which step of how many."""
    content, steps = job.step.content, job.campaign.steps
    parts = [f"template {content.template}" if content.template else "content in the campaign file"]
    if content.subject:
        parts.append(f"subject “{content.subject}”")
    if content.attachments:
        parts.append(plural_files(sum(1 for file in content.attachments if not file.cid)))
    if content.invitation:
        parts.append("with a calendar invitation")
    if len(steps) > 1:
        number = next(n for n, step in enumerate(steps, 1) if step.id == job.step.id)
        parts.append(f"step {number} of {len(steps)}")
    if job.step.only_if:
        parts.append(f"only if {job.step.only_if}")
    return tuple(part for part in parts if part)


def plural_files(number: int) -> str:
    """``with 2 attachments``, '' for none."""
    return f"with {words.plural(number, 'attachment')}" if number else ""


def who(job: JobPlan) -> tuple[str, ...]:
    """How many of how many, of which list."""
    mailed, total = words.wanted(job), job.counts.total
    use = job.campaign.audience
    head = f"{mailed:,} of {words.plural(total, 'contact')}"
    if mailed == total:
        head = f"all {total:,} contacts" if total > 1 else words.plural(total, "contact")
    return (head, words.lists(use), *([f"where {use.where}"] if use.where else []))


def so_far(job: JobPlan) -> tuple[str, ...]:
    """Where the mails of a job stand, only what there is; () before anything happened."""
    counts = job.counts
    parts = [
        (counts.sent, "sent"),
        (counts.in_flight, "being sent"),
        (counts.failed, "failed"),
        (counts.in_doubt, "in doubt"),
        (counts.due, "due"),
        (counts.later, "later"),
        (counts.cancelled, "cancelled"),
    ]
    if not counts.claimed and not counts.cancelled:
        return ()
    shown = [f"{number:,} {word}" for number, word in parts if number]
    done = counts.sent + counts.failed
    if done < words.wanted(job) and job.status != "cancelled":
        shown.append(f"{words.percent(done, words.wanted(job) - counts.cancelled)} done")
    return tuple(shown)


def timing(job: JobPlan, now: datetime, zone: tzinfo) -> tuple[str, ...]:
    """When the mails go, or went."""
    if not (job.counts.due or job.counts.later):
        return tuple(_past(job, zone)) or tuple(_nominal(job, now, zone))
    if job.status in ("held", "paused") or job.first_send is None or job.last_send is None:
        return tuple(_nominal(job, now, zone))
    return tuple(_ahead(job, job.first_send, job.last_send, now, zone))


def _ahead(
    job: JobPlan, first: datetime, last: datetime, now: datetime, zone: tzinfo
) -> Iterator[str]:
    if has_own_clock(job.campaign):
        yield own_clock(job)
    if first <= now:
        yield f"now, {times.when(first, zone)}"
    else:
        before = "first mail " if has_own_clock(job.campaign) else ""
        yield f"{before}{times.when(first, zone)}, {times.relative(first, now)}"
    if last != first:
        yield f"last mail {times.until(first, last, zone)}"


def _past(job: JobPlan, zone: tzinfo) -> Iterator[str]:
    if job.started_at is None:
        return
    end = job.completed_at or job.last_send
    first = min(job.started_at, end) if end else job.started_at
    yield f"began {times.when(first, zone)}"
    if end and end != first:
        yield f"last mail {times.until(first, end, zone)}"


def _nominal(job: JobPlan, now: datetime, zone: tzinfo) -> Iterator[str]:
    """The time in the file, when no mail has one of its own."""
    schedule = job.campaign.schedule
    if isinstance(schedule, Immediate):
        yield "as soon as it may"
    elif has_own_clock(job.campaign):
        yield own_clock(job)
    elif job.scheduled_for is not None:
        due = job.scheduled_for
        yield f"{times.when(due, zone)}, {times.relative(due, now)}"
    if isinstance(schedule, Drip) and job.step is not job.campaign.steps[0]:
        yield "for those who got the first step"


def has_own_clock(campaign: Campaign) -> bool:
    """True when each contact gets it by the clock of its own zone."""
    return campaign.schedule.timezone == RECIPIENT


def own_clock(job: JobPlan) -> str:
    """``Mon 20 Oct 2025 09:00 by each contact's own clock``."""
    start = wall_start(job)
    return f"{times.wall(start) if start else ''} by each contact's own clock".strip()


def wall_start(job: JobPlan) -> datetime | None:
    """The time on the wall at which each contact gets it, before pacing; None if not known."""
    schedule = job.campaign.schedule
    if isinstance(schedule, Recurring):
        try:
            return datetime.fromisoformat(job.occurrence).replace(tzinfo=None)
        except ValueError:
            return None
    if isinstance(schedule, Immediate):
        return None
    start = schedule.at if isinstance(schedule, Scheduled) else schedule.start_at
    return start + timedelta(days=job.step.delay.days) + job.step.delay.exact


def repeats(campaign: Campaign) -> tuple[str, ...]:
    """How a recurring campaign repeats; () for others."""
    schedule = campaign.schedule
    if not isinstance(schedule, Recurring):
        return ()
    end = f"until {times.day(schedule.until)}" if schedule.until else "without end"
    return (cronwords.in_words(schedule.cron), end)


def takes(job: JobPlan) -> tuple[str, ...]:
    """How long it takes, and why."""
    if not (job.counts.due or job.counts.later):
        return ()
    seconds = estimated_duration(job)
    span = words.duration(seconds) if seconds else ""
    if span and has_own_clock(job.campaign):
        span += " from the first time zone to the last"
    campaign = job.campaign
    return (span or AT_ONCE, *words.pace(campaign.pacing), *restraint.of_campaign(campaign))


def facts(job: JobPlan, now: datetime, zone: tzinfo, previous: JobPlan | None = None) -> list[Fact]:
    """All facts of a job but its holds, in the order in which people ask.

    What is said of the ``previous`` job already is not said again.
    """
    if previous is not None and _same_people(job, previous):
        people = [Fact("Who", (f"the same {words.plural(words.wanted(job), 'contact')}",))]
    else:
        excluded = words.excluded_reasons(job.counts.excluded, job.suppressed)
        people = [Fact("Who", who(job)), Fact("Not mailed", excluded)]
    return [
        Fact("What", what(job)),
        *people,
        Fact("Warning", tuple(Piece(note, "warn") for note in job.audience.notes)),
        Fact("When", timing(job, now, zone)),
        Fact("Repeats", repeats(job.campaign)),
        Fact("Takes", takes(job)),
        Fact("So far", so_far(job)),
        Fact(
            "Failed",
            tuple(
                f"{n:,} {reason or 'no reason given'}" for reason, n in sorted(job.failures.items())
            ),
        ),
    ]


@dataclass(frozen=True, slots=True)
class Tally:
    """Where all mails that are still to go stand; each is counted once."""

    due: int
    later: int
    held: int
    paused: int
    in_doubt: int


def tally(plan: Plan) -> Tally:
    """The numbers of a plan's first line."""
    ahead = held = paused = 0
    for job in plan.jobs:
        waiting = job.counts.due + job.counts.later
        ahead += waiting
        if job.status == "paused":
            paused += waiting
        else:
            held += min(waiting, held_back(job))
    return Tally(
        due=plan.due,
        later=ahead - plan.due - held - paused,
        held=held,
        paused=paused,
        in_doubt=sum(job.counts.in_doubt for job in plan.jobs),
    )


def biggest_zones(job: JobPlan, limit: int) -> list[ZoneTime]:
    """The zones with the most contacts, in order of time."""
    by_size = sorted(job.zone_times, key=lambda row: (-row.count, row.at, row.zone))
    return sorted(by_size[:limit], key=lambda row: (row.at, row.zone))


def held_back(job: JobPlan) -> int:
    """Contacts to be mailed that holds keep back; one that several holds name counts once."""
    return max((hold.count for hold in job.holds if hold.code != "in_doubt"), default=0)


def summary(plan: Plan) -> str:
    """One line: ``3 jobs: 1,000 mails due now, 2,440 later, 100 held``."""
    if not plan.jobs:
        return "Nothing to send"
    found = tally(plan)
    numbers = (
        (found.later, "later"),
        (found.held, "held"),
        (found.paused, "paused"),
        (found.in_doubt, "in doubt"),
    )
    parts = [f"{words.plural(found.due, 'mail')} due now" if found.due else "nothing due now"]
    parts += [f"{number:,} {word}" for number, word in numbers if number]
    return f"{words.plural(len(plan.jobs), 'job')}: {', '.join(parts)}"


def _same_people(job: JobPlan, other: JobPlan) -> bool:
    return (job.campaign.id, job.counts.total, job.counts.excluded) == (
        other.campaign.id,
        other.counts.total,
        other.counts.excluded,
    )


def is_over(job: JobPlan) -> bool:
    """Nothing of this job is ahead of anyone, and that is decided."""
    undecided = job.status in ("scheduled", "sending")
    return not (job.counts.open or job.holds or undecided)


def subject_of(hold: Hold) -> str:
    """What a hold holds."""
    return hold.job_id or hold.campaign or "everything"
