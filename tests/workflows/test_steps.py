"""The steps of a pull request and of a run, executed."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from .bench import KEY, STARTER, execute, propose, step_named, summary


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


@pytest.mark.parametrize(
    ("change", "page"),
    [
        (("sendoff.yaml", "max_recipients: 1000", "max_recipients: 2"), True),
        (("campaigns/welcome.yaml", "list: readers", "list: raeders"), True),
        (("sendoff.yaml", "provider:", "povider:"), False),
    ],
    ids=["held", "a broken campaign", "broken settings"],
)
def test_the_plan_is_a_page_whenever_there_is_one(
    repository: Path, runner: dict[str, str], change: tuple[str, str, str], page: bool
) -> None:
    """A plan that is held, or says what is wrong, is what a reviewer wants most."""
    propose(repository, runner, *change)
    execute(step_named(STARTER / "validate.yml", "Preview"), repository, runner)
    assert (Path(runner["RUNNER_TEMP"]) / "review/plan.html").exists() == page


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
