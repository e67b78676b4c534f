"""Workflows as data, and their shell steps run as a runner would.

There is no GitHub here, so a step is run as its runner would: ``bash -e {0}`` with the variables
that GitHub sets, in a repository whose remote is a directory.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parents[2]
OWN = HERE / ".github/workflows"
STARTER = HERE / "runner/starter/workflows"
ALL = sorted([*OWN.glob("*.yml"), *STARTER.glob("*.yml")])
BIN = Path(sys.executable).parent
KEY = "a state key of more than thirty-two characters"


def name_of(path: Path) -> str:
    return str(path.relative_to(HERE))


def parsed(path: Path) -> dict[str, Any]:
    # BaseLoader: `on:` is a word here, not a truth
    document: dict[str, Any] = yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506
    return document


def jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = parsed(path)["jobs"]
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    """The steps of a workflow's jobs, or those of an action."""
    found = parsed(path)
    holders = [found["runs"]] if "runs" in found else list(found["jobs"].values())
    return [step for holder in holders for step in holder["steps"]]


def step_named(path: Path, name: str) -> str:
    return next(str(step["run"]) for step in steps(path) if step["name"] == name)


def tool(name: str) -> str:
    path = BIN / name
    assert path.exists(), f"{name} is not installed: make install"
    return str(path)


HOSTILE = [
    "",
    "--help",
    "-x",
    "$(touch pwned)",
    "`touch pwned`",
    "x; touch pwned",
    "x\n::error::pwned",
    "../sendoff",
    "x y",
    "x'\"",
    "nobody",
]
"""Names that are no campaign's and no job's; the last is one, of nobody's."""


def propose(repository: Path, environment: dict[str, str], path: str, old: str, new: str) -> None:
    """What a pull request's job checks out: the merge of a change into the default branch."""

    def git(*arguments: str) -> None:
        author = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
        subprocess.run(
            ["git", *author, *arguments],
            cwd=repository,
            env=environment,
            check=True,
            capture_output=True,
        )

    file = repository / path
    assert old in file.read_text()
    git("checkout", "-q", "-b", "proposal")
    file.write_text(file.read_text().replace(old, new))
    git("commit", "-q", "-a", "-m", "Change it")
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "-m", "Merge it", "proposal")


def execute(
    script: str, where: Path, environment: dict[str, str], *flags: str
) -> subprocess.CompletedProcess[str]:
    """As a step is run: ``bash -e``, or with the flags that ``shell: bash`` stands for."""
    file = Path(environment["RUNNER_TEMP"]) / "step.sh"
    file.write_text(script)
    return subprocess.run(
        ["bash", *(flags or ("-e",)), str(file)],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def summary(environment: dict[str, str]) -> str:
    return Path(environment["GITHUB_STEP_SUMMARY"]).read_text()


def heads(repository: Path) -> str:
    return subprocess.run(
        ["git", "for-each-ref", "refs/heads"],
        cwd=repository.parent / "remote.git",
        check=True,
        capture_output=True,
        text=True,
    ).stdout
