"""Lists, contacts and audiences.  Contacts are columns, not objects."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from itertools import chain, compress
from typing import Literal, get_args

from ..dataclass import dataclass
from .campaign import Place
from .columns import CodedColumn, Picked, PickedColumn
from .keys import KEY_WIDTH, KeyColumn
from .sources import FetchedSource, Format, Refresh

KEY_BYTES = KEY_WIDTH
"""The length of a contact key."""

NO_KEY = bytes(KEY_BYTES)
"""Stands in a column of keys where there is none."""

Reason = Literal[
    "invalid_address",
    "duplicate",
    "opted_out",
    "bounced",
    "no_consent",
    "suppressed",
    "minus",
    "segment",
]
"""Why a row of a list is not in the audience, in the order in which reasons win."""

REASONS: tuple[Reason, ...] = get_args(Reason)

_FLIPPED = bytes([1]) + bytes(255)


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Which column of the source holds what; '' means "there is none".

    ``fields`` maps the name used in templates to the column's header.
    """

    email: str = "email"
    timezone: str = ""
    opted_out: str = ""
    bounced: str = ""
    consent: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file beside the list.  ``path`` is relative to the workspace."""

    path: str
    format: Format = "csv"
    compressed: bool = False
    encoding: str = "utf-8"
    delimiter: str = ""


@dataclass(frozen=True, slots=True)
class InlineSource:
    """Contacts written in the list file itself; ``lines`` gives each one's line."""

    contacts: tuple[Mapping[str, str], ...]
    lines: tuple[int, ...]


Source = FileSource | InlineSource | FetchedSource


@dataclass(frozen=True, slots=True)
class ContactList:
    """A named source of contacts (``campaigns/lists/NAME.yaml``).

    ``allow_empty``: having no contacts is no sign that something went wrong.  What ``repr`` shows
    is what a campaign's digest is made of: a change of it holds campaigns that are under way.
    """

    name: str
    source: Source
    columns: ColumnMap
    description: str = ""
    require_consent: bool = False
    place: Place = Place()
    refresh: Refresh = field(default=Refresh(), repr=False)
    refresh_place: Place = field(default=Place(), repr=False)
    allow_empty: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class Selection:
    """Those whom a campaign means: everyone in ``lists``, less everyone in ``minus``, as far as
    ``where`` is true of them ('' for all)."""

    lists: tuple[ContactList, ...]
    minus: tuple[ContactList, ...] = ()
    where: str = ""

    @property
    def plain(self) -> bool:
        """One list, and nothing taken off."""
        return len(self.lists) == 1 and not self.minus

    @property
    def definition(self) -> str:
        """Changes when it may mean others.  That of one list is what it always was: a ledger that
        was begun with it goes on."""
        if self.plain:
            return repr((self.lists[0], self.where))
        return repr((self.lists, self.minus, self.where))


@dataclass(frozen=True, slots=True)
class Excluded:
    """The rows of a list that are not mailed, as three columns of equal length.

    ``keys`` holds NO_KEY where the address is not valid; ``lines`` the row's line in its source.
    """

    keys: Sequence[bytes] = KeyColumn()
    reasons: Sequence[Reason] = ()
    lines: Sequence[int] = ()

    def and_also(self, keys: KeyColumn, reason: Reason, lines: Iterable[int]) -> Excluded:
        """These rows and further ones, all for one reason."""
        before = CodedColumn.of(self.reasons, REASONS).codes
        return Excluded(
            KeyColumn.of(self.keys).followed_by(keys),
            CodedColumn(before + bytes([REASONS.index(reason)]) * len(keys), REASONS),
            array("Q", chain(self.lines, lines)),
        )

    def counts(self, chosen: bytes | None = None) -> dict[str, int]:
        """Exclusions by reason: of all rows, or of those whose byte in ``chosen`` is not 0."""
        if isinstance(self.reasons, CodedColumn):
            return dict(self.reasons.counts(chosen))
        return dict(Counter(self.reasons if chosen is None else compress(self.reasons, chosen)))


@dataclass(frozen=True, slots=True)
class Audience:
    """The contacts of a list that may be mailed, as columns of equal length, in list order.

    ``emails`` are ready for an envelope (domain lower-cased and IDNA-encoded, local part as it
    was given); ``keys`` are contact keys; ``fields`` are the columns by their template name,
    always with ``email`` and ``timezone`` ('' when the contact has none or a wrong one).
    No two rows have the same key.  ``origins``: each contact's list, where there are several.
    ``notes``: what to warn of, such as a list that is an old copy.  Text may lie packed and
    elsewhere: ``columns.take`` many values at once, or walk a column.
    """

    list_name: str
    emails: Sequence[str]
    keys: KeyColumn
    fields: Mapping[str, Sequence[str]]
    lines: Sequence[int]
    excluded: Excluded = Excluded()
    origins: Sequence[str] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.keys)

    def origin(self, index: int) -> str:
        """The name of the list that a contact is from."""
        return self.origins[index] if self.origins else self.list_name

    @property
    def rows(self) -> int:
        """How many rows the list has, mailed or not."""
        return len(self.keys) + len(self.excluded.keys)

    def without(self, mask: bytes, reason: Reason) -> Audience:
        """The audience less the contacts whose byte in ``mask`` is 1, whom it counts as excluded
        (behind those who are excluded already)."""
        kept = mask.translate(_FLIPPED)
        picked = Picked(kept)
        emails = PickedColumn(self.emails, picked)
        fields = {name: PickedColumn(column, picked) for name, column in self.fields.items()}
        return replace(
            self,
            emails=emails,
            keys=self.keys.only(kept),
            fields={**fields, "email": emails},
            lines=PickedColumn(self.lines, picked),
            origins=PickedColumn(self.origins, picked) if self.origins else (),
            excluded=self.excluded.and_also(
                self.keys.only(mask), reason, compress(self.lines, mask)
            ),
        )

    def contact(self, index: int) -> dict[str, str]:
        """The fields of one contact, by template name."""
        return {name: column[index] for name, column in self.fields.items()}
