"""The plan as a comment on the pull request: what a reviewer approves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..errors import Problem
from ..model.plan import Hold, JobPlan, Plan
from ..model.settings import Settings
from . import blocks, jobs, markup, restraint, times, words
from .flow import Piece
from .page import Fact, Span
from .terminal import PLAIN, Screen

MAX_LINES = 25
"""Holds or problems shown in a comment; as many again could not be read there."""
MAX_SECTION = 20_000
"""Characters that the holds, or the problems, may take: there must be room for the jobs."""
MAX_ZONES = 40


def markdown(
    plan: Plan,
    settings: Settings,
    screen: Screen = PLAIN,
    note: str = "",
    *,
    problems: Sequence[Problem] = (),
) -> str:
    """What stands in the way first, then a table a job; fits in one comment."""
    zone = times.zone_of(settings.timezone)
    head = [
        "## Sendoff plan\n",
        f"**{markup.escape(jobs.summary(plan))}**  ",
        f"as of {times.when(plan.now, zone)}\n",
    ]
    if note:
        head.append(f"{markup.escape(note)}\n")
    if caps := restraint.sentence(settings, plan.now):
        head.append(f"{markup.escape(caps)}\n")
    if settings.paused:
        head.append("⏸ Everything is paused: `paused: true` in `sendoff.yaml`.\n")
    head += section(f"❌ {words.plural(len(problems), 'problem')}", map(problem_line, problems))
    found = plan.every_hold
    head += section(f"✋ {words.plural(len(found), 'thing')} held", map(hold_line, found))
    return markup.fit("\n".join(head), list(_jobs(plan, settings)), "jobs")


def section(title: str, lines: Iterable[str]) -> list[str]:
    """A titled list, as long as people will read; nothing of nothing."""
    found = list(lines)
    return [f"### {title}\n", *first_of(found), ""] if found else []


def first_of(lines: Sequence[str]) -> list[str]:
    """As many entries of a list as people will read, then ``+N more``."""
    shown: list[str] = []
    room = MAX_SECTION
    for line in lines[:MAX_LINES]:
        room -= len(line)
        if room < 0:
            break
        shown.append(line)
    more = len(lines) - len(shown)
    return [*shown, f"- +{more:,} more"] if more else shown


def problem_line(problem: Problem) -> str:
    """A problem, its place and how to mend it, as one entry of a list."""
    hint = f"<br>→ {markup.escape(problem.hint)}" if problem.hint else ""
    place = markup.code(f"{problem.path}:{problem.line}:{problem.column}")
    return f"- {problem.severity} in {place}: {markup.escape(problem.message)}{hint}"


def hold_line(hold: Hold) -> str:
    """A hold and its release as one entry of a list."""
    return (
        f"- {markup.code(jobs.subject_of(hold))}: {markup.escape(hold.message)}"
        f"<br>→ to release it: {markup.code(hold.release)}"
    )


def _jobs(plan: Plan, settings: Settings) -> Iterator[str]:
    """What is ahead, a table a job; then what is over, a line a job."""
    over = [job for job in plan.jobs if jobs.is_over(job)]
    ahead = [job for job in plan.jobs if not jobs.is_over(job)]
    for previous, job in zip([None, *ahead], ahead, strict=False):
        yield _job(job, previous, plan, settings)
    for number, job in enumerate(over):
        title = "" if number else "### Nothing more to send\n\n"
        yield f"{title}- {markup.code(job.job_id)}: {job.status}, {job.counts.sent:,} sent"


def _job(job: JobPlan, previous: JobPlan | None, plan: Plan, settings: Settings) -> str:
    zone = times.reading_zone(job.campaign, settings.timezone)
    rows = [row(fact) for fact in jobs.facts(job, plan.now, zone, previous) if fact.items]
    name, status = markup.escape(job.campaign.name), words.STATUSES[job.status]
    return "\n".join(
        [
            f"### {name}\n",
            markup.table((markup.code(job.job_id), f"**{status}**"), rows),
            *zones(job),
        ]
    )


def row(fact: Fact) -> tuple[str, str]:
    """A fact as a row of a table."""
    return fact.label, " · ".join(markup.escape(_text(item)) for item in fact.items)


def _text(span: Span) -> str:
    return span.text if isinstance(span, Piece) else span


def zones(job: JobPlan) -> list[str]:
    """Who gets it when, where that depends on the contact's zone; closed until it is clicked."""
    shown = jobs.biggest_zones(job, MAX_ZONES)
    if not shown:
        return []
    more = len(job.zone_times) - len(shown)
    rows = [(markup.escape(blocks.zone_line(row.at, row.zone)), f"{row.count:,}") for row in shown]
    if more:
        rest = sum(row.count for row in job.zone_times) - sum(row.count for row in shown)
        rows.append((f"+{words.plural(more, 'more zone')}", f"{rest:,}"))
    body = markup.table(("When, by the contact's own clock", "Contacts"), rows, numbers=1)
    return [markup.details(f"Times in {words.plural(len(job.zone_times), 'zone')}", body)]
