"""Blocks that several pages share: a job, the holds, the times by zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..model.campaign import Immediate
from ..model.plan import Hold, JobPlan
from ..model.settings import Settings
from . import jobs, times, words
from .flow import Piece
from .page import Column, Fact, Page

MAX_ZONES = 8
"""Zones shown; those with the most contacts."""


def job(
    page: Page,
    one: JobPlan,
    now: datetime,
    settings: Settings,
    *,
    previous: JobPlan | None = None,
    with_holds: bool = True,
) -> None:
    """One job: its name, where it stands, and everything that matters of it."""
    zone = times.reading_zone(one.campaign, settings.timezone)
    style = words.STYLES[one.status]
    page.blank()
    page.title(one.campaign.name, aside=one.job_id)
    page.text(
        Piece(words.STATUSES[one.status], style),
        *([Piece("(see above)", style)] if one.holds and not with_holds else []),
        indent=2,
        sign=Piece(words.SIGNS[one.status], style),
    )
    page.facts(jobs.facts(one, now, zone, previous))
    zone_times(page, one)
    for hold in one.holds if with_holds else ():
        held(page, Piece("Held:", "warn"), hold, indent=2)


def zone_times(page: Page, one: JobPlan) -> None:
    """Who gets it when, where that depends on the contact's zone."""
    shown = jobs.biggest_zones(one, MAX_ZONES)
    if not shown:
        return
    hidden = len(one.zone_times) - len(shown)
    rest = sum(row.count for row in one.zone_times) - sum(row.count for row in shown)
    lines = [(row.count, zone_line(row.at, row.zone)) for row in shown]
    lines += [(rest, f"in {words.plural(hidden, 'more zone')}")] if hidden else []
    width = max(len(f"{number:,}") for number, _ in lines)
    page.facts(
        Fact("" if n else "By zone", (f"{number:>{width},}", text), "  ")
        for n, (number, text) in enumerate(lines)
    )


def zone_line(at: datetime, zone: str) -> str:
    """``Mon 20 Oct 2025 09:00 CDT (UTC-05:00) America/Chicago``."""
    return f"{times.when(at, times.zone_of(zone))} {zone}"


def all_holds(page: Page, found: Sequence[Hold]) -> None:
    """Every hold, under a title of their own."""
    if not found:
        return
    page.blank()
    wait = "waits" if len(found) == 1 else "wait"
    page.title(Piece(f"Held: {words.plural(len(found), 'thing')} {wait} for you", "warn"))
    for hold in found:
        held(page, Piece(jobs.subject_of(hold) + ":", "bold"), hold)


def held(page: Page, head: Piece, hold: Hold, indent: int = 0) -> None:
    """A hold, and what releases it."""
    page.text(head, hold.message, indent=indent, sign=Piece(words.SIGNS["held"], "warn"))
    page.text(Piece("To release it:", "dim"), Piece(hold.release, "bold"), indent=indent + 2)


def job_table(page: Page, found: Sequence[JobPlan], now: datetime, settings: Settings) -> None:
    """One row a job; columns of which every number is zero are left out."""
    numbers = [
        ("Sent", [one.counts.sent for one in found]),
        ("To go", [one.counts.due + one.counts.later + one.counts.in_flight for one in found]),
        ("Failed", [one.counts.failed for one in found]),
        ("In doubt", [one.counts.in_doubt for one in found]),
        ("Cancelled", [one.counts.cancelled for one in found]),
    ]
    kept = [(name, column) for name, column in numbers if any(column) or name in ("Sent", "To go")]
    columns = [
        Column("Job", leads=True),
        Column("Status"),
        *(Column(name, number=True) for name, _ in kept),
        Column("When", shrinks=True),
    ]
    page.table(
        columns,
        [
            [
                one.job_id,
                Piece(f"{words.SIGNS[one.status]} {one.status}", words.STYLES[one.status]),
                *(number_piece(name, column[n]) for name, column in kept),
                next_time(one, now, settings),
            ]
            for n, one in enumerate(found)
        ],
    )


def number_piece(name: str, number: int) -> Piece:
    """A number in a table: what went wrong stands out, a zero stands back."""
    if not number:
        return Piece("0", "dim")
    return Piece(f"{number:,}", {"Failed": "bad", "In doubt": "bad"}.get(name, ""))


def next_time(one: JobPlan, now: datetime, settings: Settings) -> str:
    """The next mail's time while there is one, else the last one's; of what is stopped the time
    at which it should have gone."""
    ahead = one.counts.due or one.counts.later
    if ahead and jobs.has_own_clock(one.campaign):
        start = jobs.wall_start(one)
        return f"{times.brief_day(start, now)} {times.clock(start)} own clock" if start else ""
    stopped = ahead and one.status in ("held", "paused")
    if stopped and isinstance(one.campaign.schedule, Immediate):
        return ""
    instant = one.first_send if ahead else one.completed_at or one.started_at
    instant = one.scheduled_for if stopped or instant is None else instant
    if instant is None:
        return ""
    if ahead and not stopped and instant <= now:
        return "now"
    return times.brief(instant, now, times.reading_zone(one.campaign, settings.timezone))
