"""Finds the example workspaces: ``valid/NAME`` whole ones, ``invalid/NAME`` faults with messages.

A fault's directory holds only the files that differ from ``invalid/_base``; ``PATH.absent`` takes
a file of the base away; ``expected.txt`` is what must be said.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from runner.errors import InputError
from runner.workspace import WorkspaceFiles, load

HERE = Path(__file__).resolve().parent
INVALID = HERE / "invalid"
VALID = HERE / "valid"
BASE = INVALID / "_base"
EXPECTED = "expected.txt"


def case_names() -> list[str]:
    """The names of the faults."""
    return sorted(path.name for path in INVALID.iterdir() if path != BASE)


def build(name: str, root: Path) -> None:
    """Lay the fault's files over the base, in ``root``."""
    shutil.copytree(BASE, root, dirs_exist_ok=True)
    ignored = shutil.ignore_patterns(EXPECTED, "*.absent")
    shutil.copytree(INVALID / name, root, dirs_exist_ok=True, ignore=ignored)
    for absent in (INVALID / name).rglob("*.absent"):
        (root / absent.relative_to(INVALID / name)).with_suffix("").unlink()


def problems_of(name: str) -> str:
    """What loading the fault says, a problem a line."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        build(name, root)
        try:
            problems = load(WorkspaceFiles(root)).problems
        except InputError as error:
            problems = error.problems
        return "\n".join(map(str, problems))
