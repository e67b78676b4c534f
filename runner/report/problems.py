"""What is wrong in the files: for people, for programs, for pull requests, for code scanning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from typing import Protocol

from ..errors import Problem
from . import words, workflow
from .flow import Piece
from .jsontext import dump
from .page import Page
from .sarif import sarif
from .terminal import PLAIN, Screen, clean, defuse


class Checked(Protocol):
    """What was checked: a workspace, or the names of what is in it."""

    @property
    def campaigns(self) -> Sized: ...
    @property
    def lists(self) -> Sized: ...
    @property
    def templates(self) -> Sized: ...


_STYLES = {"error": "bad", "warning": "warn"}


def text(problems: Sequence[Problem], checked: Checked, screen: Screen = PLAIN) -> str:
    """Each problem with its place and how to mend it; a line that sums up."""
    page = Page(screen)
    for problem in in_order(problems):
        page.text(place(problem), Piece(problem.severity, _STYLES[problem.severity]))
        page.text(problem.message, indent=2)
        if problem.hint:
            page.text(problem.hint, indent=2, sign="→")
        page.blank()
    errors = any(problem.severity == "error" for problem in problems)
    word = "error" if errors else "warning" if problems else "ok"
    page.text(
        Piece(closing(problems, checked), "bold"),
        sign=Piece(words.SIGNS[word], words.STYLES[word]),
    )
    return str(page)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Errors first, then by place."""
    return sorted(problems, key=lambda problem: (problem.severity != "error", problem))


def place(problem: Problem) -> str:
    """``file:line:column``, without what is not known."""
    parts = [problem.path]
    if problem.line:
        parts.append(str(problem.line))
        if problem.column:
            parts.append(str(problem.column))
    return ":".join(parts)


def closing(problems: Sequence[Problem], checked: Checked) -> str:
    """``3 errors, 1 warning in 2 files``, or ``all well: 3 campaigns, 1 list, 4 templates``."""
    if problems:
        severities = [problem.severity for problem in problems]
        counts = {level: severities.count(level) for level in ("error", "warning")}
        files = len({problem.path for problem in problems})
        return f"{words.named(counts)} in {words.plural(files, 'file')}"
    found = words.named(
        {
            "campaign": len(checked.campaigns),
            "list": len(checked.lists),
            "template": len(checked.templates),
        }
    )
    return f"all well: {found or 'no campaigns yet'}"


def as_json(problems: Sequence[Problem], checked: Checked, screen: Screen = PLAIN) -> str:
    """``errors``, ``warnings``, ``checked`` (counts) and ``problems``, errors first."""
    levels = [problem.severity for problem in problems]
    return dump(
        {
            "errors": levels.count("error"),
            "warnings": levels.count("warning"),
            "checked": {
                "campaigns": len(checked.campaigns),
                "lists": len(checked.lists),
                "templates": len(checked.templates),
            },
            "problems": [record(problem) for problem in in_order(problems)],
        }
    )


def record(problem: Problem) -> dict[str, object]:
    """A problem as JSON."""
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
    }


def github(problems: Sequence[Problem], checked: Checked, screen: Screen = PLAIN) -> str:
    """Workflow commands that annotate the lines of a pull request, and the closing line."""
    lines: list[str] = []
    for level in ("error", "warning"):
        found = [problem for problem in in_order(problems) if problem.severity == level]
        commands = [_command(problem) for problem in found]
        lines += workflow.limited(commands, level, "see them all with: sendoff validate")
    lines.append(defuse(clean(closing(problems, checked))))
    return "\n".join(lines) + "\n"


def _command(problem: Problem) -> str:
    properties = {"file": problem.path}
    if problem.line:
        properties["line"] = str(problem.line)
        if problem.column:
            properties["col"] = str(problem.column)
    properties["title"] = problem.code
    shown = ",".join(
        f"{name}={workflow.property_value(value)}" for name, value in properties.items()
    )
    hint = f"\n→ {problem.hint}" if problem.hint else ""
    return f"::{problem.severity} {shown}::{workflow.data(problem.message + hint)}"


def sarif_text(problems: Sequence[Problem], checked: Checked, screen: Screen = PLAIN) -> str:
    """SARIF 2.1.0."""
    return dump(sarif(in_order(problems)))


FORMATS: Mapping[str, Callable[..., str]] = {
    "text": text,
    "json": as_json,
    "github": github,
    "sarif": sarif_text,
}
