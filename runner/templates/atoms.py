"""Atoms: how a contact's value travels through HTML processing unharmed.

Everything that turns a rendered template into a message (MJML, CSS inlining, plain text) sees an
*atom* where a contact's value stands: two characters that Unicode promises never to use, with
either the value between them (the slow path) or the value's number (a *tag*, the fast path).
Since neither sources nor values can hold these characters, a tag cannot be forged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from markupsafe import escape

OPEN = "\ufdd0"
CLOSE = "\ufdd1"

Kind = Literal["text", "attribute", "raw", "plain"]
"""Where a value stands: in HTML text, in an attribute, in a comment, or not in HTML at all."""

TAG = re.compile(f"{OPEN}([0-9]+){CLOSE}")
ATOM = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")

_FOREIGN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
_LINE_END = re.compile("\r\n?")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ud800-\udfff]")
_SPECIAL = re.compile('[&<>"\xa0]')
_ANY_SPECIAL = re.compile("[&<>\"'\xa0]")


def clean(value: str) -> str:
    """A value as HTML and text can hold it: no control characters, line ends as ``\\n``."""
    if value.isprintable():
        return value
    return _FOREIGN.sub("\ufffd", _LINE_END.sub("\n", value))


def has_control(value: str) -> bool:
    """Whether a value could break a header line."""
    return not value.isprintable() and _CONTROL.search(value) is not None


def is_plain(column: Sequence[str]) -> bool:
    """Whether every value stands as it is at any kind of place: seen by one look at all of them."""
    joined = "".join(column)
    return joined.isprintable() and not _ANY_SPECIAL.search(joined)


def holds_atoms(source: str) -> bool:
    """Whether a source holds the characters that are kept for atoms."""
    return OPEN in source or CLOSE in source


def tag(number: int) -> str:
    """The atom that stands for value ``number``."""
    return f"{OPEN}{number}{CLOSE}"


def wrapped(value: str) -> str:
    """The atom that carries an (escaped) value itself."""
    return f"{OPEN}{value}{CLOSE}"


def unwrapped(text: str) -> str:
    """A text with the values that its atoms carry."""
    return text.replace(OPEN, "").replace(CLOSE, "")


def replaced(text: str, values: Sequence[str]) -> str:
    """A text with ``values[n]`` in an atom in place of each tag n."""
    return TAG.sub(lambda match: wrapped(values[int(match.group(1))]), text)


def pieces(text: str) -> list[str | int]:
    """Text and tags in order: strings that are not empty, and the tags' numbers."""
    parts: list[str | int] = []
    for index, part in enumerate(TAG.split(text)):
        if index % 2:
            parts.append(int(part))
        elif part:
            parts.append(part)
    return parts


def _in_text(value: str) -> str:
    """As an HTML serialiser writes text."""
    if not _SPECIAL.search(value):
        return value
    value = value.replace("&", "&amp;").replace("\xa0", "&nbsp;")
    return value.replace("<", "&lt;").replace(">", "&gt;")


def _in_attribute(value: str) -> str:
    """As an HTML serialiser writes a quoted attribute."""
    if not _SPECIAL.search(value):
        return value
    return value.replace("&", "&amp;").replace("\xa0", "&nbsp;").replace('"', "&quot;")


def _raw(value: str) -> str:
    return str(escape(value))


def _plain(value: str) -> str:
    return value


ESCAPES: dict[Kind, Callable[[str], str]] = {
    "text": _in_text,
    "attribute": _in_attribute,
    "raw": _raw,
    "plain": _plain,
}
"""How a clean value is written at each kind of place, after HTML was serialised."""
