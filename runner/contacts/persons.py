"""Which rows of a list are mailed: one pass over the keys of all rows, at the end.

A person is a contact key.  The first of a person's rows stands for all of them; a ban in any of
the rows is a ban for the person, and the further rows are duplicates.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection

from ..model.contacts import REASONS, Reason
from ..model.keys import KEY_WIDTH, in_parts, rows_of

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
IS_OUT = bytes([0, *[1] * 255])
"""Translates verdicts into a mask of those that are not."""


def judge(packed: bytes, bans: bytearray, suppressed: Collection[bytes]) -> bytes:
    """A verdict for each row.

    ``packed``: the rows' contact keys.  ``bans``: what speaks against each row itself, as a
    verdict; becomes the answer.
    """
    _settle_duplicates(packed, bans)
    if suppressed:
        for row in rows_of(packed, set(array("Q", b"".join(suppressed)))):
            if bans[row] == MAILED or bans[row] > _SUPPRESSED:
                bans[row] = _SUPPRESSED
    return bytes(bans)


def _settle_duplicates(packed: bytes, bans: bytearray) -> None:
    """The first row of a person gets the strongest ban of all of them, the others a verdict."""
    repeated = _repeated(packed)
    if not repeated:
        return
    first: dict[bytes, int] = {}
    for row in rows_of(packed, repeated):
        if bans[row] == _INVALID:
            continue
        head = first.setdefault(packed[row * KEY_WIDTH : (row + 1) * KEY_WIDTH], row)
        if head != row:
            bans[head] = min(filter(None, (bans[head], bans[row])), default=MAILED)
            bans[row] = _DUPLICATE


def _repeated(packed: bytes) -> set[int]:
    """The keys that are there more than once, as numbers."""
    found: set[int] = set()
    for numbers in in_parts(packed):
        seen: set[int] = set()
        add = seen.add
        found.update(number for number in numbers if number in seen or add(number))
    return found
