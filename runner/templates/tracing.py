"""A sandbox that renders a template with tags in place of what depends on the contact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import field
from typing import Any, Literal

from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.utils import pass_context
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from ..dataclass import dataclass
from ..sandbox import Sandbox
from ..sandbox.values import as_text
from .analysis import Analysis, without_escape
from .atoms import clean, tag, wrapped


@dataclass(frozen=True, slots=True)
class Hole:
    """An expression that depends on the contact, and whether it stands in HTML."""

    expression: nodes.Expr
    in_html: bool


class NotFoldable(Exception):
    """A value is markup already, so a tag cannot stand for it."""


@dataclass(slots=True)
class Trace:
    """What one rendering printed: for each tag the hole it came from, and the value.

    ``mode``: print ``tags``, or the ``values`` themselves as atoms.
    """

    mode: Literal["tags", "values"] = "tags"
    holes: list[int] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def emit(self, hole: int, value: str) -> str:
        """Record a value; returns the tag that stands for it."""
        self.holes.append(hole)
        self.values.append(value)
        return tag(len(self.values) - 1)


_trace: ContextVar[Trace | None] = ContextVar("template_trace", default=None)


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Holes that are rendered inside are recorded in ``trace``."""
    token = _trace.set(trace)
    try:
        yield trace
    finally:
        _trace.reset(token)


class TracingSandbox(Sandbox):
    """A sandbox whose templates print tags; ``holes`` collects the expressions they stand for."""

    def __init__(
        self,
        sources: Mapping[str, str],
        analysis: Analysis,
        holes: list[Hole],
        *,
        autoescape: bool,
    ) -> None:
        super().__init__(sources, autoescape=autoescape)
        self._analysis = analysis
        self._holes = holes
        self.filters["_hole"] = _hole_in_html if autoescape else _hole_in_text

    def prepare(self, tree: nodes.Template) -> nodes.Template:
        """Put holes into a tree."""
        prepared: nodes.Template = _Puncher(self._analysis, self._add).visit(tree)
        return prepared

    def _add(self, expression: nodes.Expr) -> int:
        # A copy, since the meter is still to change the tree.
        memo = {id(self): self}
        self._holes.append(Hole(deepcopy(expression, memo), bool(self.autoescape)))
        return len(self._holes) - 1


class _Puncher(NodeTransformer):
    def __init__(self, analysis: Analysis, add: Callable[[nodes.Expr], int]) -> None:
        self._analysis = analysis
        self._add = add

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802 - jinja's name
        node.nodes = [self._punched(child) for child in node.nodes]
        return node

    def _punched(self, child: nodes.Expr) -> nodes.Expr:
        bare = without_escape(child)
        if isinstance(child, nodes.TemplateData) or self._analysis.is_constant(child):
            return child
        if self._analysis.is_capture(bare):
            return child
        number = nodes.Const(self._add(bare), lineno=child.lineno)
        return nodes.Filter(bare, "_hole", [number], [], None, None, lineno=child.lineno)


def _recorded(value: object, hole: int) -> tuple[Trace, str, str]:
    trace = _trace.get()
    if trace is None:
        raise AssertionError("a hole was rendered outside of a trace")
    text = as_text(value)
    if isinstance(text, Markup):
        raise NotFoldable
    return trace, str(text), trace.emit(hole, str(text))


@pass_context
def _hole_in_html(_: Context, value: Any, hole: int) -> Markup:
    trace, text, mark = _recorded(value, hole)
    return Markup(mark if trace.mode == "tags" else wrapped(escape(clean(text))))  # noqa: S704 - escaped


@pass_context
def _hole_in_text(_: Context, value: Any, hole: int) -> str:
    trace, text, mark = _recorded(value, hole)
    return mark if trace.mode == "tags" else wrapped(clean(text))
