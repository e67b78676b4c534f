"""Stretches of a source that belong together, found in one pass over it.

Regular expressions such as ``<!--.*?-->`` read to the end of the text from every beginning that
has no end: with these, no source takes longer than its length allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..dataclass import dataclass

TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[a-zA-Z][\w:-]*)"
    r"(?P<rest>(?:\"[^\"]{0,4000}\"|'[^']{0,4000}'|[^<>\"']){0,2000}+)>"
)
"""A tag; what looks like one and goes on for ever is none."""

JINJA = {"{#": "#}", "{{": "}}", "{%": "%}"}
COMMENT = {"<!--": "-->"}
RAW = {**COMMENT, "<style": "</style", "<script": "</script", "<title": "</title"}


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` up to ``end``, which is behind the closing; ``opener`` says what it is."""

    opener: str
    start: int
    end: int


def spans(text: str, pairs: Mapping[str, str]) -> Iterator[Span]:
    """The stretches between openers and their closers, in order, none inside another.

    An opener without a closer opens nothing.
    """
    openers = re.compile("|".join(map(re.escape, pairs)), re.IGNORECASE)
    closers = {name: re.compile(re.escape(end), re.IGNORECASE) for name, end in pairs.items()}
    hopeless: set[str] = set()
    position = 0
    while found := openers.search(text, position):
        position, opener = found.end(), found.group().lower()
        closer = None if opener in hopeless else closers[opener].search(text, position)
        if closer is None:
            hopeless.add(opener)
            continue
        position = closer.end()
        yield Span(opener, found.start(), position)


def blanked(text: str, pairs: Mapping[str, str], filler: str = " ") -> str:
    """The text with fillers for those stretches; offsets and line breaks are kept."""
    out: list[str] = []
    position = 0
    for span in spans(text, pairs):
        out += [text[position : span.start], blank(text[span.start : span.end], filler)]
        position = span.end
    return "".join([*out, text[position:]])


def blank(text: str, filler: str = " ") -> str:
    """As many fillers as the text is long, its line breaks kept."""
    return "\n".join(filler * len(line) for line in text.split("\n"))
