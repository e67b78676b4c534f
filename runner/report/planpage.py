"""The plan as a page for a browser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from ..model.changes import CampaignChange
from ..model.plan import Hold, JobPlan, Plan
from ..model.settings import Settings
from ..model.views import Face, Occasion, Review
from ..planning.outlook import Shape, shape
from . import blocks, changes, jobs, pages, restraint, review, settingschanges, times, words
from .page import Fact
from .terminal import PLAIN, Screen

MAX_ZONES = 12
Row = Mapping[str, object]


def html(
    plan: Plan,
    settings: Settings,
    screen: Screen = PLAIN,
    note: str = "",
    seen: Review | None = None,
) -> str:
    """One self-contained page: what waits for someone, every job, and the calendar."""
    seen = seen or Review()
    over = [job for job in plan.jobs if jobs.is_over(job)]
    ahead = [job for job in plan.jobs if not jobs.is_over(job)]
    return pages.template("plan.html").render(
        title="Sendoff plan",
        headline=jobs.summary(plan),
        when=times.when(plan.now, times.zone_of(settings.timezone)),
        note=note,
        caps=restraint.sentence(settings, plan.now),
        paused=settings.paused,
        tiles=tiles(plan),
        holds=[hold_row(hold) for hold in plan.every_hold],
        campaigns=list(_campaigns(ahead, plan, settings, seen)),
        over=[{"id": job.job_id, "status": job.status, "sent": job.counts.sent} for job in over],
        weeks=weeks(seen, plan.now, settings, frozenset()),
        days=list(days(seen, frozenset())),
        horizon=seen.days,
    )


def tiles(plan: Plan) -> list[Row]:
    """The numbers at the top; what there is none of is left out, but what is due now."""
    found = jobs.tally(plan)
    rows = [
        ("due now", found.due, "good"),
        ("later", found.later, "info"),
        ("held", found.held, "warn"),
        ("paused", found.paused, "warn"),
        ("in doubt", found.in_doubt, "bad"),
    ]
    return [
        {"label": label, "number": number, "style": style}
        for label, number, style in rows
        if number or label == "due now"
    ]


def hold_row(hold: Hold) -> Row:
    """A hold and what releases it."""
    return {
        "subject": jobs.subject_of(hold),
        "message": hold.message,
        "release": hold.release,
    }


def _campaigns(
    ahead: Sequence[JobPlan], plan: Plan, settings: Settings, seen: Review
) -> Iterator[Row]:
    for campaign in dict.fromkeys(job.campaign.id for job in ahead):
        mine = [job for job in ahead if job.campaign.id == campaign]
        yield {
            "id": campaign,
            "name": mine[0].campaign.name,
            "path": mine[0].campaign.place.path,
            "kind": "",
            "style": "",
            "said": "",
            "turns": [],
            "jobs": list(job_rows(mine, plan.now, settings, seen)),
        }


def job_rows(
    found: Sequence[JobPlan], now: datetime, settings: Settings, seen: Review
) -> Iterator[Row]:
    """All that is shown of jobs of one campaign."""
    for previous, job in zip([None, *found], found, strict=False):
        zone = times.reading_zone(job.campaign, settings.timezone)
        said = jobs.facts(job, now, zone, previous)
        said += [
            fact
            for fact in review.facts(job, seen, settings, previous)
            if fact.label in ("In UTC", "Costs")
        ]
        again = previous is not None and previous.step.id == job.step.id
        faces = () if again else seen.faces.get((job.campaign.id, job.step.id), ())
        spread = shape(job)
        yield {
            "id": job.job_id,
            "status": words.STATUSES[job.status],
            "style": words.STYLES[job.status],
            "sender": job.campaign.sender.name or job.campaign.sender.email,
            "facts": [_fact(fact) for fact in said if fact.items],
            "faces": [face_row(face) for face in faces],
            "bars": bars(spread, job, settings) if spread and len(spread.counts) > 1 else None,
            "zones": _zones(job),
            "holds": [hold_row(hold) for hold in job.holds],
        }


def _fact(fact: Fact) -> Row:
    items = [item if isinstance(item, str) else item.text for item in fact.items]
    return {"label": fact.label, "items": items}


def face_row(face: Face) -> Row:
    """A row of an inbox, with what it was before."""
    was = face.former
    return {
        "label": review.seen_by(face),
        "subject": face.subject,
        "preheader": face.preheader,
        "old_subject": was[0] if was and was[0] != face.subject else None,
        "old_preheader": was[1] if was and was[1] != face.preheader else None,
        "differs": face.differs,
    }


def bars(spread: Shape, job: JobPlan, settings: Settings) -> Row:
    """Bars of a chart: heights in percent, a title each, and the whole in words."""
    zone = times.reading_zone(job.campaign, settings.timezone)
    most = max(spread.counts)
    found = []
    for number, count in enumerate(spread.counts):
        at = (spread.start + timedelta(hours=spread.hours * number)).astimezone(zone)
        label = f"{times.day(at)} {times.clock(at)}: {count:,}"
        found.append({"height": -(-count * 100 // most), "label": label})
    start = spread.start.astimezone(zone)
    end = (spread.start + timedelta(hours=spread.hours * len(spread.counts))).astimezone(zone)
    return {
        "bars": found,
        "title": f"When they go: {review.hours(job, settings)[1]}",
        "start": f"{times.day(start)} {times.clock(start)}",
        "end": f"{times.day(end)} {times.clock(end)}",
        "said": " ".join(review.hours(job, settings)[1:]),
    }


def _zones(job: JobPlan) -> list[Row]:
    shown = jobs.biggest_zones(job, MAX_ZONES)
    rows: list[Row] = [
        {"when": blocks.zone_line(row.at, row.zone), "count": row.count} for row in shown
    ]
    more = len(job.zone_times) - len(shown)
    if more:
        rest = sum(row.count for row in job.zone_times) - sum(row.count for row in shown)
        rows.append({"when": f"in {words.plural(more, 'more zone')}", "count": rest})
    return rows


def days(seen: Review, touched: frozenset[str]) -> Iterator[Row]:
    """The calendar as a list."""
    for start, found in review.days(seen):
        yield {"day": times.day(start), "items": [_occasion(one, touched) for one in found]}


def weeks(
    seen: Review, now: datetime, settings: Settings, touched: frozenset[str]
) -> list[list[Row]]:
    """The calendar as weeks of seven days, from the Monday before now on."""
    if not seen.calendar:
        return []
    today = now.astimezone(times.zone_of(settings.timezone)).date()
    by_day = {start.date(): found for start, found in review.days(seen)}
    last = max(today + timedelta(days=seen.days), *by_day)
    monday = today - timedelta(days=today.weekday())
    rows = []
    while monday <= last:
        rows.append([_cell(monday + timedelta(days=n), by_day, today, touched) for n in range(7)])
        monday += timedelta(days=7)
    return rows


def _cell(
    day: date,
    by_day: Mapping[date, Sequence[Occasion]],
    today: date,
    touched: frozenset[str],
) -> Row:
    number = times.day(datetime(day.year, day.month, day.day)).split()  # noqa: DTZ001 - a day
    return {
        "number": number[1] if day.day != 1 else f"{number[1]} {number[2]}",
        "today": day == today,
        "past": day < today,
        "items": [_occasion(one, touched) for one in by_day.get(day, ())],
    }


def _occasion(one: Occasion, touched: frozenset[str]) -> Row:
    return {
        "time": times.clock(one.at),
        "name": review.occasion_name(one),
        "count": review.occasion_count(one),
        "state": review.occasion_state(one),
        "touched": one.campaign in touched,
    }


def change_row(change: CampaignChange, rows: list[Row]) -> Row:
    """A campaign that a merge changes, with its jobs."""
    return {
        "id": change.campaign,
        "name": changes.name_of(change),
        "path": change.path,
        "kind": changes.KINDS[change.kind],
        "style": changes.STYLES[change.kind],
        "said": changes.consequence(change),
        "turns": _turn_rows(changes.turns(change)),
        "jobs": rows,
    }


def settings_row(turns: Sequence[changes.Turn]) -> Row | None:
    """What a merge changes for all campaigns, in the place of one; None for nothing."""
    if not turns:
        return None
    return {
        "name": settingschanges.NAME,
        "path": "sendoff.yaml",
        "kind": "settings",
        "style": "info",
        "said": "It holds for every campaign from the next run on.",
        "turns": _turn_rows(turns),
        "jobs": [],
    }


def _turn_rows(turns: Iterable[changes.Turn]) -> list[Row]:
    return [{"label": turn.label, "old": turn.old, "new": turn.new} for turn in turns]
