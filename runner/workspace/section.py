"""A mapping of a checked document: its values, where they stand, and a place for complaints."""

from __future__ import annotations

from typing import Any

from ..dataclass import dataclass
from ..model.campaign import Place
from .document import Document, Node
from .problems import Problems


@dataclass(frozen=True, slots=True)
class Section:
    """Reads one mapping.  What a schema error concerns looks as if it were not there."""

    path: str
    node: Node
    problems: Problems

    @classmethod
    def of(cls, document: Document, problems: Problems) -> Section:
        """The whole document."""
        return cls(document.path, document.root, problems)

    def get(self, name: str, default: Any = None) -> Any:
        """A value that follows the schema, or ``default``."""
        child = self.node.entries.get(name)
        return default if child is None or child.bad else child.data

    def has(self, name: str) -> bool:
        """True when the key is written, whatever its value."""
        return name in self.node.keys

    def section(self, name: str) -> Section:
        """A mapping below this one; an empty one when there is none."""
        child = self.node.entries.get(name)
        if child is None or child.bad or not isinstance(child.data, dict):
            child = Node({}, self.node.line, self.node.column)
        return Section(self.path, child, self.problems)

    def sections(self, name: str) -> list[Section]:
        """The mappings of a list."""
        child = self.node.entries.get(name)
        if child is None or child.bad:
            return []
        whole = (item for item in child.items if not item.bad and isinstance(item.data, dict))
        return [Section(self.path, item, self.problems) for item in whole]

    @property
    def here(self) -> Place:
        """Where this mapping begins."""
        return Place(self.path, self.node.line, self.node.column)

    def place(self, name: str) -> Place:
        """Where a value stands; where this mapping does when it has none."""
        child = self.node.entries.get(name)
        return Place(self.path, child.line, child.column) if child is not None else self.here

    def key(self, name: str) -> Place:
        """Where a key stands; where this mapping does when it has none."""
        line, column = self.node.keys.get(name, (self.node.line, self.node.column))
        return Place(self.path, line, column)

    def complain(self, name: str, message: str, hint: str = "", code: str = "invalid") -> None:
        """Note that the value of ``name`` is wrong."""
        self.problems.add(self.place(name), message, hint, code)
