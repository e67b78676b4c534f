"""Messages of several shapes as one text with holes: what all share, and where they differ.

Whatever alignment is found, filling the holes gives each shape back exactly; a poor one only
makes the holes larger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from .shapes import Slot, Slotted

MAX_ALIGNED = 24
"""More shapes than this in one batch are not aligned: the whole part is one hole."""

_TOKENS = re.compile(r"<[^<>]*+>|[^<\n]+\n?|\n|<")

_Token = str | tuple[int, str]


@dataclass(frozen=True, slots=True)
class Merged:
    """``segments``: text and holes; ``pieces[shape][hole]``: what a shape has there."""

    segments: tuple[str | int, ...]
    pieces: tuple[tuple[Slotted, ...], ...]


def merge(parts: Sequence[Slotted], holes: Sequence[Sequence[int]]) -> Merged:
    """Merge the same part of several shapes; ``holes[shape]`` gives each slot's hole."""
    if len(parts) > MAX_ALIGNED:
        return Merged((0,), tuple((part,) for part in parts))
    tokens = [_tokens(part, own) for part, own in zip(parts, holes, strict=True)]
    common = tokens[0]
    for other in tokens[1:]:
        common = _common(common, other)
    gaps = [_gaps(common, own) for own in tokens]
    elements = [_elements(part) for part in parts]
    return _assembled(common, gaps, elements)


def _elements(part: Slotted) -> list[str | Slot]:
    return [
        token
        for piece in part
        for token in (_TOKENS.findall(piece) if isinstance(piece, str) else [piece])
    ]


def _tokens(part: Slotted, holes: Sequence[int]) -> list[_Token]:
    """What can be compared: texts, and for slots the hole and the kind."""
    return [
        element if isinstance(element, str) else (holes[element.number], element.kind)
        for element in _elements(part)
    ]


def _common(left: list[_Token], right: list[_Token]) -> list[_Token]:
    """A common subsequence."""
    if left == right:
        return left
    start = _shared(left, right)
    end = _shared(left[start:][::-1], right[start:][::-1])
    inner = left[start : len(left) - end], right[start : len(right) - end]
    blocks = SequenceMatcher(None, *inner, autojunk=False).get_matching_blocks()
    middle = [token for block in blocks for token in inner[0][block.a : block.a + block.size]]
    return left[:start] + middle + left[len(left) - end :]


def _shared(left: Sequence[_Token], right: Sequence[_Token]) -> int:
    """How many tokens two sequences share at their start."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _gaps(common: Sequence[_Token], own: Sequence[_Token]) -> list[slice]:
    """What a shape has before each common token, and after the last one."""
    gaps: list[slice] = []
    position = 0
    for token in common:
        found = own.index(token, position)
        gaps.append(slice(position, found))
        position = found + 1
    return [*gaps, slice(position, len(own))]


def _assembled(
    common: Sequence[_Token], gaps: Sequence[Sequence[slice]], elements: Sequence[list[str | Slot]]
) -> Merged:
    segments: list[str | int] = []
    pieces: list[list[Slotted]] = [[] for _ in elements]

    def add_hole(found: Iterator[Slotted]) -> None:
        segments.append(len(pieces[0]))
        for own, piece in zip(pieces, found, strict=True):
            own.append(piece)

    for number in range(len(common) + 1):
        if any(own[number].start != own[number].stop for own in gaps):
            add_hole(tuple(e[own[number]]) for e, own in zip(elements, gaps, strict=True))
        if number < len(common):
            token = common[number]
            if isinstance(token, str):
                segments.append(token)
            else:
                add_hole((e[own[number].stop],) for e, own in zip(elements, gaps, strict=True))
    return Merged(tuple(_joined(segments)), tuple(map(tuple, pieces)))


def _joined(segments: Sequence[str | int]) -> Iterator[str | int]:
    text: list[str] = []
    for segment in segments:
        if isinstance(segment, str):
            text.append(segment)
            continue
        if text:
            yield "".join(text)
        text = []
        yield segment
    if text:
        yield "".join(text)
