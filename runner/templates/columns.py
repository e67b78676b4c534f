"""The values of some contacts of an audience as columns, made when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.columns import take
from ..model.contacts import Audience
from .atoms import clean
from .unsubscribe import Unsubscribing

Column = Sequence[str]

TOKEN = "#token"  # noqa: S105 - a name
LINK = "#unsubscribe_url"
"""Names of what is made for each contact; no field has such a name."""


class Columns:
    """The columns of a batch: fields, and what is made for each contact.  Each is made once."""

    def __init__(self, audience: Audience, indices: Sequence[int], leaving: Unsubscribing) -> None:
        self._audience = audience
        self._indices = indices
        self._leaving = leaving
        self._named: dict[tuple[str, bool], Column] = {}

    def __len__(self) -> int:
        return len(self._indices)

    def named(self, name: str, cleaned: bool = False) -> Column:
        """The values of a name; ``cleaned``: as they can stand in HTML."""
        key = (name, cleaned)
        if key not in self._named:
            self._named[key] = self._cleaned(self.named(name)) if cleaned else self._made(name)
        return self._named[key]

    def index(self, position: int) -> int:
        """A contact's place in the audience."""
        return self._indices[position]

    def place(self, position: int) -> str:
        """Where a contact stands, for people."""
        index = self.index(position)
        line, name = self._audience.lines[index], self._audience.origin(index)
        return f"the contact in line {line} of list {name!r}"

    def contact(self, position: int) -> tuple[dict[str, str], str, str]:
        """All of one contact: its fields, its token and its link."""
        index = self.index(position)
        token = self._audience.keys[index].hex()
        return self._audience.contact(index), token, self._leaving.url(token)

    def _made(self, name: str) -> Column:
        if name == TOKEN:
            return [key.hex() for key in take(self._audience.keys, self._indices)]
        if name == LINK:
            return [self._leaving.url(token) for token in self.named(TOKEN)]
        return take(self._audience.fields[name], self._indices)

    def _cleaned(self, column: Column) -> Column:
        return [clean(value) for value in column]
