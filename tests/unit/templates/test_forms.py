"""What fills a form, however many places it has."""

from __future__ import annotations

import pytest

from runner.templates.forms import MAX_WRITTEN_OUT, WRITTEN, filler, written_in_text
from runner.templates.shapes import Slot, Slotted

VALUES = ("Ann", "", "a & b", '"<i>"', "100 %", "{x}", "周", "so\nit")


def drawn(count: int) -> Slotted:
    """``count`` places of all kinds, some of them with nothing between them."""
    kinds = (*WRITTEN, "text", "text")
    pieces: list[str | Slot] = []
    for number in range(count):
        if number % 3:
            pieces.append(f"<{number}% {{s}}>")
        pieces.append(Slot(number * 5 % len(VALUES), kinds[number % len(kinds)]))
    return (*pieces, "end") if count % 2 else tuple(pieces)


@pytest.mark.parametrize(
    "count", [0, 1, 2, MAX_WRITTEN_OUT, MAX_WRITTEN_OUT + 1, MAX_WRITTEN_OUT + 2, 300]
)
def test_every_place_gets_its_value_as_it_is_written_there(count: int) -> None:
    slotted = drawn(count)
    fill = filler(slotted)
    for values in (VALUES, VALUES[::-1], VALUES):  # nothing of the one before stays
        wanted = "".join(
            piece if isinstance(piece, str) else WRITTEN[piece.kind](values[piece.number])
            for piece in slotted
        )
        made = fill if isinstance(fill, str) else fill(values, written_in_text(values))
        assert made == wanted
