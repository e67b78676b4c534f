"""Finished messages with places for values, as they are filled.

A form is a shape whose known values are text already; its slots number the values of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from .atoms import ESCAPES, Kind, clean
from .shapes import Shape, Slot, Slotted

MAX_KEPT = 10_000
"""Values whose written form is kept."""

Filler = str | Callable[[Sequence[str]], str]
"""A text, or what makes one of a row's values."""


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

    Values are written once however often they occur, until ``forget`` is called.
    """
    slots = [piece for piece in slotted if isinstance(piece, Slot)]
    form = "".join("%s" if isinstance(p, Slot) else p.replace("%", "%%") for p in slotted)
    if not slots:
        return form % ()
    kinds = {slot.kind for slot in slots}
    if len(slots) == 1:
        return _one(form, slots[0])
    numbers = [slot.number for slot in slots]
    if len(kinds) == 1:
        return _alike(form, numbers, slots[0].kind)
    written = [(_AGAIN[slot.kind], slot.number) for slot in slots]
    return lambda row: form % tuple([again[row[number]] for again, number in written])


def _one(form: str, slot: Slot) -> Filler:
    again, number = _AGAIN[slot.kind], slot.number
    if form == "%s":
        return lambda row: again[row[number]]
    return lambda row: form % again[row[number]]


def _alike(form: str, numbers: Sequence[int], kind: Kind) -> Filler:
    write, first, end = _AGAIN[kind].__getitem__, numbers[0], numbers[-1] + 1
    if list(numbers) == [*range(first, end)]:
        return lambda row: form % tuple(map(write, row[first:end]))
    pick = itemgetter(*numbers)
    return lambda row: form % tuple(map(write, pick(row)))


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
        self[value] = written = self._write(value)
        return written


_AGAIN = {kind: _Again(kind) for kind in ESCAPES}


def forget() -> None:
    """Let go of the values of the contacts before."""
    for again in _AGAIN.values():
        again.clear()


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
