"""Several lists as one, and a list less another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, compress, count
from typing import TypeVar

from ..model.columns import CodedColumn, Column, take
from ..model.keys import KeyColumn
from .audience import Rows
from .persons import MAILED, judge, verdict_of

T = TypeVar("T")

_DUPLICATE, _MINUS = verdict_of("duplicate"), verdict_of("minus")
_ANEW = bytes(MAILED if verdict == _DUPLICATE else verdict for verdict in range(256))
"""Translates the verdicts of a list: who is a duplicate is found out for all of them together, and
what spoke against such a row was said of the person's first."""
_YIELDS = bytes(verdict == MAILED or verdict > _MINUS for verdict in range(256))
"""Verdicts that being in a list that is left out is stronger than."""


def union(parts: Sequence[Rows]) -> Rows:
    """All rows, list after list.

    A person's first row stands for the person, and a ban in any of the lists is a ban.  A field
    that a list does not have is '' for its contacts.
    """
    if len(parts) == 1:
        return parts[0]
    keys = parts[0].keys.followed_by(*(part.keys for part in parts[1:]))
    bans = bytearray().join(part.verdicts.translate(_ANEW) for part in parts)
    emails = Joined([part.emails for part in parts])
    fields = dict.fromkeys(chain.from_iterable(part.fields for part in parts))
    names = [part.list_name for part in parts]
    numbers = bytearray().join(bytes([at]) * len(part.emails) for at, part in enumerate(parts))
    return Rows(
        list_name=",".join(names),
        emails=emails,
        fields={**{name: _field(parts, name) for name in fields}, "email": emails},
        lines=Joined([part.lines for part in parts]),
        keys=keys,
        verdicts=judge(keys, bans, KeyColumn()),
        origins=CodedColumn(bytes(numbers), names),
    )


def _field(parts: Iterable[Rows], name: str) -> Joined[str]:
    return Joined(
        [part.fields.get(name) or CodedColumn(bytes(len(part.emails)), ("",)) for part in parts]
    )


def minus(rows: Rows, others: Iterable[Rows]) -> bytes:
    """The verdicts where whoever is in one of ``others``, mailed there or not, is left out."""
    first, *more = others
    out = rows.keys.among(first.keys.followed_by(*(other.keys for other in more)))
    verdicts = bytearray(rows.verdicts)
    for row in compress(count(), out):
        # a row without an address has the key that all such rows have
        if _YIELDS[verdicts[row]]:
            verdicts[row] = _MINUS
    return bytes(verdicts)


class Joined(Column[T]):
    """Columns behind each other."""

    __slots__ = ("_ends", "_parts")

    def __init__(self, parts: Sequence[Sequence[T]]) -> None:
        self._parts = parts
        self._ends = list(accumulate(map(len, parts)))

    def take(self, indices: Sequence[int]) -> list[T]:
        """See ``Column``."""
        found: dict[int, T] = {}
        for part, end in zip(self._parts, self._ends, strict=True):
            start = end - len(part)
            mine = [index for index in indices if start <= index < end]
            values = take(part, [index - start for index in mine])
            if len(mine) == len(indices):
                return values
            found.update(zip(mine, values, strict=True))
        return [found[index] for index in indices]

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._parts)
