"""Batches of scheduled mail, and calling them back (``/v3/user/scheduled_sends``).

A cancelled batch stays in SendGrid's queue and is thrown away when its time comes.  A cancellation
is never lifted here: that would send what was called back.
"""

from __future__ import annotations

import re
import urllib.parse
from datetime import timedelta

from ..ports import Clock
from .sendgrid_answer import Answer
from .sendgrid_service import Service, Unavailable, parsed

RECALL_BEFORE = 900
"""Seconds before its send time until which a mail is called back.

SendGrid promises it up to 10 minutes before.  The rest is for what lies between looking at the
clock and SendGrid's: asking (``ANSWER_WITHIN``) and a minute by which the two clocks may differ.
"""

ANSWER_WITHIN = timedelta(minutes=4)
"""A confirmation that comes later may be too late for the first of the mails: not counted."""

_SCHEDULED = "/v3/user/scheduled_sends"
_BATCH_ID = re.compile(r"[A-Za-z0-9_=-]{1,200}")


def new_batch(service: Service) -> str:
    """The id of a new batch.  Raises Unavailable.

    One is good for a day (sendgrid/docs#2648); a run uses its own for minutes.
    """
    answer = service.ask("POST", "/v3/mail/batch")
    if answer.status != 201:
        raise Unavailable(f"http {answer.status}")
    document = parsed(answer)
    batch = document.get("batch_id") if isinstance(document, dict) else None
    if not isinstance(batch, str) or not _BATCH_ID.fullmatch(batch):
        raise Unavailable("no batch id in the answer")
    return batch


def cancel(service: Service, clock: Clock, batch: str) -> None:
    """Have SendGrid throw away what a batch holds.  Raises Unavailable unless that is certain."""
    asked_at = clock.now()
    answer = service.ask("POST", _SCHEDULED, {"batch_id": batch, "status": "cancel"})
    if answer.status == 400:
        # A status is set already (by us, when an answer was lost, or by a person), or ten batches
        # are cancelled, or the id is not known.  The texts that tell are no contract; the state is.
        _make_sure(service, batch)
    elif answer.status != 201:
        raise Unavailable(f"http {answer.status}")
    if clock.now() - asked_at > ANSWER_WITHIN:
        raise Unavailable("confirmed too late")


def _make_sure(service: Service, batch: str) -> None:
    path = f"{_SCHEDULED}/{urllib.parse.quote(batch, safe='')}"
    status = _status(service.ask("GET", path), batch)
    if status == "pause":
        answer = service.ask("PATCH", path, {"status": "cancel"})
        status = "cancel" if answer.status == 204 else f"http {answer.status}"
    if status != "cancel":
        # With the limit of ten reached the next run asks again: theirs may be over by then.
        raise Unavailable("not known, or ten batches are cancelled already")


def _status(answer: Answer, batch: str) -> str:
    """``cancel``, ``pause``, or '' for none: the list has only batches with a status."""
    if answer.status != 200:
        return ""
    document = parsed(answer)
    entries = document if isinstance(document, list) else []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("batch_id") == batch:
            return str(entry.get("status", ""))
    return ""
