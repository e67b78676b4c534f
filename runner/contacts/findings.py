"""Problems of one source: the first ones in full, the rest counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..errors import InputError, Problem

SHOWN = 20


class Findings:
    """Collects problems without growing: a file with a million bad rows is one bad file."""

    def __init__(self) -> None:
        self._shown: list[Problem] = []
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    @property
    def full(self) -> bool:
        """True once a further problem would only be counted."""
        return self._count >= SHOWN

    def add(self, problem: Problem) -> None:
        """Note one problem."""
        self._count += 1
        if self._count <= SHOWN:
            self._shown.append(problem)

    def count_another(self) -> None:
        """Note a problem that would only be counted."""
        self._count += 1

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note several problems."""
        for problem in problems:
            self.add(problem)

    def problems(self) -> tuple[Problem, ...]:
        """What was noted, and as the last one how many more there are."""
        if self._count <= SHOWN:
            return tuple(self._shown)
        last = self._shown[-1]
        # The ellipsis sorts behind every other message for the same place.
        more = replace(last, message=f"\u2026 and {self._count - SHOWN} more", hint="", code="more")
        return (*self._shown, more)

    def raise_if_any(self) -> None:
        """Raises InputError when anything was noted."""
        if self:
            raise InputError(self.problems())
