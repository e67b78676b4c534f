"""The rules of the house, where a linter has no rule for them."""

from __future__ import annotations

import ast
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2]
MODULES = sorted((HERE / "runner").rglob("*.py"))
LONGEST = 60
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
    ("uuid", "uuid1"),
    ("uuid", "uuid4"),
}


def name_of(path: Path) -> str:
    return str(path.relative_to(HERE))


def attributes(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            yield name, node.attr
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module or "", alias.name


def test_the_walls_stand() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_one_module_reads_the_clock(path: Path) -> None:
    asked = CLOCKS & set(attributes(ast.parse(path.read_text("utf-8"))))
    if name_of(path) == "runner/clock.py":
        assert asked
    else:
        assert not asked


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_are_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST, f"{node.name}: {length} lines"


def test_every_room_is_on_the_map() -> None:
    page = (HERE / "docs/architecture.md").read_text("utf-8")
    rooms = {path.relative_to(HERE / "runner").parts[0] for path in MODULES} - {
        "__init__.py",
        "__main__.py",
    }
    assert len(rooms) > 15
    for room in rooms:
        name = room if room.endswith(".py") else f"{room}/"
        assert f"`{name}`" in page, f"docs/architecture.md does not say what {name} holds"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_one_module_makes_dataclasses(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        for alias in node.names
    }
    assert "dataclass" not in imported or name_of(path) == "runner/dataclass.py"


def test_nothing_is_called_utils() -> None:
    assert not [
        path for path in MODULES if path.stem in ("utils", "util", "helpers", "misc", "common")
    ]


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=HERE, capture_output=True, check=True, text=True
    ).stdout
    return [HERE / name for name in listed.split("\0") if name]


def test_the_product_knows_only_itself() -> None:
    """No path of the machine it was made on, and no package registry by its address."""
    forbidden = (
        "/work/" + "main",
        "/work/" + "shared",
        "../" + "shared",
        "pypi." + "org",
        "npmjs." + "com",
    )
    for path in tracked():
        if path.is_file():
            content = path.read_bytes().decode("utf-8", "replace")
            assert not [word for word in forbidden if word in content], name_of(path)


@pytest.mark.no_cover
def test_nobody_watches_what_is_not_to_be_watched() -> None:
    """Otherwise properties and bombs take twice as long where coverage is measured."""
    assert sys.gettrace() is None
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(sys.gettrace()))
    thread.start()
    thread.join()
    assert seen == [None]
