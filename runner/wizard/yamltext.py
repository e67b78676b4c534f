"""A draft as the text of its file: written for people, read back by ``runner.workspace``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..workspace.scalars import resolve
from .draft import SCHEMA, Draft, Mail, Step

_PLAIN = re.compile(r"[^\W\d_]([\w &',.!/()+-]*[\w!.)])?")
_UNPRINTABLE = re.compile(
    "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\u00ad\u200b-\u200f\u202a-\u202e]"
)
COMMENT_COLUMN = 40


def campaign_yaml(draft: Draft) -> str:
    """The file, ending with a newline."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    depth = draft.file.count("/") + 1
    yield f"# yaml-language-server: $schema={'../' * depth}{SCHEMA}"
    yield "#"
    yield "# Written by `sendoff new`. It counts once it is merged; edit it as you like before."
    yield "version: 1"
    yield f"name: {scalar(draft.name)}"
    yield _commented("status: active", "active | paused | cancelled")
    yield ""
    yield from _who(draft)
    if draft.variables:
        yield ""
        yield "variables:"
        yield from (f"  {name}: {_data(value)}" for name, value in draft.variables.items())
    if not draft.when.steps:
        yield ""
        yield from _mail(draft.mail, "WHAT")
    yield ""
    yield _commented("schedule:", "WHEN")
    for key, value, comment in draft.when.lines:
        yield _commented(f"  {key}: {value}", comment)
    if draft.when.steps:
        yield ""
        yield _commented("sequence:", "WHAT; delays count from the first step")
        for step in draft.when.steps:
            yield from _step(step)


def _who(draft: Draft) -> Iterator[str]:
    if not draft.where:
        yield _commented(f"list: {scalar(draft.list)}", "WHO: everyone on it who may be mailed")
        return
    yield _commented("list:", "WHO")
    yield f"  use: {scalar(draft.list)}"
    yield _commented(f"  where: {_quoted(draft.where)}", "the segment of it")


def _mail(mail: Mail, comment: str = "") -> Iterator[str]:
    if mail.template:
        yield _commented(f"template: {scalar(mail.template)}", comment)
        if mail.subject:
            yield _commented(f"subject: {_quoted(mail.subject)}", "instead of the template's")
        return
    yield _commented("content:", comment)
    yield f"  subject: {_quoted(mail.subject)}"
    if mail.preheader:
        yield _commented(f"  preheader: {_quoted(mail.preheader)}", "shown after the subject")
    yield from _block("  html", mail.html)


def _step(step: Step) -> Iterator[str]:
    yield f"  - id: {scalar(step.id)}"
    yield f"    delay: {step.delay}"
    if step.only_if:
        yield _commented(f"    only_if: {_quoted(step.only_if)}", "for the others: not this mail")
    yield from (f"    {line}" if line else "" for line in _mail(step.mail))


def _block(key: str, text: str) -> Iterator[str]:
    """A text of several lines below ``|``, or in quotes where its first line would mislead."""
    lines = text.strip("\n").split("\n")
    if text[:1] in (" ", "\t", "\n", "") or _UNPRINTABLE.search(text) or "\t" in text:
        yield f"{key}: {_quoted(text)}"
        return
    yield f"{key}: |"
    margin = " " * (len(key) - len(key.lstrip()) + 2)
    yield from (f"{margin}{line}".rstrip() for line in lines)


def scalar(text: str) -> str:
    """Text as it is where YAML reads it so, else in quotes."""
    return text if _is_text(text) else _quoted(text)


def _is_text(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and isinstance(resolve(text), str)


def _data(value: Any) -> str:
    """A value in flow style; text that stands alone may be plain."""
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(str(k))}: {_inner(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inner, value)) + "]"
    if isinstance(value, float):
        # 1e-7 is text for YAML
        return f"{value:.18f}".rstrip("0") + "0"
    return json.dumps(value)


def _inner(value: Any) -> str:
    # a plain text in a list could end at its comma
    return _quoted(value) if isinstance(value, str) else _data(value)


def _quoted(text: str) -> str:
    escaped = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped)


def _commented(line: str, comment: str) -> str:
    """A line with a comment at the usual column, where there is room for one."""
    if not comment or len(line) > COMMENT_COLUMN + 20:
        return line
    return f"{line.ljust(COMMENT_COLUMN - 1)} # {comment}"
