"""The texts behind a step: which files its parts were made from, in the order of likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ..errors import InputError
from ..model.campaign import Campaign, Place, Step
from ..model.template import TemplateFile
from ..model.workspace import Workspace
from ..ports import Texts
from .message import SETTINGS
from .sources import Files, Sources, SourceText, reachable

TEMPLATES = "campaigns/templates/"


class Library:
    """Reads each file of a workspace once."""

    def __init__(self, workspace: Workspace, files: Texts) -> None:
        self._workspace = workspace
        self._files = files
        self._read: dict[str, SourceText] = {}
        self._reached: dict[str, Sequence[SourceText]] = {}

    @cached_property
    def partials(self) -> dict[str, SourceText]:
        """All template sources below their front matter, by path below ``campaigns/templates``."""
        return {
            name: SourceText(TEMPLATES + name, text)
            for name, text in self._workspace.partials.items()
        }

    def file(self, path: str) -> SourceText:
        """A whole file; an empty text when it cannot be read."""
        if path not in self._read:
            self._read[path] = SourceText(path, self._text(path) if path else "")
        return self._read[path]

    def _text(self, path: str) -> str:
        # as the workspace itself reads these files, so that who keeps answers about them knows
        # of one look at each, not of two
        try:
            return self._files.read_text(path) or ""
        except InputError:
            return ""

    def template(self, step: Step) -> TemplateFile | None:
        """The saved template of a step."""
        return self._workspace.templates.get(step.content.template)

    def files(self, campaign: Campaign, step: Step) -> Files:
        """Where keys stand."""
        template = self.template(step)
        front = self.file(template.place.path if template else "")
        return Files(self.file(campaign.place.path), front, self.file(SETTINGS))

    def html(self, campaign: Campaign, step: Step) -> Sources:
        """The sources of the HTML part."""
        template = self.template(step)
        if step.content.html or template is None:
            return self._inside(campaign, step, "html")
        return self._saved(campaign, template, template.place.path)

    def text(self, campaign: Campaign, step: Step) -> Sources:
        """The sources of the text part; those of the HTML when it is made from that."""
        template = self.template(step)
        if step.content.text:
            return self._inside(campaign, step, "text")
        if template is None or template.text is None:
            return self.html(campaign, step)
        beside = f"{template.place.path.rpartition('.')[0]}.txt"
        return self._saved(campaign, template, beside)

    def _inside(self, campaign: Campaign, step: Step, key: str) -> Sources:
        """A part that is written in the campaign's file."""
        written = self.file(campaign.place.path)
        place = step.place if step.place.path else campaign.place
        found = self.files(campaign, step).key(key, max(place.line, 1))
        return Sources(reachable(written, self.partials), (), found or place)

    def _saved(self, campaign: Campaign, template: TemplateFile, path: str) -> Sources:
        """A part that is a file; values come from its front matter or the campaign."""
        first = self.partials.get(path.removeprefix(TEMPLATES)) or self.file(path)
        values = (self.file(template.place.path), self.file(campaign.place.path))
        if path not in self._reached:
            self._reached[path] = reachable(first, self.partials)
        return Sources(self._reached[path], values, Place(path, 1, 1))
