"""What SendGrid's answer means for the contacts of a request: pure interpretation.

The texts of errors never get out of here: they may hold an address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP response; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """SendGrid has all of it; ``ref`` is its id of the request."""

    ref: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing was sent; worth another try in ``seconds`` (None: it did not say)."""

    reason: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """It may have been sent, or not."""

    reason: str


@dataclass(frozen=True, slots=True)
class Culprits:
    """Nothing was sent because of these personalizations (position -> reason)."""

    reasons: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was sent, and nothing of the message can be, to anybody."""

    reason: str


@dataclass(frozen=True, slots=True)
class Narrow:
    """Nothing was sent, for a reason that only smaller requests can find."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """Nothing was sent, and nothing will be until somebody mends key, account or settings."""

    reason: str


Verdict = Accepted | Wait | Unclear | Culprits | Refused | Narrow | Unusable

_PERSONALIZATION = re.compile(r"personalizations[.\[](\d+)\]?(?:\.|$)")
_MESSAGE_FIELDS = frozenset(
    {"from", "reply_to", "reply_to_list", "subject", "content", "attachments", "template_id"}
    | {"headers", "categories", "custom_args", "send_at", "batch_id", "asm", "ip_pool_name"}
    | {"mail_settings", "tracking_settings"}
)
_RETRIED = frozenset({429, 503})
_UNCLEAR = frozenset({408})


def interpret(answer: Answer, size: int, now: float) -> Verdict:
    """The meaning of an answer to a request for ``size`` contacts; ``now`` in epoch seconds."""
    status = answer.status
    reason = f"http {status}"
    if status in (200, 202):
        return Accepted(answer.headers.get("x-message-id", ""))
    if status in _RETRIED:
        return Wait(reason, asked_wait(answer.headers, now))
    if status == 400:
        return _bad_request(answer.body, size)
    if status == 413:
        return Narrow(reason)
    if 300 <= status < 500 and status not in _UNCLEAR:
        return Unusable(reason)
    return Unclear(reason)


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the server wants to hear from us again, if it says so."""
    waits = [
        _number(headers.get("retry-after")),
        _number(headers.get("x-ratelimit-reset"), since=now),
    ]
    said = [wait for wait in waits if wait is not None]
    return max(0.0, *said) if said else None


def _number(text: str | None, since: float = 0.0) -> float | None:
    if text is None or not text.strip().isdecimal():
        return None
    return float(text) - since


def _bad_request(body: bytes, size: int) -> Verdict:
    """Who is to blame: some personalizations, the message, or nobody knows."""
    fields = _fields(body)
    if any(field.partition(".")[0] in _MESSAGE_FIELDS for field in fields):
        return Refused(_blamed(next(f for f in fields if f.partition(".")[0] in _MESSAGE_FIELDS)))
    culprits: dict[int, str] = {}
    for field in fields:
        match = _PERSONALIZATION.match(field)
        if match and int(match[1]) < size:
            culprits.setdefault(int(match[1]), _blamed(field[match.end() :]))
    return Culprits(culprits) if culprits else Narrow("http 400")


def _blamed(field: str) -> str:
    """``http 400 FIELD``: the field's first name only, since keys below it may be anything."""
    name = re.match(r"[a-z_]*", field)
    return f"http 400 {name[0]}".rstrip() if name else "http 400"


def _fields(body: bytes) -> list[str]:
    try:
        parsed: Any = json.loads(body)
    except ValueError:
        return []
    errors = parsed.get("errors") if isinstance(parsed, dict) else None
    if not isinstance(errors, list):
        return []
    fields = (error.get("field") for error in errors if isinstance(error, dict))
    return [field for field in fields if isinstance(field, str)]
