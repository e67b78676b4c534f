"""Tags that are opened and not closed, or the other way round, in the sources themselves.

The finished message cannot tell: what inlines its styles repairs it first, by rules that may not
be what its author meant.  Of ``{% if %}`` … ``{% else %}`` only the first branch is read; an
``{% include %}`` is read where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from ..dataclass import dataclass
from ..model.campaign import Place
from .sources import SourceText
from .spans import JINJA, RAW, TAG, Span, blank, blanked, spans

VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param"}
    | {"source", "track", "wbr"}
)
_OPTIONAL = frozenset(
    {"html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "thead", "tbody"}
    | {"tfoot", "colgroup", "rp", "rt"}
)
"""Elements that HTML itself ends."""

_STATEMENT = re.compile(r"\{%[-+]?\s*(?P<word>\w+)(?P<rest>.*)", re.DOTALL)
_NAME = re.compile(r"[\"']([^\"']+)[\"']")
MAX_INCLUDED = 500
MAX_FAULTS = 20
"""So many in one file say that something is wrong; more do not say it better."""


@dataclass(frozen=True, slots=True)
class _Open:
    name: str
    place: Place


def unbalanced(
    roots: list[SourceText], partials: Mapping[str, SourceText]
) -> Iterator[tuple[Place, str]]:
    """(where, what) for each tag without its other half."""
    included = {name for root in roots for name in _includes(root)}
    for root in roots:
        if root.path not in {partials[name].path for name in included if name in partials}:
            yield from islice(_faults(_Walk(partials).events(root)), MAX_FAULTS)


def _includes(source: SourceText) -> Iterator[str]:
    for _, word, name in _statements(source.text):
        if word == "include" and name:
            yield name


def _statements(text: str) -> Iterator[tuple[Span, str, str]]:
    """All Jinja2: where, its word ('' for expressions and comments), the first name in it."""
    for span in spans(text, JINJA):
        match = _STATEMENT.match(text[span.start : span.end])
        name = _NAME.search(match["rest"]) if match else None
        yield span, match["word"] if match else "", name[1] if name else ""


def _faults(events: Iterator[tuple[bool, _Open]]) -> Iterator[tuple[Place, str]]:
    stack: list[_Open] = []
    for closes, tag in events:
        if not closes:
            stack.append(tag)
        elif any(entry.name == tag.name for entry in stack):
            while (top := stack.pop()).name != tag.name:
                yield from _unclosed(top)
        elif tag.name not in _OPTIONAL:
            yield tag.place, f"</{tag.name}> closes nothing"
    for entry in stack:
        yield from _unclosed(entry)


def _unclosed(tag: _Open) -> Iterator[tuple[Place, str]]:
    if tag.name not in _OPTIONAL:
        yield tag.place, f"<{tag.name}> is not closed"


class _Walk:
    """Reads a source with what it includes, each include where it stands.

    ``_open``: the sources being read, so that none includes itself; ``_left``: how many more may
    be included, since a few that include each other twice would be millions.
    """

    def __init__(self, partials: Mapping[str, SourceText]) -> None:
        self._partials = partials
        self._open: list[str] = []
        self._left = MAX_INCLUDED

    def events(self, source: SourceText) -> Iterator[tuple[bool, _Open]]:
        """The tags, in order: (closes?, tag)."""
        text, includes = _without_jinja(source.text)
        text = blanked(text, RAW)
        ahead = sorted(includes, reverse=True)
        self._open.append(source.path)
        for match in TAG.finditer(text):
            while ahead and ahead[-1][0] < match.start():
                yield from self._included(ahead.pop()[1])
            name = match["name"].lower()
            if name not in VOID and not match.group().endswith("/>"):
                yield bool(match["end"]), _Open(name, source.place(match.start()))
        while ahead:
            yield from self._included(ahead.pop()[1])
        self._open.pop()

    def _included(self, name: str) -> Iterator[tuple[bool, _Open]]:
        source = self._partials.get(name)
        if source is not None and source.path not in self._open and self._left:
            self._left -= 1
            yield from self.events(source)


def _without_jinja(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The text with spaces for Jinja2 and for all branches but the first, offsets kept; and the
    includes outside of those branches, as (offset, name)."""
    out: list[str] = []
    includes: list[tuple[int, str]] = []
    branches = _Branches()
    position = 0
    for span, word, name in _statements(text):
        out.append(branches.kept(text[position : span.start]))
        out.append(blank(text[span.start : span.end]))
        position = span.end
        branches.take(word)
        if word == "include" and name and not branches.skipped:
            includes.append((span.start, name))
    out.append(branches.kept(text[position:]))
    return "".join(out), includes


class _Branches:
    """The open conditions and loops; ``skipped`` counts those whose first branch is over."""

    def __init__(self) -> None:
        self.skipped = 0
        self._over: list[bool] = []

    def take(self, word: str) -> None:
        """Read the word of a statement."""
        if word in {"if", "for"}:
            self._over.append(False)
        elif word in {"else", "elif"} and self._over and not self._over[-1]:
            self._over[-1] = True
            self.skipped += 1
        elif word in {"endif", "endfor"} and self._over:
            self.skipped -= self._over.pop()

    def kept(self, text: str) -> str:
        """The text, or as much nothing inside a branch that is not read."""
        return blank(text) if self.skipped else text
