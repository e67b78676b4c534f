"""The action, for workflows that have no code of their own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .bench import BIN, HERE, KEY, execute, propose, step_named, steps, summary, tool

ACTION = HERE / "action.yml"


def test_linters_find_nothing_in_the_action() -> None:
    for command in (
        ["zizmor", "--offline", "--no-progress", "--quiet", "--persona", "pedantic"],
        ["check-jsonschema", "--builtin-schema", "vendor.github-actions"],
    ):
        done = subprocess.run(
            [tool(command[0]), *command[1:], str(ACTION)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_no_input_of_the_action_gets_into_a_script() -> None:
    assert len(steps(ACTION)) == 2
    for step in steps(ACTION):
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"


def by_action(
    repository: Path, runner: dict[str, str], command: str, args: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """The action's second step, where the first has installed what the tests are run with."""
    place = Path(runner["RUNNER_TEMP"]) / "sendoff-action"
    if not place.exists():
        place.mkdir()
        (place / "bin").symlink_to(BIN)
    output = Path(runner["RUNNER_TEMP"]) / "output"
    environment = {
        **runner,
        "GITHUB_OUTPUT": str(output),
        "SENDOFF_COMMAND": command,
        "SENDOFF_ARGS": args,
        "SENDOFF_ROOT": ".",
        **more,
    }
    return execute(step_named(ACTION, "Sendoff"), repository, environment, "-eo", "pipefail")


def test_the_action_validates_with_annotations(repository: Path, runner: dict[str, str]) -> None:
    assert by_action(repository, runner, "validate").returncode == 0
    file = repository / "campaigns/welcome.yaml"
    file.write_text(file.read_text().replace("list: readers", "list: raeders"))
    done = by_action(repository, runner, "validate")
    assert done.returncode == 1
    assert "::error file=campaigns/welcome.yaml,line=8," in done.stdout
    # what is asked for wins
    assert "::error" not in by_action(repository, runner, "validate", "--format text").stdout


def test_the_action_plans_into_the_summary(repository: Path, runner: dict[str, str]) -> None:
    propose(repository, runner, "sendoff.yaml", "max_recipients: 1000", "max_recipients: 2")
    done = by_action(repository, runner, "plan", "--base HEAD^1")
    assert done.returncode == 0, done.stderr
    assert "::notice::Something is held" in done.stdout
    assert "max_recipients" in summary(runner)
    assert (Path(runner["RUNNER_TEMP"]) / "output").read_text() == "exit-code=3\n"


def test_the_action_sends(repository: Path, runner: dict[str, str]) -> None:
    done = by_action(repository, runner, "run", "  --budget 5m ", SENDOFF_STATE_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert "3 mails sent" in summary(runner)


def test_quotes_keep_words_together(repository: Path, runner: dict[str, str]) -> None:
    args = "welcome --out 'two words/$HOME'"
    assert by_action(repository, runner, "preview", args).returncode == 0
    assert (repository / "two words/$HOME/index.html").exists()


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("run; touch pwned", ""),
        ("$(touch pwned)", ""),
        ("init", ""),
        ("", ""),
        ("validate", "; touch pwned"),
        ("validate", "$(touch pwned)"),
        ("validate", "`touch pwned` && touch pwned"),
        ("plan", "'unbalanced"),
    ],
)
def test_the_action_runs_nothing_but_its_commands(
    repository: Path, runner: dict[str, str], command: str, args: str
) -> None:
    done = by_action(repository, runner, command, args)
    assert not list(repository.parent.rglob("pwned"))
    if not args.startswith((";", "$", "`")):  # for validate these are files with no problem
        assert done.returncode in (1, 2)
