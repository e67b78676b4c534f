"""A batch as RFC 5322 messages.

What is the same for every contact is encoded once per batch: text in quoted-printable with holes
between soft line breaks, files in base64.  A contact's message is then a join of bytes.  The
result is 7-bit with lines of at most 998 octets and CRLF, except that an address with a local part
beyond ASCII stands in ``To`` as UTF-8 (RFC 6532).

Boundaries begin with ``=_``, which neither quoted-printable nor base64 can produce.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import encode_rfc2231, format_datetime

from ..model.message import Composed, File, MessageBatch, Segments
from ..model.settings import Mailbox
from . import headers
from .addresses import ascii_form

Pieces = tuple[bytes | int, ...]
"""Encoded bytes and holes, in order."""

_SOFT = b"=\r\n"
_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]*/[A-Za-z0-9][\w.+-]*", re.ASCII)
_METHOD = re.compile(rb"^METHOD:([A-Z]+)\r?$", re.MULTILINE | re.IGNORECASE)


class Writer:
    """Writes the messages of one batch.

    ``now`` (epoch seconds) is the Date of what is due already.  Raises Refusal when no message of
    the batch can be written (sender, header names, files).
    """

    def __init__(self, batch: MessageBatch, now: int) -> None:
        self._batch = batch
        self._now = now
        self._domain = ascii_form(batch.sender.email).rpartition("@")[2]
        self._fixed = b"".join(_fixed_headers(batch))
        self._body = _merged(_tree(batch.content, _boundary_stem(batch)))
        self._extra = [
            (headers.extra_name(name), segments) for name, segments in batch.content.parts.headers
        ]

    def message(self, index: int) -> bytes:
        """The whole message for contact ``index``.  Raises Refusal."""
        return b"".join((*self._head(index), self._fixed, *self._filled(index)))

    def _head(self, index: int) -> Iterator[bytes]:
        batch = self._batch
        yield headers.mailbox("To", Mailbox(batch.emails[index]))
        yield headers.unstructured(
            "Subject", batch.content.fill(batch.content.parts.subject, index)
        )
        yield b"Date: %b\r\n" % _date(max(batch.send_at[index], self._now))
        yield b"Message-ID: <%b>\r\n" % message_id(batch, index, self._domain).encode()
        for name, segments in self._extra:
            yield headers.extra_line(name, batch.content.fill(segments, index))

    def _filled(self, index: int) -> Iterator[bytes]:
        values = self._batch.content.values
        for piece in self._body:
            yield piece if isinstance(piece, bytes) else _quoted_hole(values[piece][index])


def message_id(batch: MessageBatch, index: int, domain: str) -> str:
    """The same for the same send key, always; tells nothing about the contact."""
    send_key = batch.job_id.encode() + b"\0" + batch.keys[index]
    return f"{hashlib.sha256(send_key).hexdigest()[:32]}@{domain}"


def _date(seconds: int) -> bytes:
    return format_datetime(datetime.fromtimestamp(seconds, UTC)).encode()


def _fixed_headers(batch: MessageBatch) -> Iterator[bytes]:
    sender = Mailbox(ascii_form(batch.sender.email), batch.sender.name)
    yield headers.mailbox("From", sender)
    if batch.reply_to:
        yield headers.mailbox("Reply-To", Mailbox(ascii_form(batch.reply_to)))
    yield headers.unstructured("X-Sendoff-Job", batch.job_id)
    yield b"MIME-Version: 1.0\r\n"


def _boundary_stem(batch: MessageBatch) -> str:
    return hashlib.sha256(batch.job_id.encode()).hexdigest()[:16]


def _tree(content: Composed, stem: str) -> Pieces:
    """mixed(alternative(text, related(html, images), calendar), attachments), as far as needed."""
    inline = [_file_part(file) for file in content.files if file.cid]
    attached = [_file_part(file) for file in content.files if not file.cid]
    calendars = [_calendar_part(file) for file in content.files if _is_calendar(file)]
    parts = []
    if content.parts.text or not content.parts.html:
        parts.append(_text_part("plain", content.parts.text))
    if content.parts.html:
        html = _text_part("html", content.parts.html)
        parts.append(_wrapped('related; type="text/html"', stem + "r", [html, *inline]))
    body = _wrapped("alternative", stem + "a", [*parts, *calendars])
    return _wrapped("mixed", stem + "m", [body, *attached])


def _wrapped(kind: str, stem: str, parts: Sequence[Pieces]) -> Pieces:
    """The parts as one multipart; a single part stays as it is."""
    if len(parts) == 1:
        return parts[0]
    head = f'Content-Type: multipart/{kind};\r\n boundary="=_{stem}"\r\n\r\n'.encode()
    fence = f"--=_{stem}".encode()
    pieces: list[bytes | int] = [head]
    for part in parts:
        pieces += [fence + b"\r\n", *part]
    return (*pieces, fence + b"--\r\n")


def _text_part(subtype: str, segments: Segments) -> Pieces:
    head = (
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode()
    last = len(segments) - 1
    body = (
        piece if isinstance(piece, int) else _quoted(piece, joined=position != last)
        for position, piece in enumerate(segments)
    )
    return (head, *body, b"\r\n")


def _quoted_hole(value: str) -> bytes:
    return _quoted(value, joined=True)


def _quoted(text: str, *, joined: bool) -> bytes:
    """Quoted-printable.  ``joined``: ends with a soft break, so that anything may follow.

    The ``x`` makes room for that break within the 76 columns and keeps a space before it plain.
    """
    data = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    if not joined:
        return binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")
    return binascii.b2a_qp(data + b"x", istext=True)[:-1].replace(b"\n", b"\r\n") + _SOFT


def _file_part(file: File) -> Pieces:
    disposition = "inline" if file.cid else "attachment"
    lines = [
        f"Content-Type: {_media_type(file)}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {disposition};\r\n {_filename(file.filename)}",
    ]
    if file.cid:
        lines.append(f"Content-ID: <{headers.checked(file.cid)}>")
    return (_with_data(lines, file.data),)


def _calendar_part(file: File) -> Pieces:
    """The invitation as an alternative, which is where mail programs look for it (RFC 6047)."""
    method = _METHOD.search(file.data)
    name = method[1].decode().upper() if method else "PUBLISH"
    lines = [
        f"Content-Type: text/calendar; charset=utf-8; method={name}",
        "Content-Transfer-Encoding: base64",
    ]
    return (_with_data(lines, file.data),)


def _with_data(lines: Iterable[str], data: bytes) -> bytes:
    encoded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + encoded + b"\r\n"


def _is_calendar(file: File) -> bool:
    return _media_type(file) == "text/calendar" and not file.cid


def _media_type(file: File) -> str:
    """``type/subtype`` without parameters; what is not one is just bytes."""
    kind = file.content_type.partition(";")[0].strip()
    return kind.lower() if _TYPE.fullmatch(kind) else "application/octet-stream"


def _filename(name: str) -> str:
    headers.checked(name)
    if name.isascii():
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'filename="{quoted}"'
    return f"filename*={encode_rfc2231(name, 'utf-8')}"


def _merged(pieces: Pieces) -> Pieces:
    """Neighbouring bytes as one."""
    merged: list[bytes | int] = []
    for piece in pieces:
        before = merged[-1] if merged else None
        if isinstance(piece, bytes) and isinstance(before, bytes):
            merged[-1] = before + piece
        else:
            merged.append(piece)
    return tuple(merged)
