"""Header lines of RFC 5322, one at a time.

The standard library's default policy encodes a long ``List-Unsubscribe`` as an encoded-word, which
no mail program reads (cpython#85725), so lines are made here: encoded-words only where they are
allowed, and nothing that could begin a line of its own.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from email.header import Header
from email.utils import formataddr

from ..model.message import Composed, Segments
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
_PLAIN_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_PLAIN_VALUES = re.compile(r"(?>[!-~](?:[ -~]*[!-~])?\n)*+")
"""Plain values, each ended by a line feed; what matches is not looked at again."""

_WORD = b"=?utf-8?b?%b?="
_WORD_BYTES = 45
"""Bytes of text in an encoded-word of at most 75 octets (RFC 2047, 2)."""

_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/?^_`{|}~ -]*")


class Line:
    """A header line of a batch: written once if it is the same for every contact.

    Raises Refusal when what is the same for all cannot be written.
    """

    def __init__(self, name: str, segments: Segments, content: Composed) -> None:
        self._name = name
        self._segments = segments
        self._content = content
        texts = [piece for piece in segments if isinstance(piece, str)]
        is_constant = len(texts) == len(segments)
        self.constant = extra_line(name, "".join(texts)) if is_constant else None
        self._column = [] if is_constant else self._plain_column()

    def filled(self, index: int) -> bytes:
        """The line for one contact.  Raises Refusal."""
        if self._column:
            return self._column[index]
        if self.constant is not None:
            return self.constant
        return extra_line(self._name, self._content.fill(self._segments, index))

    def _plain_column(self) -> list[bytes]:
        """The line for every contact, if all are plain and short; or nothing."""
        values = self._content.values
        count = max(len(values[hole]) for hole in self._segments if isinstance(hole, int))
        pieces = [[p] * count if isinstance(p, str) else values[p] for p in self._segments]
        filled = list(map("".join, zip(*pieces, strict=True)))
        longest = len(self._name) + 2 + max(map(len, filled), default=0)
        joined = "\n".join(filled)
        if longest > _FOLD_AT or "=?" in joined or not _PLAIN_VALUES.fullmatch(joined + "\n"):
            return []
        if joined.count("\n") + 1 != count:
            return []
        return [b"%b: %b\r\n" % (self._name.encode(), v) for v in joined.encode().split(b"\n")]


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
    if _fits(name, value):
        return f"{name}: {value}\r\n".encode()
    if checked(value).isascii():
        return _line(name, Header(value, "utf-8", header_name=name).encode(linesep="\r\n"))
    return b"%b: %b\r\n" % (name.encode(), b"\r\n ".join(_words(value, len(name) + 2)))


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


def _fits(name: str, value: str) -> bool:
    """Whether the value may stand in one line just as it is."""
    return (
        len(name) + 2 + len(value) <= _FOLD_AT
        and _PLAIN_VALUE.fullmatch(value) is not None
        and "=?" not in value
    )


def _words(value: str, taken: int) -> Iterator[bytes]:
    """The value as encoded-words, none split amid a character; ``taken`` octets of the first line
    are taken.

    ``email.header`` does the same, thirty times slower, and in q where that is shorter.
    """
    data = value.encode()
    begin, room = 0, max(4, _WORD_BYTES - taken)
    while begin < len(data):
        end = min(begin + room, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        yield _WORD % b64encode(data[begin:end])
        begin, room = end, _WORD_BYTES


def _uri_line(name: str, value: str) -> bytes:
    if len(name) + 2 + len(value) > MAX_LINE:
        value = value.replace(">, <", ">,\r\n <")
    return _line(name, value)


def _line(name: str, value: str) -> bytes:
    line = f"{name}: {value}\r\n".encode()
    if max(map(len, line.split(b"\r\n"))) > MAX_LINE:
        raise Refusal("header too long")
    return line
