"""The workflows as they are written: linted, pinned, least in rights."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .bench import ALL, HERE, OWN, STARTER, jobs, name_of, parsed, steps, tool


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
