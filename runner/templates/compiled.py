"""A step's content, compiled for contacts that have certain fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from markupsafe import escape

from ..dataclass import dataclass
from ..errors import SLOW, InputError, Problem
from ..sandbox import SandboxError, budget
from .atoms import clean, has_control, unwrapped, wrapped
from .document import DocumentError, finish
from .forms import Form, settled
from .gathering import MAX_FORMS, Gathering
from .generated import Path
from .plain import to_text
from .prepared import Names, Prepared, prepare
from .program import Program
from .residue import Unproven
from .shapes import Shape, Skeleton, fill, plain_slots, shape_of
from .sources import RESERVED, Part, Source, StepContent
from .tracing import NotFoldable, Trace, tracing

MAX_SHAPES = 256
"""Finished shapes kept in memory; more only cost time."""

PROVEN_SHAPES = 4
"""How many shapes are also compared with the slow path for a real contact."""


@dataclass(slots=True)
class _CompiledPart:
    """One part of this content, and whether its values can be put in afterwards."""

    source: Source
    ready: Prepared
    foldable: bool


class Compiled:
    """Turns contacts into traces, and traces into shapes.

    ``fields`` are the names that contacts have; the same content compiled for other fields gives
    other holes.  ``slow``: why there is no program.  ``only``: the form of all messages, once it
    was tried.
    """

    def __init__(self, content: StepContent, fields: frozenset[str]) -> None:
        self.content = content
        self.fields = fields
        self.constants: Mapping[str, Any] = content.constants()
        self._partials = {name: source.text for name, source in content.partials.items()}
        self.slow: Unproven | None = None
        self._program: Program | None = None
        self._shapes: dict[Skeleton, Shape] = {}
        self._forms: dict[Path, Form] = {}
        self._loose: dict[Shape, Form] = {}
        self._gathering = Gathering()
        self.only: Form | None = None
        self._parts = self._compile()
        self._injects = {"html", "preheader"} <= self._parts.keys() and not self._shows_preheader

    @property
    def program(self) -> Program | None:
        """What has to be done for each contact; None when the sandbox has to do it all."""
        if self._program is None and self.slow is None:
            try:
                self._program = self._folded()
            except Unproven as unproven:
                self.slow = unproven
        return self._program if self.slow is None else None

    def gathered(self) -> Gathering:
        """The forms so far; begun anew when there are too many."""
        if len(self._gathering) > MAX_FORMS:
            self._gathering = Gathering()
        return self._gathering

    def known(self, path: Path) -> Form | None:
        """The form of a path that was taken before."""
        return self._forms.get(path)

    def form(self, path: Path, scope: dict[str, Any], values: Sequence[str]) -> Form | None:
        """The message of all contacts who take ``path``, as the sandbox makes it for one of them.

        None, and no program from then on, when the program did not foresee what the sandbox did.
        Raises InputError.
        """
        shape, trace = self.finished(scope)
        emitted = self.program.emitted(path) if self.program else None
        if emitted is None or not _agrees(emitted, values, trace):
            self.slow = self.slow or Unproven("something that was not foreseen")
            return None
        form = settled(shape, emitted)
        self.check_subject(form)
        if len(self._forms) < MAX_SHAPES:
            self._forms[path] = form
        return form

    def traced(self, scope: dict[str, Any]) -> tuple[Form, Sequence[str]]:
        """The message of one contact, made in the sandbox, and its values.  Raises InputError."""
        shape, trace = self.finished(scope)
        if shape not in self._loose:
            if len(self._loose) >= MAX_SHAPES:
                self._loose.clear()
            self._loose[shape] = settled(shape, [None] * len(trace.values))
        form = self._loose[shape]
        self.check_subject(form)
        return form, trace.values

    def slow_at(self) -> Problem | None:
        """A warning when every contact's message has to be made in the sandbox."""
        if self.program is not None or self.slow is None:
            return None
        name, parts = self.slow.template, self.content.parts
        own = {f"<{part}>": source for part, source in parts.items()}
        source = self.content.partials.get(name) or own.get(name) or next(iter(parts.values()))
        message = f"{self.slow.construct}: each contact's message is made anew, which is slow"
        hint = "a million contacts would take hours; see docs/rendering.md"
        problem = source.at(self.slow.line, "", message, hint, code=SLOW)
        return replace(problem, severity="warning")

    def _folded(self) -> Program:
        unfoldable = [name for name, part in self._parts.items() if not part.foldable]
        if unfoldable:
            raise self._reason(unfoldable[0])
        return self._programs.program(self.constants)

    def _reason(self, name: Part) -> Unproven:
        template, line = self._parts[name].ready.analysis.loose or (f"<{name}>", 0)
        return Unproven("printed text that is looked at", template, line)

    def scope(self, contact: Mapping[str, str], token: str, link: str) -> dict[str, Any]:
        """The names that a template sees for one contact, ``subject`` and ``preheader`` apart."""
        # in one order whatever the list's columns: the program knows names and no list
        ordered = dict(sorted(contact.items()))
        bare = {name: value for name, value in contact.items() if name not in RESERVED}
        own = {"contact": ordered, "token": token, "unsubscribe_url": link}
        return {**self.constants, **bare, **own}

    def trace(self, scope: dict[str, Any]) -> tuple[Skeleton, Trace]:
        """Render for one contact, with tags in place of its values.

        Raises InputError when the content cannot be rendered for it.
        """
        while True:
            trace = Trace()
            try:
                with tracing(trace), budget():
                    return self._skeleton(scope, trace), trace
            except _GiveUp as part:
                self._refuse(part.name)

    def shape(self, skeleton: Skeleton, scope: dict[str, Any], trace: Trace) -> Shape | None:
        """The finished shape; None when this content cannot be folded (trace again then)."""
        known = self._shapes.get(skeleton)
        if known is not None:
            return known
        with self._located("html"):
            shape = self._shape_of(skeleton)
        if shape is not None and not skeleton.whole and len(self._shapes) < PROVEN_SHAPES:
            shape = shape if self._is_proven(shape, scope, trace) else None
        if shape is None:
            self._refuse("html")
            return None
        if len(self._shapes) < MAX_SHAPES:
            self._shapes[skeleton] = shape
        return shape

    def _shape_of(self, skeleton: Skeleton) -> Shape | None:
        kind, injects = self.content.kind, self._injects
        return shape_of(
            skeleton,
            kind,
            injects,
            lambda shape: self._instance.holds(shape, skeleton, kind, injects),
        )

    def finished(self, scope: dict[str, Any]) -> tuple[Shape, Trace]:
        """A contact's shape, and its values."""
        while True:
            skeleton, trace = self.trace(scope)
            shape = self.shape(skeleton, scope, trace)
            if shape is not None:
                return shape, trace

    def _refuse(self, part: Part) -> None:
        """A part's values cannot be put in afterwards."""
        self._parts[part].foldable = False
        self.slow = self.slow or Unproven("values that cannot be put in afterwards", f"<{part}>")

    def _compile(self) -> dict[Part, _CompiledPart]:
        problems: list[Problem] = []
        parts: dict[Part, _CompiledPart] = {}
        texts = {part: source.text for part, source in self.content.parts.items()}
        known = Names(frozenset(self.constants), self.fields)
        readied = prepare(texts, self._partials, known)
        self._programs, self._shows_preheader = readied.programs, readied.shows_preheader
        self._instance = readied.instances.of(self.constants)
        for part, ready in readied.parts.items():
            if isinstance(ready, SandboxError):
                problems.append(self._problem(part, ready))
            else:
                source = self.content.parts[part]
                parts[part] = _CompiledPart(source, ready, ready.analysis.foldable)
        if problems:
            raise InputError(problems)
        return parts

    def _skeleton(self, scope: dict[str, Any], trace: Trace) -> Skeleton:
        subject = self._render("subject", scope, trace)
        scope = {**scope, "subject": fill(plain_slots(subject), trace.values), "preheader": ""}
        preheader = self._render("preheader", scope, trace)
        scope["preheader"] = fill(plain_slots(preheader), trace.values)
        text = self._render("text", scope, trace) if "text" in self._parts else None
        scope = self._cleaned(scope)
        part = self._parts.get("html")
        if part is None or part.foldable:
            html = self._render("html", scope, trace)
            return Skeleton(subject, preheader, html, text, False, tuple(trace.holes))
        html = self._whole_html(scope)
        if text is None:
            text = trace.emit(-1, to_text(html))
        return Skeleton(subject, preheader, trace.emit(-1, html), text, True, tuple(trace.holes))

    def _render(self, part: Part, scope: dict[str, Any], trace: Trace) -> str:
        """A part with tags; a part that cannot be folded is one tag."""
        compiled = self._parts.get(part)
        if compiled is None:
            return ""
        with self._located(part):
            if not compiled.foldable:
                return trace.emit(-1, compiled.ready.whole_in.render(compiled.ready.whole, scope))
            try:
                return compiled.ready.traced_in.render(compiled.ready.traced, scope)
            except NotFoldable:
                raise _GiveUp(part) from None

    def _whole_html(self, scope: dict[str, Any]) -> str:
        """The slow path: everything for one contact."""
        part = self._parts["html"]
        preheader = str(escape(scope["preheader"])) if self._injects else ""
        with self._located("html"):
            rendered = part.ready.whole_in.render(part.ready.whole, scope)
            return finish(rendered, self.content.kind, preheader)

    def _cleaned(self, scope: dict[str, Any]) -> dict[str, Any]:
        """A scope whose contact's values can stand in HTML."""
        contact: Mapping[str, str] = scope["contact"]
        clean_contact = {name: clean(value) for name, value in contact.items()}
        bare = {name: value for name, value in clean_contact.items() if name not in RESERVED}
        texts = {name: clean(scope[name]) for name in ("subject", "preheader")}
        return {**scope, **bare, **texts, "contact": clean_contact}

    def _is_proven(self, shape: Shape, scope: dict[str, Any], trace: Trace) -> bool:
        """Whether a shape gives for this contact what the slow path gives."""
        if "html" not in self._parts:
            return True
        subject, preheader = fill(shape.subject, trace.values), fill(shape.preheader, trace.values)
        scope = self._cleaned({**scope, "subject": subject, "preheader": preheader})
        return self._reference(scope) == fill(shape.html, trace.values)

    def _reference(self, scope: dict[str, Any]) -> str:
        """What the slow path gives.  MJML never sees values, only atoms that carry them."""
        if self.content.kind == "html":
            return self._whole_html(scope)
        part = self._parts["html"]
        preheader = wrapped(str(escape(scope["preheader"]))) if self._injects else ""
        with self._located("html"), tracing(Trace("values")):
            rendered = part.ready.traced_in.render(part.ready.traced, scope)
            return unwrapped(finish(rendered, self.content.kind, preheader))

    @contextmanager
    def _located(self, part: Part) -> Iterator[None]:
        """Errors of a part become problems at their place."""
        try:
            yield
        except SandboxError as error:
            raise InputError([self._problem(part, error)]) from None
        except DocumentError as error:
            source = self.content.parts[part]
            raise InputError([source.at(error.line, "", str(error), code="markup")]) from None

    def _problem(self, part: Part, error: SandboxError) -> Problem:
        source = self.content.partials.get(error.name or "", self.content.parts[part])
        return source.problem(error)

    def check_subject(self, form: Form) -> None:
        """Refuse a subject whose own text could break the header."""
        for piece in form.subject:
            if isinstance(piece, str) and has_control(piece):
                source = self.content.parts["subject"]
                message = "the subject holds a line break or another control character"
                raise InputError([source.at(1, "", message, code="header")])


def _agrees(emitted: Sequence[str | None], values: Sequence[str], trace: Trace) -> bool:
    """Whether a program printed what the sandbox did."""
    if len(emitted) != len(trace.values) or emitted.count(None) != len(values):
        return False
    worked_out = iter(values)
    return all(
        found == (next(worked_out) if text is None else text)
        for text, found in zip(emitted, trace.values, strict=True)
    )


class _GiveUp(Exception):
    def __init__(self, name: Part) -> None:
        super().__init__(name)
        self.name: Part = name
