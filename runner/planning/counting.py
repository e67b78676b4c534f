"""From places to numbers.  Counted from one column, so they add up by construction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..model.contacts import Audience
from ..model.plan import SKIPPED, Counts, JobStatus, Spot
from .columns import among
from .history import JobHistory


def count(left_out: Mapping[str, int], spots: bytes | bytearray, history: JobHistory) -> Counts:
    """The numbers of one job; ``left_out``: of the list's other rows, see there.

    What the ledger says of people who have left the list since, or are excluded now, counts as
    what it was: sent, failed, in doubt or in flight.
    """
    by_spot = {spot: spots.count(spot) for spot in Spot}
    excluded = dict(left_out)
    for spot, number in by_spot.items():
        if spot.excluded and number:
            excluded[spot.reason] = number
    if history.closed is not None:
        _tell_apart(excluded, history.closed.counts)
    return Counts(
        sent=len(history.sent),
        failed=len(history.failed),
        in_doubt=len(history.in_doubt),
        in_flight=len(history.in_flight),
        due=sum(by_spot[spot] for spot in (Spot.DUE, Spot.MISSED, Spot.QUIET_HELD)),
        later=by_spot[Spot.LATER],
        cancelled=by_spot[Spot.CANCELLED],
        excluded=dict(sorted(excluded.items())),
    )


def _tell_apart(excluded: dict[str, int], closed: Mapping[str, int]) -> None:
    """Of those who got nothing of a job that is over, some were skipped while it was under way.

    Who they were nobody knows any more: what they were skipped for may have passed.
    """
    joined = excluded.pop(Spot.JOINED_LATER.reason, 0)
    for reason in SKIPPED:
        if skipped := min(joined, closed.get(reason, 0)):
            excluded[reason] = excluded.get(reason, 0) + skipped
            joined -= skipped
    if joined:
        excluded[Spot.JOINED_LATER.reason] = joined


def left_out(audience: Audience, history: JobHistory) -> Mapping[str, int]:
    """How many rows of a list are not in its audience, by reason; whoever was mailed before is
    none of them."""
    if not history.begun:
        return audience.excluded.counts()
    known = (history.sent, history.failed, history.in_doubt, history.in_flight)
    excluded = audience.excluded
    counts = Counter[str](excluded.counts())
    for members in filter(None, known):
        also = excluded.counts(among(excluded.keys, members))
        # a duplicate row is one more row, whatever became of the person's first one
        also.pop("duplicate", None)
        counts.subtract(also)
    return dict(+counts)


def status(
    campaign_status: str, counts: Counts, *, paused: bool, held: bool, undecided: bool = False
) -> JobStatus:
    """The one word for a job; ``undecided``: who is to be skipped may still change."""
    if campaign_status == "cancelled" and (counts.cancelled or not counts.claimed):
        return "cancelled"
    if not (counts.open or held or undecided):
        return "failed" if counts.failed and not counts.sent else "sent"
    if paused:
        return "paused"
    if held:
        return "held"
    return "sending" if counts.claimed else "scheduled"
