"""Problems as SARIF 2.1.0, which code scanning services read."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from .. import __version__
from ..errors import Problem

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def sarif(problems: Sequence[Problem]) -> dict[str, object]:
    """A log with one run; rules are the problems' codes, results keep the order given."""
    codes = sorted({problem.code for problem in problems})
    rules = [{"id": code, "shortDescription": {"text": _words(code)}} for code in codes]
    driver = {"name": "sendoff", "version": __version__, "rules": rules}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(problem, codes.index(problem.code)) for problem in problems],
            }
        ],
    }


def _words(code: str) -> str:
    return code.replace("_", " ").replace("-", " ").capitalize() or "Problem"


def _result(problem: Problem, rule: int) -> dict[str, object]:
    hint = f" ({problem.hint})" if problem.hint else ""
    column = {"startColumn": problem.column} if problem.line and problem.column else {}
    location = {
        "artifactLocation": {"uri": quote(problem.path), "uriBaseId": "%SRCROOT%"},
        # services want a place: what concerns a file as a whole is shown at its first line
        "region": {"startLine": problem.line or 1, **column},
    }
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": problem.message + hint},
        "locations": [{"physicalLocation": location}],
    }
