"""Shapes that need no proof of their own, since what they are instances of was proven.

Campaigns of one template differ in the texts of their variables.  With slots in place of these
texts their skeletons are one *general* skeleton.  If values can be put into all of its slots
afterwards, they can be put into those that are left when a campaign has filled the others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from markupsafe import escape

from .atoms import clean, pieces, tag
from .document import DocumentError, Markup
from .forms import settled
from .shapes import Shape, Skeleton, shape_of

VARYING: Final = ("variables", "campaign")
"""The constants that differ from campaign to campaign."""

MAX_TEXTS: Final = 200
MAX_KEPT: Final = 64

_seen: OrderedDict[Skeleton, None] = OrderedDict()


class Instances:
    """Tells which shapes of one content are instances; ``constants`` are its campaign's."""

    def __init__(self, constants: Mapping[str, Any]) -> None:
        self._texts = [*_texts([constants.get(name) for name in VARYING])][:MAX_TEXTS]
        self._plain = _Texts(self._texts)
        self._escaped = _Texts([str(escape(text)) for text in self._texts])

    def holds(self, shape: Shape, skeleton: Skeleton, kind: Markup, inject: bool) -> bool:
        """Whether ``shape``, to which ``skeleton`` was finished, is an instance of a proven one.

        False the first time that a general skeleton is seen: proving it pays from the second on.
        """
        general = self._general(skeleton, inject)
        if general not in _seen:
            _seen[general] = None
            if len(_seen) > MAX_KEPT:
                _seen.popitem(last=False)
            return False
        _seen.move_to_end(general)
        found = _proven(general, kind, inject)
        if found is None:
            return False
        values: list[str | None] = [None] * len(skeleton.holes)
        own, same = settled(shape, values), settled(found, [*values, *self._texts])
        return own.html == same.html and (skeleton.text is not None or own.text == same.text)

    def _general(self, skeleton: Skeleton, inject: bool) -> Skeleton:
        """What decides whether values can be put in, with slots for the texts of variables."""
        first = len(skeleton.holes)
        return Skeleton(
            subject="",
            preheader=self._plain.slotted(skeleton.preheader, first) if inject else "",
            html=self._escaped.slotted(skeleton.html, first),
            text=None if skeleton.text is None else "",
            whole=False,
            holes=(*skeleton.holes, *[-1] * len(self._texts)),
        )


class _Texts:
    """Texts to be found in others, as they are written there."""

    def __init__(self, texts: Sequence[str]) -> None:
        numbers = {text: number for number, text in reversed([*enumerate(texts)])}
        longest_first = sorted(filter(_can_be_put_in, numbers), key=len, reverse=True)
        self._numbers = [(text, numbers[text]) for text in longest_first]

    def slotted(self, text: str, first: int) -> str:
        """The text with tags, numbered from ``first``, in place of these; its own stay."""
        parts = pieces(text)
        for wanted, number in self._numbers:
            if wanted in text:
                parts = [*_cut(parts, wanted, first + number)]
        return "".join(part if isinstance(part, str) else tag(part) for part in parts)


def _cut(parts: Sequence[str | int], wanted: str, number: int) -> Iterator[str | int]:
    """The parts, with a number for each ``wanted`` that is no part of a word.

    A short text stands anywhere by chance, but seldom as a word.
    """
    for part in parts:
        if isinstance(part, int):
            yield part
            continue
        begin = position = 0
        while (found := part.find(wanted, position)) >= 0:
            position = end = found + len(wanted)
            if not part[max(found - 1, 0) : found].isalnum() and not part[end : end + 1].isalnum():
                yield part[begin:found]
                yield number
                begin = end
        yield part[begin:]


def _can_be_put_in(text: str) -> bool:
    return bool(text) and clean(text) == text


def _texts(value: Any) -> Iterator[str]:
    """All texts below a value, mappings by the names of their keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for _, below in sorted(value.items(), key=lambda item: str(item[0])):
            yield from _texts(below)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _texts(below)


@lru_cache(maxsize=MAX_KEPT)
def _proven(skeleton: Skeleton, kind: Markup, inject: bool) -> Shape | None:
    try:
        return shape_of(skeleton, kind, inject)
    except DocumentError:
        return None
