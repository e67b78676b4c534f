"""Files of addresses that must not be mailed: one a line, or a table with a column of them.

Tables are what services export: SendGrid, Mailchimp, listmonk and others name the column ``email``
or ``Email Address``.  A column with the time (``created``, ``UNSUB_TIME`` …) is used if there is
one, and in bounces of SendGrid the status decides, as it does for those that are pulled.  A column
``token`` holds contact keys, which is what the token of an unsubscribe link is.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Final

from ..errors import InputError, Problem
from ..model.feedback import Cause, Feedback
from ..model.ledger import SuppressionReason
from ..model.verdicts import verdict

_EMAIL: Final = ("email", "email address", "email_address", "e-mail", "address", "recipient")
_KEY: Final = ("token", "key")
_TIME: Final = ("created", "created_at", "unsub_time", "clean_time", "optout_time", "timestamp")
_SHOWN: Final = 20


def read_file(
    path: str,
    content: bytes,
    reason: SuppressionReason,
    key_of: Callable[[str], bytes | None],
    now: datetime,
) -> Feedback:
    """Everyone in a file, for one reason.

    Raises InputError, naming lines and no address, when a row holds no valid one: somebody may be
    meant there who would be mailed.
    """
    told: dict[bytes, int] = {}
    counts: Counter[str] = Counter()
    problems: list[Problem] = []
    for line, row in _rows(path, _text(path, content)):
        key = key_of(row.get("email", "")) or key_of(parseaddr(row.get("email", ""))[1])
        if key is None:
            hint = "mend it, or take the line out"
            problems.append(Problem(path, line, 1, "there is no valid address", hint))
        elif reason == "bounce" and verdict(row.get("status", ""), row.get("reason", "")) == "soft":
            counts["soft bounces"] += 1
        else:
            told[key] = max(_moment(row.get("time", ""), now), told.get(key, 0))
    if problems:
        raise InputError(_first(problems))
    cause: Cause = (reason, 0)
    return Feedback({cause: told} if told else {}, counts)


def _first(problems: list[Problem]) -> list[Problem]:
    more = len(problems) - _SHOWN
    rest = [Problem(problems[0].path, 0, 0, f"and {more} more")] if more > 0 else []
    return problems[:_SHOWN] + rest


def _text(path: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        hint = "save the file as UTF-8"
        raise InputError([Problem(path, line, 1, "this is not UTF-8", hint)]) from None
    if "\0" in text:
        raise InputError([Problem(path, 0, 0, "this is no file of text")])
    return text


def _rows(path: str, text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(line, what the row says): ``email`` and, from a table, ``time``, ``status``, ``reason``."""
    head = text.partition("\n")[0].strip()
    delimiter = next((mark for mark in "\t;," if mark in head), ",")
    header = [cell.strip().strip('"').casefold() for cell in head.split(delimiter)]
    if not {*_EMAIL, *_KEY}.intersection(header):
        if len(header) > 1:
            hint = f"call the column with the addresses {_EMAIL[0]}"
            raise InputError([Problem(path, 1, 1, "no column is called email", hint)])
        yield from _lines(text)
        return
    columns = {
        "email": next(name for name in (*_EMAIL, *_KEY) if name in header),
        "time": next((name for name in _TIME if name in header), ""),
        "status": "status",
        "reason": "reason",
    }
    places = {role: header.index(name) for role, name in columns.items() if name in header}
    prefix = "key:" if columns["email"] in _KEY else ""
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        next(table)
        for cells in table:
            if any(map(str.strip, cells)):
                found = {role: cells[at] for role, at in places.items() if at < len(cells)}
                yield table.line_num, {**found, "email": prefix + found.get("email", "")}
    except csv.Error:
        message = "the table cannot be read from here on"
        raise InputError([Problem(path, table.line_num, 1, message)]) from None


def _lines(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.partition("#")[0].strip()
        if entry:
            yield number, {"email": entry}


def _moment(written: str, now: datetime) -> int:
    """Epoch seconds, from such seconds or from a date; ``now`` when there is none to be read."""
    text, latest = written.strip(), int(now.timestamp())
    if text.isascii() and text.isdecimal() and len(text) <= 10:
        return min(int(text), latest)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return latest
    return min(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()), latest)
