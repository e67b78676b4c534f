"""Header lines of RFC 5322, one at a time.

The standard library's default policy encodes a long ``List-Unsubscribe`` as an encoded-word, which
no mail program reads (cpython#85725), so lines are made here: encoded-words only where they are
allowed, and nothing that could begin a line of its own.
"""

from __future__ import annotations

import re
from email.header import Header
from email.utils import formataddr

from ..model.settings import Mailbox
from .addresses import wire_form
from .refusal import Refusal

MAX_LINE = 998
"""Octets of the longest line without its CRLF (RFC 5322, 2.1.1)."""

OWN_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "subject", "reply-to", "sender", "date", "message-id"}
    | {"mime-version", "content-type", "content-transfer-encoding", "received"}
    | {"dkim-signature", "x-sg-id", "x-sg-eid"}
)
"""Headers that the runner or the provider writes; extra headers may not be these."""

_FOLD_AT = 76
_NAME = re.compile(r"[!-9;-~]{1,76}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/?^_`{|}~ -]*")


def checked(value: str) -> str:
    """The value itself, if it cannot break out of its line.  Raises Refusal."""
    if _CONTROL.search(value):
        raise Refusal("control character in header")
    return value


def extra_name(name: str) -> str:
    """The name of a header that the content adds.  Raises Refusal for one that is not free."""
    if not _NAME.fullmatch(name) or name.lower() in OWN_HEADERS:
        raise Refusal("header not allowed")
    return name


def extra_value(name: str, value: str) -> str:
    """The value of an added header; a ``List-`` header is ASCII.  Raises Refusal."""
    checked(value)
    if name.lower().startswith("list-") and not value.isascii():
        raise Refusal("header not ASCII")
    return value


def extra_line(name: str, value: str) -> bytes:
    """A header line the content adds.  ``List-`` headers hold URIs: never encoded-words.

    Raises Refusal.
    """
    extra_value(name, value)
    if name.lower().startswith("list-"):
        return _uri_line(name, value)
    return unstructured(name, value)


def unstructured(name: str, value: str) -> bytes:
    """A line of free text (``Subject``), with encoded-words where needed.  Raises Refusal."""
    return _line(name, _encoded(name, checked(value)))


def mailbox(name: str, box: Mailbox) -> bytes:
    """A line with one address and its display name.  Raises Refusal."""
    address = wire_form(box.email)
    checked(box.name)
    if not box.name:
        return _line(name, address)
    plain = box.name.isascii() and "=?" not in box.name and len(box.name) <= _FOLD_AT - len(name)
    if plain and _PLAIN_PHRASE.fullmatch(box.name):
        return _line(name, f"{box.name} <{address}>")
    if plain:
        return _line(name, formataddr((box.name, address)))
    phrase = Header(box.name, "utf-8", header_name=name).encode(linesep="\r\n")
    return _line(name, f"{phrase}\r\n <{address}>")


def _encoded(name: str, value: str) -> str:
    fits = len(name) + 2 + len(value) <= _FOLD_AT
    if value.isascii() and fits and "=?" not in value and value == value.strip():
        return value
    return Header(value, "utf-8", header_name=name).encode(linesep="\r\n")


def _uri_line(name: str, value: str) -> bytes:
    if len(name) + 2 + len(value) > MAX_LINE:
        value = value.replace(">, <", ">,\r\n <")
    return _line(name, value)


def _line(name: str, value: str) -> bytes:
    line = f"{name}: {value}\r\n".encode()
    if max(map(len, line.split(b"\r\n"))) > MAX_LINE:
        raise Refusal("header too long")
    return line
