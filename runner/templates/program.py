"""The program of a step: what has to be done for each contact, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from jinja2 import nodes

from ..dataclass import dataclass
from ..sandbox import Sandbox, SandboxError, budget
from ..sandbox.environment import reported
from .analysis import Analysis, names
from .columns import LINK, TOKEN, Column, Columns
from .folding import Folding
from .generated import Generated, Path, Row, generate
from .residue import (
    Choice,
    Code,
    Contact,
    Hole,
    Known,
    Loop,
    Residue,
    Scope,
    Step,
    Unproven,
    emitted,
)
from .sources import RESERVED, Part
from .wording import Wording

SPOKEN: tuple[Part, ...] = ("subject", "preheader")
"""Parts that other parts may read as values."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A part to be folded: its trees by name, and the sandbox that would render it."""

    sandbox: Sandbox
    trees: Mapping[str, nodes.Template]
    analysis: Analysis


class Program:
    """Gives for each contact of a batch the path through all parts, and the values printed."""

    def __init__(self, residue: Residue) -> None:
        self._residue = residue
        self.straight = not any(isinstance(step, Choice | Loop) for step in residue.steps)

    @cached_property
    def _generated(self) -> Generated:
        return generate(self._residue)

    def prepare(self) -> None:
        """Compile.  Raises Unproven when Python cannot."""
        _ = self._narrow if self.straight else self._generated

    def emitted(self, path: Path) -> list[str | None]:
        """What is printed on a path: texts that are known, None for each value of a row."""
        return emitted(self._residue.steps, path)

    def rows(self, batch: Columns) -> list[Row]:
        """A row for each contact of a batch."""
        return _run(self._generated, batch)

    def columns(self, batch: Columns) -> list[Column] | None:
        """The values of a straight program as columns, in the order of a row's.

        The same expression is the same column.  None when one contact's cannot be worked out.
        """
        holes = self._holes
        found = {
            source: batch.named(*self._fields[source]) for source in holes if source in self._fields
        }
        worked_out = [source for source in holes if source not in self._fields]
        if worked_out:
            rows = _run(self._narrow, batch)
            if None in rows:
                return None
            columns = zip(*(row[1] for row in rows if row), strict=True)
            found.update(zip(worked_out, columns, strict=True))
        return [found[source] for source in self._sources]

    @cached_property
    def _sources(self) -> list[str]:
        """The source of each value."""
        return [
            step.value.source
            for step in self._residue.steps
            if isinstance(step, Hole) and isinstance(step.value, Code)
        ]

    @cached_property
    def _holes(self) -> list[str]:
        return list(dict.fromkeys(self._sources))

    @cached_property
    def _fields(self) -> dict[str, tuple[str, bool]]:
        return {source: key for key, source in self._residue.columns.items()}

    @cached_property
    def _narrow(self) -> Generated:
        """The function for what is not a column already, each expression once."""
        seen: set[str] = set()
        steps: list[Step] = []
        for step in self._residue.steps:
            if isinstance(step, Hole):
                source = step.value.source if isinstance(step.value, Code) else ""
                if not source or source in seen or source in self._fields:
                    continue
                seen.add(source)
            steps.append(step)
        return generate(Residue(steps, self._residue.columns, self._residue.constants))


def _run(generated: Generated, batch: Columns) -> list[Row]:
    return generated.rows([batch.named(*key) for key in generated.columns], len(batch))


def fold(
    parts: Mapping[Part, Folded], constants: Mapping[str, Any], fields: Sequence[str]
) -> Program:
    """The program of a message.  Raises Unproven, naming what cannot be folded and where."""
    residue = Residue()
    spoken: Scope = {}
    used = frozenset(
        name for part in parts.values() for tree in part.trees.values() for name in names(tree)
    )
    with budget():
        for part in ("subject", "preheader", "text", "html"):
            if part in parts:
                _fold_part(residue, part, parts[part], _Given(constants, fields, spoken, used))
            elif part == "preheader":
                spoken["preheader"] = Known("")
    program = Program(residue)
    program.prepare()
    return program


@dataclass(frozen=True, slots=True)
class _Given:
    """What a part's names mean; ``spoken`` are the parts that are values themselves."""

    constants: Mapping[str, Any]
    fields: Sequence[str]
    spoken: Scope
    used: frozenset[str]

    def scope(self, part: Part, wording: Wording) -> Scope:
        in_html = part == "html"
        columns = {name: wording.column(name, in_html) for name in self.fields}
        bare = {name: code for name, code in columns.items() if name not in RESERVED}
        own = {
            "token": wording.column(TOKEN, False),
            "unsubscribe_url": wording.column(LINK, False),
        }
        known = {name: Known(value) for name, value in self.constants.items()}
        return {**known, **bare, **own, "contact": Contact(columns), **self._spoken(part)}

    def _spoken(self, part: Part) -> Scope:
        if part == "preheader":
            return {**self.spoken, "preheader": Known("")}
        return {
            name: Code(f"clean({value.source})", gives="text")
            if part == "html" and isinstance(value, Code)
            else value
            for name, value in self.spoken.items()
        }


def _fold_part(residue: Residue, part: Part, folded: Folded, given: _Given) -> None:
    wording = Wording(folded.sandbox, residue)
    is_spoken = part in SPOKEN and part in given.used
    speaking = wording.opened(residue.steps) if is_spoken else ""
    try:
        with reported(None):
            Folding(wording, folded.trees, folded.analysis, speaking).fold(
                f"<{part}>", given.scope(part, wording), residue.steps
            )
    except SandboxError as error:
        raise Unproven(f"what {error.message}") from None
    if speaking:
        given.spoken[part] = wording.closed(speaking, residue.steps)
