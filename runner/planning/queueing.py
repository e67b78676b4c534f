"""Send times for all who may go, and who of them can be claimed now."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress
from operator import and_

from ..model.plan import Queue, Spot
from .columns import Constant, Times, distinct, indices, mapped, spread, turn
from .drafts import CampaignDraft, Draft, Horizon, epoch
from .pacing import Pacer


@dataclass(frozen=True, slots=True)
class Group:
    """Contacts of a job who may go from the same instant on (epoch seconds), in list order."""

    arrival: int
    job: int
    indices: array[int]


def queue_up(draft: CampaignDraft, horizon: Horizon) -> None:
    """Give everybody of a campaign who may go a time, over all of its jobs in order of time."""
    pacer = Pacer(draft.campaign.pacing, draft.inputs.history.recent)
    now, until = epoch(horizon.now), epoch(horizon.claim_until)
    paced: list[Group] = []
    for number, job in enumerate(draft.jobs):
        if pacer.free or job.stopped:
            _at_once(job, now, until)
        else:
            paced += groups(job, number, now)
    lines = [Line(job) for job in draft.jobs] if paced else []
    for group in sorted(paced, key=lambda group: (group.arrival, group.job)):
        lines[group.job].add(group.indices, pacer.fill(group.arrival, len(group.indices)))
    for line in lines:
        line.close(until)


def _at_once(job: Draft, now: int, until: int) -> None:
    """Everybody at his time: nothing has to wait for anything else."""
    waiting, placing = job.waiting(), job.placing
    if 1 not in waiting:
        return
    known = distinct(placing.nominal)
    times = mapped(placing.nominal, {time: max(time, now) if time else 0 for time in known})
    placing.nominal = times
    due = _due(waiting, times, until)
    count = due.count(1)
    if count == placing.spots.count(Spot.LATER):
        turn(placing.spots, Spot.LATER, Spot.DUE)
    else:
        for index in indices(due):
            placing.spots[index] = Spot.DUE
    if count and not job.stopped:
        job.queue = _queue(due, times, late=placing.late)


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


def groups(job: Draft, number: int, now: int) -> Iterator[Group]:
    """Those of a job who may go, by when they may."""
    waiting, nominal = job.waiting(), job.placing.nominal
    if isinstance(nominal, Constant):
        if 1 in waiting:
            yield Group(max(nominal.value, now), number, array("I", indices(waiting)))
        return
    found: dict[int, array[int]] = {}
    for index in indices(waiting):
        arrival = max(nominal[index], now)
        if arrival not in found:
            found[arrival] = array("I")
        found[arrival].append(index)
    for arrival, chosen in found.items():
        yield Group(arrival, number, chosen)


class Line:
    """The queue of one job as it grows, in order of send times."""

    def __init__(self, job: Draft) -> None:
        self.indices = array("I")
        self.times = array("q")
        self._job = job

    def add(self, chosen: array[int], times: array[int]) -> None:
        """Put some at the end."""
        self.indices.extend(chosen)
        self.times.extend(times)

    def close(self, until: int) -> None:
        """Note everybody's time; who goes by ``until`` is due."""
        if not self.indices:
            return
        placing = self._job.placing
        placing.nominal = column = spread(placing.nominal)
        for index, time in zip(self.indices, self.times, strict=True):
            column[index] = time
        due = bisect_right(self.times, until)
        for index in self.indices[:due]:
            placing.spots[index] = Spot.DUE
        if due:
            self._job.queue = Queue(self.indices[:due], self.times[:due], late=placing.late)
