"""The values of holes, contact by contact, as columns.

Where all messages have one shape, nothing is rendered per contact: a hole that is a field is the
field's column, a field with a default is nearly so, and anything else is evaluated alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Template, nodes

from ..model.columns import take
from ..model.contacts import Audience
from ..sandbox import Sandbox, SandboxError
from .analysis import names
from .atoms import clean
from .compiled import Compiled
from .shapes import Shape, Slotted
from .tracing import Hole
from .unsubscribe import Unsubscribing

Column = Sequence[str]


class ValueMissing(Exception):
    """A hole cannot be evaluated for the contact at ``position`` of the batch."""

    def __init__(self, position: int, error: SandboxError) -> None:
        super().__init__(error.message)
        self.position = position
        self.error = error


class Columns:
    """The values of some contacts of an audience, computed when asked for and kept."""

    def __init__(
        self,
        compiled: Compiled,
        audience: Audience,
        indices: Sequence[int],
        leaving: Unsubscribing,
        shape: Shape,
    ) -> None:
        self._compiled = compiled
        self._audience = audience
        self._indices = indices
        self._leaving = leaving
        self._holes: dict[int, Column] = {}
        self._named: dict[str, Column] = {}
        self._shape = shape
        self._subjects = {"subject": shape.subject, "preheader": shape.preheader}

    def hole(self, number: int) -> Column:
        """The values of one hole."""
        if number not in self._holes:
            self._holes[number] = self._evaluate(self._compiled.holes[number])
        return self._holes[number]

    def named(self, name: str) -> Column:
        """The values of a name: a field, or one of those that are made per contact."""
        if name not in self._named:
            self._named[name] = self._make(name)
        return self._named[name]

    def _make(self, name: str) -> Column:
        keys = self._audience.keys
        if name in self._audience.fields:
            return take(self._audience.fields[name], self._indices)
        if name == "token":
            return [key.hex() for key in keys.take(self._indices)]
        if name == "unsubscribe_url":
            return [self._leaving.url(token) for token in self.named("token")]
        return self._filled(self._subjects[name])

    def _filled(self, part: Slotted) -> Column:
        holes = self._shape.holes
        columns = [
            piece if isinstance(piece, str) else self.hole(holes[piece.number]) for piece in part
        ]
        return [
            "".join(c if isinstance(c, str) else c[position] for c in columns)
            for position in range(len(self._indices))
        ]

    def _evaluate(self, hole: Hole) -> Column:
        column = self._direct(hole.expression)
        if column is None:
            column = self._rendered(hole)
        return [clean(value) for value in column] if hole.in_html else column

    def _direct(self, expression: nodes.Expr) -> Column | None:
        """The column of ``name``, ``contact.name`` and either with a literal default."""
        name = self._plain_name(expression)
        if name is not None:
            return self.named(name)
        if not isinstance(expression, nodes.Filter) or expression.name not in {"default", "d"}:
            return None
        name = self._plain_name(expression.node) if expression.node else None
        arguments = [arg.value for arg in expression.args if isinstance(arg, nodes.Const)]
        if name is None or expression.kwargs or len(arguments) != len(expression.args):
            return None
        if len(arguments) != 2 or arguments[1] is not True or not isinstance(arguments[0], str):
            return None
        instead = arguments[0]
        return [value or instead for value in self.named(name)]

    def _plain_name(self, expression: nodes.Expr) -> str | None:
        known = self._compiled.fields
        if isinstance(expression, nodes.Name):
            is_known = expression.name in known | {"token", "unsubscribe_url", *self._subjects}
            return expression.name if is_known else None
        if isinstance(expression, nodes.Getattr) and isinstance(expression.node, nodes.Name):
            is_field = expression.node.name == "contact" and expression.attr in known
            return expression.attr if is_field else None
        return None

    def _rendered(self, hole: Hole) -> Column:
        """Evaluated for each contact, in a template that holds nothing else."""
        sandbox = Sandbox(autoescape=False)
        tree = nodes.Template([nodes.Output([hole.expression])], lineno=1)
        tree.set_environment(sandbox)
        template = sandbox.load(tree)
        used = frozenset(names(hole.expression))
        return [
            self._value(sandbox, template, position, self._scope(hole, used, position))
            for position in range(len(self._indices))
        ]

    def _scope(self, hole: Hole, used: frozenset[str], position: int) -> dict[str, Any]:
        constants = self._compiled.constants
        scope = {name: constants[name] for name in used if name in constants}
        made = self._compiled.fields | {"token", "unsubscribe_url", "subject", "preheader"}
        prepare = clean if hole.in_html else str
        for name in used & made:
            scope[name] = prepare(self.named(name)[position])
        if "contact" in used:
            contact = self._audience.contact(self._indices[position])
            scope["contact"] = {name: prepare(value) for name, value in contact.items()}
        return scope

    def _value(
        self, sandbox: Sandbox, template: Template, position: int, scope: Mapping[str, Any]
    ) -> str:
        try:
            return sandbox.render(template, scope)
        except SandboxError as error:
            raise ValueMissing(position, error) from None
