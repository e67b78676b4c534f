"""``sendoff why``: what happened, or will, to one contact, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from ..bootstrap import Site
from ..contacts import ContactLists
from ..errors import InputError, UsageError
from ..model.ledger import BOOK, Claim, Record, Suppressed
from ..model.plan import JobPlan, Spot
from ..model.views import ToldRow, WhyRow, WhyView
from ..planning.book import about, fold_book
from ..planning.history import CampaignHistory, fold
from ..planning.ranges import expand_times, split_keys
from ..ports import Snapshot
from ..report import why as report
from ..report.words import mask
from .outcome import Outcome
from .plan import look

SHOWN = timedelta(days=30)
UNREAD = "unread"
"""In the place of a reason: nobody can say whether the contact is on this list."""


def why(site: Site, address: str, campaign: str | None, format: str) -> Outcome:  # noqa: A002
    """Look one address up in every list and job, or in one campaign's."""
    books = site.contact_lists()
    try:
        key = books.key(address)
    except InputError as error:
        raise UsageError(error.problems[0].message) from None
    plan, note = look(site, campaign, SHOWN, everything=True)
    snapshot, _ = site.ledger()
    told = tuple(_told(list(snapshot.records(BOOK)), key))
    suppressed = any(row.holds and not row.group for row in told)
    history = cache(lambda campaign: fold(snapshot.records(campaign), plan.now))
    rows = tuple(row for job in plan.jobs for row in _rows(job, key, snapshot, history))
    places = [
        (name, line, reason or ("suppressed" if suppressed else ""))
        for name, line, reason in _places(site, books, address)
    ]
    view = WhyView(mask(address), key.hex(), tuple(places), rows, told)
    return Outcome(report.FORMATS[format](view, site.settings, site.terminal, note))


def _told(records: Sequence[Record], key: bytes) -> Iterator[ToldRow]:
    """What was written of this contact, and whether it still counts."""
    active = fold_book(records).causes(key)
    for time, record in sorted(about(records, {key}), key=lambda row: row[0]):
        at = datetime.fromtimestamp(time, UTC)
        if isinstance(record, Suppressed):
            cause = (record.reason, record.group)
            yield ToldRow(at, *cause, record.source, cause in active)
        else:
            yield ToldRow(at, "", 0, record.source, False)


def _places(site: Site, books: ContactLists, address: str) -> Iterator[tuple[str, int, str]]:
    for one in site.workspace.lists.values():
        try:
            for row in books.find(one, address):
                yield one.name, row.line, row.reason
        except InputError:
            # one list that cannot be had does not make the others silent
            yield one.name, 0, UNREAD


def _rows(
    job: JobPlan, key: bytes, snapshot: Snapshot, history: Callable[[str], CampaignHistory]
) -> Iterator[WhyRow]:
    """One row for a job that concerns this contact, none for another."""
    claimed = _claimed(job, key, snapshot)
    for index, known in enumerate(job.audience.keys):
        if known == key:
            spot = Spot(job.spots[index])
            time = job.times[index] if spot.waits else 0
            at = datetime.fromtimestamp(time, UTC) if time else claimed
            note = _or_skipped(job) if spot is Spot.JOINED_LATER else ""
            yield WhyRow(job, spot.reason, at, note)
            return
    # what became of a mail before its contact was excluded stays so
    became = _became(job, key, history(job.campaign.id)) if claimed else ""
    for known, reason in zip(
        job.audience.excluded.keys, job.audience.excluded.reasons, strict=True
    ):
        if known == key:
            yield WhyRow(job, became or reason, claimed if became else None)
            return
    if became:
        yield WhyRow(job, became, claimed, "no longer on the list")


def _became(job: JobPlan, key: bytes, history: CampaignHistory) -> str:
    """What the ledger says of this contact's mail; '' for one that was given back, and is owed."""
    known = history.job(job.step.id, job.occurrence)
    return next((spot.reason for spot, keys in known.standing if key in keys), "")


def _or_skipped(job: JobPlan) -> str:
    """Of a job that is over it is not known any more whom it skipped, but how many."""
    skipped = sum(job.counts.skipped.values())
    return f"or was one of {skipped:,} skipped" if skipped else ""


def _claimed(job: JobPlan, key: bytes, snapshot: Snapshot) -> datetime | None:
    """The send time of the last claim that names this contact."""
    found = None
    for record in snapshot.records(job.campaign.id):
        if isinstance(record, Claim) and record.job_id == job.job_id and key in record.keys:
            keys = split_keys(record.keys)
            if key in keys:
                times = list(expand_times(record.times))
                found = datetime.fromtimestamp(times[keys.index(key)], UTC)
    return found
