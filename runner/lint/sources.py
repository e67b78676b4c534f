"""Where in people's files something stands that was found in a finished message."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from ..dataclass import dataclass
from ..model.campaign import Place
from .spans import COMMENT, JINJA, TAG, blanked

FILLER = "\x01"
"""Stands, as often as it is long, where Jinja2 stood."""

_ATTRIBUTE = re.compile(r"([\w:-]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
_LOADS = re.compile(r"\{%[-+]?\s*(?:extends|include|import|from)\s+[\"']([^\"']+)[\"']")
_ENDS = r"(?![\w/?&=-])"
_MJML = {
    "img": ("img", "mj-image"),
    "a": ("a", "mj-button", "mj-image", "mj-navbar-link", "mj-social-element"),
    "html": ("html", "mjml"),
}


@dataclass(frozen=True)
class SourceText:
    """A file, or the part of it below the front matter, on the lines of the file."""

    path: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    @cached_property
    def markup(self) -> str:
        """The text with fillers for Jinja2 and spaces for HTML comments; offsets are kept."""
        return blanked(blanked(self.text, JINJA, FILLER), COMMENT)

    def place(self, offset: int) -> Place:
        """Line and column of a character."""
        line = bisect_right(self._starts, offset)
        return Place(self.path, line, offset - self._starts[line - 1] + 1)

    def offset(self, line: int) -> int:
        """Where a line begins."""
        return self._starts[min(line, len(self._starts)) - 1]

    @cached_property
    def tags(self) -> list[tuple[str, int, dict[str, str]]]:
        """Start tags outside of comments: name, offset, quoted attributes as written."""
        return [
            (match["name"].lower(), match.start(), _attributes(match["rest"]))
            for match in TAG.finditer(self.markup)
            if not match["end"]
        ]

    def loads(self) -> list[str]:
        """The names of what this source extends, includes or imports."""
        return _LOADS.findall(blanked(self.text, {"{#": "#}"}))


def _attributes(text: str) -> dict[str, str]:
    return {name.lower(): value[1:-1] for name, value in _ATTRIBUTE.findall(text)}


@dataclass(frozen=True)
class Sources:
    """The files of one part of a message: its own first, those of values last.

    ``whole`` is where a finding goes that stands nowhere in particular.
    """

    markup: Sequence[SourceText]
    values: Sequence[SourceText]
    whole: Place

    def word(self, literal: str) -> Place | None:
        """Where a text stands on its own, as it is or escaped for HTML."""
        spellings = dict.fromkeys((literal, html.escape(literal), html.escape(literal, False)))
        pattern = re.compile(f"(?:{'|'.join(map(re.escape, spellings))}){_ENDS}")
        for source in (*self.markup, *self.values) if literal.strip() else ():
            match = pattern.search(source.text)
            if match:
                return source.place(match.start())
        return None

    def pattern(self, pattern: str) -> Place | None:
        """Where a pattern, or its first group, first matches."""
        compiled = re.compile(pattern, re.IGNORECASE)
        for source in self.markup:
            match = compiled.search(source.text)
            if match:
                return source.place(match.start(match.lastindex or 0))
        return None

    def tag(self, name: str, attributes: Mapping[str, str]) -> Place | None:
        """Where a tag of the message was written: the one whose attributes agree best."""
        names = _MJML.get(name, (name,))
        best: tuple[int, Place] | None = None
        for source in self.markup:
            for written, offset, own in source.tags:
                if written in names:
                    score = _agreement(own, attributes)
                    if best is None or score > best[0]:
                        best = score, source.place(offset)
        return best[1] if best else None


def _agreement(written: Mapping[str, str], attributes: Mapping[str, str]) -> int:
    """How well two tags agree, Jinja2 standing for anything; styles change on the way."""
    score = 0
    for name in (written.keys() | attributes.keys()) - {"style"}:
        if name not in written or name not in attributes:
            score -= 1
        else:
            score += 1 if _fits(written[name], attributes[name]) else -2
    return score


def _fits(written: str, value: str) -> bool:
    """Whether a value may have come from what is written."""
    first, *others = map(html.unescape, re.split(f"{FILLER}+", written))
    if not others:
        return value == first
    *middle, last = others
    position = len(first)
    for piece in middle:
        found = value.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return value.startswith(first) and value[position:].endswith(last)


@dataclass(frozen=True)
class Files:
    """The files that hold keys: the campaign's, the template's with its front matter, the
    settings'.  Empty texts where there is none."""

    campaign: SourceText
    front: SourceText
    settings: SourceText

    def key(self, name: str, line: int = 0) -> Place | None:
        """Where the campaign says ``name:``; with ``line``, at any depth from there on."""
        if not line:
            return _key(self.campaign, rf"^{name}\s*:", 0)
        offset = self.campaign.offset(line)
        return _key(self.campaign, rf"(?<![\w-])({name})\s*:", offset)

    def front_key(self, name: str) -> Place | None:
        """Where the template's front matter says ``name:``."""
        return _key(self.front, rf"^{name}\s*:", 0)

    def setting(self, name: str) -> Place | None:
        """Where the settings say ``name:``."""
        return _key(self.settings, rf"^{name}\s*:", 0)


def _key(source: SourceText, pattern: str, offset: int) -> Place | None:
    match = re.compile(pattern, re.MULTILINE).search(source.text, offset)
    return source.place(match.start(match.lastindex or 0)) if match else None


def reachable(first: SourceText, partials: Mapping[str, SourceText]) -> list[SourceText]:
    """A source and everything that it extends, includes or imports, each once."""
    found: dict[str, SourceText] = {}
    ahead = list(_loaded(first, partials))
    while ahead:
        source = ahead.pop(0)
        if source.path not in found and source.path != first.path:
            found[source.path] = source
            ahead += _loaded(source, partials)
    return [first, *found.values()]


def _loaded(source: SourceText, partials: Mapping[str, SourceText]) -> Iterator[SourceText]:
    for name in source.loads():
        if name in partials:
            yield partials[name]


def first_place(places: Iterable[Place | None], otherwise: Place) -> Place:
    """The first place that is known."""
    return next((place for place in places if place is not None), otherwise)
