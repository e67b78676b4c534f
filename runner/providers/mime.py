"""A batch as RFC 5322 messages.

What is the same for every contact is encoded once per batch, what differs is encoded by columns;
a contact's message is then a join of bytes.  The result is 7-bit with lines of at most 998 octets
and CRLF, except that an address with a local part beyond ASCII stands in ``To`` as UTF-8
(RFC 6532).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple

from ..model.message import MessageBatch
from ..model.settings import Mailbox
from . import headers
from .addresses import ascii_form, plain_forms, wire_form
from .mime_body import alternating, body, encoded, with_dots


class Letter(NamedTuple):
    """A message and the address it goes to, in its wire form."""

    recipient: str
    message: bytes


class Writer:
    """Writes the messages of one batch.

    ``now`` (epoch seconds) is the Date of what is due already.  ``for_smtp``: messages as DATA
    carries them, leading dots doubled, with the line that ends them.  Raises Refusal when no
    message of the batch can be written (sender, header names, files).
    """

    def __init__(self, batch: MessageBatch, now: int, *, for_smtp: bool = False) -> None:
        self._batch = batch
        self._now = now
        self._for_smtp = for_smtp
        self._domain = ascii_form(batch.sender.email).rpartition("@")[2].encode()
        self._recipients = plain_forms(batch.emails)
        self._send_key = hashlib.sha256(batch.job_id.encode() + b"\0")
        self._subject = headers.Line("Subject", batch.content.parts.subject, batch.content)
        self._extra, constant = _extra_lines(batch)
        self._template, self._columns = self._body(b"".join(_fixed_headers(batch)) + constant)

    def message(self, index: int) -> bytes:
        """The whole message for contact ``index``.  Raises Refusal."""
        return self.letter(index).message

    def letter(self, index: int) -> Letter:
        """The whole message for contact ``index``, and where it goes.  Raises Refusal."""
        plain = self._recipients
        recipient = plain[index] if plain else wire_form(self._batch.emails[index])
        head = self._head(index, recipient)
        pieces = self._template.copy()
        pieces[0] = with_dots(head) if self._for_smtp else head
        pieces[2::2] = [column[index] for column in self._columns]
        return Letter(recipient, b"".join(pieces))

    def _head(self, index: int, recipient: str) -> bytes:
        batch = self._batch
        return b"To: %b\r\n%bDate: %b\r\nMessage-ID: <%b@%b>\r\n%b" % (
            recipient.encode(),
            self._subject.filled(index),
            _date(max(batch.send_at[index], self._now)),
            self._local_id(batch.keys[index]),
            self._domain,
            b"".join([line.filled(index) for line in self._extra]),
        )

    def _local_id(self, key: bytes) -> bytes:
        """The same for the same send key, always; tells nothing about the contact."""
        digest = self._send_key.copy()
        digest.update(key)
        return digest.hexdigest()[:32].encode()

    def _body(self, constant_head: bytes) -> tuple[list[bytes], list[list[bytes]]]:
        """[the contact's head, constant, hole, constant, ...]; and the values of each hole."""
        content = self._batch.content
        constants, holes = alternating(body(content, _boundary_stem(self._batch)))
        constants[0] = constant_head + constants[0]
        values = {
            hole: encoded(content.values[hole], stuffed=self._for_smtp) for hole in set(holes)
        }
        if self._for_smtp:
            constants = [constants[0], *map(_stuffed_after_hole, constants[1:])]
            constants[0] = with_dots(constants[0])
            constants[-1] += b".\r\n"
        template = [b""] * (2 * len(constants))
        template[1::2] = constants
        return template, [values[hole] for hole in holes]


def _stuffed_after_hole(constant: bytes) -> bytes:
    """It begins with the break of the hole's line, not at the start of a line."""
    return constant.replace(b"\r\n.", b"\r\n..")


@lru_cache(maxsize=1024)
def _date(seconds: int) -> bytes:
    return format_datetime(datetime.fromtimestamp(seconds, UTC)).encode()


def _fixed_headers(batch: MessageBatch) -> Iterator[bytes]:
    sender = Mailbox(ascii_form(batch.sender.email), batch.sender.name)
    yield headers.mailbox("From", sender)
    if batch.reply_to:
        yield headers.mailbox("Reply-To", Mailbox(ascii_form(batch.reply_to)))
    yield headers.unstructured("X-Sendoff-Job", batch.job_id)
    yield b"MIME-Version: 1.0\r\n"


def _extra_lines(batch: MessageBatch) -> tuple[list[headers.Line], bytes]:
    """The headers that the content adds: those that differ, and the others as they stand."""
    lines = [
        headers.Line(headers.extra_name(name), segments, batch.content)
        for name, segments in batch.content.parts.headers
    ]
    constant = [line.constant for line in lines if line.constant is not None]
    return [line for line in lines if line.constant is None], b"".join(constant)


def _boundary_stem(batch: MessageBatch) -> str:
    return hashlib.sha256(batch.job_id.encode()).hexdigest()[:16]
