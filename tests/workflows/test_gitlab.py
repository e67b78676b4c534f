"""The pipeline for GitLab: linted, and its jobs' scripts run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .bench import HERE, HOSTILE, KEY, execute, heads, parsed, propose, tool

GITLAB = HERE / "docs/gitlab-ci.yml"


def test_the_pipeline_for_gitlab_is_one() -> None:
    command = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    done = subprocess.run(
        [tool("check-jsonschema"), *command, str(GITLAB)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def gitlab_script(job: str, environment: dict[str, str]) -> str:
    """A job's lines as GitLab's runner runs them: one script, stopped by the first that fails."""
    for name in ("CI_SERVER_URL", "CI_PROJECT_PATH"):
        assert name in environment
    lines: list[str] = parsed(GITLAB)[job]["script"]
    return "\n".join(lines)


@pytest.fixture
def gitlab(runner: dict[str, str], repository: Path) -> dict[str, str]:
    """The variables of a GitLab job whose server's URL leads to the bare remote."""
    return {
        **runner,
        "CI_SERVER_URL": "https://git.example.com",
        "CI_PROJECT_PATH": "club/mail",
        "CI_SERVER_HOST": "git.example.com",
        "CI_PIPELINE_ID": "77",
        "GITLAB_USER_LOGIN": "ada",
        "SENDOFF_PUSH_TOKEN": "a-token",
        "GITHUB_STEP_SUMMARY": "",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.parent}/remote.git.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.example.com/club/mail.git",
    }


def test_gitlab_sends_once_and_shows_no_token(repository: Path, gitlab: dict[str, str]) -> None:
    environment = {**gitlab, "SENDOFF_STATE_KEY": KEY}
    script = gitlab_script("run", environment)
    first = execute(script, repository, environment)
    assert first.returncode == 0, first.stderr
    assert "3 mails sent" in first.stdout
    assert "a-token" not in first.stdout + first.stderr + (repository / ".git/config").read_text()
    assert "Nothing sent" in execute(script, repository, environment).stdout


def test_gitlab_plans_a_merge_request(repository: Path, gitlab: dict[str, str]) -> None:
    propose(repository, gitlab, "campaigns/welcome.yaml", "Good to have you", "Glad you came")
    environment = {**gitlab, "CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD^1"}
    done = execute(gitlab_script("plan", environment), repository, environment)
    assert done.returncode == 0, done.stderr
    assert "3 mails to go" in done.stdout
    assert "Glad you came" in (repository / "review/mails/index.html").read_text()


@pytest.mark.parametrize("name", ["welcome", *HOSTILE])
def test_gitlab_cancels_by_a_merge_request(
    repository: Path, gitlab: dict[str, str], name: str
) -> None:
    before = heads(repository)
    subprocess.run(
        ["git", "config", "receive.advertisePushOptions", "true"],
        cwd=repository.parent / "remote.git",
        check=True,
    )
    environment = {**gitlab, "CANCEL": name}
    done = execute(gitlab_script("cancel", environment), repository, environment)
    if name == "welcome":
        assert done.returncode == 0, done.stderr
        assert "refs/heads/sendoff/cancel-77" in heads(repository)
    else:
        assert done.returncode not in (0, 70)
        assert heads(repository) == before
        assert not list(repository.parent.rglob("pwned"))
