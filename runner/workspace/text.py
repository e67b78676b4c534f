"""Bytes to text: UTF-8 and nothing else, with the place of what is not."""

from __future__ import annotations

import codecs
import re

from ..errors import InputError, Problem

MAX_BYTES = 1024 * 1024
"""The largest YAML or template file that is read."""

# What YAML forbids, and what no HTML needs either.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


def decode(data: bytes, path: str) -> str:
    """The text of a file, without a byte order mark.  Raises InputError naming line and byte."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _refusal(path, 1, 1, "this file is UTF-16, not UTF-8")
    body = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        offset = error.start + len(data) - len(body)
        what = f"byte {offset} (0x{body[error.start]:02x}) is not UTF-8"
        raise _refusal(path, line, column, what) from None
    control = CONTROL.search(text)
    if control:
        start = control.start()
        line = text.count("\n", 0, start) + 1
        column = start - text.rfind("\n", 0, start)
        what = f"the control character U+{ord(control.group()):04X} is not allowed"
        raise InputError([Problem(path, line, column, what, "delete it", "encoding")])
    return text


def _refusal(path: str, line: int, column: int, what: str) -> InputError:
    hint = "save the file as UTF-8 in your editor"
    return InputError([Problem(path, line, column, what, hint, "encoding")])
