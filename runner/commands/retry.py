"""``sendoff retry``: make the failed (never the in-doubt) of a job due again."""

from __future__ import annotations

from collections.abc import Sequence

from ..bootstrap import Site
from ..model.ledger import BOOK
from ..planning.book import Book, fold_book
from ..report.words import plural
from ..resolving import Decision, Open, settle
from .outcome import Outcome
from .resolve import by_whom, pick


def retry(site: Site, job: str, by: str | None) -> Outcome:
    """Record that the failed mails of a job were not sent and are wanted again."""
    store = site.store(site.settings)
    snapshot = store.sync()
    found = pick(site, snapshot, job, "failed")
    count = sum(one.count for one in found)
    if not count:
        return Outcome(f"Nothing of {job} has failed.")
    who = by_whom(site, by)
    facts = settle(found, "not_sent", Decision(who, site.clock.now(), "retry"))
    store.add_facts(
        facts, run=site.new_run_id(), message=f"retry: {plural(count, 'mail')} by {who}"
    )
    text = f"{plural(count, 'mail')} of {job} are due again: the next run sends them."
    stopped = _suppressed(found, fold_book(snapshot.records(BOOK), site.clock.now()))
    return Outcome(text + _but(stopped) if stopped else text)


def _suppressed(found: Sequence[Open], book: Book) -> int:
    """How many of them are suppressed for every campaign, as those are whom the server called
    unknown."""
    return sum(key in book.everywhere for one in found for key in one.keys)


def _but(stopped: int) -> str:
    return (
        f"\n{stopped:,} of them will not go out: suppressed. Where an address works after all: "
        "sendoff suppress --undo ADDRESS"
    )
