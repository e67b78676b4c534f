"""Which rows of a list are mailed: one pass over the keys of all rows, at the end.

A person is a contact key.  The first of a person's rows stands for all of them; a ban in any of
the rows is a ban for the person, and the further rows are duplicates.
"""

from __future__ import annotations

from itertools import compress, count

from ..model.contacts import REASONS, Reason
from ..model.keys import KeyColumn

MAILED = 0
"""A verdict; each other one is a reason: its place among REASONS, and one."""


def verdict_of(reason: Reason) -> int:
    """The verdict that stands for a reason."""
    return REASONS.index(reason) + 1


_INVALID = verdict_of("invalid_address")
_DUPLICATE = verdict_of("duplicate")
_SUPPRESSED = verdict_of("suppressed")
NOBODY = frozenset({_INVALID, _DUPLICATE})
"""Verdicts of rows that stand for nobody."""
OUT = bytes([MAILED, *range(len(REASONS)), *[0] * (255 - len(REASONS))])
"""Translates verdicts of rows that are out into places among REASONS."""
IS_MAILED = bytes([1, *[0] * 255])
"""Translates verdicts into a mask of the rows that are mailed."""


def judge(keys: KeyColumn, bans: bytearray, suppressed: KeyColumn) -> bytes:
    """A verdict for each row.

    ``keys``: the rows' contact keys.  ``bans``: what speaks against each row itself, as a
    verdict; becomes the answer.
    """
    _settle_duplicates(keys, bans)
    if suppressed:
        for row in compress(count(), keys.among(suppressed)):
            if bans[row] == MAILED or bans[row] > _SUPPRESSED:
                bans[row] = _SUPPRESSED
    return bytes(bans)


def _settle_duplicates(keys: KeyColumn, bans: bytearray) -> None:
    """The first row of a person gets the strongest ban of all of them, the others a verdict."""
    instead: dict[int, int] = {}
    for first, row in keys.repeated():
        if bans[row] == _INVALID:
            continue
        head = first
        if bans[first] == _INVALID:  # stands for nobody, so the next one is the person's first
            head = instead.setdefault(first, row)
        if head != row:
            bans[head] = min(filter(None, (bans[head], bans[row])), default=MAILED)
            bans[row] = _DUPLICATE
