"""What a command gives back: text for standard output, and an exit code."""

from __future__ import annotations

from ..dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """``output`` may be empty; errors are raised, not returned.  ``notes``: for standard error."""

    output: str = ""
    exit_code: int = 0
    notes: str = ""
