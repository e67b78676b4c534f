"""Which file of a workspace is what, by where it lies."""

from __future__ import annotations

import re
from dataclasses import field

from ..dataclass import dataclass
from ..errors import InputError
from ..model.campaign import Place
from .files import Entry, WorkspaceFiles
from .problems import Problems

CAMPAIGNS = "campaigns"
LISTS = "campaigns/lists"
TEMPLATES = "campaigns/templates"
SUPPRESSIONS = "campaigns/suppressions"
FILES = "campaigns/files"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_WRITTEN = (".yaml", ".yml", ".html", ".htm", ".mjml", ".txt")
_BODIES = (".html", ".mjml")
_NOTES = ("readme", "readme.md", "readme.txt")
_NAME_HINT = "letters, digits, dot, dash and underscore"


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths by name.  ``sources`` are all template files, layouts, partials and text parts too."""

    campaigns: dict[str, str] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    suppressed: list[str] = field(default_factory=list)
    folded: dict[str, str] = field(default_factory=dict)

    @property
    def suppressions(self) -> tuple[str, ...]:
        return tuple(self.suppressed)


def survey(files: WorkspaceFiles, problems: Problems) -> Layout:
    """Look through ``campaigns/``; what would silently be ignored is a problem."""
    layout = Layout()
    try:
        for entry in files.walk(CAMPAIGNS):
            if not _refused(entry, problems):
                _sort(entry.path, layout, problems)
    except InputError as error:
        problems.extend(error.problems)
    return layout


def _refused(entry: Entry, problems: Problems) -> bool:
    """Links to what people wrote are refused: what is approved must be in the file itself."""
    if not entry.path.isprintable():
        shown = entry.path.encode("unicode_escape").decode("ascii")
        problems.add(Place(shown), "a name that cannot be printed", "rename it", "path")
        return True
    if entry.link and (entry.to_directory or entry.path.lower().endswith(_WRITTEN)):
        problems.add(Place(entry.path), "a symbolic link", "put the file itself here", "path")
        return True
    return False


def _sort(path: str, layout: Layout, problems: Problems) -> None:
    if _below(path, FILES):
        return
    if _below(path, SUPPRESSIONS):
        _suppression(path, layout, problems)
    elif _below(path, TEMPLATES):
        _template(path, layout, problems)
    elif path.lower().endswith((".yml", ".yaml")) and not path.endswith(".yaml"):
        problems.add(Place(path), "this file would be ignored", "rename it to end in .yaml", "path")
    elif path.endswith(".yaml") and _below(path, LISTS):
        _put(layout, path, LISTS, problems)
    elif path.endswith(".yaml"):
        # An id in the file can make up for a name that is none.
        layout.campaigns[path.removeprefix(CAMPAIGNS + "/").removesuffix(".yaml")] = path


def _below(path: str, directory: str) -> bool:
    return path.startswith(directory + "/")


def _suppression(path: str, layout: Layout, problems: Problems) -> None:
    name = path.rpartition("/")[2].lower()
    if path.endswith(".txt") and name not in _NOTES:
        layout.suppressed.append(path)
    elif name not in _NOTES:
        message = "this file would not suppress anyone"
        problems.add(Place(path), message, "suppressions are .txt files", "path")


def _template(path: str, layout: Layout, problems: Problems) -> None:
    if path.lower().endswith((".htm", ".html", ".mjml")) and not path.endswith(_BODIES):
        hint = "rename it to end in .html or .mjml"
        problems.add(Place(path), "this file would be ignored", hint, "path")
    elif path.endswith((*_BODIES, ".txt")):
        layout.sources.append(path)
        if path.endswith(_BODIES) and "layouts" not in path.split("/")[2:-1]:
            _put(layout, path, TEMPLATES, problems)


def _put(layout: Layout, path: str, directory: str, problems: Problems) -> None:
    """Give a list or template its name; two names equal but for case are an error."""
    shelf = layout.lists if directory == LISTS else layout.templates
    name = path.removeprefix(directory + "/").rpartition(".")[0]
    if not _NAME.fullmatch(name):
        problems.add(Place(path), "a file name that cannot be a name", _NAME_HINT, "path")
        return
    first = layout.folded.setdefault(f"{directory}/{name}".casefold(), path)
    if first != path:
        problems.add(Place(path), f"the same name as {first}", "rename one of them", "path")
        return
    shelf[name] = path


def is_name(text: str) -> bool:
    """True when a path without its ending can be a campaign's id."""
    return bool(_NAME.fullmatch(text))
