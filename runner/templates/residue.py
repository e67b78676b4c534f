"""What is left of a template once all is worked out that is the same for every contact.

A program is a list of steps: values to print (*holes*), choices and loops that depend on the
contact, and values to keep.  Text does not occur in it: which text is printed follows from the
choices made, the *path*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

from jinja2 import nodes

from ..dataclass import dataclass

Gives = Literal["any", "text", "number", "texts"]


class Unproven(Exception):
    """A construct that cannot be compiled: what it is, and where it stands."""

    def __init__(self, construct: str, template: str = "", line: int = 0) -> None:
        super().__init__(construct)
        self.construct = construct
        self.template = template
        self.line = line


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is the same for every contact."""

    value: Any


@dataclass(frozen=True, slots=True)
class Code:
    """Python source of an expression, made of our own identifiers only.

    ``simple``: it is one of them.  ``gives``: what it gives whatever the contact, an exact str,
    an int, a list of str, or anything.  ``sure``: the same where being undefined is an error,
    which is raised.
    """

    source: str
    simple: bool = False
    gives: Gives = "any"
    sure: Code | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """The mapping ``contact``; ``fields`` holds a value for each field."""

    fields: Mapping[str, Code]


@dataclass(frozen=True, slots=True)
class Printed:
    """Text that was printed into a name: ``{% set x %}…{% endset %}``; ``text`` when it counts."""

    text: Code | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """One of several macros or mappings, depending on the contact: not to be used."""


@dataclass(frozen=True, slots=True)
class Looping:
    """``loop`` inside a loop over a contact's values: names of its counter and its length."""

    index: str
    length: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Where statements stand: the template, its blocks (innermost first), its outermost scope."""

    template: str
    blocks: dict[str, list[tuple[nodes.Block, str]]]
    top: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro, a ``caller`` or a block's ``super()``: a body, and what its names mean."""

    node: nodes.Macro | nodes.CallBlock | nodes.Block
    scope: dict[str, Value]
    frame: Frame
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Module:
    """An imported template."""

    names: Mapping[str, Value]


Value = Known | Code | Contact | Printed | Unclear | Looping | Macro | Module
Scope = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Hole:
    """A value is printed."""

    value: Known | Code


@dataclass(frozen=True, slots=True)
class Said:
    """A text is added to the list ``name``: for texts that are values themselves (the subject)."""

    name: str
    value: Code


@dataclass(frozen=True, slots=True)
class Bind:
    """A value is worked out and kept under a name of ours."""

    name: str
    value: Code


@dataclass(frozen=True, slots=True)
class Choice:
    """The first of ``tests`` that holds says which of ``arms`` is taken; the last arm is else.

    ``told``: the path says so.  If not, the same test was told of right before.
    """

    tests: tuple[Code, ...]
    arms: tuple[Steps, ...]
    told: bool = True


@dataclass(frozen=True, slots=True)
class Loop:
    """``body`` is taken for each item; ``other`` when there is none.

    ``targets`` are names of ours; ``test`` chooses items; each round costs ``price`` of the budget.
    """

    items: Code
    targets: tuple[str, ...]
    test: Code | None
    state: Looping
    price: int
    body: Steps
    other: Steps


Step = Hole | Said | Bind | Choice | Loop
Steps = list[Step]


@dataclass(slots=True)
class Residue:
    """A whole message's program; ``columns``: (name, whether cleaned) → the identifier."""

    steps: Steps = field(default_factory=list)
    columns: dict[tuple[str, bool], str] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=lambda: {"__builtins__": {}})
    locals: int = 0


def emitted(steps: Sequence[Step], path: Sequence[int]) -> list[str | None]:
    """What is printed on a path, in order: texts that are known, None for what is worked out."""
    found: list[str | None] = []
    rest = iter(path)
    taken: dict[str, int] = {}

    def walk(steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, Hole):
                known = isinstance(step.value, Known)
                found.append(str(step.value.value) if known else None)  # type: ignore[union-attr]
            elif isinstance(step, Choice):
                if step.told:
                    taken[step.tests[0].source] = next(rest)
                walk(step.arms[taken[step.tests[0].source]])
            elif isinstance(step, Loop):
                count = next(rest)
                for _ in range(count):
                    walk(step.body)
                if count == 0:
                    walk(step.other)

    walk(steps)
    return found
