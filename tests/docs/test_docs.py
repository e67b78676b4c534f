"""The docs say what the program does: commands, flags, exit codes, keys, holds, examples, links."""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner import cli, errors
from runner.bootstrap import Site
from runner.checking import check
from runner.clock import SystemClock
from runner.model.contacts import Reason
from runner.model.plan import Spot
from runner.model.result import RunResult
from runner.workspace import WorkspaceFiles, load, parse_settings
from runner.workspace.document import parse

from .pages import HERE, Block, blocks, code, pages, table

README = HERE / "README.md"
RECOVERY = HERE / "docs/recovery.md"
COMMON = {"-h", "--help", "--json", "--now"}
YAML = [block for block in blocks() if block.language == "yaml"]


def verbs() -> dict[str, argparse.ArgumentParser]:
    """Every command with its parser."""
    (action,) = (
        action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    return dict(action.choices)


def flags(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    return {flag: action for action in parser._actions for flag in action.option_strings}


# -- the command line ------------------------------------------------------------------------------


def test_the_readme_lists_every_command() -> None:
    listed = {cell.split()[0] for cell in table(README, "Commands")}
    assert listed == set(verbs())


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_the_readme_lists_every_argument(verb: str) -> None:
    (usage,) = (cell for cell in table(README, "Commands") if cell.split()[0] == verb)
    parser = verbs()[verb]
    assert set(re.findall(r"--[a-z-]+", usage)) == set(flags(parser)) - COMMON
    for action in parser._actions:
        if action.choices and "--json" not in action.option_strings:
            assert "|".join(map(str, action.choices)) in usage
        if not action.option_strings:
            assert str(action.metavar) in usage


def commands_in_the_docs() -> Iterator[tuple[Path, list[str]]]:
    for page in pages():
        for text in code(page):
            # `--as sent|not-sent` and `# comments` are for people
            for call in re.findall(r"(?:^|[($ ])sendoff ((?:--root \S+ )?[a-z]+\b[^#`)]*)", text):
                yield page, call.split()


def test_commands_in_the_docs_exist() -> None:
    known, seen = verbs(), 0
    for page, words in commands_in_the_docs():
        if words[0] == "--root":
            del words[:2]
        if words[0] not in known:
            # prose in a block, or an argument of git
            assert not any(word.startswith("--") for word in words), (page.name, words)
            continue
        seen += 1
        for word in words[1:]:
            if word.startswith("--"):
                assert word.strip(".,;").rstrip("]") in flags(known[words[0]]), (page.name, words)
    assert seen > 30


def test_make_targets_in_the_docs_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (HERE / "Makefile").read_text(), re.MULTILINE))
    found = {
        name
        for page in pages()
        for text in code(page)
        for name in re.findall(r"^make ([a-z-]+)", text)
    }
    assert found
    assert found <= targets


def exit_codes() -> set[int]:
    """What the code can end with."""
    trouble = [
        value.exit_code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.SendoffError)
    ]
    getter = RunResult.exit_code.fget  # type: ignore[attr-defined]  # a property
    runs = {c for c in getter.__code__.co_consts if isinstance(c, int)}
    return {0, *trouble, *runs, cli.BUG, cli.INTERRUPTED}


@pytest.mark.parametrize(
    ("page", "heading"),
    [(README, "Exit codes"), (RECOVERY, "By exit code")],
    ids=["readme", "recovery"],
)
def test_every_exit_code_is_explained(page: Path, heading: str) -> None:
    assert {int(cell) for cell in table(page, heading)} == exit_codes()


def test_help_names_every_exit_code() -> None:
    epilog = cli.parser().epilog or ""
    assert {int(code) for code in re.findall(r"\d+", epilog)} == exit_codes()


# -- words -----------------------------------------------------------------------------------------


def hold_codes() -> set[str]:
    """The first words of every hold that is made anywhere."""
    found = set()
    for path in (HERE / "runner").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id not in ("Hold", "_hold"):
                    continue
                words = [a.value for a in node.args[:2] if isinstance(a, ast.Constant)]
                found |= {word for word in words if isinstance(word, str)}
    return found


def test_every_hold_is_explained() -> None:
    codes = hold_codes()
    assert {"in_doubt", "max_growth", "unreadable"} <= codes
    assert set(table(RECOVERY, "By hold")) == codes


def test_every_exclusion_is_explained() -> None:
    page = HERE / "docs/writing-campaigns.md"
    spots = {spot.reason for spot in Spot if spot.excluded}
    reasons = {*Reason.__args__, *spots}  # type: ignore[attr-defined]  # a Literal
    assert reasons <= set(table(page, "Exclusions and holds"))


def keys_of(schema: Any, definitions: dict[str, Any], seen: set[str]) -> Iterator[str]:
    """Every key that may be written today: what is "not yet available" is left out."""
    if isinstance(schema, list):
        for value in schema:
            yield from keys_of(value, definitions, seen)
    if not isinstance(schema, dict) or "Not yet available" in str(schema.get("description")):
        return
    properties = schema.get("properties")
    if isinstance(properties, dict):
        yield from properties
        yield from keys_of(list(properties.values()), definitions, seen)
    for key, value in schema.items():
        if key == "$ref" and value not in seen:
            seen.add(value)
            yield from keys_of(definitions[value.rpartition("/")[2]], definitions, seen)
        elif key not in ("$defs", "properties"):
            yield from keys_of(value, definitions, seen)


@pytest.mark.parametrize("kind", ["campaign", "list", "settings", "template"])
def test_every_key_of_a_schema_is_in_the_docs(kind: str) -> None:
    schema = json.loads((HERE / f"schemas/{kind}.schema.json").read_text())
    text = "\n".join(line for page in pages() for line in code(page))
    keys = set(keys_of(schema, schema["$defs"], set()))
    assert len(keys) > 5
    assert not {key for key in keys if not re.search(rf"\b{key}\b", text)}


# -- examples --------------------------------------------------------------------------------------


def test_examples_are_complete_or_say_that_they_are_not() -> None:
    for block in YAML:
        assert block.path or block.text.startswith("# fragment\n"), block.name


@pytest.mark.parametrize("block", YAML, ids=lambda block: block.name)
def test_examples_parse(block: Block) -> None:
    parse(block.text, block.name)


@pytest.mark.parametrize(
    "block", [block for block in YAML if block.path == "sendoff.yaml"], ids=lambda block: block.name
)
def test_settings_are_sound(block: Block) -> None:
    parse_settings(block.text)


def test_the_settings_shown_as_defaults_are_the_defaults() -> None:
    """But for those whose comment says that there is none."""
    (block,) = (b for b in YAML if b.page.name == "install.md" and "lateness:" in b.text)
    shown = parse_settings(block.text)
    bare = parse_settings("version: 1\nfrom: {email: hello@example.org, name: Example Club}\n")
    none = {
        "reply_to": "",
        "postal_address": "",
        "unsubscribe": bare.unsubscribe,
        "guards": bare.guards,
        "state": replace(shown.state, approved_branch=""),
        "pacing": replace(shown.pacing, max_per_hour=None),
        "run": replace(shown.run, heartbeat=None),
    }
    assert replace(shown, **none) == bare


@pytest.mark.parametrize("page", sorted({block.page for block in YAML}), ids=lambda page: page.name)
def test_complete_examples_are_sound(page: Path, tmp_path: Path) -> None:
    """All of a page together, beside this repository's own campaigns."""
    shutil.copytree(HERE / "campaigns", tmp_path / "campaigns")
    shutil.copy(HERE / "sendoff.yaml", tmp_path)
    written = [
        block for block in YAML if block.page == page and block.path.startswith("campaigns/")
    ]
    for block in written:
        (tmp_path / block.path).write_text(block.text)
    workspace = load(WorkspaceFiles(tmp_path))
    assert workspace.problems == ()
    desk = Site(tmp_path, {}, SystemClock()).desk()
    capabilities = Site(tmp_path, {}, SystemClock()).provider(workspace.settings).capabilities
    found = check(desk.workspace, desk.audiences, desk.templates, capabilities)
    assert [str(problem) for problem in found if problem.severity == "error"] == []


@pytest.mark.parametrize(
    "block",
    [block for block in blocks() if block.language == "jinja"],
    ids=lambda block: block.name,
)
def test_template_examples_are_sound(block: Block, tmp_path: Path) -> None:
    shutil.copytree(HERE / "campaigns", tmp_path / "campaigns")
    shutil.copy(HERE / "sendoff.yaml", tmp_path)
    (tmp_path / "campaigns/templates/example.html").write_text(block.text)
    campaign = tmp_path / "campaigns/example.yaml"
    campaign.write_text("name: Example\nlist: f3-members\ntemplate: example\n")
    workspace = load(WorkspaceFiles(tmp_path))
    with campaign.open("a") as file:
        names = workspace.templates["example"].requires
        file.write(f"variables: {dict.fromkeys(names, 'https://f3.example/')}\n")
        file.write("schedule: {send: immediate}\n")
    desk = Site(tmp_path, {}, SystemClock()).desk()
    capabilities = Site(tmp_path, {}, SystemClock()).provider(workspace.settings).capabilities
    found = check(desk.workspace, desk.audiences, desk.templates, capabilities)
    assert [str(problem) for problem in found if problem.severity == "error"] == []


def test_the_first_minutes_of_the_install_page_go_as_written(tmp_path: Path) -> None:
    (block,) = (b for b in blocks() if b.language == "sh" and "mkdir club" in b.text)
    done = subprocess.run(
        ["bash", "-e", "-c", block.text],
        cwd=tmp_path,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "club/outbox").rglob("*.eml"))) == 3


@pytest.mark.parametrize("tool", ["picture.py", "outputs.py"])
def test_what_is_generated_is_up_to_date(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, HERE / "tools" / tool, "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_dependency_has_its_weight_and_its_reason() -> None:
    """`make dependencies` after a change of the list."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {re.split(r"[^\w.-]", line)[0] for line in project["dependencies"]}
    extras = project["optional-dependencies"].keys() - {"dev", "browser", "test-postgres"}
    rows = re.findall(r"^\| `([^`]+)` \|", (HERE / "docs/dependencies.md").read_text("utf-8"), re.M)
    assert set(rows) == wanted | {f"sendoff[{name}]" for name in extras}


# -- links -----------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(HERE)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), target
        if anchor:
            assert anchor in anchors(aim), target


def test_every_page_can_be_found() -> None:
    """From the README, by links alone."""
    found, ahead = {README}, [README]
    while ahead:
        page = ahead.pop()
        for target in re.findall(r"\]\(([^)\s#]+\.md)[^)]*\)", page.read_text("utf-8")):
            aim = (page.parent / target).resolve()
            if aim not in found:
                found.add(aim)
                ahead.append(aim)
    assert set(pages()) <= found
