"""One step as the checks see it: what people wrote, and what some contacts would get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from ..dataclass import dataclass
from ..model.campaign import Campaign, Place, Step
from ..model.contacts import Audience
from ..model.message import Rendered
from ..model.settings import Settings
from ..model.template import TemplateFile
from . import markup
from .sources import Files, Sources


@dataclass(frozen=True)
class Sample:
    """One rendered message: ``label`` says why this contact was chosen."""

    label: str
    message: Rendered

    @cached_property
    def page(self) -> markup.Page:
        """The message's HTML, read."""
        return markup.read(self.message.html)


@dataclass(frozen=True)
class Subject:
    """What is examined.

    ``samples`` are never empty.  ``marks`` gives each field a word of its own that nobody writes.
    ``zones``: how many of the audience say so of their timezone.
    """

    settings: Settings
    campaign: Campaign
    step: Step
    audience: Audience
    template: TemplateFile | None
    html: Sources
    text: Sources
    files: Files
    samples: Sequence[Sample]
    marks: Mapping[str, str]
    zones: Mapping[str, int]

    @property
    def place(self) -> Place:
        """The step in the campaign's file."""
        return self.step.place if self.step.place.path else self.campaign.place

    @property
    def own_text(self) -> bool:
        """Whether the text part was written, not made from the HTML."""
        saved = self.template is not None and self.template.text is not None
        return bool(self.step.content.text) or saved
