"""Shapes that need no proof of their own, since what they are instances of was proven.

Campaigns of one template differ in the texts of their variables.  With slots in place of these
texts their skeletons are one *general* skeleton.  If values can be put into all of its slots
afterwards, they can be put into those that are left when a campaign has filled the others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import islice
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


class Instances:
    """What campaigns of one content, made ready for certain fields, have proven for each other."""

    def __init__(self) -> None:
        self._campaigns = 0
        self._seen: OrderedDict[Skeleton, None] = OrderedDict()

    def of(self, constants: Mapping[str, Any]) -> Instance:
        """For a campaign with these constants."""
        self._campaigns += 1
        return Instance(self, constants)

    @property
    def shared(self) -> bool:
        """Whether there is more than one campaign: a lone one would look for nothing."""
        return self._campaigns > 1

    def proven(self, general: Skeleton, kind: Markup, inject: bool) -> Shape | None:
        """The shape of a general skeleton; None when values cannot be put into it afterwards.

        None the first time that it is seen, too: proving it pays from the second on.
        """
        if general not in self._seen:
            self._seen[general] = None
            if len(self._seen) > MAX_KEPT:
                self._seen.popitem(last=False)
            return None
        self._seen.move_to_end(general)
        return _proven(general, kind, inject)


class Instance:
    """Tells which shapes of one campaign's content are instances of what was proven."""

    def __init__(self, instances: Instances, constants: Mapping[str, Any]) -> None:
        self._instances = instances
        self._constants = constants

    def holds(self, shape: Shape, skeleton: Skeleton, kind: Markup, inject: bool) -> bool:
        """Whether ``shape``, to which ``skeleton`` was finished, need not be proven."""
        if not self._instances.shared:
            return False
        found = self._instances.proven(self._general(skeleton, inject), kind, inject)
        if found is None:
            return False
        values: list[str | None] = [None] * len(skeleton.holes)
        own, same = settled(shape, values), settled(found, [*values, *self._texts])
        return own.html == same.html and (skeleton.text is not None or own.text == same.text)

    @cached_property
    def _texts(self) -> list[str]:
        varying = [self._constants.get(name) for name in VARYING]
        return [*islice(_texts(varying), MAX_TEXTS)]

    @cached_property
    def _plain(self) -> _Texts:
        return _Texts(self._texts)

    @cached_property
    def _escaped(self) -> _Texts:
        return _Texts([str(escape(text)) for text in self._texts])

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
