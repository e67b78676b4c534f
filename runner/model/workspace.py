"""A loaded workspace: everything people wrote, checked and cross-referenced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from ..dataclass import dataclass
from ..errors import Problem
from .campaign import Campaign
from .contacts import ContactList, Selection
from .settings import Settings
from .template import TemplateFile


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a workspace holds.

    ``campaigns``, ``lists`` and ``templates`` hold what is whole; a file with an error is not
    in them but in ``problems``.  ``broken`` gives the campaign ids whose file has errors, with
    the file's path.  ``partials`` are all template sources that may be included or extended,
    by their path below ``campaigns/templates``.  ``suppressions``: paths of suppression files.
    """

    settings: Settings
    campaigns: Mapping[str, Campaign]
    lists: Mapping[str, ContactList]
    templates: Mapping[str, TemplateFile]
    partials: Mapping[str, str] = field(default_factory=dict)
    suppressions: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)

    def selection(self, campaign: Campaign) -> Selection:
        """The lists that a campaign means."""
        use = campaign.audience
        lists = tuple(self.lists[name] for name in use.names)
        return Selection(lists, tuple(self.lists[name] for name in use.minus), use.where)
