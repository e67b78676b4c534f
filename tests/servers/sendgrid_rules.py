"""What SendGrid refuses in a ``/v3/mail/send``, as far as documents and reports tell.

Pure: a parsed request in, the list of errors out, each ``(field, message)``.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator
from typing import Any

Error = tuple[str | None, str]

MAX_PERSONALIZATIONS = 1000
MAX_BYTES = 10_000
SCHEDULE_AHEAD = 72 * 3600

TOP_KEYS = {
    *("personalizations", "from", "reply_to", "reply_to_list", "subject", "content"),
    *("attachments", "template_id", "headers", "categories", "custom_args", "send_at"),
    *("batch_id", "asm", "ip_pool_name", "mail_settings", "tracking_settings"),
}
PERSONAL_KEYS = {
    *("to", "cc", "bcc", "from", "subject", "headers", "substitutions"),
    *("dynamic_template_data", "custom_args", "send_at"),
}
RESERVED_HEADERS = {
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type"),
    *("content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc"),
}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def errors(request: Any, now: float, barred: Collection[str] = ()) -> list[Error]:
    """Every reason for a 400; ``now`` in epoch seconds; ``barred`` addresses count as invalid."""
    if not isinstance(request, dict):
        return [(None, "Bad Request")]
    found = [*_message(request, now), *_personalizations(request, now)]
    if not found:
        for number, entry in enumerate(request["personalizations"]):
            if entry["to"][0]["email"] in barred:
                found.append((f"personalizations.{number}.to", "Does not contain a valid address"))
    return found


def _message(request: dict[str, Any], now: float) -> Iterator[Error]:
    for key in request.keys() - TOP_KEYS:
        yield None, f"Invalid parameter {key}"
    yield from _mailbox("from", request.get("from"))
    if "reply_to" in request and "reply_to_list" in request:
        yield "reply_to", "reply_to and reply_to_list exclude each other"
    if "reply_to" in request:
        yield from _mailbox("reply_to", request["reply_to"])
    yield from _subject(request)
    yield from _content(request.get("content"))
    for number, attachment in enumerate(request.get("attachments", ())):
        yield from _attachment(f"attachments.{number}", attachment)
    yield from _headers("headers", request.get("headers", {}))
    yield from _categories(request.get("categories", []))
    yield from _send_at("send_at", request.get("send_at"), now)
    asm = request.get("asm")
    if asm is not None and not (isinstance(asm, dict) and type(asm.get("group_id")) is int):
        yield "asm.group_id", "group_id must be an integer"


def _subject(request: dict[str, Any]) -> Iterator[Error]:
    subject = request.get("subject")
    personal = request.get("personalizations")
    each_has_one = isinstance(personal, list) and all("subject" in p for p in personal)
    if not (isinstance(subject, str) and subject) and not each_has_one:
        yield "subject", "The subject is required"


def _content(content: Any) -> Iterator[Error]:
    if not isinstance(content, list) or not content:
        yield "content", "The content is required"
        return
    types = [part.get("type") for part in content]
    ranks = {"text/plain": 0, "text/html": 1}
    order = [ranks.get(kind, 2) for kind in types]
    if order != sorted(order):
        yield "content", "text/plain must come first, text/html second"
    for number, part in enumerate(content):
        if not isinstance(part.get("type"), str) or re.search(r"[;\r\n]", part["type"]):
            yield f"content.{number}.type", "The type is not valid"
        if not isinstance(part.get("value"), str) or not part["value"]:
            yield f"content.{number}.value", "The value must be a string of at least one character"


def _attachment(field: str, attachment: dict[str, Any]) -> Iterator[Error]:
    for key in attachment.keys() - {"content", "type", "filename", "disposition", "content_id"}:
        yield None, f"Invalid parameter {key}"
    try:
        data = base64.b64decode(attachment.get("content", ""), validate=True)
    except (binascii.Error, TypeError):
        data = b""
    if not data:
        yield f"{field}.content", "The content must be base64 and not empty"
    if not attachment.get("filename"):
        yield f"{field}.filename", "The filename is required"
    if re.search(r"[;\r\n]", attachment.get("type", "")) or attachment.get("type") == "":
        yield f"{field}.type", "The type is not valid"
    if attachment.get("disposition", "attachment") not in ("inline", "attachment"):
        yield f"{field}.disposition", "The disposition is not valid"


def _headers(field: str, headers: Any) -> Iterator[Error]:
    if not isinstance(headers, dict):
        yield field, "headers must be an object"
        return
    for name, value in headers.items():
        if name.lower() in RESERVED_HEADERS:
            yield field, f"The header {name} is reserved"
        if not isinstance(value, str) or re.search(r"[\r\n]", name + value):
            yield field, "A header must be a string without line breaks"
        elif not name.isascii() or not name:
            yield field, "A header's name must be ASCII"


def _categories(categories: list[Any]) -> Iterator[Error]:
    if len(categories) > 10 or len(set(categories)) != len(categories):
        yield "categories", "At most 10 unique categories"
    for category in categories:
        if not isinstance(category, str) or not category.isascii() or not 0 < len(category) < 256:
            yield "categories", "A category is ASCII, 1 to 255 characters"


def _send_at(field: str, send_at: Any, now: float) -> Iterator[Error]:
    if send_at is None:
        return
    if type(send_at) is not int:
        yield field, "send_at must be an integer"
    elif send_at > now + SCHEDULE_AHEAD:
        yield field, "send_at is more than 72 hours ahead"


def _personalizations(request: dict[str, Any], now: float) -> Iterator[Error]:
    entries = request.get("personalizations")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_PERSONALIZATIONS:
        yield "personalizations", "1 to 1000 personalizations"
        return
    seen: set[str] = set()
    total = 0
    for number, entry in enumerate(entries):
        field = f"personalizations.{number}"
        for key in entry.keys() - PERSONAL_KEYS:
            yield None, f"Invalid parameter {key}"
        yield from _headers(f"{field}.headers", entry.get("headers", {}))
        yield from _send_at(f"{field}.send_at", entry.get("send_at"), now)
        yield from _strings(f"{field}.substitutions", entry.get("substitutions", {}), empty=True)
        merged = {**request.get("custom_args", {}), **entry.get("custom_args", {})}
        yield from _strings(f"{field}.custom_args", merged, empty=False)
        if entry.get("subject") == "":
            yield f"{field}.subject", "The subject must not be empty"
        if not entry.get("to"):
            yield f"{field}.to", "The to array is required"
        for kind in ("to", "cc", "bcc"):
            for mailbox in entry.get(kind, ()):
                total += 1
                yield from _mailbox(f"{field}.{kind}", mailbox, seen)
    if total > MAX_PERSONALIZATIONS:
        yield "personalizations", "At most 1000 recipients"


def _strings(field: str, values: Any, *, empty: bool) -> Iterator[Error]:
    """``substitutions`` and ``custom_args``: strings, at most 10,000 bytes keys and values."""
    if not isinstance(values, dict) or any(type(value) is not str for value in values.values()):
        yield field, "must be an object of strings"
        return
    if sum(len(key.encode()) + len(value.encode()) for key, value in values.items()) > MAX_BYTES:
        yield field, "must not exceed 10000 bytes"
    if not empty and not all(key and value for key, value in values.items()):
        yield field, "must not be empty"


def _mailbox(field: str, mailbox: Any, seen: set[str] | None = None) -> Iterator[Error]:
    if not isinstance(mailbox, dict) or mailbox.keys() - {"email", "name"}:
        yield field, "must be an object of email and name"
        return
    email = mailbox.get("email")
    if not isinstance(email, str) or len(email) > 320 or not _ADDRESS.fullmatch(email):
        yield field, f"Does not contain a valid address: {email}"
        return
    if ".." in email or email.startswith(".") or ".@" in email:
        yield field, f"Does not contain a valid address: {email}"
    if field.startswith("personalizations") and re.search(r"[;,]", mailbox.get("name", "")):
        yield field, "The name must not contain ; or ,"
    if seen is not None:
        if email.lower() in seen:
            yield field, f"Each address must be unique in the request: {email}"
        seen.add(email.lower())
