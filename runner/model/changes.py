"""What a merge changes, campaign by campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, get_args

from ..dataclass import dataclass
from .campaign import Campaign
from .contacts import ContactList
from .plan import Plan
from .settings import Settings

Aspect = Literal["who", "what", "when", "pacing", "guards", "sender", "status"]
ASPECTS: tuple[Aspect, ...] = ("status", "who", "what", "when", "pacing", "guards", "sender")
"""In the order in which they matter to a reviewer."""

SettingsAspect = Literal["provider", "paused", "limits", "frequency", "suppressions", "state"]
"""What of the settings holds for all campaigns together; all else is part of each campaign."""
SETTINGS_ASPECTS: tuple[SettingsAspect, ...] = get_args(SettingsAspect)

Kind = Literal["new", "changed", "cancelled", "removed", "renamed", "unchanged", "broken"]


@dataclass(frozen=True, slots=True)
class Version:
    """One side of a comparison: what stands in the files, and the plan it makes.

    ``contents``: digest of what each (campaign, step) sends, '' where it cannot be compiled.
    ``broken``: the files of campaigns with errors, by campaign id.  ``settings``: None on a side
    that has no workspace yet.
    """

    campaigns: Mapping[str, Campaign]
    lists: Mapping[str, ContactList]
    contents: Mapping[tuple[str, str], str]
    plan: Plan
    broken: Mapping[str, str] = field(default_factory=dict)
    settings: Settings | None = None


@dataclass(frozen=True, slots=True)
class CampaignChange:
    """What a merge does to one campaign.

    ``aspects``: which of who, what, when … changed.  ``steps``: those whose content changed.
    ``former``: the id it had before a rename.  ``had_old``: mails of jobs that are under way
    that went out (or may have) as they were before.  ``to_go``: mails that are to go as they are
    now; ``was_to_go``: as they were before.  ``unread``: its list was not read here, so that how
    many are to go is not known.  ``old`` and ``new``: the campaign on either side.
    """

    campaign: str
    kind: Kind
    path: str
    aspects: tuple[Aspect, ...] = ()
    steps: tuple[str, ...] = ()
    former: str = ""
    had_old: int = 0
    to_go: int = 0
    was_to_go: int = 0
    unread: bool = False
    old: Campaign | None = None
    new: Campaign | None = None


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What a merge changes for all campaigns, and the settings on either side."""

    aspects: tuple[SettingsAspect, ...]
    old: Settings
    new: Settings


@dataclass(frozen=True, slots=True)
class Difference:
    """What merging would change, over ``base`` (a commit).

    ``changes`` holds every campaign of either side, those that change first.  ``digest`` names
    the plan: the same consequences give the same digest, whenever it is made.  ``settings``: None
    where all campaigns together go as they did.
    """

    base: str
    changes: tuple[CampaignChange, ...]
    before: Plan
    after: Plan
    digest: str
    settings: SettingsChange | None = None
