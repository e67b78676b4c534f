"""``sendoff validate``: every problem of every file, and how to mend it."""

from __future__ import annotations

from ..bootstrap import Site
from ..model.checked import Checked
from ..report import problems as report
from ..workspace import WorkspaceFiles, load
from .outcome import Outcome


def validate(site: Site, paths: list[str], format: str) -> Outcome:  # noqa: A002 - the flag's name
    """Check the working tree; only problems in ``paths``, if given, are reported.

    What was found is kept: nothing is checked again for as long as all that was looked at is
    what it was.
    """
    checked = site.kept.by_files(
        f"checked:{site.root}",
        site.root,
        lambda files: _check(site, files),
        lasting=lambda found: found.lasting,
    )
    found, wanted = checked.problems, [site.relative(path) for path in paths]
    if wanted:
        found = tuple(p for p in found if any(_below(p.path, path) for path in wanted))
    failed = any(problem.severity == "error" for problem in found)
    return Outcome(report.FORMATS[format](found, checked), int(failed))


def _check(site: Site, files: WorkspaceFiles) -> Checked:
    # templates, mails and their checks take longer to import than to find that nothing changed
    from ..checking import check  # noqa: PLC0415
    from ..lint import Linter  # noqa: PLC0415
    from ..model.contacts import FileSource, InlineSource  # noqa: PLC0415
    from ..templates.worst_case import choose  # noqa: PLC0415

    workspace = load(files)
    desk = site.desk_of(workspace, files, files)
    provider = site.provider(workspace.settings)
    linter = Linter(workspace, files, choose, desk.templates.check_empty)
    found = check(workspace, desk.audiences, desk.templates, provider.capabilities, linter)
    return Checked(
        problems=tuple(found),
        campaigns=tuple(workspace.campaigns),
        lists=tuple(workspace.lists),
        templates=tuple(workspace.templates),
        lasting=all(
            isinstance(one.source, FileSource | InlineSource) for one in workspace.lists.values()
        ),
    )


def _below(path: str, wanted: str) -> bool:
    return wanted in ("", ".") or path == wanted or path.startswith(f"{wanted}/")
