"""What SendGrid's Email Logs say of the mails of a claim (``/v3/logs``).

``sent`` is said when the log holds a mail with this very claim and contact key.  ``not_sent`` is
said when nothing like it can be missing: every question was answered in full, every mail that the
log did show is somebody else's, and the log has had time to be complete.  Everything else is
``unknown``: whoever is told ``not_sent`` sends again.

It costs a request for each contact and one for each mail that the log has for it in that time.
Requests and answers are those of Twilio's ``tsg_logs_v3.json``.  One thing is not seen: a mail
to an address whose capitals were changed on the list since, if the log keeps them (unconfirmed).
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from ..dataclass import dataclass
from ..model.ledger import Claim
from ..model.message import Verdict
from .addresses import wire_form
from .refusal import Refusal
from .sendgrid_service import Service, Unavailable, parsed

LIMIT = 1000
"""Rows of one answer; there is no second page."""

COMPLETE_AFTER = timedelta(minutes=15)
"""How long after the last thing that can have happened the log is taken for complete.

Twilio says "near real time" and no number (unconfirmed); events are a matter of seconds to a few
minutes.  Nothing of a claim happens after its lease: no run sends for it any more, and the last
mail handed over for later has had its time.
"""

RETENTION = timedelta(days=29)
"""The log keeps 30 days; a day is left for where exactly it cuts."""

CLOCKS_APART = timedelta(minutes=5)
"""A mail may be logged this much before the claim was made, by SendGrid's clock."""

_WORD = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""What may stand between double quotes in a query without escapes, of which nothing is said."""

Witness = Literal["went", "dropped", "other", "unclear"]


def verdicts(
    service: Service, claim: Claim, contacts: Sequence[tuple[int, str, bytes]], now: datetime
) -> tuple[dict[int, Verdict], str]:
    """A verdict by position for contacts (position, address, contact key), and ''.

    Where the log stops to answer, the rest has no verdict, and the reason is told instead.
    """
    inquiry = Inquiry.about(claim, now)
    found: dict[int, Verdict] = {}
    try:
        for position, address, key in contacts:
            found[position] = _verdict(service, inquiry, address, key)
    except Unavailable as error:
        return found, str(error)
    return found, ""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Whose mail is looked for, between which times, and whether the log is complete for them."""

    claim: str
    since: datetime
    until: datetime
    complete: bool

    @classmethod
    def about(cls, claim: Claim, now: datetime) -> Inquiry:
        """The time of a mail in the log may be when it came in or when it left (unconfirmed)."""
        last = max(first + step * (count - 1) for first, step, count in claim.times)
        until = max(claim.lease_until, datetime.fromtimestamp(last, UTC)) + COMPLETE_AFTER
        complete = until <= now <= claim.at + RETENTION
        return cls(claim.id, claim.at - CLOCKS_APART, until, complete)

    def query(self, address: str) -> str:
        """In the log's own language."""
        return (
            f'to_email = "{address}"'
            f' AND sg_message_id_created_at >= TIMESTAMP "{self.since:%Y-%m-%dT%H:%M:%SZ}"'
            f' AND sg_message_id_created_at <= TIMESTAMP "{self.until:%Y-%m-%dT%H:%M:%SZ}"'
        )


def _verdict(service: Service, inquiry: Inquiry, address: str, key: bytes) -> Verdict:
    try:
        wire = wire_form(address)
    except Refusal:
        return "unknown"
    if not _WORD.fullmatch(wire):
        return "unknown"
    seen: set[Witness] = set()
    # Queries are case-sensitive, and in which case the log keeps an address is (unconfirmed).
    for spelling in sorted({wire, wire.lower()}):
        for witness in _witnesses(service, inquiry, spelling, key):
            if witness == "went":
                return "sent"
            seen.add(witness)
    return "not_sent" if inquiry.complete and "unclear" not in seen else "unknown"


def _witnesses(service: Service, inquiry: Inquiry, address: str, key: bytes) -> Iterator[Witness]:
    rows = _rows(service, {"query": inquiry.query(address), "limit": LIMIT})
    if len(rows) >= LIMIT:
        yield "unclear"
    for row in rows:
        message_id = row.get("sg_message_id")
        if not isinstance(message_id, str) or str(row.get("to_email")).lower() != address.lower():
            yield "unclear"
            continue
        answer = service.ask("GET", f"/v3/logs/{urllib.parse.quote(message_id, safe='')}")
        yield witness(parsed(answer), inquiry.claim, key) if answer.status == 200 else "unclear"


def _rows(service: Service, question: Mapping[str, object]) -> list[Mapping[str, Any]]:
    answer = service.ask("POST", "/v3/logs", question)
    if answer.status != 200:
        raise Unavailable(f"http {answer.status}")
    document = parsed(answer)
    rows = document.get("messages") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unavailable("no list of messages in the answer")
    return rows


def witness(details: Any, claim: str, key: bytes) -> Witness:
    """What one mail of the log says: ``went`` if it is this contact's mail of this claim.

    ``dropped``: it is, and was thrown away because its batch was called back.  A mail without
    custom arguments may be anybody's.
    """
    if not isinstance(details, dict):
        return "unclear"
    events = details.get("events")
    events = [e for e in events if isinstance(e, dict)] if isinstance(events, list) else []
    marks: dict[str, object] = {}
    for holder in (*events, details):
        custom = holder.get("custom_args")
        marks.update(custom if isinstance(custom, dict) else {})
    if not marks:
        return "unclear"
    if (marks.get("sendoff_claim"), marks.get("sendoff_key")) != (claim, key.hex()):
        return "other"
    return "dropped" if any(e.get("event") == "cancel_drop" for e in events) else "went"
