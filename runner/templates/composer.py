"""Composes the messages of one step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import InputError, Problem
from ..model.columns import KeyColumn
from ..model.contacts import Audience
from ..model.message import Composed, File, Parts, Rendered, Segments
from .atoms import ESCAPES, Kind, clean, has_control
from .checks import names_used
from .columns import Column, Columns, ValueMissing
from .compiled import Compiled
from .merge import Merged, merge
from .shapes import Shape, Slot, Slotted, fill
from .sources import StepContent
from .tracing import Trace
from .unsubscribe import Unsubscribing

MAX_MERGES = 64
"""Merged sets of shapes kept in memory."""


class ComposeError(InputError):
    """A message cannot be made for one contact; ``index`` is its place in the audience."""

    def __init__(self, problem: Problem, index: int) -> None:
        super().__init__([problem])
        self.index = index


@dataclass(slots=True)
class _Values:
    """The columns of a ``Composed``, each held once."""

    columns: list[Column] = field(default_factory=list)
    places: dict[object, int] = field(default_factory=dict)

    def place(self, key: object, make: Callable[[], Column]) -> int:
        """The number of the column named ``key``, made when it is first asked for."""
        if key not in self.places:
            column = make()
            self.places[key] = len(self.columns)
            self.columns.append(column)
        return self.places[key]


class StepComposer:
    """One step's content; compiled once for each set of fields that contacts have."""

    def __init__(
        self, content: StepContent, leaving: Unsubscribing, files: tuple[File, ...], digest: str
    ) -> None:
        self._content = content
        self._leaving = leaving
        self._files = files
        self._digest = digest
        self._compiled: dict[frozenset[str], Compiled] = {}
        self._straight: dict[frozenset[str], Shape] = {}
        self._merged: dict[tuple[str, tuple[Shape, ...]], Merged] = {}

    @property
    def digest(self) -> str:
        """Changes when anything that is sent changes, contacts' own values apart."""
        return self._digest

    @property
    def uses(self) -> frozenset[str]:
        """The names that the content looks at: contact fields, variables, our own."""
        return names_used(self._content)

    def compiled(self, fields: frozenset[str]) -> Compiled:
        """The content, compiled for contacts with these fields."""
        if fields not in self._compiled:
            self._compiled[fields] = Compiled(self._content, fields)
        return self._compiled[fields]

    def compose(self, audience: Audience, indices: Sequence[int]) -> Composed:
        """The content for these contacts.

        Raises ComposeError, an InputError that names the contact's line, when a message cannot
        be made for one of them.
        """
        if not indices:
            return Composed(Parts((), (), ()), (), self._files)
        compiled = self.compiled(frozenset(audience.fields))
        if compiled.straight:
            shape = self._straight_shape(compiled, audience, indices)
            if shape is not None:
                return self._from_columns(compiled, shape, audience, indices)
        return self._from_traces(compiled, audience, indices)

    def render(self, contact: Mapping[str, str], key: bytes) -> Rendered:
        """The message for one contact."""
        fields = {name: [value] for name, value in contact.items()}
        audience = Audience("", [contact.get("email", "")], KeyColumn(key), fields, [0])
        compiled = self.compiled(frozenset(fields))
        shape, trace = self._traced(compiled, audience, 0)
        composed = self._from_traces(compiled, audience, [0])
        parts = composed.parts
        return Rendered(
            subject=composed.fill(parts.subject, 0),
            preheader=fill(shape.preheader, trace.values),
            html=composed.fill(parts.html, 0),
            text=composed.fill(parts.text, 0),
            headers={name: composed.fill(value, 0) for name, value in parts.headers},
            files=self._files,
        )

    # -- all messages have one shape ---------------------------------------------------------

    def _straight_shape(
        self, compiled: Compiled, audience: Audience, indices: Sequence[int]
    ) -> Shape | None:
        """The one shape; None when the content turns out not to be foldable."""
        known = self._straight.get(compiled.fields)
        if known is None:
            first, _ = self._traced(compiled, audience, indices[0])
            last, _ = self._traced(compiled, audience, indices[-1])
            if first != last or not compiled.straight:
                return None
            self._straight[compiled.fields] = known = first
        return known

    def _from_columns(
        self, compiled: Compiled, shape: Shape, audience: Audience, indices: Sequence[int]
    ) -> Composed:
        columns = Columns(compiled, audience, indices, self._leaving, shape)
        values = _Values()

        def segments(part: Slotted) -> Segments:
            return tuple(
                piece if isinstance(piece, str) else place(piece.number, piece.kind)
                for piece in part
            )

        def place(number: int, kind: Kind) -> int:
            hole = shape.holes[number]
            return values.place((hole, kind), lambda: _escaped(columns.hole(hole), kind))

        try:
            self._check_subject(columns, shape, audience, indices)
            parts = Parts(
                subject=segments(shape.subject),
                html=segments(shape.html),
                text=segments(shape.text),
                headers=self._headers(values, columns.named("token")),
            )
        except ValueMissing as missing:
            raise self._failed(audience, indices[missing.position], missing.error.message) from None
        return Composed(parts, values.columns, self._files)

    def _check_subject(
        self, columns: Columns, shape: Shape, audience: Audience, indices: Sequence[int]
    ) -> None:
        for piece in shape.subject:
            if isinstance(piece, Slot):
                for position, value in enumerate(columns.hole(shape.holes[piece.number])):
                    self._check_line(value, audience, indices[position])

    # -- each message has its own shape ------------------------------------------------------

    def _from_traces(
        self, compiled: Compiled, audience: Audience, indices: Sequence[int]
    ) -> Composed:
        traced = [self._traced(compiled, audience, index) for index in indices]
        shapes = tuple(dict.fromkeys(shape for shape, _ in traced))
        numbers = {shape: number for number, shape in enumerate(shapes)}
        rows = [(numbers[shape], trace.values) for shape, trace in traced]
        values = _Values()
        parts = Parts(
            subject=self._merge(values, "subject", shapes, rows),
            html=self._merge(values, "html", shapes, rows),
            text=self._merge(values, "text", shapes, rows),
            headers=self._headers(values, [audience.keys[index].hex() for index in indices]),
        )
        return Composed(parts, values.columns, self._files)

    def _traced(self, compiled: Compiled, audience: Audience, index: int) -> tuple[Shape, Trace]:
        token = audience.keys[index].hex()
        scope = compiled.scope(audience.contact(index), token, self._leaving.url(token))
        try:
            shape, trace = compiled.finished(scope)
        except InputError as error:
            raise self._failed_at(error.problems[0], audience, index) from None
        compiled.check_subject(shape)
        for piece in shape.subject:
            if isinstance(piece, Slot):
                self._check_line(trace.values[piece.number], audience, index)
        return shape, trace

    def _merge(
        self,
        values: _Values,
        part: str,
        shapes: tuple[Shape, ...],
        rows: Sequence[tuple[int, Sequence[str]]],
    ) -> Segments:
        key = (part, shapes)
        if key not in self._merged:
            if len(self._merged) >= MAX_MERGES:
                self._merged.clear()
            slotted = [_part(shape, part) for shape in shapes]
            self._merged[key] = merge(slotted, [shape.holes for shape in shapes])
        merged = self._merged[key]

        def place(hole: int) -> int:
            column = tuple(fill(merged.pieces[shape][hole], row) for shape, row in rows)
            return values.place(column, lambda: column)

        return tuple(piece if isinstance(piece, str) else place(piece) for piece in merged.segments)

    # -- common ------------------------------------------------------------------------------

    def _headers(self, values: _Values, tokens: Column) -> tuple[tuple[str, Segments], ...]:
        return tuple(
            (name, _joined(pieces, lambda: values.place("token", lambda: tokens)))
            for name, pieces in self._leaving.headers
        )

    def _check_line(self, value: str, audience: Audience, index: int) -> None:
        if has_control(value):
            message = "a value in the subject holds a line break or another control character"
            raise self._failed(audience, index, message)

    def _failed(self, audience: Audience, index: int, message: str) -> ComposeError:
        return self._failed_at(Problem(self._content.path, 1, 1, message), audience, index)

    def _failed_at(self, problem: Problem, audience: Audience, index: int) -> ComposeError:
        contact = f"for the contact in line {audience.lines[index]} of list {audience.list_name!r}"
        message = f"no message can be made {contact}: {problem.message}"
        place = (problem.path, problem.line, problem.column)
        return ComposeError(Problem(*place, message, problem.hint, "compose"), index)


def _escaped(column: Column, kind: Kind) -> Column:
    """A hole's values as they are written at one kind of place."""
    escape = ESCAPES[kind]
    return [escape(clean(value)) for value in column]


def _part(shape: Shape, part: str) -> Slotted:
    return {"subject": shape.subject, "html": shape.html, "text": shape.text}[part]


def _joined(pieces: Sequence[str], hole: Callable[[], int]) -> Segments:
    """``pieces`` with a hole between every two."""
    segments: list[str | int] = [pieces[0]]
    for piece in pieces[1:]:
        segments += [hole(), piece]
    return tuple(segments)
