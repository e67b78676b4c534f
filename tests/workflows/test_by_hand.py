"""Cancelling and retrying without a terminal."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .bench import HOSTILE, KEY, STARTER, execute, heads, step_named, summary

GH = """\
#!/usr/bin/env bash
printf '%s\\n' "$@" > "$GH_SAID"
[ -z "$GH_REFUSES" ]
"""
IDENTITY = {"GITHUB_ACTOR": "ada", "GITHUB_RUN_ID": "77", "GH_TOKEN": "a-token"}


@pytest.fixture
def by_hand(runner: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of a manual workflow's step, with a ``gh`` that writes down its words."""
    stand_in = tmp_path / "gh-bin/gh"
    stand_in.parent.mkdir()
    stand_in.write_text(GH)
    stand_in.chmod(0o755)
    return {
        **runner,
        **IDENTITY,
        "PATH": f"{stand_in.parent}:{runner['PATH']}",
        "GH_SAID": str(tmp_path / "said"),
        "GH_REFUSES": "",
        "GITHUB_SERVER_URL": "https://git.example.com",
        "GITHUB_REPOSITORY": "club/mail",
        "SENDOFF_STATE_KEY": "",
    }


def cancelling(
    repository: Path, environment: dict[str, str], campaign: str
) -> subprocess.CompletedProcess[str]:
    script = step_named(STARTER / "cancel.yml", "Open the pull request")
    return execute(script, repository, {**environment, "CAMPAIGN": campaign}, "-eo", "pipefail")


def test_cancelling_opens_a_pull_request(repository: Path, by_hand: dict[str, str]) -> None:
    done = cancelling(repository, by_hand, "welcome")
    assert done.returncode == 0, done.stderr
    words = Path(by_hand["GH_SAID"]).read_text().splitlines()
    assert words[:4] == ["pr", "create", "--head", "sendoff/cancel-welcome-77"]
    assert words[4:6] == ["--title", "Cancel welcome"]
    body = Path(words[7]).read_text()
    assert "Asked for by @ada" in body
    assert "3 mails will not be sent" in body
    assert "refs/heads/sendoff/cancel-welcome-77" in heads(repository)


def test_cancelling_says_where_to_go_when_github_refuses(
    repository: Path, by_hand: dict[str, str]
) -> None:
    done = cancelling(repository, {**by_hand, "GH_REFUSES": "1"}, "welcome")
    assert done.returncode == 1
    link = "https://git.example.com/club/mail/pull/new/sendoff/cancel-welcome-77"
    assert link in done.stdout
    assert link in summary(by_hand)
    assert "cancel-welcome-77" in heads(repository)


def test_cancelling_twice_opens_nothing(repository: Path, by_hand: dict[str, str]) -> None:
    assert cancelling(repository, by_hand, "welcome").returncode == 0
    Path(by_hand["GH_SAID"]).unlink()
    before = heads(repository)
    done = cancelling(repository, by_hand, "welcome")
    assert done.returncode == 0, done.stderr
    assert "cancelled already" in done.stdout
    assert not Path(by_hand["GH_SAID"]).exists()
    assert heads(repository) == before


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_cancels_nothing(
    repository: Path, by_hand: dict[str, str], name: str
) -> None:
    before = heads(repository)
    done = cancelling(repository, by_hand, name)
    assert done.returncode not in (0, 70)
    assert not list(repository.parent.rglob("pwned"))
    assert not re.search(r"^::error::pwned", done.stdout, re.MULTILINE)
    assert heads(repository) == before
    assert not Path(by_hand["GH_SAID"]).exists()


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "nobody"])
def test_a_hostile_name_retries_nothing(
    repository: Path, by_hand: dict[str, str], name: str
) -> None:
    script = step_named(STARTER / "retry.yml", "Retry")
    environment = {**by_hand, "JOB": name, "SENDOFF_STATE_KEY": KEY}
    before = heads(repository)
    done = execute(script, repository, environment, "-eo", "pipefail")
    assert done.returncode not in (0, 70)
    assert not list(repository.parent.rglob("pwned"))
    assert heads(repository) == before


def test_retrying_says_what_came_of_it(repository: Path, by_hand: dict[str, str]) -> None:
    script = step_named(STARTER / "retry.yml", "Retry")
    environment = {**by_hand, "JOB": "welcome/main", "SENDOFF_STATE_KEY": KEY}
    assert execute("sendoff run", repository, environment).returncode == 0
    done = execute(script, repository, environment, "-eo", "pipefail")
    assert done.returncode == 0, done.stderr
    assert "Nothing of welcome/main has failed" in summary(by_hand)
