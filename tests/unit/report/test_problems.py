from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import Problem
from runner.model.workspace import Workspace
from runner.report import problems as report
from runner.report.terminal import PLAIN, Terminal
from runner.report.workflow import MAX_ANNOTATIONS
from tests.unit.report import cases
from tests.unit.report.golden import assert_golden

WORKSPACE = cases.desk_of(cases.one_shot(), cases.digest(), cases.welcome()).workspace
FOUND = [
    Problem("campaigns/templates/x.html", 120, 4, "an image has no alt text", "", "alt", "warning"),
    Problem("campaigns/invite.yaml", 3, 12, "unknown key 'shedule'", "write schedule", "unknown"),
    Problem("campaigns/invite.yaml", 0, 0, "list 'peple' does not exist", "there is: people"),
]
PROBLEMS = st.lists(
    st.builds(
        Problem,
        st.text(min_size=1, max_size=20),
        st.integers(0, 50),
        st.integers(0, 50),
        st.text(max_size=40),
        st.text(max_size=40),
        st.text(max_size=10),
        st.sampled_from(["error", "warning"]),
    ),
    max_size=30,
)


def test_golden_text() -> None:
    assert_golden("problems.txt", report.text(FOUND, WORKSPACE, Terminal(80)))


@pytest.mark.parametrize(
    ("found", "closing"),
    [
        (FOUND, "2 errors, 1 warning in 2 files"),
        (FOUND[:1], "1 warning in 1 file"),
        ([], "all well: 3 campaigns, 1 list"),
    ],
)
def test_the_closing_line(found: list[Problem], closing: str) -> None:
    assert report.closing(found, WORKSPACE) == closing
    assert report.text(found, WORKSPACE).rstrip().endswith(closing)


def test_an_empty_workspace() -> None:
    empty = Workspace(WORKSPACE.settings, {}, {}, {})
    assert report.closing([], empty) == "all well: no campaigns yet"


@given(PROBLEMS)
def test_errors_come_first_in_every_format(found: list[Problem]) -> None:
    severities = [problem.severity for problem in report.in_order(found)]
    assert severities == sorted(severities)
    listed = json.loads(report.as_json(found, WORKSPACE))["problems"]
    assert [record["severity"] for record in listed] == severities
    assert len(listed) == len(found)


@given(PROBLEMS)
def test_text_shows_every_problem(found: list[Problem]) -> None:
    text = report.text(found, WORKSPACE)
    assert len(re.findall(r"^\S.* (?:error|warning)$", text, re.MULTILINE)) >= len(found)
    assert "\x1b" not in text


# -- workflow commands --------------------------------------------------------------------------

COMMAND = re.compile(r"^::(error|warning)(?: ([^:]*?))?::(.*)$")


def parse(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as GitHub's runner reads it."""
    match = COMMAND.match(line)
    assert match, line
    level, properties, data = match.groups()
    pairs = [pair.partition("=") for pair in (properties or "").split(",") if pair]
    return level, {name: unescape(value) for name, _, value in pairs}, unescape(data)


def unescape(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


@given(PROBLEMS)
def test_github_reads_back_what_was_written(found: list[Problem]) -> None:
    *lines, closing = report.github(found, WORKSPACE).rstrip("\n").split("\n")
    assert not closing.startswith("::")
    expected = report.in_order(found)
    parsed = [parse(line) for line in lines]
    for level in ("error", "warning"):
        mine = [command for command in parsed if command[0] == level]
        wanted = [problem for problem in expected if problem.severity == level]
        assert len(mine) == min(len(wanted), MAX_ANNOTATIONS)
        if len(wanted) > MAX_ANNOTATIONS:
            hidden = len(wanted) - len(mine) + 1
            assert mine.pop()[2].startswith(f"+{hidden} more {level}s")
        for (_, properties, data), problem in zip(mine, wanted, strict=False):
            assert properties.get("line") == (str(problem.line) if problem.line else None)
            assert properties["file"] == report.clean(problem.path)
            hint = f"\n→ {problem.hint}" if problem.hint else ""
            lines_of = (problem.message + hint).split("\n")
            assert data.split("\n") == [report.clean(line) for line in lines_of]


@pytest.mark.parametrize(
    ("path", "message", "line"),
    [
        ("a,b:c.yaml", "100%", "::error file=a%2Cb%3Ac.yaml,line=1,col=2,title=invalid::100%25"),
        ("x", "a\r\nb::error::c", "::error file=x,line=1,col=2,title=invalid::a %0Ab::error::c"),
        ("x", "%0A", "::error file=x,line=1,col=2,title=invalid::%250A"),
        ("x", "\x1b[31m", "::error file=x,line=1,col=2,title=invalid::\\x1b[31m"),
    ],
)
def test_github_escapes(path: str, message: str, line: str) -> None:
    assert report.github([Problem(path, 1, 2, message)], WORKSPACE).split("\n")[0] == line


# -- SARIF --------------------------------------------------------------------------------------


@given(PROBLEMS)
def test_sarif_has_the_shape_that_scanners_read(found: list[Problem]) -> None:
    log = json.loads(report.sarif_text(found, WORKSPACE))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "sendoff"
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(rules) == len(set(rules))
    assert len(run["results"]) == len(found)
    for result, problem in zip(run["results"], report.in_order(found), strict=True):
        assert rules[result["ruleIndex"]] == result["ruleId"] == problem.code
        assert result["level"] == problem.severity
        assert result["message"]["text"].startswith(problem.message)
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        # RFC 3986: what may not stand in a reference is percent-encoded
        assert re.fullmatch(
            r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", physical["artifactLocation"]["uri"]
        )
        region = physical["region"]
        assert region["startLine"] >= 1
        assert region.get("startColumn", 1) >= 1


def test_every_format_ends_with_a_newline() -> None:
    for name, write in report.FORMATS.items():
        assert write(FOUND, WORKSPACE, PLAIN).endswith("\n"), name
