"""Who the rows of a list are: their addresses as they go on an envelope, and their keys."""

from __future__ import annotations

from collections.abc import Sequence

from ..dataclass import dataclass
from ..model.contacts import KEY_BYTES, NO_KEY
from . import frames
from .addresses import PLAIN, PLAIN_LONGEST, SPECIAL, forms, read_addresses
from .keys import Keyer


@dataclass(frozen=True, slots=True)
class Identities:
    """Columns of equal length: addresses ('' when not valid) and packed contact keys (NO_KEY).

    ``invalid``: the rows of those that are not valid, ascending.
    """

    emails: Sequence[str]
    keys: bytearray
    invalid: list[int]


def identify(raw: Sequence[str], keyer: Keyer) -> Identities:
    """What stands in an address column, row by row."""
    if isinstance(raw, frames.SeriesColumn) and keyer.text is not None:
        return _quickly(raw, keyer, keyer.text)
    found = read_addresses(raw)
    keys = bytearray(keyer.pack(found.matching))
    for row in found.invalid:
        keys[row * KEY_BYTES : (row + 1) * KEY_BYTES] = NO_KEY
    return Identities(found.envelopes, keys, found.invalid)


def _quickly(raw: frames.SeriesColumn, keyer: Keyer, secret: str) -> Identities:
    """The same with polars, the unusual ones one by one."""
    checked = frames.check(raw, frames.Plain(PLAIN, SPECIAL, PLAIN_LONGEST), secret)
    keys, invalid, envelopes = checked.keys, list[int](), list[str]()
    for row, text in zip(checked.unusual, checked.emails.take(checked.unusual), strict=True):
        pair = forms(text)
        key = NO_KEY if pair is None else keyer.pack([pair[1].encode()])
        keys[row * KEY_BYTES : (row + 1) * KEY_BYTES] = key
        envelopes.append("" if pair is None else pair[0])
        if pair is None:
            invalid.append(row)
    emails = frames.with_values(checked.emails, checked.unusual, envelopes)
    return Identities(emails, keys, invalid)
