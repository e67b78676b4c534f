"""Any list as a table: what lies in the workspace as it is, what is fetched from its copy."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast

from ..errors import LIST_UNREAD, InputError, Problem
from ..model.contacts import ContactList, FileSource, InlineSource
from ..model.sources import FetchedSource
from ..ports import Files
from .layout import lay_out
from .sources import Table, open_local, read_raw
from .sources.cache import Copy
from .sources.fetchers import describe
from .sources.raw import RawFile
from .sources.refreshing import FetchedLists, Taken, length


class Sources:
    """Opens lists.  ``fetched``: None where nothing can be fetched."""

    def __init__(self, files: Files, fetched: FetchedLists | None = None) -> None:
        self._files = files
        self._fetched = fetched

    def open(self, contact_list: ContactList) -> AbstractContextManager[Table]:
        """The rows of a list.  Raises InputError: no readable header, or not to be fetched."""
        source = contact_list.source
        if isinstance(source, FileSource | InlineSource):
            return open_local(contact_list, source, self._files)
        return _open_copy(contact_list, self._take(contact_list, self._fetched).copy)

    def taken(self, contact_list: ContactList) -> Taken | None:
        """The copy of a list that is fetched; None for one that is not.  Raises InputError."""
        if isinstance(contact_list.source, FileSource | InlineSource):
            return None
        return self._take(contact_list, self._fetched)

    def warnings(self, contact_list: ContactList) -> tuple[Problem, ...]:
        """That an old copy had to do, if it had to."""
        taken, place = self.taken(contact_list), contact_list.refresh_place
        if taken is None or not taken.failure:
            return ()
        name, age = contact_list.name, length(taken.age)
        message = f"the list {name} is a copy {age} old: {taken.failure}"
        hint = "see it fetched with: sendoff lists --refresh"
        return (
            Problem(place.path, place.line, place.column, message, hint, "list_stale", "warning"),
        )

    def _take(self, contact_list: ContactList, fetched: FetchedLists | None) -> Taken:
        if fetched is None:
            place = contact_list.refresh_place
            message = f"the list {contact_list.name} is not fetched here"
            raise InputError(
                [Problem(place.path, place.line, place.column, message, code=LIST_UNREAD)]
            )
        return fetched.take(contact_list, _rows)


def _rows(contact_list: ContactList, copy: Copy) -> int:
    """How many rows a copy has, read to its end.  Raises InputError where it is no list."""
    with _open_copy(contact_list, copy) as table:
        lay_out(contact_list, table)
        return sum(len(block.lines) for block in table.blocks)


def _open_copy(contact_list: ContactList, copy: Copy) -> AbstractContextManager[Table]:
    form = copy.facts.form
    name = describe(cast("FetchedSource", contact_list.source))
    source = FileSource(name, form.format, form.compressed, form.encoding, form.delimiter)
    return read_raw(RawFile(source, copy.sealed), contact_list.place)
