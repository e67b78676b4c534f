"""``sendoff retry``: make the failed (never the in-doubt) of a job due again."""

from __future__ import annotations

from ..bootstrap import Site
from ..report.words import plural
from ..resolving import Decision, settle
from .outcome import Outcome
from .resolve import by_whom, pick


def retry(site: Site, job: str, by: str | None) -> Outcome:
    """Record that the failed mails of a job were not sent and are wanted again."""
    store = site.store(site.settings)
    found = pick(site, store.sync(), job, "failed")
    count = sum(one.count for one in found)
    if not count:
        return Outcome(f"Nothing of {job} has failed.")
    who = by_whom(site, by)
    facts = settle(found, "not_sent", Decision(who, site.clock.now(), "retry"))
    store.add_facts(
        facts, run=site.new_run_id(), message=f"retry: {plural(count, 'mail')} by {who}"
    )
    return Outcome(f"{plural(count, 'mail')} of {job} are due again: the next run sends them.")
