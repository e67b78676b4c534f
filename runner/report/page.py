"""A page of text for people: titles, paragraphs, facts and tables that keep to their columns.

Everything that is put on a page is cleaned here: no caller can forget it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..dataclass import dataclass
from .flow import Line, Piece, flow, shown, width_of
from .terminal import Screen, clean, defuse, is_right_to_left, terminal_of

Span = str | Piece
LABELS = len("Not mailed")
"""Labels take at least so many cells, so that blocks below each other line up."""
LEFT_TO_RIGHT_MARK = "\u200e"


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what is to be said of it, in pieces that stay together."""

    label: str
    items: tuple[Span, ...]
    separator: str = " · "


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    ``number``: to the right, and never torn.  When the table is too wide, the column that
    ``leads`` moves to a line of its own above its row, and then what ``shrinks`` is wrapped.
    """

    header: str
    number: bool = False
    shrinks: bool = False
    leads: bool = False


class Page:
    """Collects lines for one screen; ``str(page)`` is the text, ending with a newline."""

    def __init__(self, screen: Screen) -> None:
        self.terminal = terminal_of(screen)
        self._lines: list[str] = []

    def __str__(self) -> str:
        return "\n".join(self._lines).strip("\n") + "\n"

    def blank(self) -> None:
        """One empty line, never two."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def title(self, *pieces: Span, aside: str = "") -> None:
        """A heading, with something less important at the right edge, or below."""
        styled = [p if isinstance(p, Piece) else Piece(p, "bold") for p in pieces]
        head, side = self._pieces(styled), self._piece(Piece(aside, "dim"))
        lines = flow(head, self.terminal.width)
        room = self.terminal.width - width_of(lines[0])
        if aside and len(lines) == 1 and room >= side.width + 2:
            lines = [[*lines[0], Piece(" " * (room - side.width)), side]]
        elif aside:
            lines += flow([side], self.terminal.width)
        self._add(lines, 0, 0)

    def text(self, *pieces: Span, indent: int = 0, sign: Span = "") -> None:
        """A paragraph, set word by word; ``sign`` stands in front of it."""
        words = [word for piece in self._pieces(pieces) for word in piece.words()]
        front = self._piece(sign)
        hang = front.width + 1 if front.text else 0
        lines = flow(words, self.terminal.width - indent - hang)
        if hang:
            lines[0] = [front, Piece(" "), *lines[0]]
        self._add(lines, indent, hang)

    def items(self, *pieces: Span, indent: int = 0) -> None:
        """Several short things on a line, as many as fit."""
        lines = flow(self._pieces(pieces), self.terminal.width - indent, self._own(" · "))
        self._add(lines, indent, 0)

    def facts(self, facts: Iterable[Fact], indent: int = 2) -> None:
        """Labels in a column, what is said of them beside it."""
        said = [fact for fact in facts if fact.items]
        column = max([LABELS, *(len(fact.label) for fact in said)]) + 2
        for fact in said:
            width = self.terminal.width - indent - column
            lines = flow(self._pieces(fact.items), width, self._own(fact.separator))
            label = Piece(fact.label.ljust(column), "dim")
            self._add([[label, *lines[0]], *lines[1:]], indent, column)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Span]]) -> None:
        """Columns two cells apart, under their headers; numbers stay whole."""
        heads = [self._piece(Piece(column.header, "dim")) for column in columns]
        cells = [[self._piece(span) for span in row] for row in rows]
        leader = next((i for i, column in enumerate(columns) if column.leads), None)
        if leader is None or _natural([heads, *cells]) <= self.terminal.width:
            self._rows(columns, [heads, *cells], 0)
            return
        leads = [row.pop(leader) for row in [heads, *cells]]
        rest = [column for column in columns if not column.leads]
        self._rows(rest, [heads, *cells], 2, leads[1:])

    # -- inside ---------------------------------------------------------------------------

    def _own(self, text: str) -> str:
        return clean(text, ascii_only=self.terminal.ascii)

    def _piece(self, span: Span) -> Piece:
        piece = span if isinstance(span, Piece) else Piece(span)
        text = self._own(piece.text)
        # or a terminal that knows about it would move what follows on the line
        return replace(piece, text=text + LEFT_TO_RIGHT_MARK if is_right_to_left(text) else text)

    def _pieces(self, spans: Iterable[Span]) -> list[Piece]:
        return [piece for piece in map(self._piece, spans) if piece.text]

    def _rows(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Piece]],
        indent: int,
        leads: Sequence[Piece] = (),
    ) -> None:
        widths = self._widths(columns, rows, self.terminal.width - indent)
        for number, row in enumerate(rows):
            if number and leads:
                lead = replace(leads[number - 1], style="bold")
                self._add(flow([lead], self.terminal.width), 0, 0)
            self._row(columns, row, widths, indent)

    def _widths(
        self, columns: Sequence[Column], rows: Sequence[Sequence[Piece]], room: int
    ) -> list[int]:
        widths = [max(row[i].width for row in rows) for i in range(len(columns))]
        excess = sum(widths) + 2 * (len(widths) - 1) - room
        for i in sorted(range(len(columns)), key=lambda i: -widths[i]):
            if columns[i].shrinks and excess > 0:
                given = min(excess, max(0, widths[i] - 12))
                widths[i] -= given
                excess -= given
        return widths

    def _row(
        self, columns: Sequence[Column], row: Sequence[Piece], widths: list[int], indent: int
    ) -> None:
        wrapped = [flow([cell], width) for cell, width in zip(row, widths, strict=True)]
        for level in range(max(map(len, wrapped))):
            line: Line = []
            for column, cell, width in zip(columns, wrapped, widths, strict=True):
                part = cell[level] if level < len(cell) else []
                space = Piece(" " * (width - width_of(part)))
                line += [Piece("  "), *([space, *part] if column.number else [*part, space])]
            self._add([line[1:]], indent, 0)

    def _add(self, lines: Iterable[Line], indent: int, hang: int) -> None:
        for number, line in enumerate(lines):
            margin = indent + (hang if number else 0)
            text = shown(line, self.terminal.color)
            self._lines.append(defuse((" " * margin + text).rstrip()))


def _natural(rows: Sequence[Sequence[Piece]]) -> int:
    """The width of a table that nothing is taken from."""
    widths: list[int] = [max(cell.width for cell in column) for column in zip(*rows, strict=True)]
    return sum(widths) + 2 * (len(widths) - 1)
