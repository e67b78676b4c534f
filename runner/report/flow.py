"""Pieces of text set into lines of so many cells; a piece is only torn when no line holds it.

Widths are cells of a terminal, not characters: CJK takes two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rich.cells import cell_len, chop_cells

from ..dataclass import dataclass

_SGR = {"bold": "1", "dim": "2", "good": "32", "warn": "33", "bad": "1;31", "info": "36"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Text in one style: ``bold``, ``dim``, ``good``, ``warn``, ``bad``, ``info`` or ''."""

    text: str
    style: str = ""

    @property
    def width(self) -> int:
        return cell_len(self.text)

    def words(self) -> list[Piece]:
        """The same, word by word."""
        return [replace(self, text=word) for word in self.text.split()]

    def shown(self, color: bool) -> str:
        """As it is written to a terminal."""
        code = _SGR.get(self.style) if color and self.text else None
        return f"\x1b[{code}m{self.text}\x1b[0m" if code else self.text


Line = list[Piece]


def width_of(line: Iterable[Piece]) -> int:
    """The cells that a line takes."""
    return sum(piece.width for piece in line)


def shown(line: Line, color: bool) -> str:
    """A line as it is written; words of one style are set together."""
    joined: Line = []
    for piece in line:
        if joined and (piece.style == joined[-1].style or not piece.text.strip()):
            # a space looks the same in every style
            joined[-1] = replace(joined[-1], text=joined[-1].text + piece.text)
        elif joined and not joined[-1].text.strip():
            joined[-1] = replace(piece, text=joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return "".join(piece.shown(color) for piece in joined)


def flow(pieces: Iterable[Piece], width: int, separator: str = " ") -> list[Line]:
    """Lines of at most ``width`` cells; ``separator`` stands between pieces, not at line ends."""
    lines: list[Line] = [[]]
    gap = Piece(separator, "dim" if separator.strip() else "")
    for piece in pieces:
        needed = piece.width + (gap.width if lines[-1] else 0)
        if width_of(lines[-1]) + needed <= width:
            lines[-1] += [gap, piece] if lines[-1] else [piece]
        elif piece.width <= width:
            lines.append([piece])
        else:
            torn = list(_torn(piece, width))
            lines = [*lines, *torn] if lines[-1] else torn
    return lines


def _torn(piece: Piece, width: int) -> Iterator[Line]:
    """A piece too long for a line: between words, and within a word that is too long itself."""
    words = [
        replace(word, text=part)
        for word in piece.words()
        for part in (chop_cells(word.text, width) if word.width > width else [word.text])
    ]
    return iter(flow(words, width))
