"""Expressions of templates as Python source, worked out at once where nothing depends on contacts.

The source consists of our own identifiers and operators only: names of columns, of kept values
and of constants.  What a template says (texts, names of attributes) is always a constant, never
source.  Filters, tests, attributes, calls and arithmetic are those of the sandbox itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MethodType
from typing import Any, ClassVar

from jinja2 import Template, Undefined, nodes
from jinja2.runtime import LoopContext, markup_join, str_join

from ..sandbox import Sandbox
from ..sandbox.filters import TEXT_FILTERS
from .residue import (
    Bind,
    Code,
    Contact,
    Gives,
    Known,
    Looping,
    Macro,
    Residue,
    Scope,
    Steps,
    Unproven,
    Value,
)

MAX_SOURCE = 20_000
"""Characters of one expression; beyond it is left to the sandbox."""

MAX_REMEMBERED = 10_000
"""Texts for which a filter's answer is kept."""

MAX_LENGTH = 1_000
"""Characters of the longest of them."""

REMEMBERED = TEXT_FILTERS | {"replace", "indent", "wordwrap", "split", "default", "d"}
"""Filters that give the same for the same text and arguments."""

_OF_UNDEFINED = frozenset({"default", "d"})
_NO_TEXT = frozenset({"int", "float", "wordcount", "e", "escape", "default", "d"})

_COMPARISONS = {
    "eq": "==", "ne": "!=", "gt": ">", "gteq": ">=", "lt": "<", "lteq": "<=", "in": "in",
    "notin": "not in",
}  # fmt: skip
_METERED = (nodes.Add, nodes.Mul, nodes.Pow, nodes.Mod)
_LOOP = {
    "index": "({i} + 1)",
    "index0": "{i}",
    "first": "({i} == 0)",
    "last": "({i} == {n} - 1)",
    "length": "{n}",
    "revindex": "({n} - {i})",
    "revindex0": "({n} - {i} - 1)",
}
_LITERALS = (nodes.Const, nodes.List, nodes.Tuple, nodes.Dict)

Operand = Known | Code


@lru_cache(maxsize=64)
def _blank(sandbox: Sandbox) -> Template:
    """A template that says nothing, for its context: campaigns share sandboxes."""
    return sandbox.load("")


class Wording:
    """Words the expressions of one part; ``sandbox`` is the one that would evaluate them."""

    def __init__(self, sandbox: Sandbox, residue: Residue) -> None:
        self.sandbox = sandbox
        self._residue = residue
        self._constants: dict[object, str] = {}
        context = _blank(sandbox).new_context({})
        self._passed = {
            "context": Known(context),
            "eval_context": Known(context.eval_ctx),
            "environment": Known(sandbox),
        }
        self._remembering: dict[str, Remembered] = {}
        bound = ("getattr", "getitem", "call", "call_binop")
        self._own = {name: Known(getattr(sandbox, name)) for name in bound}

    def local(self, gives: Gives = "any") -> Code:
        """A new identifier for a value that is kept."""
        self._residue.locals += 1
        return Code(f"v{self._residue.locals}", simple=True, gives=gives)

    def opened(self, steps: Steps) -> str:
        """The name of a new list for what is printed."""
        name = self.local().source
        steps.append(Bind(name, Code("[]")))
        return name

    def closed(self, name: str, steps: Steps) -> Code:
        """The text of what was printed into a list."""
        local = self.local("text")
        steps.append(Bind(local.source, Code(f"''.join({name})")))
        return local

    def constant(self, value: object) -> str:
        """The identifier of a constant."""
        if value.__class__ is int and 0 <= value <= MAX_REMEMBERED:
            return str(value)
        key = value if value.__class__ is str else id(value)
        if key not in self._constants:
            if isinstance(value, LoopContext):
                raise Unproven("loop as a value")
            name = f"k{len(self._residue.constants)}"
            self._residue.constants[name] = value
            self._constants[key] = name
        return self._constants[key]

    def column(self, name: str, cleaned: bool) -> Code:
        """A contact's value of that name."""
        columns = self._residue.columns
        source = columns.setdefault((name, cleaned), f"c{len(columns)}")
        return Code(source, simple=True, gives="text")

    def value(self, node: nodes.Node, scope: Scope) -> Value:
        """What an expression is.  Raises Unproven."""
        worded = self._WORDINGS.get(type(node))
        if worded is None:
            raise Unproven(f"{type(node).__name__.lower()} in an expression", line=node.lineno)
        try:
            found: Value = worded(self, node, scope)
            return found
        except Unproven as unproven:
            unproven.line = unproven.line or node.lineno
            raise

    def operand(self, node: nodes.Node, scope: Scope) -> Operand:
        """An expression that is data."""
        value = self.value(node, scope)
        if isinstance(value, Known | Code):
            return value
        if isinstance(value, Contact):
            names = self.constant(tuple(value.fields))
            sources = "".join(f"{code.source}, " for code in value.fields.values())
            return self.made(f"{self.constant(_zipped)}({names}, ({sources}))")
        raise Unproven(f"{type(value).__name__.strip('_').lower()} as a value", line=node.lineno)

    def source(self, operand: Operand) -> str:
        """The source of an operand."""
        return operand.source if isinstance(operand, Code) else self.constant(operand.value)

    def made(self, source: str, gives: Gives = "any") -> Code:
        """An expression of ours, unless it is too long."""
        if len(source) > MAX_SOURCE:
            raise Unproven("a very long expression")
        return Code(source, gives=gives)

    def _built(self, form: str, *operands: Operand) -> Operand:
        """An expression over operands, worked out when all are known."""
        code = self.made(form.format(*map(self.source, operands)))
        if any(isinstance(operand, Code) for operand in operands):
            return code
        try:
            return Known(eval(code.source, self._residue.constants))  # noqa: S307 - our own identifiers only
        except Exception as error:
            raise Unproven("an expression that fails") from error

    # -- names and what belongs to them ------------------------------------------------------

    def _name(self, node: nodes.Name, scope: Scope) -> Value:
        if node.name in scope:
            return scope[node.name]
        if node.name in self.sandbox.globals:
            return Known(self.sandbox.globals[node.name])
        return Known(self.sandbox.undefined(name=node.name))

    def _getattr(self, node: nodes.Getattr, scope: Scope) -> Value:
        owner = self.value(node.node, scope)
        if isinstance(owner, Contact):
            return self._field(owner, node.attr)
        if isinstance(owner, Looping):
            if node.attr not in _LOOP:
                raise Unproven(f"loop.{node.attr} over a contact's values")
            source = _LOOP[node.attr].format(i=owner.index, n=owner.length)
            return Code(source, gives="any" if "==" in source else "number")
        if isinstance(owner, Known):
            return self._read(owner.value, node.attr)
        if not isinstance(owner, Code):
            return self._exported(owner, node.attr)
        return self._built("{}({}, {})", self._own["getattr"], owner, Known(node.attr))

    def _read(self, owner: object, name: str) -> Known:
        if isinstance(owner, LoopContext) and name == "changed":
            raise Unproven("loop.changed")
        return Known(self.sandbox.getattr(owner, name))

    def _exported(self, owner: Value, name: str) -> Value:
        names = getattr(owner, "names", {})
        if name not in names:
            raise Unproven(f"{name!r} of something that has none")
        found: Value = names[name]
        return found

    def _field(self, contact: Contact, name: object) -> Operand:
        if isinstance(name, str) and name in contact.fields:
            return contact.fields[name]
        return Known(self.sandbox.getitem(dict.fromkeys(contact.fields, ""), name))

    def _getitem(self, node: nodes.Getitem, scope: Scope) -> Operand:
        if isinstance(node.arg, nodes.Slice):
            bounds = [node.arg.start, node.arg.stop, node.arg.step]
            operands = [self.operand(b, scope) if b else Known(None) for b in bounds]
            owner = self.operand(node.node, scope)
            return self._built("{}[{}:{}:{}]", owner, *operands)
        whole = self.value(node.node, scope)
        key = self.operand(node.arg, scope)
        if isinstance(whole, Contact) and isinstance(key, Known):
            return self._field(whole, key.value)
        owner = self.operand(node.node, scope)
        looked_up = self._built("{}({}, {})", self._own["getitem"], owner, key)
        if not isinstance(looked_up, Code) or not isinstance(key, Known):
            return looked_up
        if key.value.__class__ is not int or key.value < 0 or not getattr(owner, "simple", False):
            return looked_up
        # what most lists are asked for, without a call
        place, number = self.source(owner), self.source(key)
        of_texts = isinstance(owner, Code) and owner.gives == "texts"
        is_list = "" if of_texts else f"{place}.__class__ is list and "
        source = f"({place}[{number}] if {is_list}len({place}) > {number} else {looked_up.source})"
        sure = Code(f"{place}[{number}]", gives="text") if of_texts else None
        return replace(self.made(source), sure=sure)

    # -- calls -------------------------------------------------------------------------------

    def _filter(self, node: nodes.Filter, scope: Scope) -> Operand:
        function = self.sandbox.filters[node.name]
        operands = self._operands(function, node, scope)
        value = operands[-1]
        if isinstance(value, Code) and node.name in REMEMBERED and not node.kwargs:
            given = [self.operand(arg, scope) for arg in node.args]
            if node.name not in _OF_UNDEFINED:
                value = value.sure or value
            if all(isinstance(arg, Known) for arg in given):
                return self._remembered(node.name, operands[:-1], value, given)
        return self._applied(function, operands, node, scope)

    def _test(self, node: nodes.Test, scope: Scope) -> Operand:
        if node.name == "defined" and isinstance(self.value(node.node, scope), Macro):
            return Known(True)
        # not as filters are: 'upper' and others are both, and mean another thing
        function = self.sandbox.tests[node.name]
        return self._applied(function, self._operands(function, node, scope), node, scope)

    def _operands(
        self, function: Any, node: nodes.Filter | nodes.Test, scope: Scope
    ) -> list[Operand]:
        """What a filter or a test is given before its own arguments, the value last."""
        wish = getattr(function, "jinja_pass_arg", None)
        operands: list[Operand] = [self._passed[wish.name]] if wish is not None else []
        if node.node is None:
            raise Unproven("a filter without a value")
        return [*operands, self.operand(node.node, scope)]

    def _remembered(
        self,
        filter_name: str,
        first: Sequence[Operand],
        value: Code,
        rest: Sequence[Operand],
    ) -> Operand:
        """A filter that gives the same for the same text, looked up where it was seen before."""
        function = self.sandbox.filters[filter_name]
        key = (function, *(part.value for part in (*first, *rest) if isinstance(part, Known)))
        before = [part.value for part in first if isinstance(part, Known)]
        after = [part.value for part in rest if isinstance(part, Known)]
        known = self._remembering.setdefault(repr(key), Remembered(function, before, after))
        name, source = self.constant(known), value.source
        gives = _given(filter_name) if value.gives in {"text", "number"} else "any"
        if value.gives == "text":
            return self.made(f"{name}[{source}]", gives)
        held, seen = (source, source) if value.simple else ("t", f"(t := {source})")
        return self.made(f"({name}[{held}] if {seen}.__class__ is str else {name}({held}))", gives)

    def _applied(
        self,
        function: Any,
        arguments: list[Operand],
        node: nodes.Filter | nodes.Test | nodes.Call,
        scope: Scope,
    ) -> Operand:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise Unproven("arguments with a star")
        arguments = [*arguments, *(self.operand(arg, scope) for arg in node.args)]
        form = ["{}"] * len(arguments)
        named = {pair.key: self.operand(pair.value, scope) for pair in node.kwargs}
        if named:
            names = Known(tuple(named))
            form.append("**{}({}, (" + "{}, " * len(named) + "))")
            arguments = [*arguments, Known(_zipped), names, *named.values()]
        return self._built("{}(" + ", ".join(form) + ")", Known(function), *arguments)

    def _call(self, node: nodes.Call, scope: Scope) -> Operand:
        target = node.node
        if isinstance(target, nodes.Getattr) and target.attr == "cycle":
            owner = self.value(target.node, scope)
            if isinstance(owner, Looping):
                return self._cycled(owner, node, scope)
        function = self.value(target, scope)
        if not isinstance(function, Known) or isinstance(function.value, Undefined):
            raise Unproven("a macro's text as a value")
        own = [self._passed["context"], function]
        answer = self._applied(self._own["call"].value, [*own], node, scope)
        if isinstance(answer, Code) and isinstance(function.value, MethodType):
            raise Unproven("loop.cycle or loop.changed with a contact's value")
        return answer

    def _cycled(self, loop: Looping, node: nodes.Call, scope: Scope) -> Operand:
        operands = [self.operand(arg, scope) for arg in node.args]
        if not operands or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise Unproven("loop.cycle without values")
        form = "({},)" if len(operands) == 1 else "(" + ", ".join(["{}"] * len(operands)) + ")"
        made = self._built(form + "[{} % {}]", *operands, Code(loop.index), Known(len(operands)))
        return _text_if(made, operands)

    # -- operators ---------------------------------------------------------------------------

    def _const(self, node: nodes.Const, _: Scope) -> Operand:
        return Known(node.value)

    def _text(self, node: nodes.TemplateData, _: Scope) -> Operand:
        return Known(node.data)

    def _compare(self, node: nodes.Compare, scope: Scope) -> Operand:
        operands = [_sure(self.operand(node.expr, scope))]
        form = "({}"
        for operand in node.ops:
            operands.append(_sure(self.operand(operand.expr, scope)))
            form += f" {_COMPARISONS[operand.op]} {{}}"
        return self._built(form + ")", *operands)

    def _logic(self, node: nodes.And | nodes.Or, scope: Scope) -> Operand:
        left = self.operand(node.left, scope)
        is_and = isinstance(node, nodes.And)
        if isinstance(left, Known):
            return self.operand(node.right, scope) if _true(left) is is_and else left
        return self._built(f"({{}} {'and' if is_and else 'or'} {{}})", left,
                           self.operand(node.right, scope))  # fmt: skip

    def _choice(self, node: nodes.CondExpr, scope: Scope) -> Operand:
        test = self.operand(node.test, scope)
        if isinstance(test, Known):
            if _true(test):
                return self.operand(node.expr1, scope)
            return self._otherwise(node, scope)
        one, other = self.operand(node.expr1, scope), self._otherwise(node, scope)
        return _text_if(self._built("({} if {} else {})", one, test, other), [one, other])

    def _otherwise(self, node: nodes.CondExpr, scope: Scope) -> Operand:
        if node.expr2 is None:
            return Known(self.sandbox.undefined("there is no else"))
        return self.operand(node.expr2, scope)

    def _unary(self, node: nodes.UnaryExpr, scope: Scope) -> Operand:
        sign = {"not": "not ", "-": "-", "+": "+"}[node.operator]
        return self._built(f"({sign}{{}})", self.operand(node.node, scope))

    def _binary(self, node: nodes.BinExpr, scope: Scope) -> Operand:
        left, right = self.operand(node.left, scope), self.operand(node.right, scope)
        if not isinstance(node, _METERED):
            return self._built(f"({{}} {node.operator} {{}})", left, right)
        own = [self._own["call_binop"], self._passed["context"], Known(node.operator)]
        return self._built("{}({}, {}, {}, {})", *own, left, right)

    def _concat(self, node: nodes.Concat, scope: Scope) -> Operand:
        join = markup_join if self.sandbox.autoescape else str_join
        pay = [Known(self.sandbox.filters["_pay"]), self._passed["context"]]
        form = ["{}({}, {})"] * len(node.nodes)
        operands = [part for child in node.nodes for part in [*pay, self.operand(child, scope)]]
        return self._built("{}((" + "".join(f"{f}, " for f in form) + "))", Known(join), *operands)

    def _list(self, node: nodes.List | nodes.Tuple, scope: Scope) -> Operand:
        items = [self._element(item, scope) for item in node.items]
        holder = "[{}]" if isinstance(node, nodes.List) else "({})"
        return self._built(holder.format("{}, " * len(items)), *items)

    def _dict(self, node: nodes.Dict, scope: Scope) -> Operand:
        pairs = [
            part
            for pair in node.items
            for part in (self.operand(pair.key, scope), self._element(pair.value, scope))
        ]
        return self._built("{}((" + "({}, {}), " * len(node.items) + "))", Known(dict), *pairs)

    def _element(self, node: nodes.Node, scope: Scope) -> Operand:
        item = self.operand(node, scope)
        if isinstance(node, _LITERALS):
            return item
        check = [Known(self.sandbox.filters["_scalar"]), self._passed["context"]]
        return self._built("{}({}, {})", *check, item)

    _WORDINGS: ClassVar[dict[type[nodes.Node], Callable[..., Any]]] = {
        nodes.Name: _name,
        nodes.Getattr: _getattr,
        nodes.Getitem: _getitem,
        nodes.Filter: _filter,
        nodes.Test: _test,
        nodes.Call: _call,
        nodes.Const: _const,
        nodes.TemplateData: _text,
        nodes.Compare: _compare,
        nodes.And: _logic,
        nodes.Or: _logic,
        nodes.CondExpr: _choice,
        nodes.Concat: _concat,
        nodes.List: _list,
        nodes.Tuple: _list,
        nodes.Dict: _dict,
        **dict.fromkeys((nodes.Not, nodes.Neg, nodes.Pos), _unary),
        **dict.fromkeys((*_METERED, nodes.Sub, nodes.Div, nodes.FloorDiv), _binary),
    }


class Remembered(dict[str, Any]):
    """A filter with its arguments, and what it gave for texts.  Texts only: 1 is not True."""

    def __init__(self, function: Any, before: Sequence[Any], after: Sequence[Any]) -> None:
        super().__init__()
        self._function = function
        self._before = before
        self._after = after

    def __missing__(self, text: str) -> Any:
        found = self._function(*self._before, text, *self._after)
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        if len(text) <= MAX_LENGTH:
            self[text] = found
        return found

    def __call__(self, value: Any) -> Any:
        """What the filter gives for any value."""
        if value.__class__ is str:
            return self[value]
        return self._function(*self._before, value, *self._after)


def _text_if(made: Operand, operands: Sequence[Operand]) -> Operand:
    """An expression that gives one of its operands: text when they all are."""
    are_texts = all(
        operand.gives == "text" if isinstance(operand, Code) else operand.value.__class__ is str
        for operand in operands
    )
    return replace(made, gives="text") if are_texts and isinstance(made, Code) else made


def _sure(operand: Operand) -> Operand:
    return operand.sure or operand if isinstance(operand, Code) else operand


def _given(name: str) -> Gives:
    """What a filter gives for a text or a number."""
    if name == "split":
        return "texts"
    return "text" if name in REMEMBERED - _NO_TEXT else "any"


def _true(value: Known) -> bool:
    try:
        return bool(value.value)
    except Exception as error:
        raise Unproven("a condition that fails") from error


def _zipped(names: tuple[str, ...], values: tuple[object, ...]) -> dict[str, object]:
    return dict(zip(names, values, strict=True))
