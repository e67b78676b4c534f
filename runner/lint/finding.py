"""What a check finds, before it is known whether someone wants to hear of it."""

from __future__ import annotations

from ..dataclass import dataclass
from ..errors import Problem
from ..model.campaign import Place
from .codes import CODES, LENIENT, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.  ``mild``: a warning whatever the code says."""

    code: str
    place: Place
    message: str
    hint: str = ""
    mild: bool = False

    def problem(self, provider: str) -> Problem:
        """The finding as ``validate`` reports it."""
        severity: Severity = CODES[self.code]
        if self.mild or (provider == "outbox" and self.code in LENIENT):
            severity = "warning"
        place = self.place
        return Problem(
            place.path, place.line, place.column, self.message, self.hint, self.code, severity
        )
