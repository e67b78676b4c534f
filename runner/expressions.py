"""Conditions that people write: ``contact.region == 'TX' and not sent('invite')``.

The language is Jinja2's expression grammar and nothing else, over ``contact``, ``variables`` and
the functions that the place allows, in the same sandbox as templates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from difflib import get_close_matches
from functools import lru_cache

from jinja2 import Template, nodes

from .dataclass import dataclass
from .errors import SendoffError
from .sandbox import Function, Sandbox, SandboxError

MAX_LENGTH = 2_000
MAX_DEPTH = 50
ROOTS = frozenset({"contact", "variables"})
EVENT_FUNCTIONS = frozenset({"delivered", "opened", "clicked", "bounced"})


class ExpressionError(SendoffError):
    """An expression is not valid, or could not be evaluated for a contact."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition.

    ``names``: the roots it uses; ``fields``: the fields of ``contact``; ``variables``: those of
    ``variables``; ``calls``: (function, its arguments, literal texts) in order of appearance.
    """

    source: str
    names: frozenset[str]
    fields: frozenset[str]
    variables: frozenset[str]
    calls: tuple[tuple[str, tuple[str, ...]], ...]
    _template: Template = field(repr=False, compare=False)
    _functions: frozenset[str] = field(repr=False, compare=False)

    def __call__(self, scope: Mapping[str, object]) -> bool:
        """Whether the condition holds; ``scope`` maps roots to data and functions to callables.

        Raises ExpressionError for a field that the contact lacks and for values that do not go
        together.
        """
        visible = {name: value for name, value in scope.items() if name in ROOTS}
        for name in self._functions & scope.keys():
            visible[name] = _function(scope[name], name)
        try:
            return _sandbox().render(self._template, visible) == "1"
        except SandboxError as error:
            raise ExpressionError(error.message) from None


def compile_expression(source: str, functions: frozenset[str] = frozenset()) -> Expression:
    """Compile a condition that may call ``functions``.

    Raises ExpressionError, saying what is wrong and how to mend it.
    """
    tree = _parse(source)
    _check_nodes(tree, functions)
    body = nodes.CondExpr(tree, nodes.Const(1), nodes.Const(0))
    root = nodes.Template([nodes.Output([body])], lineno=1)
    root.set_environment(_sandbox())
    for node in root.find_all(nodes.Node):
        node.lineno = node.lineno or 1
    try:
        template = _sandbox().load(root)
    except SandboxError as error:
        raise ExpressionError(error.message) from None
    names = frozenset(name.name for name in _nodes(tree) if isinstance(name, nodes.Name))
    return Expression(
        source=source,
        names=names & ROOTS,
        fields=frozenset(_attributes(tree, "contact")),
        variables=frozenset(_attributes(tree, "variables")),
        calls=tuple(_calls(tree)),
        _template=template,
        _functions=functions,
    )


@lru_cache(maxsize=1)
def _sandbox() -> Sandbox:
    return Sandbox()


def _function(value: object, name: str) -> Function:
    if not callable(value):
        raise ExpressionError(f"{name} is not a function here")
    function: Callable[..., object] = value
    return Function(function)


def _parse(source: str) -> nodes.Expr:
    if not source.strip():
        raise ExpressionError("the expression is empty")
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters")
    try:
        tree = _sandbox().expression(source)
    except SandboxError as error:
        raise ExpressionError(f"not a valid expression: {error.message}") from None
    if _depth(tree) > MAX_DEPTH:
        raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep")
    return tree


def _depth(tree: nodes.Node) -> int:
    """How deep a tree is, counted without recursion."""
    depth, level = 0, [tree]
    while level:
        depth, level = depth + 1, [child for node in level for child in node.iter_child_nodes()]
    return depth


def _nodes(tree: nodes.Node) -> Iterator[nodes.Node]:
    yield tree
    for child in tree.iter_child_nodes():
        yield from _nodes(child)


def _check_nodes(tree: nodes.Node, functions: frozenset[str]) -> None:
    faults = _sandbox().faults(tree)
    if faults:
        hint = f" ({faults[0].hint})" if faults[0].hint else ""
        raise ExpressionError(faults[0].message + hint)
    called = {id(node.node) for node in _nodes(tree) if isinstance(node, nodes.Call)}
    read = {
        id(node.node)
        for node in _nodes(tree)
        if isinstance(node, nodes.Getattr | nodes.Getitem) and _attribute(node) is not None
    }
    for node in _nodes(tree):
        if isinstance(node, nodes.Call):
            _check_call(node, functions)
        elif isinstance(node, nodes.Name) and id(node) not in called:
            _check_name(node.name, functions, whole=id(node) not in read)


def _check_name(name: str, functions: frozenset[str], whole: bool) -> None:
    if name in functions:
        raise ExpressionError(f"{name} is a function: write {name}('…')")
    if name in EVENT_FUNCTIONS:
        raise ExpressionError(f"{name} is not yet available (arrives with events)")
    if name not in ROOTS:
        raise ExpressionError(
            f"{name!r} is not known here: write contact.{name} or variables.{name}"
        )
    if whole:
        raise ExpressionError(f"write {name}.NAME with the name of a field")


def _check_call(node: nodes.Call, functions: frozenset[str]) -> None:
    if not isinstance(node.node, nodes.Name):
        raise ExpressionError("only functions can be called")
    name = node.node.name
    if name in EVENT_FUNCTIONS - functions:
        raise ExpressionError(f"{name}() is not yet available (arrives with events)")
    if name not in functions:
        close = get_close_matches(name, functions, 1)
        known = f"did you mean {close[0]}()?" if close else _known(functions)
        raise ExpressionError(f"there is no function {name}() here ({known})")
    if node.kwargs or node.dyn_args or node.dyn_kwargs or not _one_literal(node.args):
        raise ExpressionError(f"{name}() takes one name in quotes, as in {name}('invite')")


def _known(functions: frozenset[str]) -> str:
    return f"there is {', '.join(sorted(functions))}" if functions else "none is available here"


def _one_literal(args: list[nodes.Expr]) -> bool:
    return len(args) == 1 and isinstance(args[0], nodes.Const) and isinstance(args[0].value, str)


def _attribute(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    literal = isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str)
    return str(node.arg.value) if literal and isinstance(node.arg, nodes.Const) else None


def _attributes(tree: nodes.Node, root: str) -> Iterator[str]:
    for node in _nodes(tree):
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            name = _attribute(node)
            if isinstance(node.node, nodes.Name) and node.node.name == root and name is not None:
                yield name


def _calls(tree: nodes.Node) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in _nodes(tree):
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            literals = (str(arg.value) for arg in node.args if isinstance(arg, nodes.Const))
            yield node.node.name, tuple(literals)
