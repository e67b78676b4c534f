"""What may be written: faults found in a syntax tree, and meters put into it."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from jinja2 import nodes
from jinja2.visitor import NodeTransformer, NodeVisitor

from ..dataclass import dataclass
from .values import METHOD_HINT

_BODIES = (nodes.Template, nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)
_GONE = frozenset(["dict", "lipsum", "cycler", "joiner", "namespace", "self", "varargs", "kwargs"])


@dataclass(frozen=True, slots=True)
class Fault:
    """Something a source may not do: its line, the word at fault, what to do instead."""

    line: int
    word: str
    message: str
    hint: str = ""


class Inspector(NodeVisitor):
    """Collects the faults of a tree.  ``sources`` are the names that may be included."""

    def __init__(
        self, filters: Collection[str], tests: Collection[str], sources: Collection[str]
    ) -> None:
        self._filters = [name for name in filters if not name.startswith("_")]
        self._tests = tests
        self._sources = sources
        self._imported: set[str] = set()
        self.faults: list[Fault] = []

    # Filters that begin with _ are put in by meters; nobody can write them.

    def _fault(self, node: nodes.Node, word: str, message: str, hint: str = "") -> None:
        self.faults.append(Fault(node.lineno, word, message, hint))

    def visit_Template(self, node: nodes.Template) -> None:  # noqa: N802 - jinja's names
        self._imported = {imported.target for imported in node.find_all(nodes.Import)}
        self.generic_visit(node)

    def visit_Filter(self, node: nodes.Filter) -> None:  # noqa: N802
        if node.name not in self._filters:
            self._fault(node, node.name, f"there is no filter {node.name!r}", self._like(node.name))
        self.generic_visit(node)

    def _like(self, name: str) -> str:
        if name == "safe":
            return "values are always escaped; put markup into the template itself"
        close = get_close_matches(name, self._filters, 1)
        return f"did you mean {close[0]!r}?" if close else ""

    def visit_Test(self, node: nodes.Test) -> None:  # noqa: N802
        if node.name not in self._tests:
            close = get_close_matches(node.name, [*self._tests], 1)
            hint = f"did you mean {close[0]!r}?" if close else ""
            self._fault(node, node.name, f"there is no test {node.name!r}", hint)
        self.generic_visit(node)

    def visit_For(self, node: nodes.For) -> None:  # noqa: N802
        if node.recursive:
            self._fault(node, "recursive", "recursive loops are not available")
        self.generic_visit(node)

    def visit_NSRef(self, node: nodes.NSRef) -> None:  # noqa: N802
        self._fault(node, node.name, "values cannot be changed")

    def visit_Name(self, node: nodes.Name) -> None:  # noqa: N802
        if node.ctx == "load" and node.name in _GONE - {"self"}:
            self._fault(node, node.name, f"{node.name!r} is not available")

    def visit_Getattr(self, node: nodes.Getattr) -> None:  # noqa: N802
        if node.attr.startswith("_"):
            self._fault(node, node.attr, f"{node.attr!r} cannot be read")
        self.generic_visit(node)

    def visit_Call(self, node: nodes.Call) -> None:  # noqa: N802
        target = node.node
        if isinstance(target, nodes.Getattr) and not self._has_functions(target.node):
            self._fault(node, target.attr, f"{target.attr!r} cannot be called", METHOD_HINT)
        self.generic_visit(node)

    def _has_functions(self, node: nodes.Node) -> bool:
        return isinstance(node, nodes.Name) and node.name in {*self._imported, "loop", "self"}

    def visit_EvalContextModifier(self, node: nodes.Node) -> None:  # noqa: N802
        self._fault(node, "autoescape", "escaping cannot be switched")

    visit_ScopedEvalContextModifier = visit_EvalContextModifier  # noqa: N815

    def visit_Include(self, node: nodes.Include) -> None:  # noqa: N802
        self._source(node, node.template, node.ignore_missing)
        self.generic_visit(node)

    def visit_Import(self, node: nodes.Import) -> None:  # noqa: N802
        self._source(node, node.template)

    def visit_FromImport(self, node: nodes.FromImport) -> None:  # noqa: N802
        self._source(node, node.template)

    def visit_Extends(self, node: nodes.Extends) -> None:  # noqa: N802
        self._source(node, node.template)

    def _source(self, node: nodes.Node, name: nodes.Expr, optional: bool = False) -> None:
        if not isinstance(name, nodes.Const) or not isinstance(name.value, str):
            self._fault(node, "", "the template's name must be written in quotes")
        elif name.value not in self._sources and not optional:
            close = get_close_matches(name.value, [*self._sources], 1)
            hint = f"did you mean {close[0]!r}?" if close else "paths begin at campaigns/templates/"
            self._fault(node, name.value, f"there is no template {name.value!r}", hint)


class Meter(NodeTransformer):
    """Puts a price on whatever repeats, and on operands that are joined or put into lists."""

    def generic_visit(self, node: nodes.Node, *args: object, **kwargs: object) -> nodes.Node:
        """Every body pays for its own text each time it is run."""
        super().generic_visit(node, *args, **kwargs)
        if isinstance(node, _BODIES):
            size = nodes.Const(1 + static_size(node.body), lineno=node.lineno)
            spending = _filter(size, "_spend")
            node.body = [nodes.ExprStmt(spending, lineno=node.lineno), *node.body]
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.nodes = [_filter(operand, "_pay") for operand in node.nodes]
        return node

    def visit_List(self, node: nodes.List | nodes.Tuple) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if getattr(node, "ctx", "load") == "load":
            node.items = [_element(item) for item in node.items]
        return node

    visit_Tuple = visit_List  # noqa: N815

    def visit_Pair(self, node: nodes.Pair) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.value = _element(node.value)
        return node


def _filter(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _element(node: nodes.Expr) -> nodes.Expr:
    literal = isinstance(node, nodes.Const | nodes.List | nodes.Tuple | nodes.Dict)
    return node if literal else _filter(node, "_scalar")


def static_size(body: list[nodes.Node]) -> int:
    size = 0
    for node in body:
        if isinstance(node, nodes.TemplateData):
            size += len(node.data)
        elif not isinstance(node, _BODIES):
            size += static_size([*node.iter_child_nodes()])
    return size
