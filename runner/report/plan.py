"""The plan: what would be sent, to how many, when, and what is held."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..model.plan import Plan
from ..model.settings import Settings
from ..planning.view import hold_record, job_record, stamp
from . import blocks, jobs, restraint, times, words
from .flow import Piece
from .jsontext import dump
from .page import Page
from .planmarkdown import markdown
from .terminal import PLAIN, Screen


def text(plan: Plan, settings: Settings, screen: Screen = PLAIN, note: str = "") -> str:
    """The plan for people; ``note`` is something to know about the ledger."""
    page = Page(screen)
    page.title(jobs.summary(plan), aside=times.when(plan.now, times.zone_of(settings.timezone)))
    if note:
        page.text(Piece(note, "dim"))
    if caps := restraint.sentence(settings, plan.now):
        page.text(Piece(caps, "dim"))
    if settings.paused:
        page.text(
            "Everything is paused: paused: true in sendoff.yaml. Nothing goes until it is false.",
            sign=Piece(words.SIGNS["paused"], "warn"),
        )
    blocks.all_holds(page, plan.every_hold)
    over = [job for job in plan.jobs if jobs.is_over(job)]
    ahead = [job for job in plan.jobs if not jobs.is_over(job)]
    for previous, job in zip([None, *ahead], ahead, strict=False):
        blocks.job(page, job, plan.now, settings, previous=previous, with_holds=False)
    if over:
        page.blank()
        page.title("Nothing more to send")
        blocks.job_table(page, over, plan.now, settings)
    return str(page)


def as_json(plan: Plan, settings: Settings, screen: Screen = PLAIN, note: str = "") -> str:
    """``now``, ``jobs`` (SendJob records), ``holds`` (all of them), ``idle``, ``note``, ``caps``
    (what all campaigns share, in words)."""
    return dump(
        {
            "now": stamp(plan.now),
            "due": plan.due,
            "jobs": [job_record(job, plan.now) for job in plan.jobs],
            "holds": [hold_record(hold) for hold in plan.every_hold],
            "idle": list(plan.idle),
            "note": note,
            "caps": list(restraint.shared(settings, plan.now)),
        }
    )


Format = Callable[[Plan, Settings, Screen, str], str]
FORMATS: Mapping[str, Format] = {"text": text, "json": as_json, "markdown": markdown}
