"""``sendoff plan``: what would be sent, when, to how many; computed by the code that sends."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta

from ..bootstrap import Site
from ..desk import Desk
from ..errors import InputError, Problem, UsageError
from ..model.plan import Plan
from ..model.settings import Settings
from ..planning.planner import Horizon
from ..ports import Snapshot
from ..report import plan as report
from ..survey import survey
from .outcome import Outcome


def plan(
    site: Site,
    campaign: str | None,
    base: str | None,
    until: timedelta,
    format: str,  # noqa: A002
) -> Outcome:
    """Plan the working tree against the ledger; exit code 3 when something due is held.

    With ``base``: what merging it into that commit would change.
    """
    if base is not None:
        if campaign is not None:
            raise UsageError("--base looks at every campaign: leave out " + repr(campaign))
        # a plan of one state of the files needs nothing of what compares two
        from .difference import difference  # noqa: PLC0415

        return difference(site, base, until, format)
    desk, snapshot, note = _here(site, campaign, blind=True)
    found = survey(desk, snapshot, horizon(site, desk.workspace.settings, until))
    if format == "html":
        # brings the reviewers' pages along
        from ..report import planpage  # noqa: PLC0415
        from .reviewing import review  # noqa: PLC0415

        seen = review(site, desk, found, snapshot, until=until)
        text = planpage.html(found, site.settings, site.terminal, note, seen)
    else:
        text = report.FORMATS[format](found, site.settings, site.terminal, note)
    return Outcome(text, 3 if found.every_hold else 0)


FURTHEST = timedelta(days=366)
"""A campaign that recurs every minute has half a million occurrences in it."""


def horizon(site: Site, settings: Settings, until: timedelta) -> Horizon:
    """Now, what a run would hand over now, and how far to look.  Raises UsageError."""
    if until > FURTHEST:
        raise UsageError(f"--until looks {FURTHEST.days}d ahead at most")
    now = site.clock.now()
    return Horizon(now, now + settings.run.look_ahead, now + until, paused=settings.paused)


def look(
    site: Site,
    campaign: str | None,
    until: timedelta,
    *,
    blind: bool = False,
    everything: bool = False,
) -> tuple[Plan, str]:
    """The plan of the working tree, and a note on the ledger; ``blind``: see ``Site.ledger``.

    ``everything``: also all occurrences that are over.

    Raises InputError when the workspace has errors: a plan of half of it would mislead.
    """
    desk, snapshot, note = _here(site, campaign, blind=blind)
    wanted = horizon(site, desk.workspace.settings, until)
    if everything:
        wanted = replace(wanted, closed_shown=sys.maxsize)
    return survey(desk, snapshot, wanted), note


def _here(site: Site, campaign: str | None, *, blind: bool) -> tuple[Desk, Snapshot, str]:
    desk = site.desk()
    errors = [p for p in desk.workspace.problems if p.severity == "error"]
    if errors:
        raise InputError(errors)
    snapshot, note = site.ledger(blind=blind)
    if campaign is not None:
        desk = desk.only(campaign_of(site, campaign))
    return desk, snapshot, note


def campaign_of(site: Site, name: str) -> str:
    """The id of a campaign named by its id, its file, or one of its jobs."""
    campaigns = site.workspace.campaigns
    trimmed = name.removesuffix(".yaml").removeprefix("campaigns/")
    for candidate in (name, trimmed, trimmed.partition("@")[0].rpartition("/")[0]):
        if candidate in campaigns:
            return candidate
    by_path = {c.place.path: c.id for c in campaigns.values()}
    if site.relative(name) in by_path:
        return by_path[site.relative(name)]
    if name in site.workspace.broken or trimmed in site.workspace.broken:
        path = site.workspace.broken.get(name) or site.workspace.broken[trimmed]
        raise InputError([p for p in site.workspace.problems if p.path == path] or [_broken(path)])
    known = ", ".join(sorted(campaigns)) or "none yet"
    raise UsageError(f"there is no campaign {name!r}; there is: {known}")


def _broken(path: str) -> Problem:
    return Problem(path, 0, 0, "has errors", "see: sendoff validate")
