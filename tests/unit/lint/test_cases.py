"""Every code has a case that has it and one that comes near: ``cases/CODE/bad.*``, ``good.*``."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.lint.codes import CODES, UNUSED

from .workshop import CASES, base, build, problems, told

NAMES = sorted(path.name for path in CASES.iterdir() if path.name != "_base")


def test_every_code_has_its_cases() -> None:
    assert sorted([*CODES, UNUSED]) == NAMES


def test_the_base_is_clean(tmp_path: Path) -> None:
    base(tmp_path)
    assert told(problems(tmp_path)) == ""


@pytest.mark.parametrize("code", NAMES)
def test_a_bad_mail_is_told_where_and_how(code: str, tmp_path: Path) -> None:
    build(code, "bad", tmp_path)
    found = problems(tmp_path)
    assert told(found) == (CASES / code / "bad.expected").read_text("utf-8").rstrip("\n")
    assert {problem.code for problem in found} == {code}
    assert all(problem.line for problem in found)


@pytest.mark.parametrize("code", NAMES)
def test_what_only_looks_like_it_is_left_alone(code: str, tmp_path: Path) -> None:
    build(code, "good", tmp_path)
    assert told(problems(tmp_path)) == ""


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_template_can_silence_it(code: str, tmp_path: Path) -> None:
    build(code, "bad", tmp_path)
    template = tmp_path / "campaigns/templates/mail.html"
    written = template.read_text("utf-8")
    template.write_text(written.replace("---\n", f"---\nlint: {{ignore: [{code}]}}\n", 1), "utf-8")
    assert told(problems(tmp_path)) == ""


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_campaign_can_silence_it(code: str, tmp_path: Path) -> None:
    build(code, "bad", tmp_path)
    with (tmp_path / "campaigns/club.yaml").open("a", encoding="utf-8") as file:
        file.write(f"lint: {{ignore: [{code}]}}\n")
    assert told(problems(tmp_path)) == ""
