"""The words of a message, and what differs in them: for people who compare two versions."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from html.parser import HTMLParser

from .words import plural

MAX_DIFFERENCES = 12
"""Lines shown that are not what they were."""
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "em", "font", "i", "mark", "q", "s"}
    | {"small", "span", "strong", "sub", "sup", "u"}
)
_SILENT = frozenset({"style", "script", "title", "template"})

Difference = tuple[str, str]
"""``-`` or ``+`` and a line that was taken out or put in; '' and how many more there are."""


def differences(old: Sequence[str], new: Sequence[str]) -> list[Difference]:
    """Lines that were taken out or put in, in order."""
    found: list[Difference] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            found += [("-", line) for line in old[i:j]] + [("+", line) for line in new[k:m]]
    more = len(found) - MAX_DIFFERENCES
    return found if more <= 0 else [*found[:MAX_DIFFERENCES], ("", f"+{plural(more, 'more line')}")]


def lines_of_text(text: str) -> list[str]:
    """The lines of a text part that say something."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def lines_of_html(html: str) -> list[str]:
    """The words of an HTML part, a block a line, pictures by their alternative text.

    ``style`` and the like are not words.  Never raises: browsers read any HTML.
    """
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:
        # Python 3.11's parser gives up like this at `<![foo`; what it read until then stands
        reader.said.append("\n")
    return lines_of_text("".join(reader.said))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "img":
            self.said.append(f" {dict(attrs).get('alt') or ''} ")
        elif tag not in _INLINE:
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag not in _INLINE:
            self.said.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            # line ends in HTML are spaces
            self.said.append(" ".join(data.splitlines()) if data.strip() else " ")
