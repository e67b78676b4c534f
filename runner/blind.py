"""A plan without the state key, as on a pull request: the numbers are right, the people a guess."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import replace

from .model.contacts import KEY_BYTES, Audience
from .model.keys import KeyColumn, KeySet, packed_keys
from .model.packed import PIECE, pieces
from .overflow import Overflow
from .planning.history import CampaignHistory


def stand_in(audience: Audience, history: CampaignHistory) -> Audience:
    """The audience as if those whom the ledger knows were the first of the list.

    The numbers of jobs under way come out as they are, as long as the list has not changed much.
    """
    size, keys, column = len(audience) * KEY_BYTES, Overflow(), type(audience.keys)
    for piece in pieces(_known(history, column).packed):
        keys.append(piece[: size - len(keys)])
    for start in range(0, (size - len(keys)) // KEY_BYTES, PIECE):
        others = array("Q", range(start, start + PIECE)).tobytes()
        keys.append(others[: size - len(keys)])
    return replace(audience, keys=column(keys.closed()))


def _known(history: CampaignHistory, column: type[KeyColumn]) -> KeyColumn:
    """Everybody of whom the ledger says something, once."""
    known = Overflow()
    for job in history.jobs.values():
        columns: tuple[Iterable[bytes], ...] = (
            job.sent,
            job.failed,
            job.in_doubt,
            job.in_flight,
            job.released,
        )
        for keys in columns:
            in_order = keys if isinstance(keys, KeySet) else sorted(keys)
            for piece in pieces(packed_keys(in_order)):
                known.append(piece)
    found = column(known.closed())
    once = bytearray([1]) * len(found)
    for _, row in found.repeated():
        once[row] = 0
    return found.only(bytes(once))
