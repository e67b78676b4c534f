"""Growing columns: what is kept of a million rows, without a million objects a column."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import compress

from ..errors import Problem
from ..model.contacts import Excluded, Reason
from .findings import Findings
from .sources import Block
from .timezones import Zones, suggestion

_POOL_LIMIT = 1 << 16


class TextColumn:
    """Values without the white space around them; equal ones share one string.

    Only as long as there are few different ones: sharing unique values saves nothing.
    """

    def __init__(self) -> None:
        self.values: list[str] = []
        self._pool: dict[str, str] = {}

    def extend(self, values: Iterable[str]) -> None:
        """Append values."""
        stripped = list(map(str.strip, values))
        if len(self._pool) < _POOL_LIMIT:
            stripped = list(map(self._pool.setdefault, stripped, stripped))
        self.values += stripped


class ZoneColumn:
    """Each contact's own time zone, '' when it has none or a wrong one (noted in ``wrong``)."""

    def __init__(self, path: str, at: int | None) -> None:
        self.values: list[str] = []
        self.wrong = Findings()
        self._path = path
        self._at = at
        self._zones = Zones()

    def take(self, block: Block, keep: Sequence[bool]) -> None:
        """Append the zones of the rows to keep."""
        if self._at is None:
            self.values += [""] * sum(keep)
            return
        written = list(compress(block.columns[self._at], keep))
        names = list(map(self._zones.__getitem__, written))
        self.values += names
        if "" in names:
            lines = compress(block.lines, keep)
            for name, value, line in zip(names, written, lines, strict=True):
                if not name and value.strip():
                    self._note(value, line)

    def _note(self, value: str, line: int) -> None:
        hint = "" if self.wrong.full else suggestion(value)
        message = "this contact's time zone is not known"
        self.wrong.add(Problem(self._path, line, 1, message, hint, "time_zone", "warning"))


class OutColumns:
    """The rows that are not mailed, those in ``before`` among them."""

    def __init__(self, before: Excluded | None = None) -> None:
        before = before or Excluded()
        self._keys: list[bytes] = list(before.keys)
        self._reasons: list[Reason] = list(before.reasons)
        self._lines = array("Q", before.lines)

    def add(self, key: bytes, reason: Reason, line: int) -> None:
        """Note one row; ``key`` is b"" where the address is not valid."""
        self._keys.append(key)
        self._reasons.append(reason)
        self._lines.append(line)

    def excluded(self) -> Excluded:
        """All of them in the order of their lines."""
        order = sorted(range(len(self._lines)), key=self._lines.__getitem__)
        return Excluded(
            keys=[self._keys[at] for at in order],
            reasons=[self._reasons[at] for at in order],
            lines=array("Q", (self._lines[at] for at in order)),
        )
