"""What files say about each other: lists and templates that are named, ids, ways to leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from ..dataclass import dataclass
from ..model.campaign import Content, Place
from ..model.contacts import ContactList
from ..model.settings import Settings
from ..model.template import TemplateFile
from .campaigns import Draft, Use
from .problems import Problems
from .wording import suggestion

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shelf(Generic[T]):
    """Lists or templates: the whole ones, and the path of every one that has a file."""

    noun: str
    folder: str
    ending: str
    whole: Mapping[str, T]
    paths: Mapping[str, str]


def check_use(use: Use, shelf: Shelf[ContactList] | Shelf[TemplateFile], problems: Problems) -> str:
    """'' when what is named is whole, else the path of the file that is to be mended."""
    if use.name in shelf.whole:
        return ""
    if use.name in shelf.paths:
        return shelf.paths[use.name]
    near = suggestion(use.name, shelf.paths)
    hint = near or f"there is none yet: write {shelf.folder}/{use.name}{shelf.ending}"
    message = f"there is no {shelf.noun} {use.name}"
    problems.add(use.place, message, hint, "reference")
    return use.place.path


def check_content(use: Use, template: TemplateFile, problems: Problems) -> bool:
    """A subject from somewhere; no picture's name used for two files."""
    before = problems.errors
    content = use.content or Content()
    if not content.subject and not template.subject:
        hint = f"add subject: here or in the front matter of {template.place.path}"
        problems.add(use.place, f"no subject: template {template.name} has none", hint)
    taken = {a.cid.casefold(): a.path for a in template.attachments}
    for picture in content.attachments:
        if picture.cid and taken.get(picture.cid.casefold(), picture.path) != picture.path:
            message = f"template {template.name} has another picture called {picture.cid}"
            problems.add(use.place, message, "rename one of them", "reference")
    return problems.errors == before


def same_ids(drafts: Iterable[Draft], problems: Problems) -> dict[str, str]:
    """Campaigns whose ids are equal, or equal but for case: id → path."""
    seen: dict[str, Draft] = {}
    collided: dict[str, str] = {}
    for draft in sorted(drafts, key=lambda d: d.path):
        first = seen.setdefault(draft.id.casefold(), draft)
        if first is draft:
            continue
        but_for_case = "" if first.id == draft.id else " but for case"
        message = f"the id {draft.id} is the same as that of {first.path}{but_for_case}"
        problems.add(draft.id_place, message, "give one of them another id:", "reference")
        collided[first.id] = first.path
        collided[draft.id] = draft.path
    return collided


def check_unsubscribe(settings: Settings, borrowed: bool, problems: Problems) -> bool:
    """True when campaigns that say nothing themselves have a way to leave."""
    if not borrowed:
        return True
    way = settings.unsubscribe
    if not (way.url or way.mailto or way.sendgrid_group):
        message = "there is no way to unsubscribe, and every mail needs one"
        hint = 'add unsubscribe: {url: "https://example.org/u?t={{ token }}"}'
        problems.add(Place("sendoff.yaml", 1, 1), message, hint, "unsubscribe")
        return False
    if settings.provider == "smtp" and not (way.url or way.mailto):
        message = "an SMTP server knows no unsubscribe groups"
        problems.add(Place("sendoff.yaml", 1, 1), message, "add url: or mailto:", "unsubscribe")
        return False
    return True
