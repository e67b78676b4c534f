"""Growing columns: the lines of the rows, and their time zones."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import compress
from operator import not_

from ..errors import Problem
from ..model.columns import CodedColumn, Column
from .findings import Findings
from .frames import SeriesColumn, mapped
from .persons import NOBODY
from .sources import Block
from .spool import Spool
from .texts import TextBuilder
from .timezones import Zones, suggestion


class LineBuilder:
    """The line of each row: a range for as long as every row has a line of its own."""

    def __init__(self) -> None:
        self._range = range(0)
        self._lines: array[int] | None = None

    def extend(self, lines: Sequence[int]) -> None:
        """Append the lines of some rows, ascending."""
        if not lines:
            return
        if self._lines is None:
            first = self._range.start if self._range else lines[0]
            known = len(self._range)
            in_step = lines[0] == first + known and lines[-1] - lines[0] == len(lines) - 1
            if in_step:
                self._range = range(first, first + known + len(lines))
                return
            self._lines = array("Q", self._range)
        self._lines.extend(lines)

    def column(self) -> Sequence[int]:
        """The lines of all rows."""
        return self._range if self._lines is None else self._lines


class ZoneBuilder:
    """Each contact's own time zone, '' when it has none or a wrong one."""

    def __init__(self, spool: Spool, path: str, at: int | None) -> None:
        self._path = path
        self._at = at
        self._column = TextBuilder(spool)
        self._zones = Zones()
        self._rows = 0
        self._wrong: list[tuple[int, int, str]] = []

    def take(self, block: Block) -> None:
        """Append the zones of the rows."""
        count = len(block.lines)
        if self._at is None:
            self._column.extend([""] * count)
            return
        written = block.columns[self._at]
        names = mapped(written, self._zones.__getitem__)
        self._column.extend(names)
        if "" in names:
            wrong = self._wrong_rows(written, names)
            self._wrong += [(self._rows + row, block.lines[row], text) for row, text in wrong]
        self._rows += count

    def _wrong_rows(self, written: Sequence[str], names: Sequence[str]) -> list[tuple[int, str]]:
        """Those without a name where something is written, and that."""
        if isinstance(written, CodedColumn):
            nameless = written.mask(lambda text: text.strip() and not self._zones[text])
            return [(row, written[row]) for row in compress(range(len(names)), nameless)]
        values = list(written) if isinstance(written, SeriesColumn) else written
        rows = compress(range(len(names)), map(not_, names))
        return [(row, values[row]) for row in rows if values[row].strip()]

    def column(self) -> Column[str]:
        """The zones of all rows."""
        return self._column.column()

    def warnings(self, verdicts: bytes) -> Iterable[Problem]:
        """Zones that are none, of those rows that stand for a person."""
        found = Findings()
        message = "this contact's time zone is not known"
        for row, line, value in self._wrong:
            if verdicts[row] not in NOBODY:
                hint = "" if found.full else suggestion(value)
                found.add(Problem(self._path, line, 1, message, hint, "time_zone", "warning"))
        return found.problems()
