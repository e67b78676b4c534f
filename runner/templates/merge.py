"""Messages of several forms as one text with holes: what all share, and where they differ.

Whatever alignment is found, filling the holes gives each form back exactly; a poor one only
makes the holes larger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from ..dataclass import dataclass
from .shapes import Slot, Slotted

MAX_ALIGNED = 256
"""More forms than this are not aligned: the whole part is one hole."""

MAX_COMPARED = 250_000
"""Pairs of tokens that are compared for one more form; what begins and ends alike is free."""

MIN_SHARED = 100
"""Characters; a shorter text between two holes becomes part of one.  A provider's name for a hole
takes some thirty, and each hole takes time for each contact."""

_TOKENS = re.compile(r"<[^<>]*+>|[^<\n]+\n?|\n|<")

_Token = str | tuple[int, str]


@dataclass(frozen=True, slots=True)
class Merged:
    """``segments``: text and holes; ``pieces[form][hole]``: what a form has there."""

    segments: tuple[str | int, ...]
    pieces: tuple[tuple[Slotted, ...], ...]


class Merging:
    """Merges the same part of forms, as they come; what all share only becomes less."""

    def __init__(self) -> None:
        self._parts: list[Slotted] = []
        self._tokens: list[list[_Token]] = []
        self._common: list[_Token] = []
        self._merged: Merged | None = None

    def add(self, part: Slotted, holes: Sequence[int]) -> None:
        """One more form's part; ``holes`` gives each slot's hole."""
        tokens = _tokens(part, holes)
        self._common = _common(self._common, tokens) if self._tokens else tokens
        self._parts.append(part)
        self._tokens.append(tokens)
        self._merged = None

    @property
    def merged(self) -> Merged:
        """All forms so far."""
        if self._merged is None:
            self._merged = self._aligned()
        return self._merged

    def _aligned(self) -> Merged:
        if len(self._parts) > MAX_ALIGNED:
            return Merged((0,), tuple((part,) for part in self._parts))
        gaps = [_gaps(self._common, own) for own in self._tokens]
        merged = _assembled(self._common, gaps, [_elements(part) for part in self._parts])
        return _coarser(merged) if len(self._parts) > 1 else merged


def merge(parts: Sequence[Slotted], holes: Sequence[Sequence[int]]) -> Merged:
    """Merge the same part of several forms; ``holes[form]`` gives each slot's hole."""
    merging = Merging()
    for part, own in zip(parts, holes, strict=True):
        merging.add(part, own)
    return merging.merged


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
    if len(inner[0]) * len(inner[1]) > MAX_COMPARED:
        return left[:start] + left[len(left) - end :]
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


def _coarser(merged: Merged) -> Merged:
    """The same with short texts between two holes made part of one hole."""
    groups: list[str | list[str | int]] = []
    for number, segment in enumerate(merged.segments):
        is_last = number == len(merged.segments) - 1
        short = isinstance(segment, str) and len(segment) < MIN_SHARED and not is_last
        if isinstance(segment, str) and not (short and groups and isinstance(groups[-1], list)):
            groups.append(segment)
        elif groups and isinstance(groups[-1], list):
            groups[-1].append(segment)
        else:
            groups.append([segment])
    holes = [group for group in groups if isinstance(group, list)]
    numbers = iter(range(len(holes)))
    return Merged(
        tuple(group if isinstance(group, str) else next(numbers) for group in groups),
        tuple(tuple(_piece(own, group) for group in holes) for own in merged.pieces),
    )


def _piece(own: Sequence[Slotted], group: Sequence[str | int]) -> Slotted:
    """What a form has in a hole that was made of several."""
    parts = [(part,) if isinstance(part, str) else own[part] for part in group]
    return tuple(piece for part in parts for piece in part)


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
