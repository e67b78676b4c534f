"""What a merge changes: the difference between two plans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

from ..model.changes import CampaignChange, Difference
from ..model.plan import JobPlan
from ..model.settings import Settings
from ..model.views import Face, Occasion, Review
from ..planning.outlook import cost, shape
from ..planning.view import hold_record, job_record, stamp
from . import blocks, changes, restraint, review, settingschanges, times, words
from .differencemarkdown import markdown
from .differencepage import html
from .flow import Piece
from .jsontext import dump
from .page import Column, Fact, Page, Span
from .problems import place, record
from .terminal import PLAIN, Screen


def text(
    found: Difference, seen: Review, settings: Settings, screen: Screen = PLAIN, note: str = ""
) -> str:
    """The difference for people: what stands in the way, what changes, what is ahead."""
    page = Page(screen)
    page.title(changes.headline(found), aside=f"plan {found.digest}")
    zone = times.zone_of(settings.timezone)
    page.text(
        Piece(f"over {found.base[:12]}, as of {times.when(found.after.now, zone)}", "dim"),
    )
    if note:
        page.text(Piece(note, "dim"))
    if caps := restraint.sentence(settings, found.after.now):
        page.text(Piece(caps, "dim"))
    _problems(page, seen)
    shown, others = changes.holds(found)
    blocks.all_holds(page, shown)
    _settings(page, found)
    for change in changes.changing(found):
        _change(page, change, found, seen, settings)
    _calendar(page, seen, found)
    _rest(page, found, others)
    return str(page)


def _problems(page: Page, seen: Review) -> None:
    if not seen.problems:
        return
    page.blank()
    page.title(Piece(words.plural(len(seen.problems), "error"), "bad"))
    for problem in seen.problems:
        page.text(
            Piece(place(problem), "bold"), problem.message, sign=Piece(words.SIGNS["error"], "bad")
        )
        if problem.hint:
            page.text(problem.hint, indent=2, sign="→")


def _settings(page: Page, found: Difference) -> None:
    turns = list(settingschanges.turns(found))
    if turns:
        page.blank()
        page.title(
            Piece("Changed:", "info"), Piece(settingschanges.NAME, "bold"), aside="sendoff.yaml"
        )
        page.facts(Fact(turn.label, _turn(turn)) for turn in turns)


def _change(
    page: Page, change: CampaignChange, found: Difference, seen: Review, settings: Settings
) -> None:
    style = changes.STYLES[change.kind]
    page.blank()
    page.title(
        Piece(f"{changes.KINDS[change.kind].capitalize()}:", style),
        Piece(changes.name_of(change), "bold"),
        aside=change.path,
    )
    page.text(changes.consequence(change), indent=2)
    page.facts(Fact(turn.label, _turn(turn)) for turn in changes.turns(change))
    shown = changes.jobs_of(found, change)
    for previous, job in zip([None, *shown], shown, strict=False):
        blocks.job(page, job, found.after.now, settings, previous=previous, with_holds=False)
        page.facts(review.facts(job, seen, settings, previous))


def _turn(turn: changes.Turn) -> tuple[str, ...]:
    return (str(turn),)


def _calendar(page: Page, seen: Review, found: Difference) -> None:
    if not seen.calendar:
        return
    touched = {change.campaign for change in changes.changing(found)}
    page.blank()
    page.title(f"The next {seen.days} days, if this is merged")
    columns = [
        Column("Day"),
        Column("From"),
        Column("Mails", number=True),
        Column("Campaign", shrinks=True),
        Column(""),
    ]
    rows: list[list[Span]] = []
    for start, day in review.days(seen):
        for number, one in enumerate(day):
            name = Piece(review.occasion_name(one), "bold" if one.campaign in touched else "")
            rows.append(
                [
                    "" if number else times.day(start),
                    times.clock(one.at),
                    review.occasion_count(one),
                    name,
                    Piece(review.occasion_state(one), "warn"),
                ]
            )
    page.table(columns, rows)


def _rest(page: Page, found: Difference, others: int) -> None:
    names = changes.unchanged(found)
    if not names and not others:
        return
    page.blank()
    if names:
        page.text(Piece(f"Unchanged ({len(names):,}): {', '.join(names)}", "dim"))
    if others:
        held = words.plural(others, "thing")
        page.text(Piece(f"{held} held before this change too; see: sendoff plan", "dim"))


def as_json(
    found: Difference, seen: Review, settings: Settings, screen: Screen = PLAIN, note: str = ""
) -> str:
    """``base``, ``digest``, ``changes``, ``settings`` (what changes for all campaigns), ``caps``
    (what they share), and the plan that the merge would make, each job with ``subjects``,
    ``hours`` and ``cost``; ``calendar``; ``problems``."""
    now = found.after.now
    return dump(
        {
            "base": found.base,
            "digest": found.digest,
            "now": stamp(now),
            "changes": [_change_record(change) for change in found.changes],
            "settings": _turn_records(settingschanges.turns(found)),
            "caps": list(restraint.shared(settings, now)),
            "problems": [record(problem) for problem in seen.problems],
            "jobs": [
                {**job_record(job, now), **review_record(job, seen)} for job in found.after.jobs
            ],
            "holds": [hold_record(hold) for hold in found.after.every_hold],
            "calendar": [occasion_record(one) for one in seen.calendar],
            "note": note,
        }
    )


def review_record(job: JobPlan, seen: Review) -> dict[str, object]:
    """What a reviewer is told of a job, as JSON."""
    spread, price = shape(job), cost(job, seen.max_batch)
    return {
        "first_send": stamp(job.first_send),
        "last_send": stamp(job.last_send),
        "zones": [
            {"timezone": row.zone, "count": row.count, "at": stamp(row.at)}
            for row in job.zone_times
        ],
        "subjects": _faces(seen.faces.get((job.campaign.id, job.step.id), ())),
        "hours": None
        if spread is None
        else {
            "start": stamp(spread.start),
            "bar_seconds": int(timedelta(hours=spread.hours).total_seconds()),
            "counts": list(spread.counts),
        },
        "cost": {"requests": price.requests, "runs": price.runs},
    }


def _faces(found: Sequence[Face]) -> list[dict[str, object]]:
    return [
        {
            "contact": face.label,
            "alike": face.alike,
            "subject": face.subject,
            "preheader": face.preheader,
            "former": None
            if face.former is None
            else {"subject": face.former[0], "preheader": face.former[1]},
        }
        for face in found
    ]


def occasion_record(one: Occasion) -> dict[str, object]:
    """One line of the calendar, as JSON."""
    return {
        "at": one.at.isoformat(),
        "campaign": one.campaign,
        "step": one.step,
        "count": one.count,
        "estimated": one.estimated,
        "status": one.status,
    }


def _change_record(change: CampaignChange) -> dict[str, object]:
    return {
        "campaign": change.campaign,
        "kind": change.kind,
        "path": change.path,
        "changed": list(change.aspects),
        "steps": list(change.steps),
        "former": change.former,
        "had_old": change.had_old,
        "to_go": change.to_go,
        "was_to_go": change.was_to_go,
        "unread": change.unread,
        "turns": _turn_records(changes.turns(change)),
    }


def _turn_records(turns: Iterable[changes.Turn]) -> list[dict[str, str]]:
    return [{"what": turn.label, "old": turn.old, "new": turn.new} for turn in turns]


Format = Callable[[Difference, Review, Settings, Screen, str], str]
FORMATS: Mapping[str, Format] = {
    "text": text,
    "json": as_json,
    "markdown": markdown,
    "html": html,
}
