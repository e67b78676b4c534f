"""Composes the messages of one step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import NoReturn

from ..dataclass import dataclass
from ..errors import InputError, Problem
from ..model.contacts import Audience
from ..model.keys import KeyColumn
from ..model.message import Composed, File, Parts, Rendered, Segments
from ..sandbox import MAX_OUTPUT
from . import shelf
from .atoms import has_control, is_plain
from .checks import names_used
from .columns import TOKEN, Column, Columns
from .compiled import Compiled
from .forms import WRITTEN, Form, written_in_text
from .gathering import Gathering
from .generated import Row
from .program import Program
from .shapes import Slot, Slotted, fill
from .sources import StepContent
from .unsubscribe import Unsubscribing

_SEVERAL = 16
"""So few values are counted when they are written: no field is long enough to matter before."""


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


@dataclass(frozen=True, slots=True)
class _Made:
    """What was composed, with the form and the values of its first contact."""

    composed: Composed
    form: Form
    values: Sequence[str]


class StepComposer:
    """One step's content; compiled once for each set of fields that contacts have."""

    def __init__(
        self,
        content: StepContent,
        leaving: Unsubscribing,
        files: tuple[File, ...],
        digest: Callable[[], str],
    ) -> None:
        self._content = content
        self._leaving = leaving
        self._files = files
        self._make_digest = digest
        self._compiled: dict[frozenset[str], Compiled] = {}

    @cached_property
    def digest(self) -> str:
        """Changes when anything that is sent changes, contacts' own values apart."""
        return self._make_digest()

    @property
    def uses(self) -> frozenset[str]:
        """The names that the content looks at: contact fields, variables, our own."""
        return names_used(self._content)

    def know(self, compiled: Compiled) -> None:
        """Take this for contacts with its fields, as the shelf has it."""
        self._compiled[compiled.fields] = compiled

    def compiled(self, fields: frozenset[str]) -> Compiled:
        """The content, compiled for contacts with these fields."""
        if fields not in self._compiled:
            self._compiled[fields] = shelf.compiled(self._content, fields)
        return self._compiled[fields]

    def compose(self, audience: Audience, indices: Sequence[int]) -> Composed:
        """The content for these contacts.

        Raises ComposeError, an InputError that names the contact's line, when a message cannot
        be made for one of them.
        """
        if not indices:
            return Composed(Parts((), (), ()), (), self._files)
        return self._made(audience, indices).composed

    def render(self, contact: Mapping[str, str], key: bytes) -> Rendered:
        """The message for one contact."""
        fields = {name: [value] for name, value in contact.items()}
        audience = Audience("", [contact.get("email", "")], KeyColumn(key), fields, [0])
        made = self._made(audience, [0])
        composed, parts = made.composed, made.composed.parts
        return Rendered(
            subject=composed.fill(parts.subject, 0),
            preheader=fill(made.form.preheader, made.values),
            html=composed.fill(parts.html, 0),
            text=composed.fill(parts.text, 0),
            headers={name: composed.fill(value, 0) for name, value in parts.headers},
            files=self._files,
        )

    def _made(self, audience: Audience, indices: Sequence[int]) -> _Made:
        compiled = self.compiled(frozenset(audience.fields))
        batch = Columns(audience, indices, self._leaving)
        program = compiled.program
        if program is not None and program.straight:
            made = self._from_columns(compiled, program, batch)
            if made is not None:
                return made
        return self._from_rows(compiled, batch)

    # -- all messages have one form: only columns are worked out -----------------------------

    def _from_columns(self, compiled: Compiled, program: Program, batch: Columns) -> _Made | None:
        """None when a contact's values cannot be worked out: the sandbox then says why."""
        columns = program.columns(batch)
        form = None if columns is None else self._only_form(compiled, batch, columns)
        if columns is None or form is None:
            return None
        values = _Values()
        used = {
            slot.number for part in (form.subject, form.html, form.text) for slot in _slots(part)
        }
        plain = {number for number in used if is_plain(columns[number])}

        def segments(part: Slotted) -> Segments:
            return tuple(
                piece if isinstance(piece, str) else place(columns[piece.number], piece)
                for piece in part
            )

        def place(column: Column, slot: Slot) -> int:
            write = WRITTEN[slot.kind]
            return values.place(
                (id(column), slot.kind),
                lambda: column if slot.number in plain else [*map(write, column)],
            )

        parts = Parts(
            subject=segments(form.subject),
            html=segments(form.html),
            text=segments(form.text),
            headers=self._headers(values, batch),
        )
        for number in {slot.number for slot in _slots(form.subject)} - plain:
            for position, value in enumerate(columns[number]):
                self._check_line(value, batch, position)
        self._check_sizes(parts, values, batch)
        composed = Composed(parts, values.columns, self._files)
        return _Made(composed, form, [column[0] for column in columns])

    def _only_form(
        self, compiled: Compiled, batch: Columns, columns: Sequence[Column]
    ) -> Form | None:
        """The form of all messages, tried with the first contact of the first batch and the last.

        None when the sandbox does not agree.
        """
        known = compiled.only
        if known is not None:
            return known
        for position in (0, len(batch) - 1):
            row = [column[position] for column in columns]
            form = self._traced_form(compiled, batch, position, ((), row))
            if form is None or (known is not None and not form.is_like(known)):
                return None
            known = form
        compiled.only = known
        return known

    # -- each message has its own form -------------------------------------------------------

    def _from_rows(self, compiled: Compiled, batch: Columns) -> _Made:
        program = compiled.program
        rows: Sequence[Row] = [None] * len(batch) if program is None else program.rows(batch)
        filled = [self._filled(compiled, batch, number, row) for number, row in enumerate(rows)]
        for position, (form, row) in enumerate(filled):
            # a value may be there a thousand times: looked at before it is copied as often
            if len(row) > _SEVERAL and sum(map(len, row)) > MAX_OUTPUT:
                self._check_values(form, row, batch, position)
        gathering = compiled.gathered()
        numbered = [(gathering.number(form), values) for form, values in filled]
        values = _Values()
        parts = Parts(
            subject=self._merged(values, gathering, "subject", numbered),
            html=self._merged(values, gathering, "html", numbered),
            text=self._merged(values, gathering, "text", numbered),
            headers=self._headers(values, batch),
        )
        for position, (form, row) in enumerate(filled):
            for slot in _slots(form.subject):
                self._check_line(row[slot.number], batch, position)
        self._check_sizes(parts, values, batch)
        return _Made(Composed(parts, values.columns, self._files), *filled[0])

    def _filled(
        self, compiled: Compiled, batch: Columns, position: int, row: Row
    ) -> tuple[Form, Sequence[str]]:
        """A contact's form and values: the program's, or else the sandbox's."""
        if row is not None and compiled.slow is None:
            form = compiled.known(row[0])
            if form is None:
                form = self._traced_form(compiled, batch, position, row)
            if form is not None:
                return form, row[1]
        return self._traced(compiled, batch, position)

    def _traced_form(
        self,
        compiled: Compiled,
        batch: Columns,
        position: int,
        row: tuple[tuple[int, ...], Sequence[str]],
    ) -> Form | None:
        try:
            return compiled.form(row[0], compiled.scope(*batch.contact(position)), row[1])
        except InputError as error:
            raise self._failed_at(error.problems[0], batch, position) from None

    def _traced(
        self, compiled: Compiled, batch: Columns, position: int
    ) -> tuple[Form, Sequence[str]]:
        try:
            return compiled.traced(compiled.scope(*batch.contact(position)))
        except InputError as error:
            raise self._failed_at(error.problems[0], batch, position) from None

    def _merged(
        self,
        values: _Values,
        gathering: Gathering,
        part: str,
        rows: Sequence[tuple[int, Sequence[str]]],
    ) -> Segments:
        both = [(form, row, written_in_text(row) if part == "html" else row) for form, row in rows]

        def place(hole: int) -> int:
            fillers = gathering.fillers(part, hole)
            column = [
                made if (made := fillers[form]).__class__ is str else made(row, written)  # type: ignore[operator]
                for form, row, written in both
            ]
            return values.place((part, hole), lambda: column)

        return tuple(
            piece if isinstance(piece, str) else place(piece) for piece in gathering.segments(part)
        )

    # -- common ------------------------------------------------------------------------------

    def _headers(self, values: _Values, batch: Columns) -> tuple[tuple[str, Segments], ...]:
        def token() -> int:
            return values.place("token", lambda: batch.named(TOKEN))

        return tuple((name, _joined(pieces, token)) for name, pieces in self._leaving.headers)

    def _check_values(self, form: Form, row: Sequence[str], batch: Columns, position: int) -> None:
        """Refuse what the sandbox would refuse to print."""
        for name, part in (("HTML", form.html), ("text", form.text)):
            if sum(len(row[slot.number]) for slot in _slots(part)) > MAX_OUTPUT:
                self._refuse_size(name, batch, position)

    def _refuse_size(self, name: str, batch: Columns, position: int) -> NoReturn:
        message = f"the finished {name} has more than {MAX_OUTPUT} characters"
        raise self._failed_at(Problem(self._content.path, 1, 1, message), batch, position)

    def _check_sizes(self, parts: Parts, values: _Values, batch: Columns) -> None:
        """What the sandbox makes is bounded; what is put together afterwards is as well."""
        for name, segments in (("HTML", parts.html), ("text", parts.text)):
            fixed = sum(len(piece) for piece in segments if isinstance(piece, str))
            columns = [values.columns[piece] for piece in segments if isinstance(piece, int)]
            if fixed + sum(max(map(len, column)) for column in columns) <= MAX_OUTPUT:
                continue
            for position in range(len(batch)):
                if fixed + sum(len(column[position]) for column in columns) > MAX_OUTPUT:
                    self._refuse_size(name, batch, position)

    def _check_line(self, value: str, batch: Columns, position: int) -> None:
        if has_control(value):
            message = "a value in the subject holds a line break or another control character"
            problem = Problem(self._content.path, 1, 1, message)
            raise self._failed_at(problem, batch, position)

    def _failed_at(self, problem: Problem, batch: Columns, position: int) -> ComposeError:
        message = f"no message can be made for {batch.place(position)}: {problem.message}"
        place = (problem.path, problem.line, problem.column)
        return ComposeError(
            Problem(*place, message, problem.hint, "compose"), batch.index(position)
        )


def _slots(part: Slotted) -> list[Slot]:
    return [piece for piece in part if isinstance(piece, Slot)]


def _joined(pieces: Sequence[str], hole: Callable[[], int]) -> Segments:
    """``pieces`` with a hole between every two."""
    segments: list[str | int] = [pieces[0]]
    for piece in pieces[1:]:
        segments += [hole(), piece]
    return tuple(segments)
