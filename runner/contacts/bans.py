"""What a row itself says against mailing its contact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from operator import not_

from ..errors import Problem
from ..model.columns import CodedColumn
from ..model.contacts import Reason
from .findings import Findings
from .flags import ALLOWED, Truths
from .frames import mapped
from .layout import Layout
from .persons import verdict_of
from .sources import Block

_BANS: tuple[tuple[str, bool, Reason], ...] = (
    ("consent", False, "no_consent"),
    ("bounced", True, "bounced"),
    ("opted_out", True, "opted_out"),
)
"""Column, the value that bans, and the reason, the strongest last."""


def _where(truths: Sequence[bool | None], wanted: bool) -> Iterable[object]:
    """A mask of those that are as wanted; where one is unknown the list is refused anyway."""
    if isinstance(truths, CodedColumn):
        return truths.mask(lambda truth: truth is wanted)
    return truths if wanted else map(not_, truths)


class BanColumns:
    """The opt-out, bounce and (where the list requires it) consent columns of a source."""

    def __init__(self, layout: Layout, require_consent: bool, path: str) -> None:
        self._path = path
        self._columns = [
            (layout.roles[role], role, bans_when, verdict_of(reason))
            for role, bans_when, reason in _BANS
            if role in layout.roles and (role != "consent" or require_consent)
        ]
        self._truths = Truths()

    def read(self, block: Block, problems: Findings) -> bytearray:
        """For each row the verdict of the strongest reason not to mail it, or MAILED.

        A word that is neither yes nor no is a problem: nobody may be mailed on a guess.
        """
        bans = bytearray(len(block.lines))
        for at, role, bans_when, verdict in self._columns:
            truths = mapped(block.columns[at], self._truths.__getitem__)
            if None in truths:
                self._note(role, truths, block.lines, problems)
            if bans_when in truths:
                for row in compress(range(len(truths)), _where(truths, bans_when)):
                    bans[row] = verdict
        return bans

    def _note(
        self,
        role: str,
        truths: Sequence[bool | None],
        lines: Sequence[int],
        problems: Findings,
    ) -> None:
        message = f"the {role} column holds neither yes nor no"
        for truth, line in zip(truths, lines, strict=True):
            if truth is None:
                problems.add(Problem(self._path, line, 1, message, f"write {ALLOWED}"))
