"""What a reviewer is told of a job beside its facts: subjects, UTC, hours, cost; the calendar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from ..model.plan import JobPlan
from ..model.settings import Settings
from ..model.views import Face, Occasion, Review
from ..planning.outlook import Shape, cost, shape
from . import times, words
from .page import Fact

BARS = "▁▂▃▄▅▆▇█"
NOTHING = "·"
MAX_WORDINGS = 8
"""Wordings of a subject that are shown."""


def facts(
    job: JobPlan, review: Review, settings: Settings, previous: JobPlan | None = None
) -> list[Fact]:
    """All that there is to say; subjects not again for another occurrence of the same step."""
    step = (job.campaign.id, job.step.id)
    again = previous is not None and (previous.campaign.id, previous.step.id) == step
    faces = () if again else review.faces.get(step, ())
    return [
        Fact("In UTC", in_utc(job, settings)),
        *_lines("Subject", subjects(faces)),
        *_lines("Preheader", preheaders(faces)),
        Fact("Hours", hours(job, settings), " "),
        Fact("Costs", costs(job, review)),
    ]


def _lines(label: str, lines: Iterable[str]) -> Iterator[Fact]:
    """A line each, the first one with the label."""
    for number, line in enumerate(lines):
        yield Fact("" if number else label, (line,))


def in_utc(job: JobPlan, settings: Settings) -> tuple[str, ...]:
    """First and last mail in UTC; () where the page says so already."""
    zone = times.reading_zone(job.campaign, settings.timezone)
    first, last = job.first_send, job.last_send
    if first is None or last is None or not (job.counts.due or job.counts.later):
        return ()
    if first.astimezone(zone).utcoffset() == timedelta():
        return ()
    start = times.when(first, UTC)
    return (start,) if first == last else (start, f"last mail {times.until(first, last, UTC)}")


def subjects(faces: Sequence[Face]) -> Iterator[str]:
    """``“Hi” → “Hello Ann” (plain, emoji)``, each wording once."""
    return _wordings((face, face.subject, face.former and face.former[0]) for face in faces)


def preheaders(faces: Sequence[Face]) -> Iterator[str]:
    """The same of what an inbox shows beside the subject."""
    return _wordings((face, face.preheader, face.former and face.former[1]) for face in faces)


def _wordings(rows: Iterable[tuple[Face, str, str | None]]) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for face, now, was in rows:
        text = _quoted(now) if was is None or was == now else f"{_quoted(was)} → {_quoted(now)}"
        found.setdefault(text, []).append(seen_by(face))
    if len(found) == 1:
        yield from found
        return
    for text, seen in list(found.items())[:MAX_WORDINGS]:
        yield f"{text} ({', '.join(seen)})"
    if len(found) > MAX_WORDINGS:
        yield f"+{words.plural(len(found) - MAX_WORDINGS, 'more wording')}"


def _quoted(text: str) -> str:
    return f"“{text}”" if text else "none"


def seen_by(face: Face) -> str:
    """Who sees it like that: ``plain, and 3 more like it``."""
    return f"{face.label}, and {face.alike} more like it" if face.alike else face.label


def hours(job: JobPlan, settings: Settings) -> tuple[str, ...]:
    """A sparkline of when the mails go; () when they all go at once."""
    found = shape(job)
    if found is None or len(found.counts) < 2:
        return ()
    zone = times.reading_zone(job.campaign, settings.timezone)
    most = max(found.counts)
    start = found.start.astimezone(zone)
    peak = start + timedelta(hours=found.hours * found.counts.index(most))
    return (
        sparkline(found.counts),
        f"at most {most:,} in {bar_words(found)}, from {times.day(peak)} {times.clock(peak)}",
    )


def sparkline(counts: Sequence[int]) -> str:
    """One sign a count; what is not nothing is never shown as nothing."""
    most = max(counts, default=0)
    return "".join(
        BARS[-(-count * len(BARS) // most) - 1] if count else NOTHING for count in counts
    )


def bar_words(found: Shape) -> str:
    """What one bar stands for."""
    if found.hours == 1:
        return "one hour"
    return words.duration(timedelta(hours=found.hours))


def costs(job: JobPlan, review: Review) -> tuple[str, ...]:
    """Requests to the provider and runs of CI."""
    if not (job.counts.due or job.counts.later):
        return ()
    found = cost(job, review.max_batch)
    return (
        f"about {words.plural(found.requests, 'request')} to the provider",
        f"over {words.plural(found.runs, 'run')} of CI",
    )


def days(review: Review) -> Iterator[tuple[datetime, list[Occasion]]]:
    """The calendar, a day at a time."""
    day: list[Occasion] = []
    for one in review.calendar:
        if day and one.at.date() != day[0].at.date():
            yield day[0].at, day
            day = []
        day.append(one)
    if day:
        yield day[0].at, day


def occasion_count(one: Occasion) -> str:
    """``1,234``, ``up to 1,234`` where who gets it is not decided yet."""
    return f"up to {one.count:,}" if one.estimated else f"{one.count:,}"


def occasion_name(one: Occasion) -> str:
    """The campaign and, of a drip, the step."""
    return one.name if one.step == "main" else f"{one.name} · {one.step}"


def occasion_state(one: Occasion) -> str:
    """What keeps it back, '' for nothing."""
    return one.status if one.status in ("held", "paused") else ""
