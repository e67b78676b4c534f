"""Works out beforehand what a template does for every contact alike, and keeps the rest.

Statements are gone through as Jinja2 would: loops over a campaign's data are unrolled, macros,
blocks, includes and imports are followed, conditions that are known are decided.  What is left is
a ``Residue``.  Whatever is not sure to come out the same raises ``Unproven``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeGuard

from jinja2 import Undefined, nodes
from jinja2.runtime import LoopContext
from markupsafe import Markup

from ..sandbox.budget import MAX_CALL_DEPTH, spend
from ..sandbox.grammar import static_size
from ..sandbox.values import as_text
from .analysis import Analysis, without_escape
from .residue import (
    Bind,
    Choice,
    Code,
    Frame,
    Hole,
    Known,
    Loop,
    Looping,
    Macro,
    Module,
    Printed,
    Said,
    Scope,
    Steps,
    Unclear,
    Unproven,
    Value,
)
from .wording import Wording

MAX_STEPS = 20_000
"""Steps of one part; a larger program would take longer to compile than it saves."""

_SUPER = "super"


class Folding:
    """Folds one part; ``trees`` are its source and all that it reaches, by name.

    ``spoken``: the name of ours under which all that is printed is collected, '' for none.
    """

    def __init__(
        self,
        wording: Wording,
        trees: Mapping[str, nodes.Template],
        analysis: Analysis,
        spoken: str = "",
    ) -> None:
        self._wording = wording
        self._trees = trees
        self._analysis = analysis
        self._spoken = spoken
        self._steps = 0
        self._depth = 0
        self._frame = Frame("", {}, {})
        self._in_module = False

    def fold(self, template: str, scope: Scope, steps: Steps) -> None:
        """Add to ``steps`` what is left of a template.  Raises Unproven, saying where."""
        self._template(template, scope, steps)

    # -- templates ---------------------------------------------------------------------------

    def _template(self, name: str, scope: Scope, steps: Steps) -> Scope:
        """Render a template of its own; returns its outermost scope."""
        outer = self._frame
        self._frame = Frame(name, {}, scope)
        try:
            self._inherited(name, scope, steps)
        finally:
            self._frame = outer
        return scope

    def _inherited(self, name: str, scope: Scope, steps: Steps) -> None:
        tree = self._trees[name]
        for block in tree.find_all(nodes.Block):
            self._frame.blocks.setdefault(block.name, []).append((block, name))
        parent = ""
        for node in tree.body:
            if isinstance(node, nodes.Extends):
                parent = _literal(node.template)
            elif not parent:
                self._statement(node, scope, steps)
            elif isinstance(node, nodes.Output | nodes.Block):
                continue
            elif isinstance(node, _BINDING):
                self._statement(node, scope, steps)
            else:
                raise self._unproven("a statement after extends", node)
        if parent:
            seen = _exported(scope, scope)
            self._frame = Frame(parent, self._frame.blocks, seen)
            self._inherited(parent, seen, steps)

    def _body(self, body: Sequence[nodes.Node], scope: Scope, steps: Steps) -> None:
        for node in body:
            self._statement(node, scope, steps)

    def _statement(self, node: nodes.Node, scope: Scope, steps: Steps) -> None:
        spend(1)
        fold = self._FOLDS.get(type(node))
        try:
            if fold is None:
                raise Unproven(type(node).__name__.lower())
            fold(self, node, scope, steps)
        except Unproven as unproven:
            if not unproven.template:
                unproven.template = self._frame.template
                unproven.line = unproven.line or node.lineno
            raise

    def _unproven(self, construct: str, node: nodes.Node) -> Unproven:
        return Unproven(construct, self._frame.template, node.lineno)

    def _add(self, steps: Steps, *added: Any) -> None:
        self._steps += len(added)
        if self._steps > MAX_STEPS:
            raise Unproven("too much for each contact")
        steps += added

    # -- printing ----------------------------------------------------------------------------

    def _output(self, node: nodes.Output, scope: Scope, steps: Steps) -> None:
        for child in node.nodes:
            bare = without_escape(child)
            if isinstance(child, nodes.TemplateData) or self._analysis.is_constant(child):
                self._say(child, scope, steps)
            elif self._analysis.is_capture(bare):
                self._printed(bare, scope, steps)
            else:
                self._hole(bare, scope, steps)

    def _say(self, child: nodes.Expr, scope: Scope, steps: Steps) -> None:
        if self._spoken and not self._in_module:
            self._speak(self._text(child, scope), steps)

    def _speak(self, value: Known | Code, steps: Steps) -> None:
        source = self._wording.source(value)
        said = source if isinstance(value, Known) else f"clean(text({source}))"
        self._add(steps, Said(self._spoken, self._wording.made(said)))

    def _text(self, node: nodes.Expr, scope: Scope) -> Known | Code:
        """A value as it is printed, its text when it is known."""
        value = self._wording.operand(node, scope)
        if isinstance(value, Code):
            return value.sure or value
        try:
            text = as_text(value.value)
        except Exception as error:
            raise Unproven("a value that cannot be put into text") from error
        if isinstance(text, Markup):
            raise Unproven("a value that is markup", line=node.lineno)
        return Known(str(text))

    def _hole(self, node: nodes.Expr, scope: Scope, steps: Steps) -> None:
        if self._in_module:
            raise Unproven("an imported template that prints")
        value = self._text(node, scope)
        if isinstance(value, Code) and not value.simple and self._spoken:
            value = self._kept(value, steps)
        self._add(steps, Hole(value))
        if self._spoken:
            self._speak(value, steps)

    def _kept(self, code: Code, steps: Steps) -> Code:
        """A value under a name of ours, so that it is worked out once."""
        if code.simple:
            return code
        local = self._wording.local(code.gives)
        self._add(steps, Bind(local.source, code))
        return local

    def _printed(self, node: nodes.Expr, scope: Scope, steps: Steps) -> None:
        """Print a macro, a block or a captured text."""
        if not isinstance(node, nodes.Call):
            found = self._wording.value(node, scope)
            if self._spoken and isinstance(found, Printed) and found.text:
                self._add(steps, Said(self._spoken, found.text))
            elif self._spoken:
                raise Unproven("a captured text that is not sure to be there", line=node.lineno)
            return
        target = self._called(node, scope)
        if target is None:
            raise Unproven("a call of what is not a macro", line=node.lineno)
        self._call(target, node, scope, steps)

    # -- what can be called ------------------------------------------------------------------

    def _called(self, node: nodes.Call, scope: Scope) -> Macro | None:
        target = node.node
        if _is_of_self(target) and target.attr in self._frame.blocks:
            return self._block_at(target.attr, 0, {})
        if isinstance(target, nodes.Name) and target.name == _SUPER:
            found = scope.get(_SUPER)
        else:
            found = self._wording.value(target, scope)
        return found if isinstance(found, Macro) else None

    def _call(self, target: Macro, node: nodes.Call, scope: Scope, steps: Steps) -> None:
        inner = self._parameters(target, node, scope, steps)
        self._enter(target, inner, steps)

    def _enter(self, target: Macro, scope: Scope, steps: Steps) -> None:
        outer, self._frame = self._frame, target.frame
        self._depth += 1
        try:
            if self._depth > MAX_CALL_DEPTH:
                raise Unproven("macros that call each other")
            self._body(target.node.body, scope, steps)
        finally:
            self._depth -= 1
            self._frame = outer

    def _parameters(self, target: Macro, node: nodes.Call, scope: Scope, steps: Steps) -> Scope:
        inner = dict(target.scope)
        if isinstance(target.node, nodes.Block):
            return inner
        names = [arg.name for arg in target.node.args]
        given = self._arguments(node, names, scope, steps)
        inner |= {"caller": Known(self._wording.sandbox.undefined(name="caller"))}
        defaults = dict(zip(reversed(names), reversed(target.node.defaults), strict=False))
        for name in names:
            if name in given:
                inner[name] = given[name]
            elif name in defaults:
                inner[name] = self._argument(defaults[name], inner, steps)
            else:
                inner[name] = Known(self._wording.sandbox.undefined(name=name))
        if _CALLER in given:
            inner["caller"] = given[_CALLER]
        return inner

    def _arguments(
        self, node: nodes.Call, names: Sequence[str], scope: Scope, steps: Steps
    ) -> Scope:
        known = {pair.key for pair in node.kwargs}
        if node.dyn_args or node.dyn_kwargs or len(node.args) > len(names) or known - set(names):
            raise Unproven("a macro with other arguments than it has", line=node.lineno)
        given = {
            name: self._argument(arg, scope, steps)
            for name, arg in zip(names, node.args, strict=False)
        }
        return given | {pair.key: self._argument(pair.value, scope, steps) for pair in node.kwargs}

    def _argument(self, node: nodes.Node, scope: Scope, steps: Steps) -> Value:
        value = self._wording.value(node, scope)
        return self._kept(value, steps) if isinstance(value, Code) else value

    def _macro(self, node: nodes.Macro, scope: Scope, _: Steps) -> None:
        scope[node.name] = Macro(node, scope, self._frame)

    def _call_block(self, node: nodes.CallBlock, scope: Scope, steps: Steps) -> None:
        target = self._called(node.call, scope)
        if target is None or isinstance(target.node, nodes.Block):
            raise Unproven("a call block of what is not a macro")
        inner = self._parameters(target, node.call, scope, steps)
        inner["caller"] = Macro(node, scope, self._frame)
        self._enter(target, inner, steps)

    def _block(self, node: nodes.Block, scope: Scope, steps: Steps) -> None:
        target = self._block_at(node.name, 0, scope if node.scoped else {})
        self._enter(target, dict(target.scope), steps)

    def _block_at(self, name: str, depth: int, scope: Scope) -> Macro:
        """A block as it was overridden ``depth`` times less than at most."""
        found = self._frame.blocks[name]
        if depth >= len(found):
            raise Unproven("super() without a block above")
        block, template = found[depth]
        frame = Frame(template, self._frame.blocks, self._frame.top)
        inner = _exported(self._frame.top, {**self._frame.top, **scope})
        if depth + 1 < len(found):
            inner[_SUPER] = self._block_at(name, depth + 1, scope)
        return Macro(block, inner, frame)

    # -- binding -----------------------------------------------------------------------------

    def _assign(self, node: nodes.Assign, scope: Scope, steps: Steps) -> None:
        value = self._argument(node.node, scope, steps)
        self._bind(node.target, value, scope)

    def _bind(self, target: nodes.Node, value: Value, scope: Scope) -> None:
        if isinstance(target, nodes.Name):
            scope[target.name] = value
            return
        if not isinstance(target, nodes.Tuple) or not isinstance(value, Known):
            raise Unproven("several names for a contact's value", line=target.lineno)
        values = list(value.value) if isinstance(value.value, list | tuple) else []
        if len(values) != len(target.items):
            raise Unproven("more or fewer names than values", line=target.lineno)
        for item, part in zip(target.items, values, strict=True):
            self._bind(item, Known(part), scope)

    def _capture(self, node: nodes.AssignBlock, scope: Scope, steps: Steps) -> None:
        if not isinstance(node.target, nodes.Name) or (self._spoken and node.filter):
            raise Unproven("a filtered text in a subject")
        if not self._spoken:
            self._body(node.body, dict(scope), steps)
            scope[node.target.name] = Printed()
            return
        outer = self._spoken
        self._spoken = self._wording.opened(steps)
        self._body(node.body, dict(scope), steps)
        scope[node.target.name] = Printed(self._wording.closed(self._spoken, steps))
        self._spoken = outer

    def _filtered(self, node: nodes.FilterBlock, scope: Scope, steps: Steps) -> None:
        if self._spoken:
            raise Unproven("a filter block in a subject")
        self._body(node.body, dict(scope), steps)

    def _with(self, node: nodes.With, scope: Scope, steps: Steps) -> None:
        inner = dict(scope)
        for target, value in zip(node.targets, node.values, strict=True):
            self._bind(target, self._argument(value, scope, steps), inner)
        self._body(node.body, inner, steps)

    # -- other templates ---------------------------------------------------------------------

    def _include(self, node: nodes.Include, scope: Scope, steps: Steps) -> None:
        name = _literal(node.template)
        if name in self._trees:
            self._template(name, dict(scope) if node.with_context else {}, steps)
        elif not node.ignore_missing:
            raise Unproven("an include of nothing")

    def _module(self, node: nodes.Import | nodes.FromImport, scope: Scope, steps: Steps) -> Scope:
        outer, self._in_module = self._in_module, True
        try:
            inner = dict(scope) if node.with_context else {}
            before = dict(inner)
            self._template(_literal(node.template), inner, steps)
        finally:
            self._in_module = outer
        return {
            name: value
            for name, value in inner.items()
            if before.get(name) is not value and not name.startswith("_")
        }

    def _import(self, node: nodes.Import, scope: Scope, steps: Steps) -> None:
        scope[node.target] = Module(self._module(node, scope, steps))

    def _from_import(self, node: nodes.FromImport, scope: Scope, steps: Steps) -> None:
        names = self._module(node, scope, steps)
        for item in node.names:
            name, alias = (item, item) if isinstance(item, str) else item
            if name not in names:
                raise Unproven(f"{name!r}, which is not in the imported template")
            scope[alias] = names[name]

    # -- choices -----------------------------------------------------------------------------

    def _if(self, node: nodes.If, scope: Scope, steps: Steps) -> None:
        tests: list[Code] = []
        bodies: list[Sequence[nodes.Node]] = []
        for branch in [node, *node.elif_]:
            test = self._test(branch.test, scope)
            if isinstance(test, Code):
                tests.append(test)
                bodies.append(branch.body)
            elif _holds(test):
                self._choose(tests, [*bodies, branch.body], scope, steps)
                return
        self._choose(tests, [*bodies, node.else_], scope, steps)

    def _test(self, node: nodes.Node, scope: Scope) -> Known | Code:
        if isinstance(node, nodes.Name) and isinstance(scope.get(node.name), Macro):
            return Known(True)
        return self._wording.operand(node, scope)

    def _choose(
        self,
        tests: Sequence[Code],
        bodies: Sequence[Sequence[nodes.Node]],
        scope: Scope,
        steps: Steps,
    ) -> None:
        if not tests:
            self._body(bodies[0], scope, steps)
            return
        arms: list[Steps] = [[] for _ in bodies]
        scopes: list[Scope] = []
        before = dict(scope)
        for body, arm in zip(bodies, arms, strict=True):
            # in the scope itself: macros and blocks that are used in the arm look into it
            self._body(body, scope, arm)
            scopes.append(dict(scope))
            scope.clear()
            scope.update(before)
        self._meet(scope, scopes, arms)
        self._add(steps, Choice(tuple(tests), tuple(arms)))

    def _meet(self, scope: Scope, scopes: Sequence[Scope], arms: Sequence[Steps]) -> None:
        """What names mean after a choice: where the arms differ, a value that is kept."""
        changed = {
            name: None
            for inner in scopes
            for name, value in inner.items()
            if scope.get(name) is not value
        }
        for name in changed:
            missing = Known(self._wording.sandbox.undefined(name=name))
            found = [inner.get(name, missing) for inner in scopes]
            if any(isinstance(value, Printed) for value in found):
                scope[name] = Printed()  # those who have none fail when it is printed
            elif all(value is found[0] for value in found):
                scope[name] = found[0]
            elif all(isinstance(value, Known | Code) for value in found):
                scope[name] = self._either(found, arms)
            else:
                scope[name] = Unclear()

    def _either(self, values: Sequence[Value], arms: Sequence[Steps]) -> Code:
        local = self._wording.local()
        for value, arm in zip(values, arms, strict=True):
            if not isinstance(value, Known | Code):
                raise Unproven("a macro that depends on the contact")
            source = self._wording.made(self._wording.source(value))
            self._add(arm, Bind(local.source, source))
        return local

    # -- loops -------------------------------------------------------------------------------

    def _for(self, node: nodes.For, scope: Scope, steps: Steps) -> None:
        items = self._wording.operand(node.iter, scope)
        if isinstance(items, Code):
            self._loop(node, items, scope, steps)
        elif self._spoken or not self._is_silent(node):
            self._unroll(node, items, scope, steps)

    def _unroll(self, node: nodes.For, items: Known, scope: Scope, steps: Steps) -> None:
        values = _listed(items)
        tests: list[Code | None] = [None] * len(values)
        if node.test is not None:
            values, tests = self._tested(node, values, scope)
        if any(tests):
            self._chosen(node, values, tests, scope, steps)
            return
        state = LoopContext(values, self._wording.sandbox.undefined)
        for item, _ in state:
            inner = dict(scope)
            self._bind(node.target, Known(item), inner)
            inner["loop"] = Known(state)
            self._body(node.body, inner, steps)
        if not values:
            self._body(node.else_, dict(scope), steps)

    def _chosen(
        self,
        node: nodes.For,
        values: Sequence[Any],
        tests: Sequence[Code | None],
        scope: Scope,
        steps: Steps,
    ) -> None:
        """Unroll a loop over known items of which the contact chooses some."""
        decided: dict[str, Code] = {}
        chosen = [self._decided(test, decided, steps) for test in tests]
        state = self._counted(node, chosen, steps)
        told: set[str] = set()
        for item, one in zip(values, chosen, strict=True):
            inner = dict(scope)
            self._bind(node.target, Known(item), inner)
            body: Steps = []
            if state:
                inner["loop"] = state
            self._body(node.body, inner, body)
            if state:
                self._add(body, Bind(state.index, Code(f"{state.index} + 1")))
            self._add(steps, Choice((one,), (body, []), told=one.source not in told))
            told.add(one.source)
        if node.else_:
            none = self._wording.made(" or ".join(dict.fromkeys(one.source for one in chosen)))
            other: Steps = []
            self._body(node.else_, dict(scope), other)
            self._add(steps, Choice((none,), ([], other)))

    def _counted(self, node: nodes.For, chosen: Sequence[Code], steps: Steps) -> Looping | None:
        """``loop`` where it is used: how many are chosen, and a counter."""
        used = {name.name for part in node.body for name in part.find_all(nodes.Name)}
        if "loop" not in used:
            return None
        state = Looping(self._wording.local().source, self._wording.local().source)
        total = self._wording.made(" + ".join(one.source for one in chosen))
        self._add(steps, Bind(state.length, total), Bind(state.index, Code("0")))
        return state

    def _decided(self, test: Code | None, decided: dict[str, Code], steps: Steps) -> Code:
        """Whether an item is chosen, kept as a truth value, once for the same test."""
        source = test.source if test else "True"
        if source not in decided:
            decided[source] = self._wording.local()
            self._add(steps, Bind(decided[source].source, Code(f"(True if {source} else False)")))
        return decided[source]

    def _tested(
        self, node: nodes.For, values: Sequence[Any], scope: Scope
    ) -> tuple[list[Any], list[Code | None]]:
        kept: list[Any] = []
        tests: list[Code | None] = []
        for item in values:
            inner = dict(scope)
            self._bind(node.target, Known(item), inner)
            test = self._wording.operand(node.test, inner) if node.test else Known(True)
            if isinstance(test, Code) or _holds(test):
                kept.append(item)
                tests.append(test if isinstance(test, Code) else None)
        return kept, tests

    def _loop(self, node: nodes.For, items: Code, scope: Scope, steps: Steps) -> None:
        inner = dict(scope)
        targets = node.target.items if isinstance(node.target, nodes.Tuple) else [node.target]
        is_text = items.gives in {"texts", "text"} and len(targets) == 1
        names = [self._wording.local("text" if is_text else "any") for _ in targets]
        for target, name in zip(targets, names, strict=True):
            if not isinstance(target, nodes.Name):
                raise Unproven("names within names", line=node.lineno)
            inner[target.name] = name
        test = None if node.test is None else self._wording.operand(node.test, inner)
        if isinstance(test, Known):
            test = self._wording.made(self._wording.source(test))
        state = Looping(self._wording.local().source, self._wording.local().source)
        inner["loop"] = state
        body: Steps = []
        self._body(node.body, inner, body)
        other: Steps = []
        self._body(node.else_, dict(scope), other)
        targets_of_ours = tuple(name.source for name in names)
        price = 1 + static_size(node.body)
        self._add(steps, Loop(items, targets_of_ours, test, state, price, body, other))

    def _is_silent(self, loop: nodes.For) -> bool:
        """Whether nothing in a loop depends on the contact."""
        return all(map(self._is_alike, loop.find_all(nodes.Node))) and self._is_alike(loop)

    def _is_alike(self, node: nodes.Node) -> bool:
        """Whether a statement, apart from those inside it, does the same for every contact."""
        looked_at: list[nodes.Node]
        if isinstance(node, nodes.Output):
            looked_at = [n for n in node.nodes if not isinstance(n, nodes.TemplateData)]
        elif isinstance(node, nodes.If):
            looked_at = [node.test]
        elif isinstance(node, nodes.For):
            looked_at = [node.iter, *([node.test] if node.test else [])]
        else:
            return not isinstance(node, _FAR)
        return all(map(self._analysis.is_constant, looked_at))

    def _expression(self, node: nodes.ExprStmt, scope: Scope, _: Steps) -> None:
        self._wording.operand(node.node, scope)

    _FOLDS: ClassVar[dict[type[nodes.Node], Callable[..., None]]] = {
        nodes.Output: _output,
        nodes.If: _if,
        nodes.For: _for,
        nodes.Assign: _assign,
        nodes.AssignBlock: _capture,
        nodes.FilterBlock: _filtered,
        nodes.With: _with,
        nodes.Macro: _macro,
        nodes.CallBlock: _call_block,
        nodes.Block: _block,
        nodes.Include: _include,
        nodes.Import: _import,
        nodes.FromImport: _from_import,
        nodes.ExprStmt: _expression,
    }


_CALLER = "caller"
_BINDING = (nodes.Assign, nodes.AssignBlock, nodes.Macro, nodes.Import, nodes.FromImport)
_FAR = (nodes.CallBlock, nodes.Include, nodes.Block, nodes.Import, nodes.FromImport)


def _exported(top: Scope, scope: Scope) -> Scope:
    """A scope as other templates see it: without what begins with ``_`` at the outermost level."""
    return {
        name: value
        for name, value in scope.items()
        if not name.startswith("_") or top.get(name) is not value
    }


def _is_of_self(node: nodes.Node) -> TypeGuard[nodes.Getattr]:
    if not isinstance(node, nodes.Getattr) or not isinstance(node.node, nodes.Name):
        return False
    return node.node.name == "self"


def _literal(node: nodes.Node) -> str:
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        return node.value
    raise Unproven("a template whose name is worked out")


def _holds(test: Known) -> bool:
    try:
        return bool(test.value)
    except Exception as error:
        raise Unproven("a condition that fails") from error


def _listed(items: Known) -> list[Any]:
    if isinstance(items.value, Undefined):
        raise Unproven("a loop over what is not there")
    try:
        return list(items.value)
    except TypeError as error:
        raise Unproven("a loop over what is no list") from error
