"""Which column of a source is what, found from its header."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from ..dataclass import dataclass
from ..errors import InputError, Problem
from ..model.contacts import ColumnMap, ContactList
from .findings import Findings
from .sources import Table

ROLES = ("email", "timezone", "opted_out", "bounced", "consent")
"""The names that have a meaning of their own; every other column is a field."""

RESERVED = frozenset(
    {
        *("contact", "variables", "campaign", "sender", "unsubscribe_url", "postal_address"),
        *("subject", "preheader", "token", "list"),
    }
)
"""What bare names in a template already mean; no column can be called so."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Indices into the header; ``roles`` lacks what the source does not have.

    ``fields`` maps template names to columns, without ``email`` and ``timezone``.
    """

    roles: Mapping[str, int]
    fields: Mapping[str, int]
    warnings: tuple[Problem, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The fields that a contact has."""
        return frozenset({"email", "timezone", *self.fields})


def lay_out(contact_list: ContactList, table: Table) -> Layout:
    """Match the list's columns with the header.

    A column that nobody mapped counts under its own name, be it a role or a field: a column
    ``opted_out`` is obeyed whether or not the list speaks of it.  Raises InputError with every
    duplicate and every missing column.
    """
    index = _index(table)
    mapped = _mapped(contact_list.columns)
    spare = [name for name in index if name not in mapped.values()]
    columns = {**{name: name for name in spare if _is_usable(name)}, **mapped}
    needed = {"email": "email", **mapped}
    if contact_list.require_consent:
        needed.setdefault("consent", columns.get("consent", "consent"))
    _refuse_missing(set(needed.values()), index, contact_list, table)
    return Layout(
        roles={role: index[columns[role]] for role in ROLES if role in columns},
        fields={name: index[columns[name]] for name in columns if name not in ROLES},
        warnings=tuple(
            Problem(table.path, table.header_line, 1, message, hint, "unused", "warning")
            for message, hint in _unused(spare, mapped)
        ),
    )


def _index(table: Table) -> dict[str, int]:
    """Names to positions; a column without a name can be neither mapped nor used."""
    header = [unicodedata.normalize("NFC", name) for name in table.header]
    line = table.header_line
    if any("@" in name for name in header):
        # Nothing of the line is repeated: it holds somebody's address.
        message = "the first line seems to be a contact"
        hint = "put a line with the names of the columns before it"
        raise InputError([Problem(table.path, line, 1, message, hint)])
    findings = Findings()
    for name in dict.fromkeys(header):
        if name and header.count(name) > 1:
            message = f'{header.count(name)} columns are called "{name}"'
            findings.add(Problem(table.path, line, 1, message, "rename or remove one"))
    findings.raise_if_any()
    return {name: at for at, name in enumerate(header) if name}


def _mapped(columns: ColumnMap) -> dict[str, str]:
    """What the list itself says: names to headers."""
    roles = {role: getattr(columns, role) for role in ROLES}
    named = {**columns.fields, **{role: column for role, column in roles.items() if column}}
    return {name: unicodedata.normalize("NFC", column) for name, column in named.items()}


def _is_usable(name: str) -> bool:
    """Whether a header can be a name in a template as it stands."""
    return name.isidentifier() and not name.startswith("_") and name not in RESERVED


def _unused(spare: Iterable[str], mapped: Collection[str]) -> Iterable[tuple[str, str]]:
    """Columns that look used and are not, with what to do."""
    for name in spare:
        if name in RESERVED:
            yield f'the column "{name}" is not used: the name is reserved', "map it to another name"
        elif name in mapped:
            hint = "remove the column or the mapping"
            yield f'the column "{name}" is not used: the list maps "{name}" elsewhere', hint


def _refuse_missing(
    needed: set[str], index: Mapping[str, int], contact_list: ContactList, table: Table
) -> None:
    findings = Findings()
    for column in sorted(needed - index.keys()):
        hint = _hint(column, index, table)
        message = f'there is no column "{column}", which the list {contact_list.name} needs'
        findings.add(Problem(table.path, table.header_line, 1, message, hint))
    findings.raise_if_any()


def _hint(column: str, index: Mapping[str, int], table: Table) -> str:
    """What may have been meant."""
    if len(table.header) == 1:
        for delimiter in ";\t,|":
            if delimiter in table.header[0]:
                shown = "\\t" if delimiter == "\t" else delimiter
                return f'is the list\'s source lacking `delimiter: "{shown}"`?'
    folded = {name.casefold().replace(" ", "_"): name for name in index}
    wanted = column.casefold().replace(" ", "_")
    near = difflib.get_close_matches(wanted, folded, 1, 0.6)
    near += [name for name in folded if column == "email" and "mail" in name]
    if near:
        return f'did you mean "{folded[near[0]]}"? Say so under `columns`'
    return "the header has: " + ", ".join(list(index)[:12]) if index else ""
