"""Send times for all who may go, and who of them can be claimed now."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain, compress
from operator import and_

from ..model.plan import Queue, Spot
from .account import Account
from .allotting import allot
from .columns import Constant, Times, distinct, flags, indices, mapped, turn
from .drafts import CampaignDraft, Draft, Horizon, epoch
from .lines import Line, stretches
from .pacing import Pacer
from .quietness import Quietness, by_pairs


def queue_up(drafts: Sequence[CampaignDraft], account: Account, horizon: Horizon) -> None:
    """Give everybody who may go a time, and queue those who can be claimed now.

    Only where something is shared, or where times depend on more than the pace, contact by
    contact.
    """
    for draft in drafts:
        quiet = Quietness.of(draft.campaign)
        for job in draft.jobs:
            if job.stopped:
                _at_once(job, quiet, horizon)
        if account.shared:
            continue
        if draft.campaign.pacing.free:
            for job in draft.jobs:
                if not job.stopped:
                    _at_once(job, quiet, horizon)
        elif quiet is None:
            _in_turn(draft, horizon)
        else:
            allot([draft], account, horizon)
    if account.shared:
        allot(drafts, account, horizon)


def _in_turn(draft: CampaignDraft, horizon: Horizon) -> None:
    """One after the other at the campaign's pace, over all of its jobs in order of time."""
    pacer = Pacer(draft.campaign.pacing, draft.inputs.history.recent)
    now = epoch(horizon.now)
    waiting: dict[tuple[int, int], list[array[int]]] = {}
    for number, job in enumerate(draft.jobs):
        for stretch in () if job.stopped else stretches(job, number, now):
            waiting.setdefault((stretch.arrival, number), []).append(stretch.indices)
    lines = [Line(job) for job in draft.jobs] if waiting else []
    for (arrival, number), parts in sorted(waiting.items()):
        # all who are late are equally late
        chosen = parts[0] if len(parts) == 1 else array("I", sorted(chain(*parts)))
        lines[number].add(chosen, pacer.fill(arrival, len(chosen)))
    for line in lines:
        line.close(epoch(horizon.claim_until))


def _at_once(job: Draft, quiet: Quietness | None, horizon: Horizon) -> None:
    """Everybody at his time: nothing has to wait for anything else."""
    waiting, placing = job.waiting(), job.placing
    if 1 not in waiting:
        return
    times = _but_for_held(job, _from_now(job, quiet, epoch(horizon.now)))
    placing.nominal = times
    due = _due(waiting, times, epoch(horizon.claim_until))
    count = due.count(1)
    if count == placing.spots.count(Spot.LATER):
        turn(placing.spots, Spot.LATER, Spot.DUE)
    else:
        for index in indices(due):
            placing.spots[index] = Spot.DUE
    if count and not job.stopped:
        job.queue = _queue(due, times, late=placing.late)


def _from_now(job: Draft, quiet: Quietness | None, now: int) -> Times:
    """Nobody goes in the past, nor in the quiet time."""
    nominal, loud = job.placing.nominal, job.placing.loud
    known = distinct(nominal)
    if quiet is None or all(time >= now for time in known):
        return mapped(nominal, {time: max(time, now) if time else 0 for time in known})
    later = by_pairs(nominal, job.zones, lambda time, zone: quiet.end(max(time, now), zone))
    if not loud:
        return later
    plain = mapped(nominal, {time: max(time, now) if time else 0 for time in known})
    return array(
        "q", (p if is_loud else q for p, q, is_loud in zip(plain, later, loud, strict=True))
    )


def _but_for_held(job: Draft, times: Times) -> Times:
    """Who is held keeps the time that was missed."""
    held = flags(job.placing.spots, Spot.MISSED, Spot.QUIET_HELD)
    if 1 not in held:
        return times
    three = zip(job.placing.nominal, times, held, strict=True)
    return array("q", (before if is_held else time for before, time, is_held in three))


def _due(waiting: bytes, times: Times, until: int) -> bytes:
    if isinstance(times, Constant):
        return waiting if times.value <= until else bytes(len(waiting))
    in_time = mapped(times, {time: int(0 < time <= until) for time in distinct(times)})
    return bytes(map(and_, waiting, in_time))


def _queue(due: bytes, times: Times, *, late: bool) -> Queue:
    chosen = array("I", indices(due))
    if isinstance(times, Constant):
        return Queue(chosen, Constant(times.value, len(chosen)), late)
    if len(set(compress(times, due))) > 1:
        chosen = array("I", sorted(chosen, key=times.__getitem__))
    return Queue(chosen, array("q", map(times.__getitem__, chosen)), late)
