"""A workspace on the desk: with what it takes to read its lists and to compile its templates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from .dataclass import dataclass
from .model.campaign import Campaign, Step
from .model.contacts import Audience
from .model.ledger import Glance, Record
from .model.workspace import Workspace
from .ports import Audiences, Composer, Templates


class Ledger(Protocol):
    """What planning reads of a ledger; every ``ports.Snapshot`` is one."""

    def campaigns(self) -> Sequence[str]:
        """The ids of the campaigns that have records."""
        ...

    def records(self, campaign: str) -> Iterable[Record]:
        """A campaign's records, in the order in which they were written."""
        ...

    def glances(self, campaigns: Collection[str]) -> Mapping[str, Glance | None]:
        """What the records of each campaign come to; None: they have to be folded."""
        ...


@dataclass
class Desk:
    """A workspace with what it takes to read its lists and compile its templates.

    ``commit`` and ``committed_at`` name the approved commit it was read from, if it was.
    ``resends``: the provider's name if sending the same send key again cannot mail twice.
    ``known``: ids of campaigns that exist beside those on the desk.  ``blind``: there is no state
    key, so it is not known whom the ledger's records concern.  ``rivals``: campaigns that are not
    on the desk, and take from the same caps as those that are.
    """

    workspace: Workspace
    audiences: Audiences
    templates: Templates
    commit: str = ""
    committed_at: datetime | None = None
    resends: str = ""
    known: frozenset[str] = frozenset()
    blind: bool = False
    rivals: Mapping[str, Campaign] = field(default_factory=dict)
    _composers: dict[tuple[str, str], Composer] = field(default_factory=dict)

    def only(self, campaign: str) -> Desk:
        """The same desk with one campaign on it."""
        one = {campaign: self.workspace.campaigns[campaign]}
        rest = frozenset({*self.workspace.campaigns, *self.workspace.broken})
        narrow = replace(self.workspace, campaigns=one, broken={})
        rivals = self.competing if self.workspace.settings.caps_shared else {}
        return replace(self, workspace=narrow, known=self.known | rest, rivals=rivals)

    @property
    def competing(self) -> Mapping[str, Campaign]:
        """All campaigns that have to be planned together."""
        return {**self.rivals, **self.workspace.campaigns}

    def audience(self, campaign: Campaign) -> Audience:
        """The audience of a campaign.  Raises InputError."""
        return self.audiences.select(self.workspace.selection(campaign))

    def composer(self, campaign: Campaign, step: Step) -> Composer:
        """The compiled content of a step, compiled once.  Raises InputError."""
        key = (campaign.id, step.id)
        if key not in self._composers:
            self._composers[key] = self.templates.composer(campaign, step)
        return self._composers[key]

    def content_digest(self, campaign: Campaign, step: Step) -> str:
        """Changes when what is sent, or the definition of whom it is sent to, changes."""
        definition = self.workspace.selection(campaign).definition
        return sha256((self.composer(campaign, step).digest + definition).encode()).hexdigest()[:16]


class Desks(Protocol):
    """Where a run gets its desk: what is approved may change while it sends."""

    @property
    def current(self) -> Desk:
        """The desk as it was last read."""
        ...

    def newest(self) -> Desk:
        """The desk as it is now; the same object for as long as nothing changed.

        Raises SendoffError when what is approved now cannot be read.
        """
        ...
