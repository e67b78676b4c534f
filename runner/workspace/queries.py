"""Whether a text is one SQL query: what can be told without a database.

This is help, not a wall: what keeps a query from writing is the read-only transaction it runs in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..dataclass import dataclass

QUERIES = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("})
"""How a query may begin."""

_TOKEN = re.compile(
    r"""
      (?P<space>   \s+ | --[^\n]* )
    | (?P<quoted>  [eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*`
                 | \$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$ )
    | (?P<word>    [^\W\d]\w* )
    | (?P<open>    /\* | ['"`] | \$(?:[A-Za-z_]\w*)?\$ )
    | (?P<sign>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a query, and at which character of it."""

    at: int
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    at: int
    text: str


def faults(query: str) -> list[Fault]:
    """What is wrong, each with its place; nothing for what may be a query."""
    tokens = list(_tokens(query))
    found = [_unclosed(token) for token in tokens if token.kind == "open"]
    if not tokens:
        return [Fault(0, "there is no query here", "for example: select email from members")]
    first = tokens[0]
    if first.kind != "open" and first.text.upper() not in QUERIES:
        message = f"a query begins with SELECT or WITH, and this one with {first.text[:20]!r}"
        found.append(Fault(first.at, message, "a list may only read"))
    ends = [n for n, token in enumerate(tokens) if token.text == ";"]
    if ends and ends[0] + 1 < len(tokens):
        found.append(Fault(tokens[ends[0] + 1].at, "more than one statement", "one query a list"))
    return sorted(found, key=lambda fault: fault.at)


def _unclosed(token: _Token) -> Fault:
    what = "comment" if token.text == "/*" else "quote"
    return Fault(token.at, f"a {what} that is never closed")


def place_of(query: str, at: int) -> tuple[int, int]:
    """The line and column of a character, counting from 1."""
    before = query[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


def _tokens(query: str) -> Iterator[_Token]:
    """What matters in a text of SQL; comments and white space do not."""
    at = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            return
        kind, end = match.lastgroup or "", match.end()
        if match[0] == "/*":
            closed = _end_of_comment(query, at)
            if closed:
                at = closed
                continue
        if kind != "space":
            yield _Token(kind, at, match[0])
        # what follows something unclosed is nobody knows what
        at = len(query) if kind == "open" else end


def _end_of_comment(query: str, at: int) -> int:
    """Behind the comment that begins at ``at``; 0 when it never ends.  Comments may nest."""
    depth = 0
    for mark in _COMMENT.finditer(query, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return 0
