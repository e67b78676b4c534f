"""What a row itself says against mailing its contact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat

from ..errors import Problem
from ..model.contacts import Reason
from .findings import Findings
from .flags import ALLOWED, Truths
from .layout import Layout
from .sources import Block

_BANS: tuple[tuple[str, bool, Reason], ...] = (
    ("consent", False, "no_consent"),
    ("bounced", True, "bounced"),
    ("opted_out", True, "opted_out"),
)
"""Column, the value that bans, and the reason, the strongest last."""


class BanColumns:
    """The opt-out, bounce and (where the list requires it) consent columns of a source."""

    def __init__(self, layout: Layout, require_consent: bool, path: str) -> None:
        self._path = path
        self._columns = [
            (layout.roles[role], role, bans_when, reason)
            for role, bans_when, reason in _BANS
            if role in layout.roles and (role != "consent" or require_consent)
        ]
        self._truths = Truths()

    def read(self, block: Block, problems: Findings) -> Iterable[Reason | None]:
        """For each row the strongest reason not to mail it, or None.

        A word that is neither yes nor no is a problem: nobody may be mailed on a guess.
        """
        if not self._columns:
            return repeat(None, len(block.lines))
        bans: list[Reason | None] = [None] * len(block.lines)
        for at, role, bans_when, reason in self._columns:
            verdicts = list(map(self._truths.__getitem__, block.columns[at]))
            if None in verdicts:
                self._note(role, verdicts, block.lines, problems)
            if bans_when in verdicts:
                bans = [
                    reason if verdict is bans_when else ban
                    for verdict, ban in zip(verdicts, bans, strict=True)
                ]
        return bans

    def _note(
        self,
        role: str,
        verdicts: Sequence[bool | None],
        lines: Sequence[int],
        problems: Findings,
    ) -> None:
        message = f"the {role} column holds neither yes nor no"
        for verdict, line in zip(verdicts, lines, strict=True):
            if verdict is None:
                problems.add(Problem(self._path, line, 1, message, f"write {ALLOWED}"))
