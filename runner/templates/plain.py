"""The text part of a message, made from its HTML.

Links keep their addresses, images their alternative text, lists their marks; tables are read as
the layout they mostly are.  Atoms (see ``atoms``) are words that are never split or collapsed.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from ..dataclass import dataclass
from .atoms import ATOM

_SKIPPED = frozenset({"head", "style", "script", "title", "template", "noscript", "svg"})
_PARAGRAPHS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "pre", "table"}
)
_BLOCKS = _PARAGRAPHS | frozenset(
    {"div", "li", "tr", "td", "th", "dt", "dd", "section", "article", "header", "footer", "main",
     "center", "address", "nav", "aside", "figure", "figcaption", "tbody", "thead", "body", "form"}
)  # fmt: skip
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_SPACES = re.compile(r"[ \t\n\r\f\xa0]+")
_UNSEEN = "\u200b\u200c\u200d\u034f\u00ad\ufeff"
# looked for from the first of a run only, or a long run would be gone through once for each
_INVISIBLE = re.compile(f"(?<![{_UNSEEN}])[{_UNSEEN}]+(?=[\\s\u200b-\u200d\ufeff]|$)")
_HIDING = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all|visibility\s*:\s*hidden", re.I)
_RULE = "-" * 40
_DEEPEST = 12
"""Levels of a list that are still set further to the right."""


@dataclass(slots=True)
class _List:
    """An open list: how many items it had, or None when they are not numbered."""

    number: int | None


def to_text(html: str) -> str:
    """The plain text of an HTML document, with a newline at the end."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = "".join(reader.out)
    return f"{text}\n" if text else ""


class _Reader(HTMLParser):
    """Writes text as it reads; ``out`` holds the pieces, ``_gap`` the newlines owed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._gap = 0
        self._space = False
        self._started = False
        self._hidden: list[str] = []
        self._pre = 0
        self._lists: list[_List] = []
        self._links: list[tuple[str, int]] = []

    def updatepos(self, i: int, j: int) -> int:
        """Lines are not counted: nobody asks where the parser is."""
        return j

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if self._hidden or self._hides(tag, attributes):
            if tag not in _VOID:
                self._hidden.append(tag)
            return
        if tag in _BLOCKS:
            self._block(tag)
        if tag in {"ul", "ol"}:
            self._lists.append(_List(0 if tag == "ol" else None))
        self._open(tag, attributes)

    def _hides(self, tag: str, attributes: dict[str, str]) -> bool:
        return (
            tag in _SKIPPED
            or "hidden" in attributes
            or _HIDING.search(attributes.get("style", "")) is not None
        )

    def _open(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "br":
            self._gap = min(self._gap + 1, 2)
            self._space = False
        elif tag == "hr":
            self._break(2)
            self._write(_RULE)
            self._break(2)
        elif tag == "img":
            self._words(attributes.get("alt", ""))
        elif tag == "a":
            self._links.append((attributes.get("href", ""), len(self.out)))
        elif tag == "pre":
            self._pre += 1
        elif tag == "li":
            self._mark()

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                while self._hidden.pop() != tag:
                    pass
            return
        if tag == "a" and self._links:
            self._close_link(*self._links.pop())
        elif tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
        elif tag == "pre":
            self._pre = max(self._pre - 1, 0)
        if tag in _BLOCKS:
            self._block(tag)

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._pre:
            self._verbatim(data)
        else:
            self._words(data)

    def _block(self, tag: str) -> None:
        nested = tag in {"ul", "ol"} and len(self._lists) > 0
        self._break(2 if tag in _PARAGRAPHS and not nested else 1)

    def _break(self, newlines: int) -> None:
        self._gap = max(self._gap, newlines)
        self._space = False

    def _mark(self) -> None:
        innermost = self._lists[-1] if self._lists else _List(None)
        mark = "-"
        if innermost.number is not None:
            innermost.number += 1
            mark = f"{innermost.number}."
        self._write("  " * min(max(len(self._lists) - 1, 0), _DEEPEST) + mark)
        self._space = True

    def _close_link(self, href: str, start: int) -> None:
        address = href.strip()
        if not address or address.startswith("#"):
            return
        label = "".join(self.out[start:]).strip()
        shown = address.removeprefix("mailto:")
        if ATOM.search(label + address) or label not in {address, shown}:
            self._space = self._space or bool(label)
            self._words(f"({shown})" if label else shown)

    def _verbatim(self, data: str) -> None:
        lines = data.strip("\n")
        if lines:
            self._write(lines)

    def _words(self, data: str) -> None:
        """Write text with its white space collapsed, atoms left alone."""
        position = 0
        for atom in ATOM.finditer(data):
            self._collapsed(data[position : atom.start()])
            self._write(atom.group())
            position = atom.end()
        self._collapsed(data[position:])

    def _collapsed(self, data: str) -> None:
        words = _SPACES.sub(" ", _INVISIBLE.sub("", data))
        if words.startswith(" "):
            self._space = True
        if words.strip(" "):
            self._write(words.strip(" "))
            self._space = words.endswith(" ")

    def _write(self, text: str) -> None:
        if self._gap and self._started:
            self.out.append("\n" * self._gap)
        elif self._space and self._started:
            self.out.append(" ")
        self._gap, self._space, self._started = 0, False, True
        self.out.append(text)
