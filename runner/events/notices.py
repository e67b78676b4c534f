"""One mail that a server or a mailbox provider sent us about a mail of ours.

Read are delivery status notifications (RFC 3464, in a ``multipart/report``) and abuse reports (RFC
5965), as far as they give back the headers of our mail.  Whom it was for is not taken from the
report, which anybody can write: the mail's own name (``Message-ID``) is, and whether it was ours
is asked of the ledger.

Whatever comes is hostile until proven otherwise: only the beginning is read, and what is nested too
deeply or makes the parser stumble is one mail that cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

from ..dataclass import dataclass
from ..model.verdicts import Verdict, verdict

LONGEST: Final = 128 * 1024
"""Bytes of a mail that are read; a report comes before the mail that it is about."""

_DEEPEST: Final = 12
"""Multiparts of one mail; a report has one, and the mail in it a few."""
_MOST_PARTS: Final = 100
_OURS: Final = re.compile(r"<?([0-9a-f]{32})@[^<>@\s]{1,255}>?", re.ASCII)
_COMPLAINTS: Final = {"abuse", "fraud", "virus", "other", "miscategorized"}

Kind = Verdict | Literal["complaint", "opt-out"]


class Unreadable(Exception):
    """A mail that cannot be read within the bounds."""


@dataclass(frozen=True, slots=True)
class Notice:
    """``kind``: what it says.  ``job`` and ``name``: which mail it is about, '' when it does not
    say so in a way that can be checked.  ``at``: the epoch second that it gives itself, if any.
    """

    kind: Kind
    job: str
    name: str
    at: int | None


def read_notice(content: bytes) -> Notice | None:
    """What a mail says of one of ours; None when it is no such notice.  Raises Unreadable."""
    beginning = content[:LONGEST]
    if beginning.lower().count(b"boundary") > _DEEPEST:
        raise Unreadable
    try:
        return _notice(BytesParser(policy=compat32).parsebytes(beginning))
    except Exception:  # noqa: BLE001 - whatever a mail does to the parser, it is one mail
        raise Unreadable from None


def _notice(mail: Message) -> Notice | None:
    parts = list(_parts(mail))
    kind = _kind(parts)
    if kind is None:
        return None
    job, name = next(filter(None, map(_whose, parts)), ("", ""))
    return Notice(kind, job, name, _moment(mail))


def _parts(mail: Message) -> Iterator[Message]:
    """The parts of a report; not those of the mail that it gives back."""
    if not mail.is_multipart() or mail.get_content_maintype() == "message":
        yield mail
        return
    payload: Any = mail.get_payload()
    for part in payload[:_MOST_PARTS]:
        if isinstance(part, Message):
            yield from _parts(part) if part.get_content_maintype() == "multipart" else [part]


def _kind(parts: Sequence[Message]) -> Kind | None:
    for part in parts:
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            return _delivery(_inner(part))
        if part.get_content_type() == "message/feedback-report":
            return _feedback(_inner(part))
    return None


def _inner(part: Message) -> list[Message]:
    """The blocks of fields of a machine-readable part, however it was encoded."""
    payload: Any = part.get_payload()
    if isinstance(payload, list):
        blocks = [block for block in payload if isinstance(block, Message)]
        if any(block.keys() for block in blocks):
            return blocks
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return []
    texts = re.split(rb"\r?\n\r?\n", content)
    return [BytesHeaderParser(policy=compat32).parsebytes(text) for text in texts[:_MOST_PARTS]]


def _delivery(blocks: Sequence[Message]) -> Kind | None:
    """The weakest of what is said of each recipient: our mails have one, so more are his own."""
    found: list[Verdict] = []
    for block in blocks:
        action = _field(block, "Action").lower().split(" ")[0]
        if action == "failed":
            found.append(verdict(_field(block, "Status"), _field(block, "Diagnostic-Code")))
        elif action == "delayed":
            found.append("soft")
    order: tuple[Verdict, ...] = ("soft", "unclear", "hard")
    return min(found, key=order.index) if found else None


def _feedback(blocks: Sequence[Message]) -> Kind | None:
    kinds = [_field(block, "Feedback-Type").lower() for block in blocks]
    if "opt-out" in kinds or "opt-out-list" in kinds:
        return "opt-out"
    return "complaint" if _COMPLAINTS.intersection(kinds) else None


def _whose(part: Message) -> tuple[str, str] | None:
    """The job and the name of the mail that is given back in this part."""
    given = _given_back(part)
    if given is None:
        return None
    match = _OURS.fullmatch(_field(given, "Message-ID"))
    job = str(make_header(decode_header(_field(given, "X-Sendoff-Job"))))
    return (job.replace("\n", ""), match[1]) if match and job else None


def _given_back(part: Message) -> Message | None:
    kind = part.get_content_type()
    if kind in ("message/rfc822", "message/global"):
        payload: Any = part.get_payload()
        inner = payload[0] if isinstance(payload, list) and payload else None
        if isinstance(inner, Message) and inner.keys():
            return inner
    elif kind not in ("text/rfc822-headers", "text/rfc822-header", "message/global-headers"):
        return None
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return None
    return BytesHeaderParser(policy=compat32).parsebytes(content.lstrip())


def _field(block: Message, name: str) -> str:
    value = block.get(name)
    return "" if value is None else " ".join(str(value).split())


def _moment(mail: Message) -> int | None:
    try:
        moment: datetime = parsedate_to_datetime(_field(mail, "Date"))
        return int(moment.timestamp()) if moment.tzinfo else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
