"""A step's environment, and the repository that it works in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .bench import BIN, KEY


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """The environment of a step: what GitHub sets, and no more than that."""
    for name in ("summary", "path", "temp"):
        (tmp_path / name).mkdir() if name == "temp" else (tmp_path / name).touch()
    return {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_PATH": str(tmp_path / "path"),
        "RUNNER_TEMP": str(tmp_path / "temp"),
    }


@pytest.fixture
def repository(tmp_path: Path, runner: dict[str, str]) -> Path:
    """A clone of a remote that has the starter's workspace on its default branch."""
    work = tmp_path / "work"

    def call(*command: str, cwd: Path = work) -> None:
        environment = {**runner, "SENDOFF_STATE_KEY": KEY}
        subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True)

    call("git", "init", "-q", "--bare", "-b", "main", "remote.git", cwd=tmp_path)
    call("git", "clone", "-q", "remote.git", "work", cwd=tmp_path)
    call("git", "checkout", "-q", "-B", "main")
    call("sendoff", "init", "--backend", "git")
    call("git", "add", ".")
    author = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    call("git", *author, "commit", "-q", "-m", "Start with sendoff")
    call("git", "push", "-q", "origin", "main")
    return work
