"""What a merge changes, as a page for a browser."""

from __future__ import annotations

from ..model.changes import Difference
from ..model.settings import Settings
from ..model.views import Review
from . import changes, jobs, pages, planpage, problems, restraint, settingschanges, times
from .terminal import PLAIN, Screen

MAX_NAMES = 200


def html(
    found: Difference, seen: Review, settings: Settings, screen: Screen = PLAIN, note: str = ""
) -> str:
    """One self-contained page: errors, holds, each change with its jobs, the calendar."""
    changing = changes.changing(found)
    touched = frozenset(change.campaign for change in changing)
    shown, others = changes.holds(found)
    names = changes.unchanged(found)
    return pages.template("difference.html").render(
        title="What this merge changes",
        headline=changes.headline(found),
        when=times.when(found.after.now, times.zone_of(settings.timezone)),
        base=found.base[:12],
        digest=found.digest,
        note=note,
        caps=restraint.sentence(settings, found.after.now),
        paused=settings.paused,
        tiles=_tiles(found),
        problems=[
            {"place": problems.place(one), "message": one.message, "hint": one.hint}
            for one in seen.problems
        ],
        holds=[planpage.hold_row(hold) for hold in shown],
        settings=planpage.settings_row(list(settingschanges.turns(found))),
        campaigns=[
            planpage.change_row(
                change,
                list(
                    planpage.job_rows(
                        changes.jobs_of(found, change), found.after.now, settings, seen
                    )
                ),
            )
            for change in changing
        ],
        unchanged=names[:MAX_NAMES],
        more=len(names) - len(names[:MAX_NAMES]),
        others=others,
        weeks=planpage.weeks(seen, found.after.now, settings, touched),
        days=list(planpage.days(seen, touched)),
        horizon=seen.days,
    )


def _tiles(found: Difference) -> list[planpage.Row]:
    """How many campaigns of each kind, and how many mails are to go."""
    rows = []
    for kind, word in changes.KINDS.items():
        number = sum(change.kind == kind for change in found.changes)
        if number:
            rows.append({"label": word, "number": number, "style": changes.STYLES[kind]})
    before, after = jobs.tally(found.before), jobs.tally(found.after)
    ahead = [sum((t.due, t.later, t.held, t.paused)) for t in (before, after)]
    label = "mails to go" if ahead[0] == ahead[1] else f"mails to go, {ahead[0]:,} before"
    return [*rows, {"label": label, "number": ahead[1], "style": ""}]
