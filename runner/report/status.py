"""Where every job stands: the SendJob records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ..model.plan import Hold, JobPlan
from ..model.settings import Settings
from ..planning.view import hold_record, job_record, stamp
from . import blocks, times, words
from .flow import Piece
from .jsontext import dump
from .page import Page
from .terminal import Screen


def text(
    found: Sequence[JobPlan],
    holds: Sequence[Hold],
    settings: Settings,
    screen: Screen,
    now: datetime,
    note: str = "",
) -> str:
    """One job in full, or a table of several; ``holds`` are those that belong to no job."""
    page = Page(screen)
    page.title(summary(found), aside=times.when(now, times.zone_of(settings.timezone)))
    if note:
        page.text(Piece(note, "dim"))
    if len(found) == 1:
        blocks.job(page, found[0], now, settings)
    elif found:
        page.blank()
        blocks.job_table(page, found, now, settings)
    every = [*holds, *(hold for job in found for hold in job.holds if len(found) > 1)]
    blocks.all_holds(page, every)
    return str(page)


def summary(found: Sequence[JobPlan]) -> str:
    """One line: ``3 jobs: 1,000 mails sent, 240 to go, 3 in doubt``."""
    if not found:
        return "No jobs yet"
    sent = sum(job.counts.sent for job in found)
    ahead = sum(job.counts.due + job.counts.later + job.counts.in_flight for job in found)
    failed = sum(job.counts.failed for job in found)
    doubt = sum(job.counts.in_doubt for job in found)
    numbers = ((ahead, "to go"), (failed, "failed"), (doubt, "in doubt"))
    parts = [f"{words.plural(sent, 'mail')} sent"]
    parts += [f"{number:,} {word}" for number, word in numbers if number]
    return f"{words.plural(len(found), 'job')}: {', '.join(parts)}"


def as_json(
    found: Sequence[JobPlan],
    holds: Sequence[Hold],
    settings: Settings,
    screen: Screen,
    now: datetime,
    note: str = "",
) -> str:
    """``now``, ``jobs`` (SendJob records), ``holds`` (of no job), ``note``."""
    return dump(
        {
            "now": stamp(now),
            "jobs": [job_record(job, now) for job in found],
            "holds": [hold_record(hold) for hold in holds],
            "note": note,
        }
    )


Format = Callable[
    [Sequence[JobPlan], Sequence[Hold], Settings, Screen, datetime, str],
    str,
]
FORMATS: Mapping[str, Format] = {"text": text, "json": as_json}
