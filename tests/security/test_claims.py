"""docs/security.md: every claim names a test that exists, and every attack is told there."""

from __future__ import annotations

import ast
import re

from .attack import HERE

PAGE = (HERE / "docs/security.md").read_text("utf-8")
CITED = set(re.findall(r"`([\w/]+\.py::test_\w+)`", PAGE))


def named_in(path: str) -> set[str]:
    tree = ast.parse((HERE / "tests" / path).read_text("utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return {f"{path}::{name}" for name in names if name.startswith("test_")}


def test_every_test_that_is_cited_exists() -> None:
    known = set().union(*(named_in(path) for path in {one.partition("::")[0] for one in CITED}))
    assert CITED
    assert known >= CITED, sorted(CITED - known)


def test_every_attack_is_told_of() -> None:
    own = {path.name for path in (HERE / "tests/security").glob("test_*.py")} - {"test_claims.py"}
    attacks = set().union(*(named_in(f"security/{name}") for name in own))
    assert attacks <= CITED, sorted(attacks - CITED)
