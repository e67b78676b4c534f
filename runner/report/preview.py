"""The preview: a page that shows each message as different mail programs do, and each alone.

Wherever a message is shown, whatever a template holds, it runs no script and reaches nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ..dataclass import dataclass
from ..model.message import Rendered
from ..model.views import PreviewGroup, PreviewView
from . import pages, problems, words
from .frames import framed, has_dark, recoloured, remote_pictures, standalone, with_images
from .wordings import Difference, differences, lines_of_html, lines_of_text

INDEX = "index.html"


def files(groups: Sequence[PreviewGroup], base: str = "") -> Mapping[str, str]:
    """The files of a preview by name: ``index.html``, and each message as HTML and text.

    The index needs none of the others.  ``base``: the commit that messages are compared with.
    """
    shown = list(_groups(groups))
    written: dict[str, str] = {}
    for group in shown:
        for message in group.messages:
            written[f"{message.name}.html"] = standalone(message.now.html)
            written[f"{message.name}.txt"] = message.now.text
    title = groups[0].campaign.name if len(groups) == 1 else words.plural(len(groups), "campaign")
    written[INDEX] = pages.template("preview.html").render(
        title=f"Preview of {title}",
        headline=title,
        base=base[:12],
        groups=shown,
        total=sum(len(group.messages) for group in shown),
    )
    return written


@dataclass(frozen=True, slots=True)
class _Look:
    """One version of a message, ready for frames."""

    subject: str
    preheader: str
    html: str
    text: str
    light: str
    dark: str
    recoloured: bool
    remote: int


@dataclass(frozen=True, slots=True)
class _Shown:
    """A message on the page.  ``state``: ``changed``, ``new``, ``as before`` or ''."""

    name: str
    view: PreviewView
    now: _Look
    before: _Look | None
    state: str

    @property
    def looks(self) -> list[tuple[str, _Look]]:
        """What is shown side by side: (its title, the look)."""
        if self.before is None:
            return [("", self.now)]
        return [("Before", self.before), ("After", self.now)]

    @property
    def words(self) -> list[Difference]:
        """Lines of the mail that were taken out or put in."""
        if self.before is None:
            return []
        return differences(*(lines_of_html(look.html) for look in (self.before, self.now)))

    @property
    def text_words(self) -> list[Difference]:
        """The same of its text part."""
        if self.before is None:
            return []
        return differences(*(lines_of_text(look.text) for look in (self.before, self.now)))

    @property
    def style(self) -> str:
        """The colour of its state."""
        return {"changed": "info", "new": "good"}.get(self.state, "dim")

    @property
    def files(self) -> list[str]:
        """The files that go along, as words."""
        return [
            f"{file.filename} ({file.content_type}, {len(file.data) / 1024:.1f} KB)"
            for file in self.view.message.files
        ]


@dataclass(frozen=True, slots=True)
class _Group:
    """A campaign on the page."""

    id: str
    campaign: object
    messages: list[_Shown]
    problems: list[dict[str, str]]


def _groups(groups: Sequence[PreviewGroup]) -> Iterator[_Group]:
    number = 0
    for position, group in enumerate(groups, 1):
        messages = []
        for view in group.views:
            number += 1
            messages.append(_shown(view, number))
        found = [
            {"place": problems.place(one), "message": one.message, "hint": one.hint}
            for one in group.problems
        ]
        yield _Group(f"campaign-{position}", group.campaign, messages, found)


def _shown(view: PreviewView, number: int) -> _Shown:
    now, before = _look(view.message), None
    state = ""
    if view.compared:
        state = "new" if view.former is None else "as before"
    if view.former is not None and not _same(view.message, view.former):
        before, state = _look(view.former), "changed"
    return _Shown(_name(view, number), view, now, before, state)


def _same(one: Rendered, other: Rendered) -> bool:
    parts = [(m.subject, m.preheader, m.html, m.text, m.files) for m in (one, other)]
    return parts[0] == parts[1]


def _look(message: Rendered) -> _Look:
    html = with_images(message)
    dark = has_dark(html)
    return _Look(
        subject=message.subject,
        preheader=message.preheader,
        html=html,
        text=message.text,
        light=framed(html, "light"),
        dark=framed(html, "dark") if dark else recoloured(html),
        recoloured=not dark,
        remote=remote_pictures(html),
    )


def _name(view: PreviewView, number: int) -> str:
    label = re.sub(r"[^a-z0-9]+", "-", f"{view.step}-{view.label}".casefold()).strip("-")
    return f"{number:02d}-{label}"[:80]
