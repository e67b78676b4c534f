"""The room's front door: lists in, audiences out, each source read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from ..dataclass import dataclass
from ..errors import InputError, Problem
from ..model.contacts import Audience, ContactList, FileSource, InlineSource, Reason, Selection
from ..ports import Files
from .addresses import fault, normalise
from .audience import Reading, Rows, Rules, mailed, read_list
from .keys import Keyer, contact_key
from .layout import lay_out
from .opening import Sources
from .sources.fetchers import describe
from .sources.refreshing import FetchedLists, Taken
from .suppressions import read_suppressions


@dataclass(frozen=True, slots=True)
class Inspection:
    """What there is to say about a list: ``rows`` is ``audience`` and all of ``excluded``."""

    name: str
    rows: int
    audience: int
    excluded: Mapping[str, int]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Where a person stands in a list, and why that row is not mailed ('' when it is)."""

    line: int
    reason: Reason | Literal[""] = ""


class ContactLists:
    """Reads lists; remembers what it read for as long as it lives.

    ``secret``: the state key.  ``suppressions``: paths of suppression files.
    ``suppressed_keys``: contact keys that the state knows as suppressed.  ``fetched``: how lists
    are had that lie elsewhere.  No file is touched before it is needed.
    """

    def __init__(
        self,
        files: Files,
        secret: bytes,
        suppressions: Sequence[str] = (),
        suppressed_keys: Iterable[bytes] = (),
        fetched: FetchedLists | None = None,
    ) -> None:
        self._files = files
        self._sources = Sources(files, fetched)
        self._secret = secret
        self._suppressions = tuple(suppressions)
        self._suppressed_keys = frozenset(suppressed_keys)
        self._rules: Rules | None = None
        self._readings: dict[str, tuple[ContactList, Reading]] = {}
        self._combined: dict[tuple[tuple[str, ...], tuple[str, ...]], Rows] = {}
        self._audiences: dict[tuple[tuple[str, ...], tuple[str, ...], str], Audience] = {}

    def columns(self, contact_list: ContactList) -> frozenset[str]:
        """The fields that a contact of this list has; reads the header and no more.

        Raises InputError.
        """
        with self._sources.open(contact_list) as table:
            return lay_out(contact_list, table).names

    def read(self, contact_list: ContactList, where: str = "") -> Audience:
        """The audience of a list, or of its segment ``where``.

        Raises InputError with every problem: never a shorter list.
        """
        return self.select(Selection((contact_list,), where=where))

    def select(self, selection: Selection) -> Audience:
        """The audience of several lists, less those in others, or of a segment of that.

        Raises InputError, also for a list that is empty and may not be: who is on it would be
        mailed, or not be mailed, without anybody noticing.
        """
        audience = self._select(selection)
        every = (*selection.lists, *selection.minus)
        notes = tuple(each.message for one in every for each in self._sources.warnings(one))
        return replace(audience, notes=notes) if notes else audience

    def _select(self, selection: Selection) -> Audience:
        readings = [self._reading(one) for one in (*selection.lists, *selection.minus)]
        if selection.plain and not selection.where.strip():
            return readings[0].audience
        names = (_names(selection.lists), _names(selection.minus))
        key = (*names, selection.where)
        if key not in self._audiences:
            if names not in self._combined:
                self._combined[names] = _combined(selection, [one.rows for one in readings])
            self._audiences[key] = _segment(selection, self._combined[names])
        return self._audiences[key]

    def taken(self, contact_list: ContactList) -> Taken | None:
        """The copy of a list that is fetched, None for one that lies here.  Raises InputError."""
        return self._sources.taken(contact_list)

    def key(self, email: str) -> bytes:
        """The contact key of an address.  Raises InputError for one that is not valid."""
        address = normalise(email)
        if address is None:
            message = f"not a valid address: {fault(email)}"
            raise InputError([Problem("command line", 0, 0, message)])
        return contact_key(self._secret, address.matching)

    def warnings(self, contact_list: ContactList) -> tuple[Problem, ...]:
        """What is no error and yet worth a look: bad addresses and time zones, an old copy."""
        return (*self._sources.warnings(contact_list), *self._reading(contact_list).warnings)

    def inspect(self, contact_list: ContactList, where: str = "") -> Inspection:
        """Counts for people.  Raises InputError."""
        audience = self.read(contact_list, where)
        return Inspection(
            name=contact_list.name,
            rows=audience.rows,
            audience=len(audience),
            excluded=audience.excluded.counts(),
            warnings=self.warnings(contact_list),
        )

    def find(self, contact_list: ContactList, email: str, where: str = "") -> tuple[Row, ...]:
        """Every row of the person with this address, by line; empty when there is none.

        Raises InputError, also for an address that is not valid.
        """
        key = self.key(email)
        audience = self.read(contact_list, where)
        out = audience.excluded
        rows = [
            Row(line) for k, line in zip(audience.keys, audience.lines, strict=True) if k == key
        ]
        columns = zip(out.keys, out.lines, out.reasons, strict=True)
        rows += [Row(line, reason) for k, line, reason in columns if k == key]
        return tuple(sorted(rows, key=lambda row: row.line))

    def _reading(self, contact_list: ContactList) -> Reading:
        known = self._readings.get(contact_list.name)
        if known is not None and (known[0] is contact_list or known[0] == contact_list):
            return known[1]
        reading = read_list(contact_list, self._sources, self._all_rules())
        self._readings[contact_list.name] = (contact_list, reading)
        self._combined.clear()
        self._audiences.clear()
        return reading

    def _all_rules(self) -> Rules:
        if self._rules is None:
            keyer = Keyer(self._secret)
            read = partial(
                read_suppressions, self._files, self._suppressions, keyer, self._suppressed_keys
            )
            self._rules = Rules(keyer, read)
        return self._rules


def _names(lists: Sequence[ContactList]) -> tuple[str, ...]:
    return tuple(one.name for one in lists)


def _combined(selection: Selection, parts: Sequence[Rows]) -> Rows:
    """The rows of a selection, whatever its ``where``.  Raises InputError for an empty list."""
    if selection.plain:
        return parts[0]
    from .combining import minus, union  # noqa: PLC0415 - few campaigns combine lists

    every = (*selection.lists, *selection.minus)
    empty = [one for one, rows in zip(every, parts, strict=True) if not len(rows.keys)]
    problems = [_empty(one) for one in empty if not one.allow_empty]
    if problems:
        raise InputError(problems)
    cut = len(selection.lists)
    rows = union(parts[:cut])
    return replace(rows, verdicts=minus(rows, parts[cut:])) if selection.minus else rows


def _empty(contact_list: ContactList) -> Problem:
    place = contact_list.place
    message = f"the list {contact_list.name} is empty, and a campaign combines it with others"
    hint = f"if it may be, write allow_empty: true in {place.path}"
    return Problem(place.path, place.line, place.column, message, hint, "empty_list")


def _segment(selection: Selection, rows: Rows) -> Audience:
    if not selection.where.strip():
        return mailed(rows)
    # Brings Jinja2 along, which a list without segments does not need.
    from .segments import segment  # noqa: PLC0415

    paths = {one.name: _source_path(one) for one in selection.lists}
    named = replace(selection.lists[0], name=rows.list_name)
    return segment(named, rows, selection.where, paths.__getitem__)


def _source_path(contact_list: ContactList) -> str:
    source = contact_list.source
    if isinstance(source, InlineSource):
        return contact_list.place.path
    return source.path if isinstance(source, FileSource) else describe(source)
