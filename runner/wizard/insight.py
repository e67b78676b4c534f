"""What the wizard knows of a workspace: the socket that ``site`` fills, and tests can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any, Protocol

from ..dataclass import dataclass
from ..errors import Problem
from ..model.settings import Lateness
from .draft import Draft, Mail


@dataclass(frozen=True, slots=True)
class ListInfo:
    """A list: ``audience`` of ``rows`` may be mailed.

    ``values``: what stands in those fields that have few different values.  ``problem``: why it
    cannot be read.
    """

    name: str
    rows: int = 0
    audience: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    fields: frozenset[str] = frozenset()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TemplateInfo:
    """A saved template; ``subject`` may be '', then the campaign must have one."""

    name: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """One message as a contact that tries the template hard gets it; ``label`` says how."""

    label: str
    masked: str
    subject: str
    preheader: str
    text: str


@dataclass(frozen=True, slots=True)
class Review:
    """The last look: ``problems`` as ``sendoff validate`` finds them, ``plan`` as ``sendoff plan``
    shows it."""

    problems: tuple[Problem, ...]
    plan: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repository:
    """The git repository around the workspace; ``branch`` '' when HEAD is detached.

    ``problem``: why nothing can be committed now; '' and no ``exists`` when there is none.
    """

    exists: bool = False
    branch: str = ""
    problem: str = ""


class Insight(Protocol):
    """Everything the questions depend on.  Gives the same answers for as long as it lives."""

    @property
    def now(self) -> datetime: ...

    @property
    def zone(self) -> str:
        """The time zone of the settings."""
        ...

    @property
    def lateness(self) -> Lateness: ...

    @property
    def lists(self) -> Sequence[ListInfo]: ...

    @property
    def templates(self) -> Sequence[TemplateInfo]: ...

    @property
    def repository(self) -> Repository: ...

    def remaining(self, name: str, where: str) -> int:
        """How many of a list fulfil a condition.  Raises Refused when it is not valid."""
        ...

    def zones(self, name: str, where: str) -> Mapping[str, int]:
        """How many contacts live in which time zone; '' for not known."""
        ...

    def missing(self, draft: Draft, mail: Mail) -> tuple[str, ...]:
        """The variables that a mail needs and neither contacts, draft nor template have."""
        ...

    def faults(self, draft: Draft) -> tuple[Problem, ...]:
        """Everything wrong with a draft (errors only)."""
        ...

    def glimpse(self, draft: Draft) -> Glimpse | None:
        """The draft's first mail; None when there is nobody to render it for."""
        ...

    def taken(self, file: str) -> str:
        """Why a campaign cannot be called so; '' when it can."""
        ...

    def branch_fault(self, name: str) -> str:
        """Why a branch cannot be made under this name; '' when it can."""
        ...

    def review(self, draft: Draft) -> Review:
        """The checks and the plan of a draft without faults."""
        ...


def data_of(text: str) -> Any:
    """A variable's value: text, or what ``[…]`` and ``{…}`` mean in YAML.  Raises ValueError."""
    if text[:1] not in ("[", "{"):
        return text
    # PyYAML comes along: only for the few who write data
    from ..errors import InputError  # noqa: PLC0415
    from ..workspace.document import parse  # noqa: PLC0415

    try:
        return parse(text, "answer").root.data
    except InputError as error:
        first = error.problems[0]
        raise ValueError(first.message) from None
