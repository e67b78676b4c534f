"""libyaml's complaints in words for people who never heard of a block mapping."""

from __future__ import annotations

import yaml

from .text import CONTROL

_QUOTE = 'put text that holds ": " or begins with a special character in quotes'

_WORDS = {
    "mapping values are not allowed in this context": (
        "a colon where no key can be, or a wrong indentation",
        _QUOTE,
    ),
    "did not find expected key": (
        "what stands here does not fit to the line before it",
        "check indentation and quotes",
    ),
    "did not find expected '-' indicator": (
        "an item of the list should begin here",
        "begin every item with - in the same column",
    ),
    "did not find expected ',' or ']'": ("a list [...] is not closed", "add the missing , or ]"),
    "did not find expected ',' or '}'": (
        "a mapping {...} is not closed",
        "add the missing , or }",
    ),
    "could not find expected ':'": ("a key without a colon", "write name: value"),
    "did not find expected node content": ("something is missing here", _QUOTE),
    "found unexpected end of stream": ("a quote that is opened here is not closed", ""),
    "found unknown escape character": (
        "an unknown escape after a backslash",
        "inside double quotes write \\\\ for a backslash, or use single quotes",
    ),
    "found incompatible YAML document": ("an unknown YAML version", "leave the %YAML line out"),
}
_AT_ITS_START = {
    "did not find expected ',' or ']'",
    "did not find expected ',' or '}'",
    "found unexpected end of stream",
}


def explain_syntax(error: yaml.YAMLError, text: str) -> tuple[int, int, str, str]:
    """Where (line and column from 0), what, and how to mend it."""
    problem = str(getattr(error, "problem", None) or "this is not YAML")
    mark = getattr(error, "problem_mark", None)
    if problem in _AT_ITS_START:
        mark = getattr(error, "context_mark", None) or mark
    if mark is None:
        return _unprintable(text)
    line, column = mark.line, mark.column
    if problem == "found character that cannot start any token":
        return line, column, *_strange_start(text, line, column)
    message, hint = _WORDS.get(problem, (f"not valid YAML: {problem}", _QUOTE))
    return line, column, message, hint


def _unprintable(text: str) -> tuple[int, int, str, str]:
    """The place of the character that YAML does not allow at all."""
    found = CONTROL.search(text)
    start = found.start() if found else 0
    line = text.count("\n", 0, start)
    column = start - text.rfind("\n", 0, start) - 1
    return line, column, "an invisible character that YAML does not allow", "delete it"


def _strange_start(text: str, line: int, column: int) -> tuple[str, str]:
    lines = text.split("\n")
    character = lines[line][column : column + 1] if line < len(lines) else ""
    if character == "\t":
        return "a tab where only spaces may be", "indent with spaces"
    return f"text may not begin with {character}", "put it in quotes"
