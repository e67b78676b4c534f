"""What an SMTP server says: whole replies from a socket, and what they mean.

No text of the server ever leaves this module: it may hold the address.
"""

from __future__ import annotations

import re
import socket
import time
from dataclasses import replace

from ..dataclass import dataclass
from ..model.message import Outcome
from ..model.verdicts import verdict

CLOSING = 421
MAX_REPLY_BYTES = 64 * 1024
"""A longer reply is none: a server must not keep us listening for ever."""

_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
_REPLY = re.compile(rb"(\d{3})(?:-([^\n]*)\n(?:\d{3}-[^\n]*\n)*(\d{3}))?(?:[ ]([^\n]*?))?\r?\n")
_BEGUN = re.compile(rb"(?:\d{3}-[^\n]*\n)*[^\n]*")
_READ = 4096
_NO_TIME = 0.001
"""Seconds; a time-out of 0 would mean not to wait for what is there already."""


class Garbage(OSError):
    """What came is no reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply: its code, and the text of its first line."""

    code: int
    text: bytes = b""

    @property
    def positive(self) -> bool:
        """The command was carried out."""
        return self.code // 100 == 2

    @property
    def is_answer(self) -> bool:
        """A yes or a no, as MAIL and RCPT are answered."""
        return self.code // 100 != 3

    @property
    def reason(self) -> str:
        """``smtp CODE ENHANCED`` and never the server's words."""
        return reason(self.code, self.text)

    def no(self) -> Outcome:
        """The outcome of a message that this reply turns away."""
        return Outcome("refused" if self.code >= 500 else "temporary", self.reason)

    def no_to_recipient(self) -> Outcome:
        """The same, where the reply is to RCPT and thus about the address."""
        said = self.text.decode("utf-8", "replace")  # the status, if there is one, among it
        return replace(self.no(), dead=self.code >= 500 and verdict("", said) == "hard")


class Replies:
    """The replies that come over a socket, one after the other.

    Each must begin within ``timeout`` seconds, and be whole within as many more.
    """

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        self._sock = sock
        self._timeout = timeout
        self._usual = sock.gettimeout()
        self._heard = b""

    @property
    def pending(self) -> bool:
        """Whether the server has said more than it was asked."""
        return bool(self._heard)

    def expected(self, pattern: re.Pattern[bytes]) -> bool:
        """Whether what comes is exactly this, which then is done with.

        If not, it is still there for ``next``: the usual answers need no more than a look.
        """
        if not self._heard:
            self._hear()
        if pattern.fullmatch(self._heard) is None:
            return False
        self._heard = b""
        return True

    def next(self) -> Reply:
        """The next reply.  Raises OSError: TimeoutError, Garbage, or the connection is lost."""
        found = self._whole() or self._listen()
        self._heard = self._heard[found.end() :]
        code, first, last, text = found.groups()
        number = int(last or code)
        if not 200 <= number < 600:
            raise Garbage("no reply")
        return Reply(number, first if first is not None else text or b"")

    def _listen(self) -> re.Match[bytes]:
        until = time.monotonic() + self._timeout
        self._hear()
        if found := self._whole():
            return found
        try:
            while not (found := self._whole()):
                self._sock.settimeout(max(_NO_TIME, until - time.monotonic()))
                self._hear()
        finally:
            self._sock.settimeout(self._usual)
        return found

    def _hear(self) -> None:
        data = self._sock.recv(_READ)
        if not data:
            raise ConnectionResetError("closed")
        self._heard += data

    def _whole(self) -> re.Match[bytes] | None:
        """The reply if all of it is here.  Raises Garbage when it cannot become one."""
        found = _REPLY.match(self._heard)
        if found is None and not self._may_become_one():
            raise Garbage("no reply")
        return found

    def _may_become_one(self) -> bool:
        return len(self._heard) <= MAX_REPLY_BYTES and bool(_BEGUN.fullmatch(self._heard))


def reason(code: int, text: bytes | str) -> str:
    """``smtp CODE ENHANCED``."""
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    enhanced = _ENHANCED.match(raw)
    return f"smtp {code} {enhanced[0].decode()}" if enhanced else f"smtp {code}"


def cause(error: Exception) -> str:
    """Why a connection is of no use any more, without anybody's words."""
    if isinstance(error, BlockingIOError):
        return "timed out"
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "timed out"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return "connection lost"
