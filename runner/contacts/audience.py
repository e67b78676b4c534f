"""From the rows of a source to its audience, in one pass over columns.

A person is a contact key.  The first of a person's rows stands for all of them; a ban in any of
the rows is a ban for the person, and the further rows are duplicates.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import compress
from typing import get_args

from ..errors import InputError, Problem
from ..model.contacts import Audience, ContactList, Reason
from ..ports import Files
from .addresses import fault, forms
from .bans import BanColumns
from .columns import OutColumns, TextColumn, ZoneColumn
from .findings import Findings
from .layout import Layout, lay_out
from .sources import Block, open_table
from .suppressions import Suppressions

_RANK: Mapping[Reason, int] = {reason: rank for rank, reason in enumerate(get_args(Reason))}


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides about a contact besides its row; ``key_of`` takes an address' matching form."""

    key_of: Callable[[str], bytes]
    suppressions: Suppressions


@dataclass(frozen=True, slots=True)
class Reading:
    """A list as it was read: its audience without any segment, and what to warn of."""

    audience: Audience
    warnings: tuple[Problem, ...]


def read_list(contact_list: ContactList, files: Files, rules: Rules) -> Reading:
    """Read all rows.  Raises InputError with every problem rather than leave a row out."""
    with open_table(contact_list, files) as table:
        layout = lay_out(contact_list, table)
        bans = BanColumns(layout, contact_list.require_consent, table.path)
        rows = _Rows(table.path, layout, bans, rules)
        try:
            for block in table.blocks:
                rows.take(block)
        except InputError as error:
            rows.problems.extend(error.problems)
    rows.problems.raise_if_any()
    return Reading(rows.audience(contact_list.name), (*layout.warnings, *rows.warnings()))


class _Rows:
    """The columns of the rows that were kept so far, and who is banned."""

    def __init__(self, path: str, layout: Layout, bans: BanColumns, rules: Rules) -> None:
        self.problems = Findings()
        self._path = path
        self._email_at = layout.roles["email"]
        self._bans = bans
        self._rules = rules
        self._invalid = Findings()
        self._emails: list[str] = []
        self._keys: list[bytes] = []
        self._lines = array("Q")
        self._zones = ZoneColumn(path, layout.roles.get("timezone"))
        self._fields = [(name, at, TextColumn()) for name, at in layout.fields.items()]
        self._seen: set[bytes] = set()
        self._banned: dict[bytes, Reason] = {}
        self._out = OutColumns()

    def take(self, block: Block) -> None:
        """Add the rows of one block."""
        keep = self._sift(block)
        self._lines.extend(compress(block.lines, keep))
        self._zones.take(block, keep)
        for _, at, column in self._fields:
            column.extend(compress(block.columns[at], keep))

    def _sift(self, block: Block) -> list[bool]:
        """Decide row by row; True for those that are the first of their person."""
        key_of, seen = self._rules.key_of, self._seen
        bans = self._bans.read(block, self.problems)
        keep: list[bool] = []
        for raw, line, ban in zip(block.columns[self._email_at], block.lines, bans, strict=True):
            pair = forms(raw)
            if pair is None:
                self._refuse(raw, line)
                keep.append(False)
                continue
            key = key_of(pair[1])
            if ban is not None:
                self._ban(key, ban)
            if key in seen:
                self._out.add(key, "duplicate", line)
                keep.append(False)
            else:
                seen.add(key)
                self._keys.append(key)
                self._emails.append(pair[0])
                keep.append(True)
        return keep

    def _refuse(self, raw: str, line: int) -> None:
        self._out.add(b"", "invalid_address", line)
        message = "" if self._invalid.full else fault(raw)
        hint = "this row is left out"
        code = "invalid_address"
        self._invalid.add(Problem(self._path, line, 1, message, hint, code, "warning"))

    def _ban(self, key: bytes, reason: Reason) -> None:
        before = self._banned.get(key)
        if before is None or _RANK[reason] < _RANK[before]:
            self._banned[key] = reason

    def warnings(self) -> tuple[Problem, ...]:
        """Rows with a time zone or an address that is none."""
        return (*self._invalid.problems(), *self._zones.wrong.problems())

    def _ban_suppressed(self) -> None:
        """Key by key for keys, person by person only if whole domains are suppressed."""
        suppressions = self._rules.suppressions
        for key in suppressions.keys & self._seen:
            self._ban(key, "suppressed")
        if suppressions.by_domain:
            covers = lru_cache(maxsize=1 << 14)(suppressions.covers)
            for key, email in zip(self._keys, self._emails, strict=True):
                if covers(email.rpartition("@")[2]):
                    self._ban(key, "suppressed")

    def audience(self, list_name: str) -> Audience:
        """What is left of the rows without the persons who are banned."""
        self._ban_suppressed()
        self._seen.clear()  # no further rows come, and the copies below want the room
        fields = {name: column.values for name, _, column in self._fields}
        everyone = Audience(
            list_name=list_name,
            emails=self._emails,
            keys=self._keys,
            fields={"email": self._emails, "timezone": self._zones.values, **fields},
            lines=self._lines,
        )
        return without(everyone, list(map(self._banned.get, self._keys)), self._out)


def without(audience: Audience, reasons: Sequence[Reason | None], out: OutColumns) -> Audience:
    """The audience less the rows that have a reason, which join those in ``out``."""
    keep = [reason is None for reason in reasons]
    for key, reason, line in zip(audience.keys, reasons, audience.lines, strict=True):
        if reason is not None:
            out.add(key, reason, line)
    if all(keep):
        return replace(audience, excluded=out.excluded())
    emails = list(compress(audience.emails, keep))
    fields = {
        name: emails if name == "email" else list(compress(column, keep))
        for name, column in audience.fields.items()
    }
    return Audience(
        list_name=audience.list_name,
        emails=emails,
        keys=list(compress(audience.keys, keep)),
        fields=fields,
        lines=array("Q", compress(audience.lines, keep)),
        excluded=out.excluded(),
    )
