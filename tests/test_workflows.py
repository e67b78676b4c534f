"""The workflows: linted, least in rights, and their shell steps run for real as far as they can.

There is no GitHub here, so a step is run as its runner would: ``bash -e {0}`` with the variables
that GitHub sets, in a repository whose remote is a directory.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).resolve().parents[1]
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


# -- as they are written ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ["actionlint"],
        ["zizmor", "--offline", "--no-progress", "--quiet", "--persona", "pedantic"],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
    ],
    ids=lambda command: str(command[0]),
)
def test_linters_find_nothing(command: list[str]) -> None:
    done = subprocess.run(
        [tool(command[0]), *command[1:], *map(str, ALL)],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    uses = re.findall(r"uses: (\S+)( # v\S+)?", path.read_text())
    assert uses
    for action, version in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert version, f"{action} does not say which version that is"


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_nothing_of_an_event_gets_into_a_script(path: Path) -> None:
    for step in steps(path):
        assert "${{" not in step.get("run", ""), step["name"]


RIGHTS: dict[str, dict[str, dict[str, str]]] = {
    "ci.yml": {},
    "validate.yml": {"comment": {"pull-requests": "write"}},
    "run.yml": {"run": {"contents": "write"}},
    "cancel.yml": {"cancel": {"contents": "write", "pull-requests": "write"}},
    "retry.yml": {"retry": {"contents": "write"}},
    "doctor.yml": {"doctor": {"contents": "read", "actions": "read"}},
}
KEPT_FROM_SECRETS = [path for path in ALL if path.name in ("ci.yml", "validate.yml", "cancel.yml")]


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_rights_are_the_least(path: Path) -> None:
    workflow = parsed(path)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    own = {n: job["permissions"] for n, job in workflow["jobs"].items() if "permissions" in job}
    assert own == RIGHTS[path.name]
    assert "pull_request_target" not in workflow["on"]


@pytest.mark.parametrize("path", KEPT_FROM_SECRETS, ids=name_of)
def test_no_secret_where_no_environment_guards_it(path: Path) -> None:
    assert "secrets." not in path.read_text()
    assert not [job for job in jobs(path).values() if "environment" in job]


@pytest.mark.parametrize(
    "path", [path for path in ALL if path not in KEPT_FROM_SECRETS], ids=name_of
)
def test_secrets_stand_in_a_guarded_environment(path: Path) -> None:
    (job,) = jobs(path).values()
    assert job["environment"] == "sendoff"
    # and only the step that needs them gets them
    assert [step["name"] for step in job["steps"] if "secrets." in str(step)] == [
        job["steps"][-1]["name"]
    ]


@pytest.mark.parametrize(
    "path", [path for path in ALL if path.name in ("ci.yml", "validate.yml")], ids=name_of
)
def test_what_a_pull_request_runs_cannot_push(path: Path) -> None:
    for step in steps(path):
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize("path", [path for path in ALL if path.name == "validate.yml"], ids=name_of)
def test_the_job_that_may_write_runs_nothing_of_the_pull_request(path: Path) -> None:
    """No checkout, nothing installed, only for branches of the repository itself."""
    job = jobs(path)["comment"]
    assert [step.get("uses", "").partition("@")[0] for step in job["steps"]] == [
        "actions/download-artifact",
        "",
    ]
    assert "head.repo.full_name == github.repository" in job["if"]
    words = {line.split()[0] for line in job["steps"][1]["run"].splitlines() if line.strip()}
    assert not words & {"sendoff", "python3", "pip", "bash", "source", "."}


@pytest.mark.parametrize("path", [path for path in ALL if path.name == "run.yml"], ids=name_of)
def test_a_run_is_never_cancelled_by_the_next(path: Path) -> None:
    workflow = parsed(path)
    assert workflow["concurrency"]["cancel-in-progress"] == "false"
    (job,) = workflow["jobs"].values()
    assert job["environment"] == "sendoff"
    (when,) = workflow["on"]["schedule"]
    minutes = when["cron"].split()[0].split(",")
    # at full and half hours everybody's schedules are late
    assert all(int(minute) % 5 for minute in minutes)


@pytest.mark.parametrize("name", sorted({path.name for path in ALL} - {"ci.yml"}))
def test_the_starter_has_what_we_use_ourselves(name: str) -> None:
    """But for where sendoff comes from, and for ours being off until it is wanted."""

    def shared(path: Path) -> list[str]:
        own = ("SENDOFF:", "if: vars.SENDOFF_RUN", "if: github.ref_name", "# this repository's")
        return [line for line in path.read_text().splitlines() if not line.strip().startswith(own)]

    assert shared(OWN / name) == shared(STARTER / name)


# -- as they run -----------------------------------------------------------------------------------


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
    script: str, where: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    file = Path(environment["RUNNER_TEMP"]) / "step.sh"
    file.write_text(script)
    return subprocess.run(
        ["bash", "-e", str(file)],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def summary(environment: dict[str, str]) -> str:
    return Path(environment["GITHUB_STEP_SUMMARY"]).read_text()


def test_the_pull_request_steps(repository: Path, runner: dict[str, str]) -> None:
    path = STARTER / "validate.yml"
    done = execute(step_named(path, "Validate"), repository, runner)
    assert done.returncode == 0, done.stderr

    campaign = repository / "campaigns/welcome.yaml"
    campaign.write_text(campaign.read_text().replace("list: readers", "list: raeders"))
    done = execute(step_named(path, "Validate"), repository, runner)
    assert done.returncode == 1
    assert re.search(r"^::error file=campaigns/welcome\.yaml,line=8,", done.stdout, re.MULTILINE)


def test_the_plan_of_a_pull_request_says_what_it_changes(
    repository: Path, runner: dict[str, str]
) -> None:
    propose(repository, runner, "campaigns/welcome.yaml", "name: Welcome", "name: Hello there")
    script = step_named(STARTER / "validate.yml", "Plan")
    done = execute(script, repository, {**runner, "SENDOFF_STATE_KEY": KEY})
    assert done.returncode == 0, done.stderr
    assert "Hello there" in summary(runner)


def test_a_plan_that_is_held_does_not_fail_the_check(
    repository: Path, runner: dict[str, str]
) -> None:
    """A reviewer may want just that; but it does not go by unseen."""
    propose(repository, runner, "sendoff.yaml", "max_recipients: 1000", "max_recipients: 2")
    script = step_named(STARTER / "validate.yml", "Plan")
    done = execute(script, repository, {**runner, "SENDOFF_STATE_KEY": KEY})
    assert done.returncode == 0, done.stderr
    assert "::notice::Something is held" in done.stdout
    assert "max_recipients" in summary(runner)


def test_the_plan_of_a_broken_workspace_fails_the_check(
    repository: Path, runner: dict[str, str]
) -> None:
    propose(repository, runner, "sendoff.yaml", "provider:", "povider:")
    done = execute(step_named(STARTER / "validate.yml", "Plan"), repository, runner)
    assert done.returncode == 1


def test_a_pull_request_has_its_plan_without_the_key(
    repository: Path, runner: dict[str, str]
) -> None:
    """The numbers are right, and the plan says what it cannot know."""
    propose(repository, runner, "campaigns/welcome.yaml", "name: Welcome", "name: Hello there")
    done = execute(step_named(STARTER / "validate.yml", "Plan"), repository, runner)
    assert done.returncode == 0, done.stderr
    assert "Hello there" in summary(runner)
    assert "3 mails to go" in summary(runner)
    assert "state key is not known here" in summary(runner)


def test_without_the_ledger_there_is_no_plan_that_could_mislead(
    repository: Path, runner: dict[str, str]
) -> None:
    propose(repository, runner, "campaigns/welcome.yaml", "name: Welcome", "name: Hello there")
    (repository.parent / "remote.git").rename(repository.parent / "gone.git")
    done = execute(step_named(STARTER / "validate.yml", "Plan"), repository, runner)
    assert done.returncode == 0, done.stderr
    assert "::warning::No plan" in done.stdout
    assert "There is no plan" in summary(runner)
    assert "Hello there" not in summary(runner)


def test_the_pages_of_a_pull_request(repository: Path, runner: dict[str, str]) -> None:
    """The plan as a page, and the mails that it changes, before and after."""
    propose(repository, runner, "campaigns/welcome.yaml", "Good to have you", "Glad you came")
    done = execute(step_named(STARTER / "validate.yml", "Preview"), repository, runner)
    assert done.returncode == 0, done.stderr
    review = Path(runner["RUNNER_TEMP"]) / "review"
    assert "Welcome" in (review / "plan.html").read_text()
    page = (review / "mails/index.html").read_text()
    assert "Good to have you" in page
    assert "Glad you came" in page


def test_the_run_step_sends_once(repository: Path, runner: dict[str, str]) -> None:
    script = step_named(STARTER / "run.yml", "Send what is due")
    environment = {**runner, "SENDOFF_STATE_KEY": KEY, "SENDGRID_API_KEY": "", "SMTP_USER": ""}
    first = execute(script, repository, environment)
    assert first.returncode == 0, first.stderr
    assert "3 mails sent" in summary(runner)
    second = execute(script, repository, environment)
    assert second.returncode == 0, second.stderr
    assert "Nothing sent" in summary(runner)


def test_the_run_step_records_a_hold(repository: Path, runner: dict[str, str]) -> None:
    """The summary is written also when the step fails."""
    author = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    settings = repository / "sendoff.yaml"
    settings.write_text(settings.read_text().replace("max_recipients: 1000", "max_recipients: 2"))
    for command in (
        ("git", *author, "commit", "-q", "-a", "-m", "Be careful"),
        ("git", "push", "-q", "origin", "main"),
    ):
        subprocess.run(command, cwd=repository, env=runner, check=True, capture_output=True)
    script = step_named(STARTER / "run.yml", "Send what is due")
    done = execute(script, repository, {**runner, "SENDOFF_STATE_KEY": KEY})
    assert done.returncode == 3
    assert "max_recipients" in summary(runner)


def test_without_its_key_a_run_sends_nothing(repository: Path, runner: dict[str, str]) -> None:
    script = step_named(STARTER / "run.yml", "Send what is due")
    # a secret that is not there is an empty string on GitHub
    done = execute(script, repository, {**runner, "SENDOFF_STATE_KEY": ""})
    assert done.returncode == 5
    assert "SENDOFF_STATE_KEY" in done.stderr
    assert not (repository / "outbox").exists()


def test_a_cancelled_job_reaches_sendoff_itself(
    repository: Path, runner: dict[str, str], tmp_path: Path
) -> None:
    """GitHub signals the step's shell: ``exec`` puts sendoff in its place."""
    stand_in = tmp_path / "bin/sendoff"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/usr/bin/env bash\ntrap 'exit 130' TERM\necho $$ >&2\nread -r _\n")
    stand_in.chmod(0o755)
    script = step_named(STARTER / "run.yml", "Send what is due")
    file = Path(runner["RUNNER_TEMP"]) / "step.sh"
    file.write_text(script)
    with subprocess.Popen(
        ["bash", "-e", str(file)],
        cwd=repository,
        env={**runner, "PATH": f"{stand_in.parent}:{runner['PATH']}"},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as shell:
        assert shell.stderr is not None
        assert int(shell.stderr.readline()) == shell.pid
        shell.send_signal(signal.SIGTERM)
        assert shell.wait(timeout=30) == 130
