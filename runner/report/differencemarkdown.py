"""What a merge changes, as a comment on the pull request: what stands in the way comes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model.changes import CampaignChange, Difference, Kind
from ..model.plan import JobPlan
from ..model.settings import Settings
from ..model.views import Review
from . import changes, jobs, markup, planmarkdown, restraint, review, settingschanges, times, words
from .page import Fact
from .terminal import PLAIN, Screen

SIGNS: dict[Kind, str] = {
    "broken": "❌",
    "renamed": "✋",
    "new": "🆕",
    "changed": "✏️",
    "cancelled": "🛑",
    "removed": "🗑️",
    "unchanged": "",
}
MAX_CALENDAR = 60
"""Lines of the calendar; a comment has room for a month of two mails a day."""
MAX_NAMES = 3_000
"""Characters that the names of what does not change may take."""


def markdown(
    found: Difference, seen: Review, settings: Settings, screen: Screen = PLAIN, note: str = ""
) -> str:
    """Errors, holds, an overview; then each change with its jobs; fits in one comment.

    What there is no room for is counted, and said where it can be read.
    """
    zone = times.zone_of(settings.timezone)
    head = [
        "## Sendoff: what this merge changes\n",
        f"**{markup.escape(changes.headline(found))}**  ",
        " ".join(
            (
                f"plan {markup.code(found.digest)} over {markup.code(found.base[:12])},",
                f"as of {times.when(found.after.now, zone)}\n",
            )
        ),
    ]
    if note:
        head.append(f"{markup.escape(note)}\n")
    if caps := restraint.sentence(settings, found.after.now):
        head.append(f"{markup.escape(caps)}\n")
    errors = f"❌ {words.plural(len(seen.problems), 'error')}"
    head += planmarkdown.section(errors, map(planmarkdown.problem_line, seen.problems))
    shown, others = changes.holds(found)
    held = f"✋ {words.plural(len(shown), 'thing')} held"
    head += planmarkdown.section(held, map(planmarkdown.hold_line, shown))
    changing = changes.changing(found)
    overview = _overview(changing, list(settingschanges.turns(found)))
    tail = "\n".join([*_calendar(found, seen), *_rest(found, others)])
    fixed = "\n".join([*head, overview])
    # the calendar and the closing lines are always there; the details give way
    room = markup.LIMIT - len(tail) - 1
    details = [_change(change, found, seen, settings) for change in changing]
    return markup.fit(fixed, [one for one in details if one], "campaigns", room) + "\n" + tail


def _overview(changing: Sequence[CampaignChange], for_all: Sequence[changes.Turn]) -> str:
    if not changing and not for_all:
        return ""
    rows = [
        (
            f"{SIGNS[change.kind]} {changes.KINDS[change.kind]}",
            f"**{markup.escape(changes.name_of(change))}**<br>{markup.code(change.path)}",
            "<br>".join(
                [markup.escape(changes.consequence(change)), *map(_turn, changes.turns(change))]
            ),
        )
        for change in changing[: planmarkdown.MAX_LINES]
    ]
    more = len(changing) - len(rows)
    rows += [("", f"+{more:,} more", "")] if more else []
    if for_all:
        name = f"**{settingschanges.NAME}**<br>{markup.code('sendoff.yaml')}"
        rows.insert(0, ("⚙️ settings", name, "<br>".join(map(_turn, for_all))))
    return markup.table(("", "Campaign", "What the merge means"), rows)


def _turn(turn: changes.Turn) -> str:
    old = f"~~{markup.escape(turn.old)}~~ → " if turn.old else ""
    return f"{turn.label}: {old}{markup.escape(turn.new)}"


def _change(change: CampaignChange, found: Difference, seen: Review, settings: Settings) -> str:
    shown = changes.jobs_of(found, change)
    if not shown:
        return ""
    body = "\n".join(
        _job(job, previous, found, seen, settings)
        for previous, job in zip([None, *shown], shown, strict=False)
    )
    mails = words.plural(change.to_go, "mail")
    title = f"{markup.html(changes.name_of(change))}: {words.plural(len(shown), 'job')}, {mails}"
    return markup.details(title, body)


def _job(
    job: JobPlan,
    previous: JobPlan | None,
    found: Difference,
    seen: Review,
    settings: Settings,
) -> str:
    zone = times.reading_zone(job.campaign, settings.timezone)
    facts = jobs.facts(job, found.after.now, zone, previous)
    facts += review.facts(job, seen, settings, previous)
    rows = [row for fact in facts if fact.items for row in _row(fact)]
    status = words.STATUSES[job.status]
    table = markup.table((markup.code(job.job_id), f"**{status}**"), rows)
    return "\n".join([table, *planmarkdown.zones(job)])


def _row(fact: Fact) -> Iterator[tuple[str, str]]:
    label, text = planmarkdown.row(fact)
    yield label, text


def _calendar(found: Difference, seen: Review) -> list[str]:
    if not seen.calendar:
        return []
    touched = {change.campaign for change in changes.changing(found)}
    rows = []
    for start, day in review.days(seen):
        for number, one in enumerate(day):
            name = markup.escape(review.occasion_name(one))
            state = review.occasion_state(one)
            rows.append(
                (
                    "" if number else times.day(start),
                    times.clock(one.at),
                    (f"**{name}**" if one.campaign in touched else name)
                    + (f" ({state})" if state else ""),
                    review.occasion_count(one),
                )
            )
    shown = rows[:MAX_CALENDAR]
    if len(rows) > len(shown):
        shown.append(("", "", f"+{len(rows) - len(shown):,} more", ""))
    body = markup.table(("Day", "From", "Campaign", "Mails"), shown, numbers=1)
    return [markup.details(f"The next {seen.days} days, if this is merged", body)]


def _rest(found: Difference, others: int) -> list[str]:
    names, said = changes.unchanged(found), []
    if names:
        text = ", ".join(names)
        if len(text) > MAX_NAMES:
            text = text[:MAX_NAMES].rpartition(", ")[0] + ", …"
        said.append(f"Unchanged ({len(names):,}): {_codes(text)}\n")
    if others:
        held = words.plural(others, "thing")
        said.append(f"{held} held before this change too; see `sendoff plan`.\n")
    return said


def _codes(names: str) -> str:
    return ", ".join(markup.code(name) if name != "…" else name for name in names.split(", "))
