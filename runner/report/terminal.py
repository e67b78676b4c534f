"""Text made fit for a terminal: nothing that came from a file can steer it.

Campaign names, subjects and messages come from files that anyone may have written.  Here they
lose what a terminal (or a CI log) would obey instead of show.
"""

from __future__ import annotations

import unicodedata
from typing import Protocol

from ..dataclass import dataclass

MIN_WIDTH = 60
MAX_WIDTH = 120


class Screen(Protocol):
    """What text is written for: ``width`` in columns, with ``color`` or without."""

    @property
    def width(self) -> int: ...

    @property
    def color(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Terminal:
    """A ``Screen``; ``ascii``: it cannot show anything else."""

    width: int = 100
    color: bool = False
    ascii: bool = False


PLAIN = Terminal()
"""A log or a file: no colour, 100 columns."""


def terminal_of(screen: Screen) -> Terminal:
    """A screen within the widths that the layouts are made for."""
    # a screen that says nothing of its encoding is taken for UTF-8
    return Terminal(
        width=max(MIN_WIDTH, min(screen.width, MAX_WIDTH)),
        color=screen.color,
        ascii=bool(getattr(screen, "ascii", False)),
    )


_SPACES = dict.fromkeys(map(ord, "\t\n\r\v\f\x85\u2028\u2029\u00a0\u202f"), " ")
_ASCII = {
    "·": "-",
    "•": "*",
    "…": "...",
    "→": "->",
    "✓": "+",
    "✗": "x",
    "●": "*",
    "○": "o",
    "‖": "=",
    "▁": "_",
    "▂": ".",
    "▃": ":",
    "▄": "-",
    "▅": "=",
    "▆": "+",
    "▇": "#",
    "█": "@",
    "“": '"',
    "”": '"',
}
_JOINERS = "\u200c\u200d"  # scripts and emoji need them, and they move nothing


def clean(text: str, *, ascii_only: bool = False) -> str:
    """``text`` on one line, with control, format and bidi characters written as escapes.

    Idempotent.  With ``ascii_only`` everything beyond ASCII is transcribed or escaped too.
    """
    if text.isascii() and text.isprintable() and "##[" not in text:
        return text
    text = text.translate(_SPACES)
    text = "".join(char if _harmless(char) else _escape(char) for char in text)
    # the old form of a workflow command counts anywhere in a line of a CI log
    text = text.replace("##[", "## [")
    return to_ascii(text) if ascii_only else text


def to_ascii(text: str) -> str:
    """Our own signs by their likeness, everything else beyond ASCII as an escape."""
    shown = "".join(_ASCII.get(char, char) for char in text)
    return shown.encode("ascii", "backslashreplace").decode("ascii")


def _harmless(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) not in ("Cc", "Cf", "Cs")


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def defuse(line: str) -> str:
    """A line of a log that no CI takes for a workflow command (``::error::``)."""
    body = line.lstrip()
    return line if not body.startswith("::") else line[: len(line) - len(body)] + ": :" + body[2:]


def is_right_to_left(text: str) -> bool:
    """True when a terminal may reorder what follows on the same line."""
    return any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text)
