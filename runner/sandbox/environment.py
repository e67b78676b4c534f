"""The Jinja2 environment of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, Undefined, UndefinedError, nodes
from jinja2.exceptions import SecurityError, TemplateNotFound, TemplateSyntaxError
from jinja2.loaders import BaseLoader
from jinja2.parser import Parser
from jinja2.runtime import Context, TemplateReference
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context

from .budget import MAX_OUTPUT, MAX_SOURCE, SandboxError, budget, present, spend, within
from .filters import FILTERS, TESTS
from .grammar import Fault, Inspector, Meter
from .values import (
    METHOD_HINT,
    Function,
    as_text,
    bounded_range,
    check_operands,
    is_scalar,
    kind,
    may_call,
    may_read,
)

MAX_NESTING = 200
"""Levels of a syntax tree: what looks through it does so by recursion."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 over plain data.  ``sources`` are the templates that may be included, by name."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, sources: Mapping[str, str] | None = None, autoescape: bool = False) -> None:
        self.sources: Mapping[str, str] = sources or {}
        super().__init__(
            loader=_Sources(self.sources),
            autoescape=autoescape,
            undefined=StrictUndefined,
            finalize=_finalize,
            optimized=False,
            cache_size=-1,
            auto_reload=False,
            keep_trailing_newline=True,
        )
        self.globals.clear()
        self.globals["range"] = Function(bounded_range)
        self.filters = {**FILTERS, "_spend": _spend, "_pay": _pay, "_scalar": _scalar}
        self.tests = dict(TESTS)

    def tree(self, source: str, name: str | None = None) -> nodes.Template:
        """The syntax tree of a source.  Raises SandboxError when it is not Jinja2."""
        if len(source) > MAX_SOURCE:
            raise SandboxError(f"is longer than {MAX_SOURCE} characters", name, 1)
        with reported(name):
            return self.parse(source, name, name)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Every source comes through here, those that are included too."""
        tree = super()._parse(source, name, filename)
        if depth(tree) > MAX_NESTING:
            raise TemplateSyntaxError("is nested too deeply", 1, name)
        return tree

    def expression(self, source: str) -> nodes.Expr:
        """The syntax tree of a lone expression.  Raises SandboxError when it is not one."""
        with reported(None):
            parser = Parser(self, source, state="variable")
            tree = parser.parse_expression()
            if not parser.stream.eos:
                word = str(parser.stream.current)
                raise SandboxError(f"there is more after the end of the expression: {word!r}")
            return tree

    def load(self, source: str | nodes.Template, name: str | None = None) -> Template:
        """Compile a source or a tree.  Raises SandboxError for what may not be done."""
        tree = self.tree(source, name) if isinstance(source, str) else _copied(source)
        with reported(name):
            code = self.compile(tree, name, name)
            # a plain mapping: it is gone through in each rendering
            return Template.from_code(self, code, dict(self.globals))

    def render(self, template: Template, scope: Mapping[str, object]) -> str:
        """The text of a template.  Raises SandboxError when it fails or goes too far."""
        with reported(template.name):
            if present() is not None:
                return "".join(_limited(template.generate(scope)))
            with budget():
                return "".join(_limited(template.generate(scope)))

    def faults(self, tree: nodes.Node) -> list[Fault]:
        """Everything in a tree that may not be done, without rendering it."""
        inspector = Inspector(self.filters, self.tests, self.sources)
        inspector.visit(tree)
        return inspector.faults

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Data under that name, never a Python attribute (loops, imports and dates apart)."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self._missing(obj, attribute)
        if may_read(obj, attribute):
            return getattr(obj, attribute)
        is_self = isinstance(obj, TemplateReference) and not attribute.startswith("_")
        if is_self or isinstance(obj, Undefined):
            return self._item(obj, attribute)
        return self._missing(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """``obj[argument]`` for mappings, lists and texts."""
        if isinstance(obj, str | Mapping | Sequence | Undefined):
            return self._item(obj, argument)
        return self._missing(obj, argument)

    def _item(self, obj: Any, argument: Any) -> Any:
        try:
            return obj[argument]
        except (LookupError, TypeError, ValueError):
            return self._missing(obj, argument)

    def _missing(self, obj: object, name: object) -> Undefined:
        word = repr(name) if is_scalar(name) else "that"
        if isinstance(obj, Mapping | TemplateReference) or not isinstance(name, str):
            return self.undefined(f"there is no {word}", exc=UndefinedError)
        message = f"{word} cannot be read from a {kind(obj)}: {METHOD_HINT}"
        return self.undefined(message, exc=SecurityError)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a Python attribute may be read."""
        return may_read(obj, attr)

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether something may be called."""
        return may_call(obj)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what may be called, not too deep."""
        if isinstance(obj, Undefined):
            str(obj)
        if not may_call(obj):
            raise SecurityError(f"a {kind(obj)} cannot be called: {METHOD_HINT}")
        current = present()
        if current is None:
            return context.call(obj, *args, **kwargs)
        current.spend(1)
        current.depth -= 1
        if current.depth < 0:
            raise SecurityError("macros call each other too deeply")
        try:
            return context.call(obj, *args, **kwargs)
        finally:
            current.depth += 1

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic that cannot explode."""
        check_operands(operator, left, right)
        return self.binop_table[operator](left, right)

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:  # noqa: A002 - jinja's name
        """Used by include, extends and import."""
        spend(1)
        return super().get_template(name, parent, globals)

    def prepare(self, tree: nodes.Template) -> nodes.Template:
        """A last change to a tree before it is compiled; for those that build on the sandbox."""
        return tree

    def _generate(self, source: nodes.Template, name: str | None, *args: Any, **kwargs: Any) -> str:
        for fault in self.faults(source):
            hint = f" ({fault.hint})" if fault.hint else ""
            raise TemplateSyntaxError(fault.message + hint, fault.line, name)
        metered: nodes.Template = Meter().visit(self.prepare(source))
        metered.set_environment(self)
        return super()._generate(metered, name, *args, **kwargs)


def depth(tree: nodes.Node) -> int:
    """How deep a tree is, counted without recursion."""
    levels, level = 0, [tree]
    while level:
        levels, level = levels + 1, [child for node in level for child in node.iter_child_nodes()]
    return levels


class _Sources(BaseLoader):
    """Templates by name from a dict; the name doubles as file name, so that errors can say it."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources

    def get_source(self, environment: object, template: str) -> tuple[str, str, None]:
        if template not in self._sources:
            raise TemplateNotFound(template)
        if len(self._sources[template]) > MAX_SOURCE:
            raise TemplateSyntaxError(f"is longer than {MAX_SOURCE} characters", 1, template)
        return self._sources[template], template, None


@contextmanager
def reported(name: str | None) -> Iterator[None]:
    """Everything that can go wrong in foreign source becomes one SandboxError."""
    try:
        yield
    except TemplateSyntaxError as error:
        raise SandboxError(str(error.message), error.name or name, error.lineno) from None
    except TemplateNotFound as error:
        message = f"there is no template {error.name!r}"
        raise SandboxError(message, *_position(error, name)) from None
    except TemplateError as error:
        raise SandboxError(str(error.message), *_position(error, name)) from None
    except (RecursionError, SyntaxError, MemoryError) as error:
        raise SandboxError("is nested too deeply", *_position(error, name)) from None
    except (ArithmeticError, TypeError, ValueError, LookupError) as error:
        raise SandboxError(_python_fault(error), *_position(error, name)) from None


def _python_fault(error: Exception) -> str:
    """The fault without the exception's own text, which could quote a contact's value."""
    if isinstance(error, ZeroDivisionError):
        return "divides by zero"
    if isinstance(error, TypeError):
        return "mixes values that do not go together (a text and a number?)"
    return "a value does not fit what is done with it"


def _position(error: BaseException, name: str | None) -> tuple[str | None, int]:
    """The innermost template and its line in a traceback that Jinja2 has rewritten."""
    found: tuple[str | None, int] = (name, 0)
    trace = error.__traceback__
    while trace is not None:
        if "__jinja_exception__" in trace.tb_frame.f_globals:
            file = trace.tb_frame.f_code.co_filename
            found = (name if file in {"<unknown>", "<template>"} else file, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _limited(pieces: Iterator[str]) -> Iterator[str]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > MAX_OUTPUT:
            raise SecurityError(f"gives more than {MAX_OUTPUT} characters")
        yield piece


def _copied(tree: nodes.Template) -> nodes.Template:
    """Compiling puts meters into a tree, so it works on a copy."""
    return deepcopy(tree, {id(tree.environment): tree.environment})


@pass_context
def _finalize(_: Context, value: object) -> object:
    text = as_text(value)
    spend(1 + len(text) if isinstance(text, str) else 32)
    return text


@pass_context
def _spend(_: Context, amount: int) -> str:
    spend(amount)
    return ""


@pass_context
def _pay(_: Context, value: object) -> object:
    """An operand of ``~``, paid for before it is joined."""
    text = as_text(value)
    spend(1 + within(len(text)) if isinstance(text, str) else 32)
    return text


@pass_context
def _scalar(_: Context, value: object) -> object:
    """An element of a list written in a template: nothing that could grow by nesting."""
    if value is None or is_scalar(value) or isinstance(value, Undefined):
        return value
    raise SecurityError("a list in a template can hold texts and numbers only")
