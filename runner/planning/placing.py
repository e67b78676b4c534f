"""Every contact of a job in exactly one spot, with its nominal time where it has one."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from ..model.campaign import Campaign
from ..model.contacts import Audience
from ..model.plan import Spot
from ..ports import Condition
from .agenda import Entry, continuous
from .history import JobHistory
from .timing import nominal_by_zone

_CLAIMED = (Spot.SENT, Spot.FAILED, Spot.IN_DOUBT, Spot.IN_FLIGHT)
_OPEN = (Spot.IN_DOUBT, Spot.IN_FLIGHT, Spot.DUE, Spot.LATER, Spot.MISSED)


@dataclass(slots=True)
class Placing:
    """Two columns over an audience: ``spots``, and ``nominal`` times (0: none yet).

    ``late``: whether a contact joined a continuous drip after its start (by index; first step).
    A contact that waits for its time stands at LATER until it is paced.
    """

    spots: bytearray
    nominal: array[int]
    late: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class PlacingInputs:
    """What placing one job needs besides the job: the audience, the clock, the first step.

    ``first``: the placing and history of the drip's first step, None for the first step itself
    and for campaigns that are no drip.  ``sent``: keys sent, by step id, for ``only_if``;
    ``before``: the placings of earlier steps, by step id.  ``until``: conditions are asked only
    of contacts due by then.
    """

    campaign: Campaign
    audience: Audience
    now: int
    until: int
    condition: Condition | None = None
    first: tuple[Placing, JobHistory] | None = None
    sent: Mapping[str, Set[bytes]] | None = None
    before: Mapping[str, Placing] | None = None


def place(entry: Entry, inputs: PlacingInputs) -> Placing:
    """Place every contact of the audience: claimed, excluded, cancelled, or waiting (LATER)."""
    size = len(inputs.audience)
    placing = Placing(bytearray([Spot.LATER]) * size, array("q", bytes(8 * size)))
    waiting = _place_claimed(entry.history, inputs, placing)
    if inputs.campaign.status == "cancelled":
        _mark(placing, waiting, Spot.CANCELLED)
        return placing
    if entry.history.closed is not None and not enrols_late(entry, inputs.campaign):
        released = _owed_still(entry.history, inputs)
        late = [i for i in waiting if inputs.audience.keys[i] not in released]
        _mark(placing, late, Spot.JOINED_LATER)
        waiting = [i for i in waiting if inputs.audience.keys[i] in released]
    _set_nominal(entry, inputs, placing, waiting)
    _count_from_decisions(entry.history, inputs, placing, waiting)
    if inputs.condition is not None:
        _ask(inputs.condition, inputs, placing)
    return placing


def _owed_still(history: JobHistory, inputs: PlacingInputs) -> Set[bytes]:
    """Who gets a closed job's mail after all."""
    if inputs.first is None:
        return history.released
    return history.released | history.reopened_by(inputs.first[1])


def _mark(placing: Placing, indices: Sequence[int], spot: Spot) -> None:
    for index in indices:
        placing.spots[index] = spot
        placing.nominal[index] = 0


def _place_claimed(history: JobHistory, inputs: PlacingInputs, placing: Placing) -> list[int]:
    """Mark what the ledger knows; returns the indices of all others."""
    sets = (history.sent, history.failed, history.in_doubt, history.in_flight)
    known = [(spot, keys) for spot, keys in zip(_CLAIMED, sets, strict=True) if keys]
    if not known:
        return list(range(len(inputs.audience)))
    waiting = []
    for index, key in enumerate(inputs.audience.keys):
        for spot, keys in known:
            if key in keys:
                placing.spots[index] = spot
                break
        else:
            waiting.append(index)
    return waiting


def _set_nominal(entry: Entry, inputs: PlacingInputs, placing: Placing, waiting: list[int]) -> None:
    if inputs.first is not None:
        _follow_first_step(entry, inputs, placing, waiting, inputs.first)
        return
    nominal = nominal_by_zone(entry.timing)
    zones = inputs.audience.fields["timezone"]
    if enrols_late(entry, inputs.campaign):
        placing.late = frozenset(waiting)
    for index in waiting:
        placing.nominal[index] = inputs.now if placing.late else nominal(zones[index])


def enrols_late(entry: Entry, campaign: Campaign) -> bool:
    """True when whoever is new now counts delays from now: a continuous drip whose enrolment at
    the start is complete.

    Until then nobody is late: those who are there at the start go by the start's clock, however
    late the first run comes.
    """
    return continuous(campaign) and entry.history.closed is not None


def _follow_first_step(
    entry: Entry,
    inputs: PlacingInputs,
    placing: Placing,
    waiting: list[int],
    first_step: tuple[Placing, JobHistory],
) -> None:
    """Later steps: only who got the first one, counted from its time."""
    first, history = first_step
    nominal = nominal_by_zone(entry.timing)
    zones = inputs.audience.fields["timezone"]
    for index in waiting:
        key, spot = inputs.audience.keys[index], first.spots[index]
        if spot == Spot.FAILED:
            placing.spots[index] = Spot.FIRST_STEP_FAILED
        elif spot == Spot.SENT:
            joined = history.enrolled.get(key)
            placing.nominal[index] = (
                nominal(zones[index])
                if joined is None
                else entry.timing.after(joined, zones[index])
            )
        elif Spot(spot).excluded:
            placing.spots[index] = Spot.NOT_ENROLLED
        elif spot == Spot.CANCELLED:
            placing.spots[index] = Spot.CANCELLED
        # the rest wait for their first step: LATER, without a time of their own


def _count_from_decisions(
    history: JobHistory, inputs: PlacingInputs, placing: Placing, waiting: list[int]
) -> None:
    """What a person made due again is as late as that decision, not as the first attempt."""
    if not history.decided:
        return
    for index in waiting:
        decided = history.decided.get(inputs.audience.keys[index])
        if decided is not None and placing.nominal[index]:
            placing.nominal[index] = max(placing.nominal[index], int(decided.timestamp()))


def _ask(condition: Condition, inputs: PlacingInputs, placing: Placing) -> None:
    """Ask ``only_if`` of everyone whose time has come.

    Whoever the answer is not known for yet waits for it: LATER, without a time.
    """
    for index, spot in enumerate(placing.spots):
        if spot != Spot.LATER or not 0 < placing.nominal[index] <= inputs.until:
            continue
        sent = _WasSent(inputs, index, placing.nominal[index])
        wanted = condition(inputs.audience.contact(index), sent)
        if wanted and not sent.unknown:
            continue
        if not sent.unknown:
            placing.spots[index] = Spot.ONLY_IF
        placing.nominal[index] = 0


@dataclass(slots=True)
class _WasSent:
    """``sent(step)`` for one contact, and whether some answer was a guess: the step is in doubt,
    under way, or should have gone by ``time`` and has not."""

    inputs: PlacingInputs
    index: int
    time: int
    unknown: bool = False

    def __call__(self, step: str) -> bool:
        before = (self.inputs.before or {}).get(step)
        if before is not None and before.spots[self.index] in _OPEN:
            self.unknown |= before.nominal[self.index] <= self.time
        return self.inputs.audience.keys[self.index] in (self.inputs.sent or {}).get(step, ())
