"""A finished message's HTML as the checks want it: elements, links, styles and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

SILENT = frozenset({"head", "style", "script", "title", "template", "noscript", "svg"})
"""Elements whose text nobody reads."""


@dataclass(frozen=True, slots=True)
class Element:
    """A start tag: its name and attributes, entities resolved; a bare attribute is ''."""

    tag: str
    attributes: Mapping[str, str]


@dataclass(slots=True)
class Page:
    """What an HTML text holds, in order.  ``styles``: the texts of its style sheets."""

    elements: list[Element] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

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


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._silent: list[str] = []

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """``<![if …]>`` and the like are comments to a browser; the parser would raise."""
        return self.parse_bogus_comment(i, report)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes: dict[str, str] = {}
        for name, value in attrs:
            attributes.setdefault(name, value or "")
        self.page.elements.append(Element(tag, attributes))
        if tag in SILENT:
            self._silent.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            while self._silent.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._silent:
            if self._silent[-1] == "style":
                self.page.styles.append(data)
            return
        self.page.words += data.split()
