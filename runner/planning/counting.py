"""From places to numbers.  Counted from one column, so they add up by construction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..model.contacts import Audience
from ..model.plan import Counts, JobStatus, Spot
from .history import JobHistory


def count(audience: Audience, spots: Sequence[int], history: JobHistory) -> Counts:
    """The numbers of one job.

    What the ledger says of people who have left the list since, or are excluded now, counts as
    what it was: sent, failed, in doubt or in flight.
    """
    by_spot = Counter(spots)
    excluded = _excluded_rows(audience, history)
    for spot in Spot:
        if spot.excluded and by_spot[spot]:
            excluded[spot.reason] = by_spot[spot]
    return Counts(
        sent=len(history.sent),
        failed=len(history.failed),
        in_doubt=len(history.in_doubt),
        in_flight=len(history.in_flight),
        due=by_spot[Spot.DUE] + by_spot[Spot.MISSED],
        later=by_spot[Spot.LATER],
        cancelled=by_spot[Spot.CANCELLED],
        excluded=dict(sorted(excluded.items())),
    )


def _excluded_rows(audience: Audience, history: JobHistory) -> dict[str, int]:
    if not history.begun:
        return audience.excluded.counts()
    counts: Counter[str] = Counter()
    known = (history.sent, history.failed, history.in_doubt, history.in_flight)
    for key, reason in zip(audience.excluded.keys, audience.excluded.reasons, strict=True):
        # a duplicate row is one more row, whatever became of the person's first one
        if reason == "duplicate" or not any(key in keys for keys in known):
            counts[reason] += 1
    return dict(counts)


def status(campaign_status: str, counts: Counts, *, paused: bool, held: bool) -> JobStatus:
    """The one word for a job."""
    if campaign_status == "cancelled" and (counts.cancelled or not counts.claimed):
        return "cancelled"
    if not counts.open and not held:
        return "failed" if counts.failed and not counts.sent else "sent"
    if paused:
        return "paused"
    if held:
        return "held"
    return "sending" if counts.claimed else "scheduled"
