"""What depends on the contact: read from the syntax trees of everything a step renders.

A value that is printed becomes a *hole*, unless it is the same for every contact.  One question
decides how messages are made (see ``tracing`` and ``program``): is the content *foldable*, that is,
is text that was already printed (a macro's, a captured block's) only ever printed again, never
looked at?  If not, tags cannot stand for values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field

from jinja2 import nodes

from ..dataclass import dataclass
from .sources import PERSONAL

_ESCAPES = frozenset({"e", "escape"})
_OWN_CALLS = frozenset({"loop"})


@dataclass(slots=True)
class _Stored:
    """How a template binds a name."""

    loops: list[nodes.For] = field(default_factory=list)
    values: list[nodes.Node] = field(default_factory=list)
    blocks: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class Analysis:
    """``constants``: names that are the same for every contact; ``captured``: names that hold
    printed text; ``loose``: the template and line where printed text is looked at."""

    constants: frozenset[str]
    captured: frozenset[str]
    foldable: bool
    loose: tuple[str, int] | None = None

    def is_constant(self, expression: nodes.Node) -> bool:
        """Whether an expression has the same value for every contact."""
        return _is_constant(expression, self.constants)

    def is_capture(self, expression: nodes.Node) -> bool:
        """Whether an expression is printed text: a macro's, a block's, a captured one."""
        if isinstance(expression, nodes.Call):
            return not _is_own_call(expression)
        return isinstance(expression, nodes.Name) and expression.name in self.captured


def analyse(
    named: Mapping[str, nodes.Template], constants: Iterable[str], fields: Collection[str]
) -> Analysis:
    """Analyse what a part renders: its own tree and those it includes, by name.

    ``constants`` are the names with one value for all; ``fields`` those of contacts, which win.
    """
    trees = named.values()
    stored = _stored(trees)
    free = frozenset(constants) - stored.keys() - frozenset(fields) - PERSONAL
    known = _constants(trees, free, stored, fields)
    captured = frozenset(name for name, how in stored.items() if how.blocks)
    draft = Analysis(known, captured, foldable=True)
    mixed = any(
        stored[name].loops or stored[name].values or stored[name].others for name in captured
    )
    loose = next(
        ((name, node.lineno) for name, tree in named.items() for node in _loose(tree, draft)), None
    )
    return Analysis(known, captured, foldable=not (mixed or loose), loose=loose)


def without_escape(expression: nodes.Expr) -> nodes.Expr:
    """A printed expression without ``|e`` at its end: what is printed is escaped anyway."""
    while isinstance(expression, nodes.Filter) and expression.name in _ESCAPES and expression.node:
        expression = expression.node
    return expression


def names(tree: nodes.Node) -> Iterator[str]:
    """The names that a tree reads."""
    for node in _walk(tree):
        if isinstance(node, nodes.Name) and node.ctx == "load":
            yield node.name


def included(tree: nodes.Node) -> Iterator[str]:
    """The names of the templates that a tree includes, extends or imports."""
    for node in _walk(tree):
        if isinstance(node, nodes.Include | nodes.Extends | nodes.Import | nodes.FromImport):
            name = node.template
            if isinstance(name, nodes.Const) and isinstance(name.value, str):
                yield name.value


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    yield tree
    for child in tree.iter_child_nodes():
        yield from _walk(child)


def _stored(trees: Iterable[nodes.Template]) -> dict[str, _Stored]:
    found: dict[str, _Stored] = {}
    for node in (node for tree in trees for node in _walk(tree)):
        if isinstance(node, nodes.For):
            for name in _targets(node.target):
                found.setdefault(name, _Stored()).loops.append(node)
        elif isinstance(node, nodes.Assign):
            for name in _targets(node.target):
                found.setdefault(name, _Stored()).values.append(node.node)
        elif isinstance(node, nodes.AssignBlock):
            for name in _targets(node.target):
                found.setdefault(name, _Stored()).blocks += 1
        else:
            for name in _others(node):
                found.setdefault(name, _Stored()).others += 1
    return found


def _targets(target: nodes.Node) -> Iterator[str]:
    return (node.name for node in _walk(target) if isinstance(node, nodes.Name))


def _others(node: nodes.Node) -> list[str]:
    if isinstance(node, nodes.Macro):
        return [node.name, "caller"]
    if isinstance(node, nodes.Import):
        return [node.target]
    if isinstance(node, nodes.FromImport):
        return [name if isinstance(name, str) else name[1] for name in node.names]
    return [node.name] if isinstance(node, nodes.Name) and node.ctx == "param" else []


def _constants(
    trees: Iterable[nodes.Template],
    free: frozenset[str],
    stored: Mapping[str, _Stored],
    fields: Collection[str],
) -> frozenset[str]:
    """``free`` and the names that templates bind to what is constant themselves."""
    loops = [node for tree in trees for node in _walk(tree) if isinstance(node, nodes.For)]
    known = free
    while True:
        more = {
            name
            for name, how in stored.items()
            if name not in fields and not how.blocks and not how.others
            if all(_is_constant(loop.iter, known) for loop in how.loops)
            if all(_is_constant(value, known) for value in how.values)
        }
        if all(_is_constant(loop.iter, known) for loop in loops):
            more.add("loop")
        if more <= known:
            return known
        known |= more


def _is_own_call(call: nodes.Call) -> bool:
    target = call.node.node if isinstance(call.node, nodes.Getattr) else call.node
    if not isinstance(target, nodes.Name):
        return False
    return target.name in _OWN_CALLS or (target is call.node and target.name == "range")


def _is_constant(expression: nodes.Node, constants: frozenset[str]) -> bool:
    for node in _walk(expression):
        if isinstance(node, nodes.Name) and node.name not in constants | {"range"}:
            return False
        if isinstance(node, nodes.Call) and not _is_own_call(node):
            return False
    return True


def _loose(node: nodes.Node, analysis: Analysis) -> Iterator[nodes.Node]:
    """Where printed text is looked at below: filtered, compared, passed on."""
    below: list[nodes.Node] = [*node.iter_child_nodes()]
    if _looks_at_text(node, analysis):
        yield node
    elif isinstance(node, nodes.Output):
        for output in node.nodes:
            yield from _loose_output(without_escape(output), analysis)
    else:
        if isinstance(node, nodes.CallBlock):
            below = [*_inside(node.call), *node.body]
        for child in below:
            yield from _loose(child, analysis)


def _looks_at_text(node: nodes.Node, analysis: Analysis) -> bool:
    if isinstance(node, nodes.FilterBlock) or (isinstance(node, nodes.AssignBlock) and node.filter):
        return not all(map(analysis.is_constant, _outputs(node)))
    if isinstance(node, nodes.Filter) and node.name in _ESCAPES:
        return not analysis.is_constant(node)
    if isinstance(node, nodes.Name):
        return node.ctx == "load" and node.name in analysis.captured
    return isinstance(node, nodes.Call) and analysis.is_capture(node)


def _loose_output(child: nodes.Node, analysis: Analysis) -> Iterator[nodes.Node]:
    if isinstance(child, nodes.Call) and analysis.is_capture(child):
        for part in _inside(child):
            yield from _loose(part, analysis)
    elif not analysis.is_capture(child):
        yield from _loose(child, analysis)


def _inside(call: nodes.Call) -> list[nodes.Node]:
    """The arguments of a call."""
    return [part for part in call.iter_child_nodes() if part is not call.node]


def _outputs(node: nodes.Node) -> list[nodes.Node]:
    return [
        child
        for output in node.find_all(nodes.Output)
        for child in output.nodes
        if not isinstance(child, nodes.TemplateData)
    ]
