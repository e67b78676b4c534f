"""What all campaigns together have sent, or may have: what the caps of a workspace count.

From the ledger alone, so that caps hold across runs, crashes and runners.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import field
from datetime import datetime
from itertools import compress

from ..dataclass import dataclass
from ..model.ledger import Claim, Record
from .domains import Domains
from .history import Facts, claims_with_facts
from .ranges import expand_times, outcome_ranges, split_keys


@dataclass(frozen=True, slots=True)
class Wanted:
    """From when on (epoch seconds) sends count: ``times`` of all of them, ``contacts`` for those
    to one contact; None: nobody asks."""

    times: int | None = None
    contacts: int | None = None
    domains: Domains | None = None

    @property
    def since(self) -> int:
        """The earlier of the two."""
        return min(s for s in (self.times, self.contacts) if s is not None)


@dataclass(slots=True)
class Usage:
    """Send times (epoch seconds, unsorted): of all, by the number of a domain's cap, by contact.

    A mail that may have left late counts at the latest time at which it can have left, what is in
    doubt counts as sent.
    """

    times: array[int] = field(default_factory=lambda: array("q"))
    domains: dict[int, array[int]] = field(default_factory=dict)
    contacts: dict[bytes, tuple[int, ...]] = field(default_factory=dict)

    def add(
        self, records: Iterable[Record], now: datetime, wanted: Wanted, *, resends: str = ""
    ) -> None:
        """Count a campaign's records; ``resends`` as for ``history.fold``."""
        for claim, facts in claims_with_facts(records):
            left = _left(claim, facts, now)
            last = max(first + step * (count - 1) for first, step, count in claim.times)
            if max(last, left) > wanted.since:
                kinds = list(_kinds(claim, facts, now, resends))
                times = [max(time, left) for time in expand_times(claim.times)]
                self._count_times(claim, kinds, times, wanted)
                self._count_contacts(claim, kinds, times, wanted)

    def _count_times(
        self, claim: Claim, kinds: list[tuple[str, int, int]], times: list[int], wanted: Wanted
    ) -> None:
        if wanted.times is None:
            return
        kept = bytearray(len(times))
        for kind, start, stop in kinds:
            if kind != "released":
                kept[start:stop] = bytes([1]) * (stop - start)
        self.times.extend(t for t in compress(times, kept) if t > wanted.times)
        if wanted.domains is None:
            return
        for number, flags in wanted.domains.counted(claim.domains, len(times)):
            both = compress(compress(times, kept), compress(flags, kept))
            found = self.domains.setdefault(number, array("q"))
            found.extend(t for t in both if t > wanted.times)

    def _count_contacts(
        self, claim: Claim, kinds: list[tuple[str, int, int]], times: list[int], wanted: Wanted
    ) -> None:
        if wanted.contacts is None:
            return
        keys, shared = split_keys(claim.keys), (0,)
        for kind, start, stop in kinds:
            if kind in ("released", "failed"):
                continue
            for key, time in zip(keys[start:stop], times[start:stop], strict=True):
                if time > wanted.contacts:
                    # most were sent at the same time as the one before
                    shared = shared if shared[0] == time else (time,)
                    before = self.contacts.get(key)
                    self.contacts[key] = shared if before is None else (*before, time)


def _left(claim: Claim, facts: Facts, now: datetime) -> int:
    """Until when a mail left at the latest that was late at its time: by the receipt, or, where
    there is none, by now or the end of the lease."""
    if facts.receipts:
        return int(max(receipt.at for receipt in facts.receipts).timestamp())
    return int(min(now, claim.lease_until).timestamp())


def _kinds(
    claim: Claim, facts: Facts, now: datetime, resends: str
) -> Iterator[tuple[str, int, int]]:
    for kind, (start, count), _ in outcome_ranges(claim, facts.receipts, facts.resolutions, now):
        again = kind == "in_doubt" and resends and claim.provider == resends
        yield "released" if again else kind, start, start + count
