"""A whole workspace: every file read, checked, and checked against the others."""

from __future__ import annotations

from ..dataclass import dataclass
from ..errors import InputError, Problem
from ..model.campaign import Campaign, Place
from ..model.contacts import ContactList
from ..model.settings import Mailbox, Settings
from ..model.template import TemplateFile
from ..model.workspace import Workspace
from .campaigns import Draft, House, read_campaign
from .document import Document, read
from .files import WorkspaceFiles
from .layout import TEMPLATES, Layout, survey
from .lists import read_list
from .problems import Problems
from .references import Shelf, check_content, check_unsubscribe, check_use, same_ids
from .settings import SETTINGS_PATH, read_settings
from .templates import Source, cut, read_template

_STAND_IN = Settings(sender=Mailbox("nobody@invalid"))
"""Lets the other files be checked when the settings cannot be read."""


def load(files: WorkspaceFiles) -> Workspace:
    """Read a workspace.

    What is wrong with campaigns, lists and templates is in ``Workspace.problems``.  Raises
    InputError, with the problems of all files, when the settings are missing or not whole.
    """
    problems = Problems()
    settings = _settings(files, problems)
    reader = _Reader(files, problems, survey(files, problems))
    lists = reader.lists()
    templates, partials = reader.templates()
    drafts = reader.campaigns(House(settings or _STAND_IN, files))
    campaigns, broken = _cross(drafts, lists, templates, settings, problems)
    if settings is None:
        raise InputError(problems.sorted())
    return Workspace(
        settings=settings,
        campaigns=campaigns,
        lists=lists.whole,
        templates=templates.whole,
        partials=partials,
        suppressions=reader.layout.suppressions,
        problems=problems.sorted(),
        broken=broken,
    )


def _settings(files: WorkspaceFiles, problems: Problems) -> Settings | None:
    try:
        text = files.read_text(SETTINGS_PATH)
    except InputError as error:
        problems.extend(error.problems)
        return None
    if text is None:
        message = "there is no sendoff.yaml here"
        hint = "run `sendoff init`, or name the workspace with --root"
        raise InputError([Problem(SETTINGS_PATH, 0, 0, message, hint, "missing")])
    return read_settings(text, SETTINGS_PATH, problems)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the files of a layout; a file that cannot be read is a problem, not an exception."""

    files: WorkspaceFiles
    problems: Problems
    layout: Layout

    def lists(self) -> Shelf[ContactList]:
        whole: dict[str, ContactList] = {}
        for name, path in self.layout.lists.items():
            document = self._document(path)
            found = None
            if document is not None:
                found = read_list(document, name, self.files, self.problems)
            if found is not None:
                whole[name] = found
        return Shelf("list", "campaigns/lists", ".yaml", whole, self.layout.lists)

    def templates(self) -> tuple[Shelf[TemplateFile], dict[str, str]]:
        sources: dict[str, Source] = {}
        for path in self.layout.sources:
            text = self._text(path)
            if text is not None:
                plain = path.endswith(".txt")
                sources[path] = (
                    Source(path, None, text, 1) if plain else cut(text, path, self.problems)
                )
        whole: dict[str, TemplateFile] = {}
        for name, path in self.layout.templates.items():
            if path in sources:
                beside = sources.get(f"{path.rpartition('.')[0]}.txt")
                text = beside.body if beside is not None else None
                found = read_template(sources[path], name, text, self.files, self.problems)
                if found is not None:
                    whole[name] = found
        partials = {path.removeprefix(TEMPLATES + "/"): s.padded for path, s in sources.items()}
        return Shelf("template", TEMPLATES, ".html", whole, self.layout.templates), partials

    def campaigns(self, house: House) -> list[Draft]:
        drafts = []
        for path_id, path in self.layout.campaigns.items():
            document = self._document(path)
            if document is None:
                drafts.append(Draft(path_id, path, Place(path)))
            else:
                drafts.append(read_campaign(document, path_id, house, self.problems))
        return drafts

    def _text(self, path: str) -> str | None:
        try:
            return self.files.read_text(path)
        except InputError as error:
            self.problems.extend(error.problems)
            return None

    def _document(self, path: str) -> Document | None:
        text = self._text(path)
        if text is None:
            return None
        return read(text, path, self.problems)


def _cross(
    drafts: list[Draft],
    lists: Shelf[ContactList],
    templates: Shelf[TemplateFile],
    settings: Settings | None,
    problems: Problems,
) -> tuple[dict[str, Campaign], dict[str, str]]:
    """The campaigns that are whole, and the broken ones with the path to be mended."""
    broken = same_ids(drafts, problems)
    borrowed = any(draft.borrows_unsubscribe for draft in drafts)
    leavable = settings is None or check_unsubscribe(settings, borrowed, problems)
    campaigns: dict[str, Campaign] = {}
    for draft in drafts:
        faults = [check_use(use, lists, problems) for use in draft.lists]
        faults += [check_use(use, templates, problems) for use in draft.templates]
        for use in draft.templates:
            template = templates.whole.get(use.name)
            if template is not None and not check_content(use, template, problems):
                faults.append(draft.path)
        if draft.borrows_unsubscribe and not leavable:
            faults.append(SETTINGS_PATH)
        fault = draft.path if draft.campaign is None else next(filter(None, faults), "")
        if fault or draft.campaign is None:
            broken.setdefault(draft.id, fault)
        elif draft.id not in broken:
            campaigns[draft.id] = draft.campaign
    return campaigns, broken
