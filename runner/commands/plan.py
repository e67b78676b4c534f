"""``sendoff plan``: what would be sent, when, to how many; computed by the code that sends."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta

from ..approval import desk_at
from ..bootstrap import Site
from ..desk import Desk
from ..errors import InputError, Problem, UsageError
from ..model.changes import Version
from ..model.plan import Plan
from ..model.settings import Settings
from ..planning.comparing import compare
from ..planning.planner import Horizon
from ..ports import Snapshot
from ..report import differences, planpage
from ..report import plan as report
from ..survey import survey, version
from .outcome import Outcome
from .reviewing import review


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
        return _difference(site, base, until, format)
    desk, snapshot, note = _here(site, campaign, blind=True)
    found = survey(desk, snapshot, horizon(site, desk.workspace.settings, until))
    if format == "html":
        seen = review(site, desk, found, snapshot, until=until)
        text = planpage.html(found, site.settings, site.terminal, note, seen)
    else:
        text = report.FORMATS[format](found, site.settings, site.terminal, note)
    return Outcome(text, 3 if found.every_hold else 0)


def _difference(site: Site, base: str, until: timedelta, format: str) -> Outcome:  # noqa: A002
    """What a merge changes, against one ledger; exit code 1 when it brings errors.

    A campaign with errors is part of the difference; settings with errors raise InputError.
    """
    snapshot, note = site.ledger(blind=True)
    desk = site.desk()
    with desk_at(site, base) as (old, commit):
        after = version(desk, snapshot, horizon(site, site.settings, until))
        if old is None:
            before = Version({}, {}, {}, Plan(site.clock.now(), ()))
        else:
            before = version(old, snapshot, horizon(site, old.workspace.settings, until))
        found = compare(commit, before, after)
        seen = review(site, desk, found.after, snapshot, until=until, against=(old, found))
    text = differences.FORMATS[format](found, seen, site.settings, site.terminal, note)
    if seen.problems:
        return Outcome(text, 1)
    return Outcome(text, 3 if found.after.every_hold else 0)


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
