"""Collecting everything that is wrong, so that all of it is said at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import InputError, Problem
from ..model.campaign import Place

EVERY_PROBLEM = 200
"""Beyond this many problems a file's further ones are only counted."""


class Problems:
    """The problems found so far, in the order of finding."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, place: Place, message: str, hint: str = "", code: str = "invalid") -> None:
        """Note one thing that is wrong at ``place``."""
        self._found.append(Problem(place.path, place.line, place.column, message, hint, code))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note problems that were found elsewhere."""
        self._found.extend(problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def sorted(self) -> tuple[Problem, ...]:
        """All problems by place, none twice; a flood in one file is cut and counted."""
        shown: list[Problem] = []
        counts: dict[str, int] = {}
        for problem in sorted(set(self._found)):
            counts[problem.path] = counts.get(problem.path, 0) + 1
            if counts[problem.path] <= EVERY_PROBLEM:
                shown.append(problem)
        for path, count in counts.items():
            if count > EVERY_PROBLEM:
                rest = f"and {count - EVERY_PROBLEM} more problems"
                shown.append(Problem(path, 0, 0, rest, "mend the first ones and look again"))
        return tuple(sorted(shown))

    def refuse(self) -> None:
        """Raise InputError when anything is wrong."""
        if self._found:
            raise InputError(self.sorted())
