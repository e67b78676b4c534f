"""``sendoff validate``: every problem of every file, and how to mend it."""

from __future__ import annotations

from ..bootstrap import Site
from ..checking import check
from ..lint import Linter
from ..report import problems as report
from ..templates.worst_case import choose
from ..workspace import WorkspaceFiles
from .outcome import Outcome


def validate(site: Site, paths: list[str], format: str) -> Outcome:  # noqa: A002 - the flag's name
    """Check the working tree; only problems in ``paths``, if given, are reported."""
    site.fetching = "never"  # a server that is down is no fault of the files
    desk = site.desk()
    provider = site.provider(site.settings)
    linter = Linter(desk.workspace, WorkspaceFiles(site.root), choose, desk.templates.check_empty)
    found = check(desk.workspace, desk.audiences, desk.templates, provider.capabilities, linter)
    wanted = [site.relative(path) for path in paths]
    if wanted:
        found = [p for p in found if any(_below(p.path, path) for path in wanted)]
    failed = any(problem.severity == "error" for problem in found)
    return Outcome(report.FORMATS[format](found, desk.workspace), int(failed))


def _below(path: str, wanted: str) -> bool:
    return wanted in ("", ".") or path == wanted or path.startswith(f"{wanted}/")
