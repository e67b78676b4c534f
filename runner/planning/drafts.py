"""Jobs on their way through the stages of planning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime

from ..dataclass import dataclass
from ..model.campaign import Campaign
from ..model.contacts import Audience
from ..model.plan import EMPTY_QUEUE, Hold, Queue, Spot
from ..ports import Condition
from .agenda import Entry
from .columns import flags, timed
from .history import CampaignHistory
from .placing import Placing


@dataclass(frozen=True, slots=True)
class Horizon:
    """``claim_until``: send times up to it may be claimed now (the provider can hold them, or
    the run lasts as long).  ``show_until``: recurring occurrences up to it are planned.
    ``closed_shown``: how many occurrences that are over are looked at, the newest: a digest of
    years has hundreds of them, and nothing of theirs is owed."""

    now: datetime
    claim_until: datetime
    show_until: datetime
    paused: bool = False
    closed_shown: int = 5


@dataclass(frozen=True, slots=True)
class CampaignInputs:
    """All that decides about one campaign.

    ``conditions``: compiled ``only_if`` by step id.  ``contents``: digest of what would be sent
    now by step id, for the steps where it is known.
    """

    campaign: Campaign
    history: CampaignHistory
    audience: Audience
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Draft:
    """A job: placed, then looked at by the gates, then given its queue.

    ``zones``: of the contacts, '' for those without their own.  ``left_out``: the list's other
    rows, counted by reason.  ``undecided``: until when it is open who of the contacts will get too
    many mails (epoch seconds; 0: it is decided).
    """

    entry: Entry
    placing: Placing
    zones: Sequence[str]
    left_out: Mapping[str, int] = field(default_factory=dict)
    holds: tuple[Hold, ...] = ()
    stopped: bool = False
    queue: Queue = EMPTY_QUEUE
    undecided: int = 0

    def waiting(self) -> bytes:
        """A flag for each contact: has a time, and may go."""
        return timed(flags(self.placing.spots, Spot.LATER), self.placing.nominal)

    def open(self) -> bytes:
        """A flag for each contact: is to get it, now or later."""
        return flags(self.placing.spots, Spot.DUE, Spot.LATER)


@dataclass(slots=True)
class CampaignDraft:
    """The jobs of one campaign, in order of time."""

    inputs: CampaignInputs
    jobs: list[Draft]

    @property
    def campaign(self) -> Campaign:
        return self.inputs.campaign


def epoch(instant: datetime) -> int:
    """Whole seconds."""
    return int(instant.timestamp())


def utc(seconds: int) -> datetime:
    """The instant of epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC)
