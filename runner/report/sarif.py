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
    location: dict[str, object] = {
        "artifactLocation": {"uri": quote(problem.path), "uriBaseId": "%SRCROOT%"}
    }
    if problem.line:
        # a region begins at 1; a problem of the file as a whole has none
        column = {"startColumn": problem.column} if problem.column else {}
        location["region"] = {"startLine": problem.line, **column}
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": problem.message + hint},
        "locations": [{"physicalLocation": location}],
    }
