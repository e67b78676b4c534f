"""Tags that are opened and not closed, or the other way round, in the sources themselves.

The finished message cannot tell: what inlines its styles repairs it first, by rules that may not
be what its author meant.  Of ``{% if %}`` … ``{% else %}`` only the first branch is read; an
``{% include %}`` is read where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..model.campaign import Place
from .sources import SourceText, blank

VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param"}
    | {"source", "track", "wbr"}
)
_OPTIONAL = frozenset(
    {"html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "thead", "tbody"}
    | {"tfoot", "colgroup", "rp", "rt"}
)
"""Elements that HTML itself ends."""

_PIECE = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%[-+]?\s*(?P<word>\w+)(?P<rest>.*?)%\}", re.DOTALL)
_RAW = re.compile(r"<!--.*?(?:-->|\Z)|<(style|script|title)\b.*?</\1\s*>", re.DOTALL | re.I)
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z][\w:-]*)(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*+>")
_NAME = re.compile(r"[\"']([^\"']+)[\"']")
MAX_DEPTH = 20


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
            yield from _faults(_events(root, partials, 0))


def _includes(source: SourceText) -> Iterator[str]:
    for match in _PIECE.finditer(source.text):
        name = _NAME.search(match["rest"] or "")
        if match["word"] == "include" and name:
            yield name[1]


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


def _events(
    source: SourceText, partials: Mapping[str, SourceText], depth: int
) -> Iterator[tuple[bool, _Open]]:
    """The tags of a source and of what it includes, in order: (closes?, tag)."""
    text, includes = _without_jinja(source.text)
    text = _RAW.sub(blank, text)
    ahead = sorted(includes, reverse=True)
    for match in _TAG.finditer(text):
        while ahead and ahead[-1][0] < match.start():
            yield from _included(ahead.pop()[1], partials, depth)
        name = match["name"].lower()
        if name not in VOID and not match.group().endswith("/>"):
            yield bool(match["end"]), _Open(name, source.place(match.start()))
    while ahead:
        yield from _included(ahead.pop()[1], partials, depth)


def _included(
    name: str, partials: Mapping[str, SourceText], depth: int
) -> Iterator[tuple[bool, _Open]]:
    if name in partials and depth < MAX_DEPTH:
        yield from _events(partials[name], partials, depth + 1)


def _without_jinja(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The text with spaces for Jinja2 and for all branches but the first, offsets kept; and the
    includes outside of those branches, as (offset, name)."""
    out: list[str] = []
    includes: list[tuple[int, str]] = []
    branches: list[bool] = []
    position = 0
    for match in _PIECE.finditer(text):
        _copy(out, text[position : match.start()], any(branches))
        out.append(blank(match))
        position = match.end()
        word = match["word"] or ""
        if word in {"if", "for"}:
            branches.append(False)
        elif word in {"else", "elif"} and branches:
            branches[-1] = True
        elif word in {"endif", "endfor"} and branches:
            branches.pop()
        elif word == "include" and not any(branches) and (name := _NAME.search(match["rest"])):
            includes.append((match.start(), name[1]))
    _copy(out, text[position:], any(branches))
    return "".join(out), includes


def _copy(out: list[str], text: str, skipped: bool) -> None:
    out.append(re.sub(r"[^\n]", " ", text) if skipped else text)
