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
        self.errors = 0

    def add(self, place: Place, message: str, hint: str = "", code: str = "invalid") -> None:
        """Note one thing that is wrong at ``place``."""
        self.extend([Problem(place.path, place.line, place.column, message, hint, code)])

    def warn(self, place: Place, message: str, hint: str = "", code: str = "doubtful") -> None:
        """Note what is allowed but was perhaps not meant."""
        at = (place.path, place.line, place.column)
        self.extend([Problem(*at, message, hint, code, "warning")])

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note problems that were found elsewhere."""
        for problem in problems:
            self._found.append(problem)
            self.errors += problem.severity == "error"

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

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
        """Raise InputError when anything is wrong; warnings alone are not."""
        if self.errors:
            raise InputError(self.sorted())
