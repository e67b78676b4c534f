"""A finished message's HTML as the checks want it: elements, links, styles and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from html.parser import HTMLParser

from ..dataclass import dataclass

SILENT = frozenset({"head", "style", "script", "title", "template", "noscript", "svg"})
"""Elements whose text nobody reads."""


@dataclass(frozen=True, slots=True)
class Element:
    """A start tag: its name and attributes, entities resolved; a bare attribute is ''."""

    tag: str
    attributes: Mapping[str, str]


@dataclass(slots=True)
class Page:
    """What an HTML text holds, in order.

    ``styles``: the texts of its style sheets.  ``pictured``: links that hold a picture and no
    word, not even in the picture's ``alt``, with that picture.
    """

    elements: list[Element] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    pictured: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What can be read, white space collapsed."""
        return " ".join(self.words)

    def every(self, *tags: str) -> list[Element]:
        """The elements with one of these names."""
        return [element for element in self.elements if element.tag in tags]


def read(html: str) -> Page:
    """Read any text as HTML, as browsers do: nothing is an error."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


@dataclass(frozen=True, slots=True)
class _Link:
    """An open link: the words that stood before it, and its picture without words."""

    words: int
    picture: Element | None = None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._silent: list[str] = []
        self._link: _Link | None = None

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """``<![if …]>`` and the like are comments to a browser; the parser would raise."""
        return self.parse_bogus_comment(i, report)

    def updatepos(self, i: int, j: int) -> int:
        """Lines are not counted: nobody asks where the parser is."""
        return j

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes: dict[str, str] = {}
        for name, value in attrs:
            attributes.setdefault(name, value or "")
        element = Element(tag, attributes)
        self.page.elements.append(element)
        self._follow(element)
        if tag in SILENT:
            self._silent.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def _follow(self, element: Element) -> None:
        """Keep in mind whether the open link says anything."""
        if element.tag == "a":
            named = {"aria-label", "title"} & element.attributes.keys()
            self._link = None if named else _Link(len(self.page.words))
        elif element.tag == "img" and self._link is not None:
            told = element.attributes.get("alt", "?").strip()
            self._link = None if told else _Link(self._link.words, element)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link is not None:
            if self._link.picture and self._link.words == len(self.page.words):
                self.page.pictured.append(self._link.picture)
            self._link = None
        if tag in self._silent:
            while self._silent.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._silent:
            if self._silent[-1] == "style":
                self.page.styles.append(data)
            return
        self.page.words += data.split()
