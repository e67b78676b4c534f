"""Finished messages with places for values, as they are filled.

A form is a shape whose known values are text already; its slots number the values of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter

from ..dataclass import dataclass
from .atoms import ESCAPES, Kind, clean
from .shapes import Shape, Slot, Slotted

MAX_WRITTEN_OUT = 40
"""Slots of one filler that is written out as Python."""

MAX_KEPT = 10_000
"""Values whose written form is kept for each kind of place."""

MAX_LENGTH = 1_000
"""Characters of the longest of them."""

Filler = str | Callable[[Sequence[str], Sequence[str]], str]
"""A text, or what makes one of a row's values, as they are and ``written_in_text``."""


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """``holes``: which expression of the sources each value comes from."""

    subject: Slotted
    preheader: Slotted
    html: Slotted
    text: Slotted
    holes: tuple[int, ...]

    def is_like(self, other: Form) -> bool:
        """Whether two forms give the same for the same values."""
        mine = (self.subject, self.preheader, self.html, self.text)
        return mine == (other.subject, other.preheader, other.html, other.text)


def settled(shape: Shape, emitted: Sequence[str | None]) -> Form:
    """A shape with the values that are known; ``emitted``: the values of its slots, or None."""
    numbers: dict[int, int] = {}
    for tag, text in enumerate(emitted):
        if text is None:
            numbers[tag] = len(numbers)

    def part(slotted: Slotted) -> Slotted:
        return tuple(_joined(_settled(piece, emitted, numbers) for piece in slotted))

    return Form(
        subject=part(shape.subject),
        preheader=part(shape.preheader),
        html=part(shape.html),
        text=part(shape.text),
        holes=tuple(shape.holes[tag] for tag in numbers),
    )


def filler(slotted: Slotted) -> Filler:
    """What makes the text of a part from a row's values.

    Values are written once however often they occur, within bounds.
    """
    slots = [piece for piece in slotted if isinstance(piece, Slot)]
    texts = _between(slotted)
    if not slots:
        return texts[0]
    if len(slots) > MAX_WRITTEN_OUT:
        return _interleaved(texts, slots)
    numbers = [slot.number for slot in slots]
    made: Filler = _maker(tuple(slot.kind for slot in slots))(*texts, *numbers)
    return made


def _between(slotted: Slotted) -> list[str]:
    """The texts around slots: one more than there are slots."""
    texts = [""]
    for piece in slotted:
        if isinstance(piece, str):
            texts[-1] += piece
        else:
            texts.append("")
    return texts


def _interleaved(texts: Sequence[str], slots: Sequence[Slot]) -> Filler:
    """A filler for any number of slots, of which most are in HTML text."""
    pieces = [piece for text in texts for piece in (text, "")][:-1]
    others = [
        (2 * place + 1, _AGAIN[slot.kind], slot.number)
        for place, slot in enumerate(slots)
        if slot.kind != "text"
    ]
    in_text = itemgetter(*(slot.number for slot in slots))

    def fill(row: Sequence[str], written: Sequence[str]) -> str:
        made = pieces.copy()
        made[1::2] = in_text(written)
        for place, again, number in others:
            made[place] = again[row[number]]
        return "".join(made)

    return fill


@lru_cache(maxsize=1024)
def _maker(kinds: tuple[Kind, ...]) -> Callable[..., Filler]:
    """Makes fillers for slots of these kinds, written out as Python: from texts and numbers.

    The source holds names of ours only.
    """
    texts = [f"t{number}" for number in range(len(kinds) + 1)]
    numbers = [f"n{number}" for number in range(len(kinds))]
    written = "".join(
        f"{{{text}}}{{{f'w[{number}]' if kind == 'text' else f'{kind}_[row[{number}]]'}}}"
        for text, kind, number in zip(texts, kinds, numbers, strict=False)
    )
    source = f"lambda {', '.join([*texts, *numbers])}: lambda row, w: f'{written}{{{texts[-1]}}}'"
    names = {f"{kind}_": again for kind, again in _AGAIN.items()}
    maker: Callable[..., Filler] = eval(source, {**names, "__builtins__": {}})  # noqa: S307 - ours
    return maker


def _written(kind: Kind) -> Callable[[str], str]:
    escape = ESCAPES[kind]
    return clean if kind == "plain" else lambda value: escape(clean(value))


WRITTEN = {kind: _written(kind) for kind in ESCAPES}
"""How any value is written at each kind of place."""


class _Again(dict[str, str]):
    """Values as they are written, kept for the next place where they stand."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self._write = WRITTEN[kind]

    def __missing__(self, value: str) -> str:
        if len(self) >= MAX_KEPT:
            self.clear()
        written = self._write(value)
        if len(value) <= MAX_LENGTH:
            self[value] = written
        return written


_AGAIN = {kind: _Again(kind) for kind in ESCAPES}


def written_in_text(row: Sequence[str]) -> list[str]:
    """A row's values as they are written in HTML text."""
    return [*map(_AGAIN["text"].__getitem__, row)]


def _settled(
    piece: str | Slot, emitted: Sequence[str | None], numbers: dict[int, int]
) -> str | Slot:
    if isinstance(piece, str):
        return piece
    text = emitted[piece.number]
    return Slot(numbers[piece.number], piece.kind) if text is None else WRITTEN[piece.kind](text)


def _joined(pieces: Iterator[str | Slot]) -> Iterator[str | Slot]:
    text: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            text.append(piece)
            continue
        if any(text):
            yield "".join(text)
        text = []
        yield piece
    if any(text):
        yield "".join(text)
