"""A bare remote with one commit on ``main``, and a clone of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.repository.git import Git

RunGit = Callable[..., str]


@pytest.fixture(autouse=True)
def _plain_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def git_in() -> RunGit:
    """Runs the user's own git in a directory; returns what it prints."""

    def run(directory: Path, *arguments: str) -> str:
        identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=directory, check=True, capture_output=True
        )
        return done.stdout.decode()

    return run


@pytest.fixture
def remote(tmp_path: Path, git_in: RunGit) -> Path:
    path = tmp_path / "remote.git"
    git_in(tmp_path, "init", "-q", "--bare", "-b", "main", str(path))
    seed = tmp_path / "seed"
    git_in(tmp_path, "init", "-q", "-b", "main", str(seed))
    (seed / "campaigns").mkdir()
    (seed / "sendoff.yaml").write_text("version: 1\n")
    (seed / "campaigns" / "news.yaml").write_bytes(b"name: News\r\nstatus: active\r\n")
    git_in(seed, "add", ".")
    git_in(seed, "commit", "-q", "-m", "Begin")
    git_in(seed, "push", "-q", str(path), "main")
    return path


@pytest.fixture
def clone(tmp_path: Path, remote: Path, git_in: RunGit) -> Path:
    path = tmp_path / "clone"
    git_in(tmp_path, "clone", "-q", str(remote), str(path))
    return path


@pytest.fixture
def git(clone: Path) -> Git:
    return Git(clone, timeout=20.0)
