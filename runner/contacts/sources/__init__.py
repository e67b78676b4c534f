"""Where contacts come from: one module a kind of source, all read as blocks of columns."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ...errors import InputError, Problem
from ...model.contacts import ContactList, FileSource, InlineSource
from ...ports import Files
from .delimited import open_delimited
from .fetchers import describe
from .inline import open_inline
from .table import Block, Table

__all__ = ["Block", "Table", "open_table"]


def open_table(contact_list: ContactList, files: Files) -> AbstractContextManager[Table]:
    """The rows of a list.  Raises InputError when the source has no readable header."""
    source = contact_list.source
    if isinstance(source, InlineSource):
        return open_inline(source, contact_list.columns, contact_list.place)
    if isinstance(source, FileSource):
        return open_delimited(source, files, contact_list.place)
    place = contact_list.place
    message = f"{describe(source)} cannot be fetched by this version of sendoff"
    raise InputError([Problem(place.path, place.line, place.column, message)])
