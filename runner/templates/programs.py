"""Programs of one content, folded once for all campaigns that agree in what they depend on.

Campaigns often send the same template with variables of their own.  What is only printed stands in
their shapes and not in a program, so that they share it unless other values differ.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from jinja2 import nodes

from .analysis import Analysis, names
from .program import SPOKEN, Folded, Program, fold
from .residue import Unproven
from .sources import Part

MAX_PROGRAMS: Final = 64


class Programs:
    """The programs of one content's parts, for contacts with certain fields."""

    def __init__(self, parts: Mapping[Part, Folded], fields: Sequence[str]) -> None:
        self._parts = parts
        self._fields = fields
        self._kept: OrderedDict[str, Program | Unproven] = OrderedDict()

    def program(self, constants: Mapping[str, Any]) -> Program:
        """What ``fold`` gives for these constants.  Raises Unproven."""
        key = repr([(name, constants[name]) for name in self._names if name in constants])
        found = self._kept.get(key)
        if found is None:
            try:
                found = fold(self._parts, constants, self._fields)
            except Unproven as unproven:
                found = unproven
            self._kept[key] = found
            if len(self._kept) > MAX_PROGRAMS:
                self._kept.popitem(last=False)
        if isinstance(found, Unproven):
            raise Unproven(found.construct, found.template, found.line)
        return found

    @cached_property
    def _names(self) -> Sequence[str]:
        """The names whose values a program may depend on, sorted."""
        trees = [(part, tree) for part, one in self._parts.items() for tree in one.trees.values()]
        used = {name for _, tree in trees for name in names(tree)}
        found: set[str] = set()
        for part, tree in trees:
            if part in SPOKEN and part in used:
                found.update(names(tree))  # what it says is a value
            else:
                found.update(_looked_at(tree, self._parts[part].analysis))
        return sorted(found)


def _looked_at(node: nodes.Node, analysis: Analysis) -> Iterator[str]:
    """The names that are read for more than to print what is the same for every contact."""
    if isinstance(node, nodes.Name) and node.ctx == "load":
        yield node.name
    for child in node.iter_child_nodes():
        if not (isinstance(node, nodes.Output) and analysis.is_constant(child)):
            yield from _looked_at(child, analysis)
