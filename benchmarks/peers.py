"""Other people's programs, installed by a benchmark for itself, below ``.cache/benchmarks``.

Each set of packages has a virtual environment or a ``node_modules`` of its own, which is kept: the
second run of a benchmark installs nothing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache/benchmarks"


def python_with(*requirements: str) -> Path | None:
    """A Python that has these packages; None (and a line that says so) when pip cannot get them."""
    home = CACHE / "python" / "+".join(requirements)
    python = home / "bin/python"
    if not (home / "done").exists():
        venv.create(home, with_pip=True, clear=True)
        if not _installed([str(python), "-m", "pip", "install", "--quiet", *requirements], home):
            return None
        (home / "done").touch()
    return python


def node_with(*packages: str) -> Path | None:
    """A directory whose scripts can require these packages; None when npm cannot get them."""
    home = CACHE / "node" / "+".join(packages).replace("/", "-")
    if shutil.which("npm") is None or shutil.which("node") is None:
        print(f"left out: {' '.join(packages)} (there is no npm here)")
        return None
    if not (home / "done").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text("{}")
        if not _installed(["npm", "install", "--silent", "--no-audit", *packages], home):
            return None
        (home / "done").touch()
    return home


def node_version(home: Path, package: str) -> str:
    """The version of an installed package of npm."""
    described = json.loads((home / "node_modules" / package / "package.json").read_text())
    return str(described["version"])


def python_version(python: Path, package: str) -> str:
    """The version of an installed package of PyPI."""
    asked = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run(
        [python, "-c", asked], check=True, capture_output=True, text=True
    ).stdout.strip()


def _installed(command: list[str], home: Path) -> bool:
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"left out: {command[-1]} cannot be installed", file=sys.stderr)
    return done.returncode == 0
