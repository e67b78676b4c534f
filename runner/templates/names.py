"""Which names a template reads, found without rendering it.

A walk through the syntax trees, included and extended ones too, that knows what is bound where:
loops, ``set``, ``with``, macros and imports.  ``x is defined`` and ``x|default(…)`` make a name
optional.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace

from jinja2 import nodes

from ..dataclass import dataclass

_OPTIONAL = frozenset({"default", "d"})


@dataclass(frozen=True, slots=True)
class Use:
    """A name that is read: ``owner`` is ``contact`` or ``variables`` for ``owner.name``, else ''.

    ``template`` is the source it stands in; ``optional`` when it may be undefined there;
    ``printed`` when its value is put into the text as it is, with nothing for an empty one.
    """

    owner: str
    name: str
    template: str
    line: int
    optional: bool
    printed: bool = False


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is known at a place: names bound by the template, names that were tested."""

    template: str
    bound: frozenset[str] = frozenset()
    tested: frozenset[str] = frozenset()
    context: bool = True


@dataclass(slots=True)
class Reader:
    """Reads the names of templates; ``uses`` are those that must come from outside.

    ``owners`` are the names whose attributes are looked up one by one.
    """

    trees: Mapping[str, nodes.Template]
    owners: Collection[str]
    uses: list[Use] = field(default_factory=list)
    _seen: set[tuple[str, frozenset[str], bool]] = field(default_factory=set)

    def read(self, template: str) -> None:
        """Read a template and all that it reaches."""
        self._template(template, _Scope(template))

    def _template(self, name: str, scope: _Scope) -> frozenset[str]:
        key = (name, scope.bound, scope.context)
        if name not in self.trees or key in self._seen:
            return scope.bound
        self._seen.add(key)
        return self._body(self.trees[name].body, replace(scope, template=name))

    def _body(self, body: Iterable[nodes.Node], scope: _Scope) -> frozenset[str]:
        """Read statements in order; returns what is bound after them."""
        parent = ""
        for node in body:
            if isinstance(node, nodes.Extends):
                parent = _literal(node.template)
            else:
                scope = self._statement(node, scope)
        if parent:
            self._template(parent, scope)
        return scope.bound

    def _statement(self, node: nodes.Node, scope: _Scope) -> _Scope:
        """Read one statement; returns the scope of the next."""
        if isinstance(node, nodes.Output):
            for child in node.nodes:
                self._expression(child, scope, printed=True)
        elif isinstance(node, nodes.For):
            self._loop(node, scope)
        elif isinstance(node, nodes.If):
            return self._condition(node, scope)
        elif isinstance(node, nodes.Include):
            self._template(_literal(node.template), scope)
        else:
            return self._binding(node, scope)
        return scope

    def _binding(self, node: nodes.Node, scope: _Scope) -> _Scope:
        """Read a statement that may bind names."""
        if isinstance(node, nodes.Assign):
            self._expression(node.node, scope)
            return _binding(scope, _targets(node.target))
        if isinstance(node, nodes.AssignBlock):
            self._body(node.body, scope)
            return _binding(scope, _targets(node.target))
        if isinstance(node, nodes.Import | nodes.FromImport):
            return self._import(node, scope)
        if isinstance(node, nodes.Macro):
            scope = _binding(scope, [node.name])
            self._macro(node, scope)
            return scope
        self._nested(node, scope)
        return scope

    def _nested(self, node: nodes.Node, scope: _Scope) -> None:
        if isinstance(node, nodes.CallBlock):
            self._expression(node.call, scope)
            self._macro(node, scope)
        elif isinstance(node, nodes.With):
            for value in node.values:
                self._expression(value, scope)
            bound = [name for target in node.targets for name in _targets(target)]
            self._body(node.body, _binding(scope, bound))
        elif isinstance(node, nodes.Block | nodes.FilterBlock | nodes.Scope):
            self._body(node.body, scope)
        elif isinstance(node, nodes.Expr):
            self._expression(node, scope)

    def _import(self, node: nodes.Import | nodes.FromImport, scope: _Scope) -> _Scope:
        context = bool(node.with_context) and scope.context
        name = _literal(node.template)
        self._template(name, _Scope(name, context=context))
        if isinstance(node, nodes.Import):
            return _binding(scope, [node.target])
        return _binding(scope, [n if isinstance(n, str) else n[1] for n in node.names])

    def _macro(self, node: nodes.Macro | nodes.CallBlock, scope: _Scope) -> None:
        for default in node.defaults:
            self._expression(default, scope)
        self._body(node.body, _binding(scope, [*(arg.name for arg in node.args), "caller"]))

    def _loop(self, node: nodes.For, scope: _Scope) -> None:
        self._expression(node.iter, scope)
        inner = _binding(scope, [*_targets(node.target), "loop"])
        if node.test is not None:
            self._expression(node.test, inner)
        self._body(node.body, inner)
        self._body(node.else_, scope)

    def _condition(self, node: nodes.If, scope: _Scope) -> _Scope:
        """What any branch binds counts as bound after it: undefined then is the render's to say."""
        self._expression(node.test, scope)
        inner = replace(scope, tested=scope.tested | _tested(node.test))
        bound = self._body(node.body, inner)
        for branch in node.elif_:
            bound |= self._condition(branch, inner).bound
        bound |= self._body(node.else_, inner)
        return replace(scope, bound=scope.bound | bound)

    def _expression(
        self, node: nodes.Node, scope: _Scope, *, optional: bool = False, printed: bool = False
    ) -> None:
        if isinstance(node, nodes.Name):
            self._name(node, scope, optional, printed)
        elif isinstance(node, nodes.Getattr | nodes.Getitem) and self._owned(node, scope):
            owner = node.node.name if isinstance(node.node, nodes.Name) else ""
            self._use(_Found(owner, _attribute(node), node.lineno), scope, optional, printed)
        elif isinstance(node, nodes.Filter):
            self._filter(node, scope, printed)
        elif isinstance(node, nodes.Test) and node.name in {"defined", "undefined"}:
            self._expression(node.node, scope, optional=True)
        elif isinstance(node, nodes.CondExpr):
            self._choice(node, scope, printed)
        else:
            for child in node.iter_child_nodes():
                self._expression(child, scope)

    def _filter(self, node: nodes.Filter, scope: _Scope, printed: bool) -> None:
        is_default = node.name in _OPTIONAL
        if node.node is not None:
            self._expression(
                node.node, scope, optional=is_default, printed=printed and not is_default
            )
        for child in [*node.args, *node.kwargs]:
            self._expression(child, scope)

    def _choice(self, node: nodes.CondExpr, scope: _Scope, printed: bool) -> None:
        self._expression(node.test, scope)
        inner = replace(scope, tested=scope.tested | _tested(node.test))
        for branch in (node.expr1, node.expr2):
            if branch is not None:
                self._expression(branch, inner, printed=printed)

    def _owned(self, node: nodes.Getattr | nodes.Getitem, scope: _Scope) -> bool:
        owner = node.node
        return (
            isinstance(owner, nodes.Name)
            and owner.name in self.owners
            and owner.name not in scope.bound
            and bool(_attribute(node))
        )

    def _name(self, node: nodes.Name, scope: _Scope, optional: bool, printed: bool) -> None:
        if node.ctx == "load" and node.name not in scope.bound:
            self._use(_Found("", node.name, node.lineno), scope, optional, printed)

    def _use(self, found: _Found, scope: _Scope, optional: bool, printed: bool) -> None:
        was_tested = found.name in scope.tested
        self.uses.append(
            Use(
                owner=found.owner if scope.context else "import",
                name=found.name,
                template=scope.template,
                line=found.line,
                optional=optional or was_tested,
                printed=printed and not was_tested,
            )
        )


@dataclass(frozen=True, slots=True)
class _Found:
    owner: str
    name: str
    line: int


def _binding(scope: _Scope, names: Iterable[str]) -> _Scope:
    return replace(scope, bound=scope.bound | frozenset(names))


def _targets(target: nodes.Node) -> Iterator[str]:
    if isinstance(target, nodes.Name):
        yield target.name
    for child in target.iter_child_nodes():
        yield from _targets(child)


def _tested(test: nodes.Node) -> frozenset[str]:
    """Names that a condition looks at: whoever tests a name knows that it may be missing."""
    found = {node.name for node in test.find_all(nodes.Name)}
    found |= {_attribute(node) for node in test.find_all((nodes.Getattr, nodes.Getitem))}
    if isinstance(test, nodes.Name):
        found.add(test.name)
    elif isinstance(test, nodes.Getattr | nodes.Getitem):
        found.add(_attribute(test))
    return frozenset(found)


def _attribute(node: nodes.Node) -> str:
    """``b`` of ``a.b`` and ``a['b']``; '' when it is not written out."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem):
        return _literal(node.arg)
    return ""


def _literal(node: nodes.Node) -> str:
    is_text = isinstance(node, nodes.Const) and isinstance(node.value, str)
    return str(node.value) if is_text and isinstance(node, nodes.Const) else ""
