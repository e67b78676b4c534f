"""What a run did: one summary, from the one result object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from ..model.plan import JobPlan
from ..model.result import JobResult, RunResult
from ..model.settings import Settings
from ..planning.view import hold_record, job_record
from . import blocks, markup, planmarkdown, words, workflow
from .endings import endings, headline
from .flow import Piece
from .jobs import subject_of
from .jsontext import dump
from .page import Column, Page
from .terminal import Screen


def text(result: RunResult, settings: Settings, screen: Screen, now: datetime) -> str:
    """What was sent, what was not, and what to do next."""
    page = Page(screen)
    word, line = headline(result)
    sign = Piece(words.SIGNS[word], words.STYLES[word])
    page.title(sign, line, aside=f"run {result.run_id}")
    for ending in endings(result):
        page.blank()
        page.text(ending.message, sign=Piece("!", ending.style))
        page.text(Piece("What to do:", "dim"), Piece(ending.advice, "bold"), indent=2)
    blocks.all_holds(page, result.held)
    if result.jobs or result.later:
        page.blank()
        _table(page, result, now, settings)
    return str(page)


def _rows(result: RunResult) -> list[tuple[str, JobResult, JobPlan | None]]:
    """Every job that this run did something for, or that has mails to go."""
    done = {job.job_id: job for job in result.jobs}
    plans = {job.job_id: job for job in result.plan}
    ahead = [name for name, job in plans.items() if job.counts.due or job.counts.later]
    return [
        (name, done.get(name, JobResult(name)), plans.get(name))
        for name in dict.fromkeys([*done, *ahead])
    ]


def _numbers(done: JobResult, plan: JobPlan | None) -> dict[str, int]:
    counts = plan.counts if plan else None
    return {
        "Sent": done.sent,
        "Failed": done.failed,
        "In doubt": done.in_doubt,
        "Handed back": done.released,
        "To go": counts.due + counts.later if counts else 0,
    }


def _table(page: Page, result: RunResult, now: datetime, settings: Settings) -> None:
    rows = [(name, _numbers(done, plan), plan) for name, done, plan in _rows(result)]
    kept = [
        name
        for name in ("Sent", "Failed", "In doubt", "Handed back", "To go")
        if name in ("Sent", "To go") or any(numbers[name] for _, numbers, _ in rows)
    ]
    columns = [
        Column("Job in this run", leads=True),
        *(Column(name, number=True) for name in kept),
        Column("Next", shrinks=True),
    ]
    page.table(
        columns,
        [
            [
                name,
                *(blocks.number_piece(head, numbers[head]) for head in kept),
                _next(plan, now, settings),
            ]
            for name, numbers, plan in rows
        ],
    )


def _next(plan: JobPlan | None, now: datetime, settings: Settings) -> str:
    """What comes next for a job: the time of its next mail, or its status."""
    if plan is None:
        return ""
    if plan.counts.due or plan.counts.later:
        if plan.status in ("held", "paused"):
            return plan.status
        return blocks.next_time(plan, now, settings)
    return plan.status


def as_json(result: RunResult, settings: Settings, screen: Screen, now: datetime) -> str:
    """The whole outcome; ``jobs`` are SendJob records as they stand after the run."""
    return dump(
        {
            "run_id": result.run_id,
            "exit_code": result.exit_code,
            "sent": result.sent,
            "failed": result.failed,
            "in_doubt": result.in_doubt,
            "in_doubt_before": result.doubt_before,
            "released": result.released,
            "recalled": result.recalled,
            "bounced": result.bounced,
            "bounces_doubted": result.bounces_doubted,
            "later": result.later,
            "races": result.races,
            "interrupted": result.interrupted,
            "lost_race": result.lost_race,
            "state_failure": result.state_failure,
            "stopped": result.stopped,
            "held": [hold_record(hold) for hold in result.held],
            "jobs": [job_record(job, now) for job in result.plan],
        }
    )


_MARKS = {"ok": "✅", "warning": "⚠️", "error": "❌"}


def markdown(result: RunResult, settings: Settings, screen: Screen, now: datetime) -> str:
    """A job summary for CI."""
    word, line = headline(result)
    head = [f"## {_MARKS[word]} {line}\n", f"Run {markup.code(result.run_id)}\n"]
    head += [
        f"- {markup.escape(ending.message)}<br>→ **{markup.escape(ending.advice)}**"
        for ending in endings(result)
    ]
    head += planmarkdown.first_of([planmarkdown.hold_line(hold) for hold in result.held])
    return markup.fit("\n".join(head) + "\n", _job_rows(result, now, settings), "jobs")


def _job_rows(result: RunResult, now: datetime, settings: Settings) -> list[str]:
    """The table, line by line, so that it can be cut short."""
    rows = _rows(result)
    if not rows:
        return []
    names = list(_numbers(JobResult(""), None))
    lines = [
        (
            markup.code(name),
            markup.escape(_next(plan, now, settings)),
            *(f"{number:,}" for number in _numbers(done, plan).values()),
        )
        for name, done, plan in rows
    ]
    whole = markup.table(("Job", "Next", *names), lines, numbers=len(names))
    head, rule, *rest = whole.rstrip("\n").split("\n")
    return [f"{head}\n{rule}", *rest]


def workflow_commands(result: RunResult) -> str:
    """Workflow commands for what a person must look at; '' for a run that ended well."""
    found: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for ending in endings(result):
        level = _LEVELS[ending.style]
        text_of = workflow.data(f"{ending.message}\n→ {ending.advice}")
        found[level].append(f"::{level} title=sendoff run::{text_of}")
    for hold in result.held:
        text_of = workflow.data(f"{subject_of(hold)}: {hold.message}\n→ {hold.release}")
        found["warning"].append(f"::warning title=held::{text_of}")
    return "\n".join(
        line
        for level, lines in found.items()
        for line in workflow.limited(lines, level, "see: sendoff status")
    )


_LEVELS = {"bad": "error", "warn": "warning", "info": "notice"}


def failure_markdown(message: str) -> str:
    """A job summary for a run that could not begin."""
    lines = "".join(f"- {markup.escape(line)}\n" for line in message.splitlines())
    return f"## {_MARKS['error']} Nothing was sent: the run could not begin.\n\n{lines}"


Format = Callable[[RunResult, Settings, Screen, datetime], str]
FORMATS: Mapping[str, Format] = {"text": text, "json": as_json, "markdown": markdown}
