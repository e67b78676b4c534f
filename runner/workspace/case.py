"""One complaint of jsonschema, seen from its document, and what is said about it."""

from __future__ import annotations

from typing import Any

from ..dataclass import dataclass
from ..model.campaign import Place
from .document import Document
from .wording import example

Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem; ``bad`` is the path of the node to look away from."""

    place: Place
    message: str
    hint: str = ""
    bad: Keys | None = None
    code: str = "schema"


@dataclass(frozen=True, slots=True)
class Case:
    """One error of jsonschema, in its document."""

    error: Any
    document: Document
    kind: str

    @property
    def keys(self) -> Keys:
        return tuple(self.error.absolute_path)

    @property
    def value(self) -> Any:
        return self.error.instance

    @property
    def schema(self) -> dict[str, Any]:
        return self.error.schema if isinstance(self.error.schema, dict) else {}

    @property
    def limit(self) -> Any:
        return self.error.validator_value

    @property
    def shape(self) -> str:
        """The name of the definition that the value should follow."""
        return str(self.schema.get("x-name", ""))

    @property
    def name(self) -> str:
        """The value's name for people."""
        if not self.keys:
            return "this file"
        last = self.keys[-1]
        if isinstance(last, str):
            return f"`{last}`"
        parent = self.keys[-2] if len(self.keys) > 1 else "the list"
        return f"entry {last + 1} of `{parent}`"

    def example(self) -> str:
        """``for example KEY: VALUE``, from the schema."""
        shown = [e for e in self.schema.get("examples", ()) if e != self.value]
        if not shown:
            return ""
        last = self.keys[-1] if self.keys else 0
        key = f"{last}: " if isinstance(last, str) else ""
        return f"for example {key}{example(shown[0])}"

    def here(self, message: str, hint: str = "") -> Finding:
        """The value itself is wrong."""
        return Finding(self.document.place(self.keys), message, hint, self.keys)

    def owner(self) -> Place:
        """Where the mapping that lacks something is named."""
        if self.keys and isinstance(self.keys[-1], str):
            return self.document.key_place(self.keys[:-1], self.keys[-1])
        return self.document.place(self.keys)

    def at_key(self, name: str, message: str, hint: str) -> Finding:
        """A key of the value is wrong."""
        place = self.document.key_place(self.keys, name)
        return Finding(place, message, hint, (*self.keys, name))
