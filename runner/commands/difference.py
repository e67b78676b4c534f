"""What merging a branch would change: two plans against one ledger, side by side."""

from __future__ import annotations

from datetime import timedelta

from ..approval import desk_at
from ..bootstrap import Site
from ..model.changes import Version
from ..model.plan import Plan
from ..planning.comparing import compare
from ..report import differences
from ..survey import version
from .outcome import Outcome
from .plan import horizon
from .reviewing import review


def difference(site: Site, base: str, until: timedelta, format: str) -> Outcome:  # noqa: A002
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
