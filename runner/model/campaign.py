"""A campaign: WHO (list), WHAT (content), WHEN (schedule)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any, Literal

from ..dataclass import dataclass
from .settings import Frequency, Guards, Lateness, Mailbox, Pacing, Quiet, Unsubscribe

Status = Literal["active", "paused", "cancelled"]

RECIPIENT = "recipient"
"""The value of ``timezone`` that means "each contact's own"."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file; ``path`` relative to the workspace, counting from 1."""

    path: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Ignore:
    """A finding of the lint that is meant to be so: its code, and where that is said."""

    code: str
    place: Place = Place()


@dataclass(frozen=True, slots=True, repr=False)
class ListUse:
    """The lists that a campaign mails: ``name`` and ``others``, less whoever is in ``minus``.

    ``where``: an expression that gives the segment of what remains, or ''.
    """

    name: str
    where: str = ""
    others: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The lists that are mailed, in the order in which a person's first row is looked for."""
        return (self.name, *self.others)

    @property
    def every(self) -> tuple[str, ...]:
        """All lists that are read."""
        return (*self.names, *self.minus)

    @property
    def title(self) -> str:
        """The lists that are mailed, in one word: what ``list`` is in a template."""
        return ",".join(self.names)

    def __repr__(self) -> str:
        # campaigns are known again by this (planning.comparing.shape): one list must look as it
        # did when there could only be one
        more = f", others={self.others!r}" if self.others else ""
        more += f", minus={self.minus!r}" if self.minus else ""
        return f"ListUse(name={self.name!r}, where={self.where!r}{more})"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file sent along.  ``path`` is relative to the workspace; ``cid`` set means inline."""

    path: str
    filename: str
    content_type: str
    cid: str = ""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A calendar event sent as ``invite.ics``; times are aware."""

    summary: str
    start: datetime
    end: datetime
    location: str = ""
    description: str = ""
    organizer: Mailbox | None = None
    method: Literal["REQUEST", "PUBLISH"] = "PUBLISH"


@dataclass(frozen=True, slots=True)
class Content:
    """WHAT one step sends.

    Either ``template`` names a saved template, or ``html`` (and ``subject``) hold it in the
    campaign itself.  ``subject``, ``preheader`` and ``text`` given here win over the template's.
    """

    template: str = ""
    subject: str = ""
    preheader: str = ""
    html: str = ""
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    invitation: Invitation | None = None


@dataclass(frozen=True, slots=True)
class Delay:
    """From the first step: whole ``days`` keep the wall-clock time, ``exact`` is elapsed time."""

    days: int = 0
    exact: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Step:
    """One mail of a campaign.  A campaign that is no drip has the single step ``main``."""

    id: str
    content: Content
    delay: Delay = Delay()
    only_if: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Immediate:
    """Due as soon as a run sees it."""

    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Due at ``at``: naive wall-clock time in ``timezone``, or aware when an offset was given."""

    at: datetime
    timezone: str
    fallback_timezone: str = ""


@dataclass(frozen=True, slots=True)
class Drip:
    """A sequence.  ``continuous`` also enrols those who join the list after ``start_at``."""

    start_at: datetime
    timezone: str
    fallback_timezone: str = ""
    enrol: Literal["at_start", "continuous"] = "at_start"


@dataclass(frozen=True, slots=True)
class Recurring:
    """Every occurrence of ``cron`` (wall clock in ``timezone``) between start_at and until.

    ``start_at`` and ``until`` are naive wall-clock times; until is inclusive.  Without
    ``start_at`` the first occurrence is the first one after the campaign was first seen.
    """

    cron: str
    timezone: str
    fallback_timezone: str = ""
    start_at: datetime | None = None
    until: datetime | None = None


Schedule = Immediate | Scheduled | Drip | Recurring


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign, complete: what it does not say itself has been taken from the settings.

    ``provider`` and ``state`` stay with the settings.  ``revision`` is raised by people to say
    "yes, the content changed after sending began".  ``quiet`` and ``frequency``: None where they
    are off.  ``priority``: the higher one goes first where campaigns compete.  ``ignores``: what
    the lint need not say.
    """

    id: str
    name: str
    audience: ListUse
    steps: tuple[Step, ...]
    schedule: Schedule
    sender: Mailbox
    reply_to: str = ""
    status: Status = "active"
    variables: Mapping[str, Any] = field(default_factory=dict)
    pacing: Pacing = Pacing()
    guards: Guards = Guards()
    lateness: Lateness = Lateness()
    quiet: Quiet | None = None
    frequency: Frequency | None = None
    priority: int = 0
    unsubscribe: Unsubscribe = Unsubscribe()
    revision: int = 1
    ignores: tuple[Ignore, ...] = ()
    place: Place = Place()

    def step(self, step_id: str) -> Step:
        """The step with this id; KeyError when there is none."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)
