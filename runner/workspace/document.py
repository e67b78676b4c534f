"""YAML read into nodes that know where they stand, without ever building an object.

Built from libyaml's events with a stack of our own: no recursion, no tags, bounded depth, size
and aliases, so that no text can hang, crash or trick the reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any

import yaml

from ..dataclass import dataclass
from ..model.campaign import Place
from .problems import Problems
from .scalars import resolve
from .syntax import explain_syntax
from .wording import quoted

MAX_DEPTH = 40
MAX_NODES = 120_000
MAX_ALIASED = 5_000
"""How many nodes aliases may add to a document, all together."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_NO_ENTRIES: dict[str, Node] = {}
_NO_ITEMS: list[Node] = []
_NO_KEYS: dict[str, tuple[int, int]] = {}


class Node:
    """A value and where it begins (line and column from 1).

    ``data`` is plain Python data; ``entries`` or ``items`` hold the children of a mapping or a
    list, ``keys`` where a mapping's keys stand.  ``size`` counts this node and those below it.
    ``bad``: a problem was reported, look away.
    """

    __slots__ = ("bad", "column", "data", "entries", "items", "keys", "line", "size")

    def __init__(self, data: Any, line: int, column: int) -> None:
        self.data = data
        self.line = line
        self.column = column
        self.size = 1
        self.bad = False
        # three containers for every word would double the time of reading
        mapping, listing = isinstance(data, dict), isinstance(data, list)
        self.entries: dict[str, Node] = {} if mapping else _NO_ENTRIES
        self.keys: dict[str, tuple[int, int]] = {} if mapping else _NO_KEYS
        self.items: list[Node] = [] if listing else _NO_ITEMS


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML text: its path and its root.  ``whole``: nothing was wrong with it as YAML."""

    path: str
    root: Node
    whole: bool = True

    def node(self, keys: Sequence[str | int]) -> Node:
        """The node that a path of keys and indices leads to."""
        node = self.root
        for key in keys:
            node = node.items[key] if isinstance(key, int) else node.entries[key]
        return node

    def place(self, keys: Sequence[str | int] = ()) -> Place:
        """Where a value stands."""
        node = self.node(keys)
        return Place(self.path, node.line, node.column)

    def key_place(self, keys: Sequence[str | int], name: str) -> Place:
        """Where the key ``name`` of the mapping at ``keys`` stands."""
        line, column = self.node(keys).keys[name]
        return Place(self.path, line, column)


def parse(text: str, path: str, first_line: int = 1) -> Document:
    """Read one YAML document; ``first_line`` is the line of the file on which ``text`` begins.

    Raises InputError with every problem that can be told; an empty text is a None.
    """
    problems = Problems()
    document = read(text, path, problems, first_line)
    problems.refuse()
    return document


def read(text: str, path: str, problems: Problems, first_line: int = 1) -> Document:
    """Like ``parse``, but notes problems and gives what can still be checked.

    The root is bad when the text cannot be understood at all.
    """
    builder = _Builder(path, first_line, problems)
    before = problems.errors
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if not builder.take(event):
                break
    except yaml.YAMLError as error:
        line, column, message, hint = explain_syntax(error, text)
        builder.fail(Place(path, line + first_line, column + 1), message, hint)
    root = builder.root or Node(None, first_line, 1)
    root.bad = root.bad or builder.failed
    return Document(path, root, whole=problems.errors == before)


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is being read."""

    node: Node
    is_mapping: bool
    anchor: str | None
    key: str | None = None
    merges: list[Node] = field(default_factory=list)


class _Builder:
    """Takes events, makes nodes."""

    def __init__(self, path: str, first_line: int, problems: Problems) -> None:
        self.path = path
        self.first_line = first_line
        self.problems = problems
        self.failed = False
        self.root: Node | None = None
        self._stack: list[_Frame] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0
        self._nodes = 0
        self._aliased = 0

    def take(self, event: yaml.Event) -> bool:
        """Read one event; False when there is no use in going on."""
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            return self._open(event)
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            return self._close()
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                return self._stop(event, "a second document begins here", "one file, one document")
        return True

    def _stop(self, event: yaml.Event, message: str, hint: str) -> bool:
        return self.fail(Place(self.path, *self._start(event)), message, hint)

    def fail(self, place: Place, message: str, hint: str) -> bool:
        """Note that the text cannot be understood; gives False."""
        self.problems.add(place, message, hint, "yaml")
        self.failed = True
        return False

    def _complain(self, event: yaml.Event, message: str, hint: str) -> None:
        self.problems.add(Place(self.path, *self._start(event)), message, hint, "yaml")

    def _node(self, event: yaml.Event, data: Any) -> Node:
        return Node(data, *self._start(event))

    def _start(self, event: yaml.Event) -> tuple[int, int]:
        """Line and column, from 1, in the file."""
        mark = event.start_mark
        return (mark.line + self.first_line, mark.column + 1) if mark else (self.first_line, 1)

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, node: Node) -> None:
        if event.tag is not None:
            hint = 'write text that begins with ! in quotes: "!..."'
            self._complain(event, "tags (!) are not allowed", hint)
            node.bad = True

    def _scalar(self, event: yaml.ScalarEvent) -> bool:
        plain = not event.style and event.tag is None
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.is_mapping and frame.key is None:
            return self._key(frame, event, plain)
        node = self._node(event, resolve(event.value) if plain else event.value)
        self._refuse_tag(event, node)
        return self._attach(event, node, event.anchor)

    def _key(self, frame: _Frame, event: yaml.ScalarEvent, plain: bool) -> bool:
        name = event.value
        if event.tag is not None:
            return self._stop(event, "tags (!) are not allowed", "write the key itself")
        if not name:
            return self._stop(event, "a key is missing before the colon", "write name: value")
        if name == "<<" and plain:
            frame.key = name
            return True
        if name in frame.node.keys:
            first = frame.node.keys[name][0]
            shown = f" `{name}`" if quoted(name) else ""
            self._complain(event, f"the key{shown} stands twice", f"first in line {first}")
        else:
            frame.node.keys[name] = self._start(event)
        frame.key = name
        return True

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> bool:
        if len(self._stack) >= MAX_DEPTH:
            return self._stop(event, f"nested deeper than {MAX_DEPTH} levels", "make it flatter")
        if self._stack and self._stack[-1].is_mapping and self._stack[-1].key is None:
            return self._stop(
                event, "a key must be a word, not a list or mapping", "put it in quotes"
            )
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        node = self._node(event, {} if is_mapping else [])
        self._refuse_tag(event, node)
        self._stack.append(_Frame(node, is_mapping, event.anchor))
        return True

    def _close(self) -> bool:
        frame = self._stack.pop()
        for merged in frame.merges:
            self._merge(frame.node, merged)
        return self._attach(None, frame.node, frame.anchor)

    def _merge(self, into: Node, merged: Node) -> None:
        for source in merged.items or [merged]:
            for name, child in source.entries.items():
                if name not in into.entries:
                    into.entries[name] = child
                    into.data[name] = child.data
                    into.keys[name] = source.keys[name]

    def _alias(self, event: yaml.AliasEvent) -> bool:
        name = event.anchor or ""
        node = self._anchors.get(name)
        if node is None:
            return self._stop(
                event, f"*{name} refers to nothing before it", "write text with * in quotes"
            )
        if self._stack and self._stack[-1].is_mapping and self._stack[-1].key is None:
            return self._stop(event, "a key may not be an alias", "write the key itself")
        self._aliased += node.size
        if self._aliased > MAX_ALIASED:
            return self._stop(event, "aliases make this file too large", "write the values out")
        return self._attach(event, node, None)

    def _attach(self, event: yaml.Event | None, node: Node, anchor: str | None) -> bool:
        """Put a complete node where it belongs."""
        if anchor:
            self._anchors[anchor] = node
        self._nodes += 1
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES} values in one file"
            return self.fail(Place(self.path), message, "split it")
        if not self._stack:
            self.root = node
            return True
        frame = self._stack[-1]
        frame.node.size += node.size
        if not frame.is_mapping:
            frame.node.items.append(node)
            frame.node.data.append(node.data)
        elif frame.key == "<<":
            self._take_merge(frame, node)
        elif frame.key is not None:
            frame.node.entries[frame.key] = node
            frame.node.data[frame.key] = node.data
        frame.key = None
        return True

    def _take_merge(self, frame: _Frame, node: Node) -> None:
        mappings = node.items if isinstance(node.data, list) else [node]
        if all(isinstance(mapping.data, dict) for mapping in mappings):
            frame.merges.append(node)
        else:
            place = Place(self.path, node.line, node.column)
            self.problems.add(place, "<< merges mappings only", "write <<: *name", "yaml")
