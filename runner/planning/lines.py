"""Who waits for a send time, and the queue as it grows."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from ..dataclass import dataclass
from ..model.plan import Queue, Spot
from .columns import Constant, indices, spread
from .domains import NONE
from .drafts import Draft
from .quietness import Quietness, QuietZone


@dataclass(frozen=True, slots=True)
class Stretch:
    """Contacts of a job, in list order, who were ``due`` at the same time, and who may go from the
    same time on: their ``arrival`` (epoch seconds).

    ``domain``: the number of the cap that counts for all of them.  ``clock``: of their zone, None
    where no time is quiet for them.
    """

    due: int
    arrival: int
    job: int
    indices: array[int]
    zone: str = ""
    domain: int = NONE
    clock: QuietZone | None = None

    def of(self, chosen: array[int]) -> Stretch:
        """Others of whom the same is true."""
        return replace(self, indices=chosen)


def stretches(
    job: Draft, number: int, now: int, quiet: Quietness | None = None, domains: bytes = b""
) -> Iterator[Stretch]:
    """Those of a job who may go, by when they may and by what they share.

    ``domains``: the number of each contact's cap, b"" without caps.
    """
    waiting, nominal = job.waiting(), job.placing.nominal
    if isinstance(nominal, Constant) and quiet is None and not domains:
        if 1 in waiting:
            yield Stretch(
                nominal.value, max(nominal.value, now), number, array("I", indices(waiting))
            )
        return
    zones, loud = job.zones, job.placing.loud
    found: dict[tuple[int, str, int, bool], array[int]] = {}
    for index in indices(waiting):
        hushed = quiet is not None and not (loud and loud[index])
        name = (
            nominal[index],
            zones[index] if hushed else "",
            domains[index] if domains else NONE,
            hushed,
        )
        if name not in found:
            found[name] = array("I")
        found[name].append(index)
    for (due, zone, domain, hushed), chosen in found.items():
        clock, arrival = None, max(due, now)
        if quiet is not None and hushed:
            clock = quiet.zone(zone)
            arrival = clock.end(arrival)
        yield Stretch(due, arrival, number, chosen, zone, domain, clock)


class Line:
    """The queue of one job as it grows, in order of send times."""

    def __init__(self, job: Draft) -> None:
        self.indices = array("I")
        self.times = array("q")
        self.domains = bytearray()
        self._job = job

    def add(self, chosen: array[int], times: array[int]) -> None:
        """Put some at the end."""
        self.indices.extend(chosen)
        self.times.extend(times)

    def put(self, chosen: array[int], time: int, domain: int) -> None:
        """Put some who go at the same time at the end."""
        self.indices.extend(chosen)
        self.times.extend(array("q", [time]) * len(chosen))
        self.domains.extend(bytes([domain]) * len(chosen))

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
            domains = bytes(self.domains[:due])
            self._job.queue = Queue(self.indices[:due], self.times[:due], placing.late, domains)
