"""The body of a batch's messages: encoded once, with holes for what differs.

Text is quoted-printable with holes between soft line breaks, files are base64.  Every hole and
whatever follows it begins at the start of a line, so pieces can be encoded, and their leading dots
doubled for SMTP, one by one.

Boundaries begin with ``=_``, which neither quoted-printable nor base64 can produce.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from email.utils import encode_rfc2231

from ..model.message import Composed, File, Segments
from . import headers

Pieces = tuple[bytes | int, ...]
"""Encoded bytes and holes, in order.  A hole's value ends amid a line; what follows breaks it."""

SOFT = b"=\r\n"
_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]*/[A-Za-z0-9][\w.+-]*", re.ASCII)
_METHOD = re.compile(rb"^METHOD:([A-Z]+)\r?$", re.MULTILINE | re.IGNORECASE)
_PLAIN = re.compile(r"(?:(?!\.)[ -<>-~]{0,72}\n)*")
"""Values, each ended by a line feed, that quoted-printable and SMTP leave as they are."""


def body(content: Composed, stem: str) -> Pieces:
    """mixed(alternative(text, related(html, images), calendar), attachments), as far as needed.

    Raises Refusal for a file that would bring headers along.
    """
    inline = [_file_part(file) for file in content.files if file.cid]
    attached = [_file_part(file) for file in content.files if not file.cid]
    calendars = [_calendar_part(file) for file in content.files if _is_calendar(file)]
    parts = []
    if content.parts.text or not content.parts.html:
        parts.append(_text_part("plain", content.parts.text))
    if content.parts.html:
        html = _text_part("html", content.parts.html)
        parts.append(_wrapped('related; type="text/html"', stem + "r", [html, *inline]))
    whole = _wrapped("alternative", stem + "a", [*parts, *calendars])
    return _wrapped("mixed", stem + "m", [whole, *attached])


def encoded(values: Sequence[str], *, stuffed: bool) -> list[bytes]:
    """A hole's values in quoted-printable; ``stuffed``: with leading dots doubled, as SMTP has it.

    Most columns hold nothing that has to be encoded, which is seen at one glance.
    """
    joined = "\n".join(values) + "\n"
    if joined.isascii() and _PLAIN.fullmatch(joined) and joined.count("\n") == len(values):
        return joined.encode().split(b"\n")[:-1]
    coded = (_quoted(value, joined=True) for value in values)
    return [with_dots(value) for value in coded] if stuffed else list(coded)


def with_dots(piece: bytes) -> bytes:
    """The piece, which begins a line, with leading dots doubled (RFC 5321, 4.5.2)."""
    doubled = piece.replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if doubled.startswith(b".") else doubled


def alternating(pieces: Pieces) -> tuple[list[bytes], list[int]]:
    """The same as constants with exactly one hole between every two: n + 1 of them for n holes.

    What follows a hole begins with the soft break that ends the hole's line.
    """
    constants, holes = [b""], list[int]()
    for piece in pieces:
        if isinstance(piece, bytes):
            constants[-1] += piece
        else:
            holes.append(piece)
            constants.append(SOFT)
    return constants, holes


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
    pieces: list[bytes | int] = [head]
    for position, piece in enumerate(segments):
        if isinstance(piece, int):
            pieces.append(piece)
        elif position == last:
            pieces.append(_quoted(piece, joined=False))
        else:
            pieces.append(_quoted(piece, joined=True) + SOFT)
    return (*pieces, b"\r\n")


def _quoted(text: str, *, joined: bool) -> bytes:
    """Quoted-printable.  ``joined``: there is room for a soft break behind it.

    The ``x`` makes that room within the 76 columns and keeps a space before it plain.
    """
    data = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    if not joined:
        return binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")
    return binascii.b2a_qp(data + b"x", istext=True)[:-1].replace(b"\n", b"\r\n")


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
    coded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + coded + b"\r\n"


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
