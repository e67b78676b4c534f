"""Contacts written in the list file itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...model.campaign import Place
from ...model.contacts import ColumnMap, InlineSource
from .table import BLOCK_ROWS, Block, Table


@contextmanager
def open_inline(source: InlineSource, columns: ColumnMap, place: Place) -> Iterator[Table]:
    """The header is every name that a contact has; who lacks one has '' there.

    Without a single contact, it is what the list's ``columns`` speak of.
    """
    names = dict.fromkeys(name for contact in source.contacts for name in contact)
    spoken_of = (columns.email, columns.timezone, columns.opted_out, columns.bounced)
    expected = (*spoken_of, columns.consent, *columns.fields.values())
    header = tuple(names) if source.contacts else tuple(dict.fromkeys(filter(None, expected)))
    yield Table(place.path, header, place.line, _blocks(source, header))


def _blocks(source: InlineSource, header: tuple[str, ...]) -> Iterator[Block]:
    for start in range(0, len(source.contacts), BLOCK_ROWS):
        some = source.contacts[start : start + BLOCK_ROWS]
        columns = [[contact.get(name, "") for contact in some] for name in header]
        yield Block(source.lines[start : start + BLOCK_ROWS], columns)
