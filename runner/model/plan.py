"""The plan: what is owed to whom, when, and what keeps it back.

The numbers of a job always add up, because they are counted from one column that gives every
contact exactly one place.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import IntEnum
from typing import Literal

from ..dataclass import dataclass
from .campaign import Campaign, Step
from .contacts import Audience
from .ledger import Planned, job_id

JobStatus = Literal["scheduled", "sending", "sent", "failed", "cancelled", "held", "paused"]


class Spot(IntEnum):
    """Where one contact of a job stands."""

    SENT = 0
    FAILED = 1
    IN_DOUBT = 2
    IN_FLIGHT = 3
    DUE = 4
    LATER = 5
    MISSED = 6  # due too long ago, held until someone decides
    QUIET_HELD = 7  # would have to wait too long for the end of the quiet time, held likewise
    CANCELLED = 8
    # the rest are exclusions; their names are the reasons
    ONLY_IF = 9
    JOINED_LATER = 10
    NOT_ENROLLED = 11
    FIRST_STEP_FAILED = 12
    TOO_LATE = 13
    QUIET_HOURS = 14
    FREQUENCY_CAP = 15

    @property
    def excluded(self) -> bool:
        """True for the spots that are exclusions."""
        return self >= Spot.ONLY_IF

    @property
    def waits(self) -> bool:
        """True for the spots that have a time ahead of them, or behind them by mistake."""
        return Spot.DUE <= self <= Spot.QUIET_HELD

    @property
    def reason(self) -> str:
        """The word for it in counts: ``only_if``, ``in_doubt`` …"""
        return self.name.lower()


SKIPPED = tuple(spot.reason for spot in Spot if spot.excluded and spot != Spot.JOINED_LATER)
"""Reasons for which contacts of the audience are not mailed while their job is under way."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A reason why due mail is not being sent, with the change that releases it.

    ``count``: contacts it keeps back.
    """

    code: str
    campaign: str
    job_id: str
    message: str
    release: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """Where a job's contacts are; ``total`` is the sum of all the others.

    ``due`` includes what a hold keeps back.
    """

    sent: int = 0
    failed: int = 0
    in_doubt: int = 0
    in_flight: int = 0
    due: int = 0
    later: int = 0
    cancelled: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Every contact of the job, once."""
        return self.claimed + self.due + self.later + self.cancelled + self.excluded_total

    @property
    def claimed(self) -> int:
        """Contacts that a claim names and no receipt gave back."""
        return self.sent + self.failed + self.in_doubt + self.in_flight

    @property
    def excluded_total(self) -> int:
        return sum(self.excluded.values())

    @property
    def skipped(self) -> Mapping[str, int]:
        """Exclusions of contacts that the list has, and that were there in time."""
        return {name: number for name, number in self.excluded.items() if name in SKIPPED}

    @property
    def open(self) -> int:
        """Contacts that still have something ahead of them."""
        return self.due + self.later + self.in_flight + self.in_doubt


@dataclass(frozen=True, slots=True)
class Queue:
    """Contacts to claim now, in send order: audience indices and send times (epoch seconds).

    ``late``: they joined a continuous drip after its start, and count its delays from now.
    ``domains``: the number of the domain's cap that counts for each, b"" without such caps.
    """

    indices: array[int]
    times: Sequence[int]
    late: bool = False
    domains: bytes = b""

    def __len__(self) -> int:
        return len(self.indices)


EMPTY_QUEUE = Queue(array("I"), array("q"))


@dataclass(frozen=True, slots=True)
class ZoneTime:
    """For recipient-local times: how many contacts of a zone get it when."""

    zone: str
    count: int
    at: datetime


@dataclass(frozen=True, slots=True)
class JobPlan:
    """One job: its numbers, what is to be claimed now, and what holds it.

    ``spots`` has one entry per contact of ``audience``; ``times`` the send time of those that
    are due, later or missed (epoch seconds; 0: none yet), and counts for nobody else.
    ``first_send``/``last_send`` span due and later.

    ``failures``: how many failed, by reason.  ``closed``: the ledger says that nothing is owed
    any more; ``finished``: nothing is, and it does not say so yet.  ``suppressed``: how many of
    those who are excluded as suppressed are so for which reason.
    """

    campaign: Campaign
    step: Step
    occurrence: str
    status: JobStatus
    counts: Counts
    audience: Audience
    spots: bytes = b""
    times: Sequence[int] = ()
    queue: Queue = EMPTY_QUEUE
    holds: tuple[Hold, ...] = ()
    scheduled_for: datetime | None = None
    first_send: datetime | None = None
    last_send: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    zone_times: tuple[ZoneTime, ...] = ()
    failures: Mapping[str, int] = field(default_factory=dict)
    closed: bool = False
    finished: bool = False
    suppressed: Mapping[str, int] = field(default_factory=dict)

    @property
    def job_id(self) -> str:
        return job_id(self.campaign.id, self.step.id, self.occurrence)


@dataclass(frozen=True, slots=True)
class Plan:
    """What all campaigns want now.  ``holds`` also has those that belong to no job.

    ``idle``: campaigns that were not looked at closely because nothing of theirs can be due.
    ``first_seen``: campaigns that no run has recorded yet, with the size of their audience;
    ``rescheduled``: those that were recorded with another schedule, or without one, and how.
    """

    now: datetime
    jobs: tuple[JobPlan, ...]
    holds: tuple[Hold, ...] = ()
    idle: tuple[str, ...] = ()
    first_seen: Mapping[str, int] = field(default_factory=dict)
    rescheduled: Mapping[str, Planned] = field(default_factory=dict)

    @property
    def due(self) -> int:
        """Contacts that this run may claim."""
        return sum(len(job.queue) for job in self.jobs)

    @property
    def every_hold(self) -> tuple[Hold, ...]:
        return self.holds + tuple(hold for job in self.jobs for hold in job.holds)
