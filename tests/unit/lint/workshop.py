"""Builds workspaces for the lint's tests: a clean one, and what a case lays over it.

``cases/_base`` is clean.  ``cases/CODE/bad.*`` has that finding and no other, ``good.*`` comes as
near to it as may be and has none.  ``bad.expected`` is what must be said.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from runner.bootstrap import Site
from runner.checking import check
from runner.clock import SystemClock
from runner.errors import Problem
from runner.lint import Linter
from runner.templates.worst_case import choose
from runner.workspace import WorkspaceFiles

CASES = Path(__file__).with_name("cases")
PLACES = {
    "settings.yaml": "sendoff.yaml",
    "yaml": "campaigns/club.yaml",
    "html": "campaigns/templates/mail.html",
    "mjml": "campaigns/templates/mail.mjml",
    "txt": "campaigns/templates/mail.txt",
    "csv": "campaigns/lists/readers.csv",
}
BASE = {
    "settings.yaml": "settings.yaml",
    "campaign.yaml": "yaml",
    "mail.html": "html",
    "readers.csv": "csv",
}
LIST = "source: {type: csv, path: readers.csv}\ncolumns: {email: email, timezone: timezone}\n"


def lay(root: Path, **files: str) -> None:
    """Write files over what is there; ``settings`` stands for ``settings.yaml``."""
    for kind, text in files.items():
        path = root / PLACES[{"settings": "settings.yaml"}.get(kind, kind)]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def base(root: Path) -> None:
    """The clean workspace."""
    for name, kind in BASE.items():
        path = root / PLACES[kind]
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CASES / "_base" / name, path)
    (root / "campaigns/lists/readers.yaml").write_text(LIST)


def build(code: str, side: str, root: Path) -> None:
    """A case: ``side`` is ``bad`` or ``good``."""
    base(root)
    for path in (CASES / code).glob(f"{side}.*"):
        kind = path.name.removeprefix(f"{side}.")
        if kind != "expected":
            lay(
                root,
                **{kind.removesuffix(".yaml") if "." in kind else kind: path.read_text("utf-8")},
            )


def problems(root: Path) -> list[Problem]:
    """What ``validate`` finds."""
    site = Site(root, {}, SystemClock())
    desk = site.desk()
    provider = site.provider(desk.workspace.settings)
    linter = Linter(desk.workspace, WorkspaceFiles(root), choose, desk.templates.check_empty)
    return check(desk.workspace, desk.audiences, desk.templates, provider.capabilities, linter)


def told(found: list[Problem]) -> str:
    """Problems as text, one a line."""
    return "\n".join(f"{p.severity} {p.code} {p}" for p in found)
