"""Every contact of a job in exactly one spot, with its nominal time where it has one."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Set
from datetime import datetime
from itertools import compress
from operator import mul

from ..dataclass import dataclass
from ..model.campaign import Campaign
from ..model.contacts import Audience
from ..model.plan import Spot
from ..ports import Condition
from .agenda import Entry, continuous
from .columns import Constant, Times, among, flags, indices, spread, table, timed, turn
from .history import JobHistory
from .quietness import Quietness, by_pairs

_WAITING = (Spot.DUE, Spot.LATER, Spot.MISSED, Spot.QUIET_HELD)
_AFTER_FIRST = table(
    (
        (Spot.FAILED, Spot.FIRST_STEP_FAILED),
        (Spot.CANCELLED, Spot.CANCELLED),
        *((spot, Spot.NOT_ENROLLED) for spot in Spot if spot.excluded),
    ),
    Spot.LATER,
)
"""Where a later step's contacts stand by their spot in the first; the rest wait for it."""


@dataclass(slots=True)
class Placing:
    """Two columns over an audience: ``spots``, and ``nominal`` times (0: none yet).

    A time counts for those who wait (DUE, LATER, held); a contact that waits for its time stands
    at LATER until it is paced.  ``late``: these joined a continuous drip after its start.
    ``loud``: a flag for each whose mail goes in the quiet time all the same, b"" for nobody.
    """

    spots: bytearray
    nominal: Times
    late: bool = False
    loud: bytes = b""


@dataclass(frozen=True, slots=True)
class PlacingInputs:
    """What placing one job needs besides the job: the audience, the clock, the first step.

    ``first``: the placing and history of the drip's first step, None for the first step itself
    and for campaigns that are no drip.  ``sent``: keys sent, by step id, for ``only_if``;
    ``before``: the placings of earlier steps, by step id.  ``until``: conditions are asked only
    of contacts due by then.  ``quiet``: when contacts are not mailed; ``asked``: since when a
    campaign without a time of its own has been wanted, 0 for others.
    """

    campaign: Campaign
    audience: Audience
    now: int
    until: int
    condition: Condition | None = None
    first: tuple[Placing, JobHistory] | None = None
    sent: Mapping[str, Set[bytes]] | None = None
    before: Mapping[str, Placing] | None = None
    quiet: Quietness | None = None
    asked: int = 0


def place(entry: Entry, inputs: PlacingInputs) -> Placing:
    """Place every contact of the audience: claimed, excluded, cancelled, or waiting (LATER)."""
    size = len(inputs.audience)
    placing = Placing(bytearray([Spot.LATER]) * size, Constant(0, size))
    _place_claimed(entry.history, inputs.audience, placing.spots)
    if inputs.campaign.status == "cancelled":
        turn(placing.spots, Spot.LATER, Spot.CANCELLED)
        return placing
    if entry.history.closed is not None and not enrols_late(entry, inputs.campaign):
        _leave_out_joiners(_owed_still(entry.history, inputs), inputs.audience, placing.spots)
    _set_nominal(entry, inputs, placing)
    _count_from_decisions(entry.history, inputs, placing)
    if inputs.quiet is not None and Spot.LATER in placing.spots:
        _defer(inputs.quiet, inputs, placing)
    if inputs.condition is not None:
        _ask(inputs.condition, inputs, placing)
    return placing


def _place_claimed(history: JobHistory, audience: Audience, spots: bytearray) -> None:
    """Mark what the ledger knows."""
    for spot, members in history.standing:
        if members:
            _put(spots, among(audience.keys, members), spot)


def _put(spots: bytearray, chosen: bytes, spot: Spot) -> None:
    """Everybody who is chosen is at this spot now."""
    if len(spots) == spots.count(Spot.LATER):
        spots[:] = chosen.translate(table(((0, Spot.LATER), (1, spot))))
        return
    for index in indices(chosen):
        spots[index] = spot


def _owed_still(history: JobHistory, inputs: PlacingInputs) -> Set[bytes]:
    """Who gets a closed job's mail after all."""
    if inputs.first is None:
        return history.released
    return history.released | history.reopened_by(inputs.first[1])


def _leave_out_joiners(owed: Set[bytes], audience: Audience, spots: bytearray) -> None:
    """Of a job that is over, only those are owed it."""
    still = bytes(map(owed.__contains__, audience.keys))
    back = [i for i in indices(still) if spots[i] == Spot.LATER]
    turn(spots, Spot.LATER, Spot.JOINED_LATER)
    for index in back:
        spots[index] = Spot.LATER


def _set_nominal(entry: Entry, inputs: PlacingInputs, placing: Placing) -> None:
    if inputs.first is not None:
        _follow_first_step(entry, inputs, placing, inputs.first)
    elif enrols_late(entry, inputs.campaign):
        placing.late = Spot.LATER in placing.spots
        placing.nominal = Constant(inputs.now, len(inputs.audience))
    else:
        placing.nominal = _by_zone(entry, inputs.audience)


def _by_zone(entry: Entry, audience: Audience) -> Times:
    """When it is due for each contact, whoever it is: a million live in a few hundred zones."""
    if not entry.timing.by_recipient:
        return Constant(entry.timing.nominal(""), len(audience))
    zones = audience.fields["timezone"]
    due = {zone: entry.timing.nominal(zone) for zone in set(zones)}
    return array("q", map(due.__getitem__, zones))


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
    first_step: tuple[Placing, JobHistory],
) -> None:
    """Later steps: only who got the first one, counted from its time."""
    first, history = first_step
    own = placing.spots
    placing.spots = first.spots.translate(_AFTER_FIRST)
    for index in indices(flags(own, *(spot for spot in Spot if spot != Spot.LATER))):
        placing.spots[index] = own[index]
    # the rest wait for their first step: LATER, without a time of their own
    due, got = _by_zone(entry, inputs.audience), flags(first.spots, Spot.SENT)
    placing.nominal = due if 0 not in got else array("q", map(mul, got, due))
    if history.enrolled:
        _count_from_enrolment(entry, inputs.audience, placing, history.enrolled, got)


def _count_from_enrolment(
    entry: Entry,
    audience: Audience,
    placing: Placing,
    enrolled: Mapping[bytes, datetime],
    got: bytes,
) -> None:
    joined = bytes(map(enrolled.__contains__, audience.keys))
    nominal, zones = spread(placing.nominal), audience.fields["timezone"]
    for index, key in zip(indices(joined), compress(audience.keys, joined), strict=True):
        if got[index]:
            nominal[index] = entry.timing.after(enrolled[key], zones[index])
    placing.nominal = nominal


def _count_from_decisions(history: JobHistory, inputs: PlacingInputs, placing: Placing) -> None:
    """What a person made due again is as late as that decision, not as the first attempt."""
    if not history.decided:
        return
    decided = bytes(map(history.decided.__contains__, inputs.audience.keys))
    nominal, keys = spread(placing.nominal), inputs.audience.keys
    for index, key in zip(indices(decided), compress(keys, decided), strict=True):
        if nominal[index]:
            nominal[index] = max(nominal[index], int(history.decided[key].timestamp()))
    placing.nominal = nominal


def _defer(quiet: Quietness, inputs: PlacingInputs, placing: Placing) -> None:
    """What is due in the quiet time is due at its end, if that is not too far away."""
    zones, nominal = inputs.audience.fields["timezone"], placing.nominal
    over: Times = Constant(0, len(zones))
    if not placing.late:

        def too_long(time: int, zone: str) -> int:
            return quiet.too_long(inputs.asked or time, zone)

        over = by_pairs(nominal, zones, too_long)
    later = by_pairs(nominal, zones, quiet.end)
    if 1 not in over:
        placing.nominal = later
        return
    chosen = timed(flags(placing.spots, Spot.LATER), over)
    if quiet.quiet.on_exceeded == "send":
        placing.loud = chosen
    else:
        held = quiet.quiet.on_exceeded == "hold"
        _put(placing.spots, chosen, Spot.QUIET_HELD if held else Spot.QUIET_HOURS)
    # those who do not wait for its end keep the time that they were meant to have
    times = zip(nominal, later, chosen, strict=True)
    placing.nominal = array("q", (time if chosen else end for time, end, chosen in times))


def _ask(condition: Condition, inputs: PlacingInputs, placing: Placing) -> None:
    """Ask ``only_if`` of everyone whose time has come.

    Whoever the answer is not known for yet waits for it: LATER, without a time.
    """
    nominal = placing.nominal
    for index in indices(flags(placing.spots, Spot.LATER)):
        if not 0 < nominal[index] <= inputs.until:
            continue
        sent = _WasSent(inputs, index, nominal[index])
        wanted = condition(inputs.audience.contact(index), sent)
        if wanted and not sent.unknown:
            continue
        if not sent.unknown:
            placing.spots[index] = Spot.ONLY_IF
        placing.nominal = nominal = spread(nominal)
        nominal[index] = 0


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
        if before is not None:
            spot = before.spots[self.index]
            waits = spot in _WAITING and before.nominal[self.index] <= self.time
            self.unknown |= waits or spot in (Spot.IN_DOUBT, Spot.IN_FLIGHT)
        return self.inputs.audience.keys[self.index] in (self.inputs.sent or {}).get(step, ())
