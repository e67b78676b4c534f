"""Markdown as GitHub and GitLab read it, from text that may come from anyone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape as escape_html

from .terminal import clean

LIMIT = 65_535
"""Characters that a comment on a pull request may have."""
MAX_TEXT = 400
"""Characters of one piece of text from a file: a comment is no place for more."""

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>|~&!$]")
_LINK = re.compile(r"(?i)(?<=http)(s?)(:)|(?<=www)(\.)")
_START = re.compile(r"^([-+=]|\d+(?=[.)]))")
_PING = re.compile(r"[@#]")
ZERO_WIDTH = "&#8203;"


def escape(text: str) -> str:
    """``text`` as text: no markup, no link, no mention of anyone."""
    text = _clip(clean(text).strip())
    text = _SPECIAL.sub(lambda m: "\\" + m[0], text)
    text = _LINK.sub(lambda m: (m[1] or "") + "\\" + (m[2] or m[3]), text)
    # a mention is found in the finished page, where a backslash is gone already
    text = _PING.sub(lambda m: m[0] + ZERO_WIDTH, text)
    return _START.sub(lambda m: ZERO_WIDTH + m[0], text)


def html(text: str) -> str:
    """``text`` within HTML that stands in Markdown (a summary), where no Markdown is read."""
    return _PING.sub(
        lambda m: m[0] + ZERO_WIDTH, escape_html(_clip(clean(text).strip()), quote=False)
    )


def code(text: str) -> str:
    """``text`` as code, whatever backticks it has; also within a table."""
    text = _clip(clean(text).strip())
    if not text:
        return ""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def _clip(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """A table of finished cells; the last ``numbers`` columns stand to the right."""
    texts = len(header) - numbers
    rules = ["---"] * texts + ["---:"] * numbers
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rules, *rows]) + "\n"


def details(summary: str, body: str) -> str:
    """A part that opens on a click; ``summary`` is ours, not from a file."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n</details>\n"


def fit(head: str, blocks: Sequence[str], more: str, limit: int = LIMIT) -> str:
    """``head`` and as many blocks as there is room for, then ``+N more``.

    ``more`` says what the blocks are (``jobs``).  The result is never longer than ``limit``.
    """
    tail = "\n_+{} more {}; see all with_ `sendoff plan`\n"
    room = limit - len(head) - len(tail.format(len(blocks), more))
    shown: list[str] = []
    for number, block in enumerate(blocks):
        room -= len(block) + 1
        if room < 0:
            rest = tail.format(len(blocks) - number, more)
            return "\n".join([head, *shown]) + rest
        shown.append(block)
    return "\n".join([head, *shown])
