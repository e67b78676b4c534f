"""The lint as ``sendoff validate`` shows it; and our own mails, which come out clean."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runner.bootstrap import Site
from runner.clock import SystemClock
from runner.commands.validate import validate

from .workshop import base, build, lay, problems, told

HERE = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("code", "exit_code"), [("script-in-html", 1), ("http-link", 0)])
def test_errors_fail_and_warnings_do_not(code: str, exit_code: int, tmp_path: Path) -> None:
    build(code, "bad", tmp_path)
    outcome = validate(Site(tmp_path, {}, SystemClock()), [], "json")
    assert outcome.exit_code == exit_code
    assert {problem["code"] for problem in json.loads(outcome.output)["problems"]} == {code}


def test_annotations_stand_on_the_line(tmp_path: Path) -> None:
    build("image-without-alt", "bad", tmp_path)
    outcome = validate(Site(tmp_path, {}, SystemClock()), [], "github")
    place = "file=campaigns/templates/mail.html,line=11,col=1,title=image-without-alt"
    assert f"::warning {place}::a picture has no alt text" in outcome.output


def test_the_source_checks_that_the_lint_repeats_are_said_once(tmp_path: Path) -> None:
    build("no-unsubscribe-link", "bad", tmp_path)
    assert [problem.code for problem in problems(tmp_path)] == ["no-unsubscribe-link"]


def test_what_does_not_compile_is_not_linted(tmp_path: Path) -> None:
    base(tmp_path)
    lay(tmp_path, html="---\nsubject: Hi\n---\n<a href=''>{{ nobody }}</a>")
    assert "empty-link" not in {problem.code for problem in problems(tmp_path)}
    assert "unknown-name" in {problem.code for problem in problems(tmp_path)}


def test_our_own_campaigns_are_clean(tmp_path: Path) -> None:
    shutil.copytree(HERE / "campaigns", tmp_path / "campaigns")
    shutil.copy(HERE / "sendoff.yaml", tmp_path)
    assert told(problems(tmp_path)) == ""


def test_what_init_writes_is_clean(tmp_path: Path) -> None:
    starter = HERE / "runner/starter"
    shutil.copytree(starter / "campaigns", tmp_path / "campaigns")
    shutil.copy(starter / "sendoff.yaml", tmp_path)
    assert told(problems(tmp_path)) == ""


def test_only_validate_loads_the_lint() -> None:
    code = "import sys, runner.cli, runner.bootstrap, runner.commands.run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith("runner.lint")]
