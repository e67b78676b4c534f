"""What ``validate`` found.  Imports next to nothing: what was found before is said at once."""

from __future__ import annotations

from ..dataclass import dataclass
from ..errors import Problem


@dataclass(frozen=True, slots=True)
class Checked:
    """Every problem, and the names of what is whole.

    ``lasting``: the files of the workspace alone decide about it; no server, copy or clock does.
    """

    problems: tuple[Problem, ...]
    campaigns: tuple[str, ...]
    lists: tuple[str, ...]
    templates: tuple[str, ...]
    lasting: bool = True
