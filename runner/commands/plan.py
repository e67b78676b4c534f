"""``sendoff plan``: what would be sent, when, to how many; computed by the code that sends."""

from __future__ import annotations

from datetime import timedelta

from ..bootstrap import Site
from ..errors import InputError, Problem, UsageError
from ..model.changes import Difference, Version
from ..model.plan import Plan
from ..model.settings import Settings
from ..planning.comparing import compare
from ..planning.planner import Horizon
from ..report import differences
from ..report import plan as report
from ..survey import survey, version
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
        difference, note = compare_with(site, base, until)
        text = differences.FORMATS[format](difference, site.settings, site.terminal, note)
        return Outcome(text, 3 if difference.after.every_hold else 0)
    found, note = look(site, campaign, until)
    text = report.FORMATS[format](found, site.settings, site.terminal, note)
    return Outcome(text, 3 if found.every_hold else 0)


def compare_with(site: Site, base: str, until: timedelta) -> tuple[Difference, str]:
    """The difference between a commit and the working tree, against one ledger.

    A campaign with errors is part of the difference; settings with errors raise InputError.
    """
    snapshot, note = site.ledger()
    with site.desk_at(base) as (old, commit):
        after = version(site.desk(), snapshot, horizon(site, site.settings, until))
        if old is None:
            before = Version({}, {}, {}, Plan(site.clock.now(), ()))
        else:
            before = version(old, snapshot, horizon(site, old.workspace.settings, until))
    return compare(commit, before, after), note


def horizon(site: Site, settings: Settings, until: timedelta) -> Horizon:
    """Now, what a run would hand over now, and how far to look."""
    now = site.clock.now()
    return Horizon(now, now + settings.run.look_ahead, now + until, paused=settings.paused)


def look(site: Site, campaign: str | None, until: timedelta) -> tuple[Plan, str]:
    """The plan of the working tree, and a note on the ledger.

    Raises InputError when the workspace has errors: a plan of half of it would mislead.
    """
    desk = site.desk()
    errors = [p for p in desk.workspace.problems if p.severity == "error"]
    if errors:
        raise InputError(errors)
    snapshot, note = site.ledger()
    if campaign is not None:
        desk = desk.only(campaign_of(site, campaign))
    wanted = horizon(site, desk.workspace.settings, until)
    return survey(desk, snapshot, wanted), note


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
