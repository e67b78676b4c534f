"""One connection to an SMTP server, and one message after the other over it.

The point of no return is the first octet of the message after ``354``.  Before it a broken
connection means that nothing was sent; from there on until the server's answer it means that
nobody knows (RFC 1047).

Where the server offers PIPELINING (RFC 2920), MAIL, RCPT and DATA go in one write, and all three
answers are read before anything else is done.  The next envelope never goes along with a message,
though the RFC allows that: a server that takes the message and hangs up would find it unread, and
the reset that follows could swallow the answer to the message, which would then be in doubt.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence

from ..model.message import Outcome
from .smtp_door import Door, Lost, enter
from .smtp_reply import CLOSING, Garbage, Replies, Reply, cause

WRITING = 10
"""A message has to be written within so many time-outs: 20 MB take their time on a slow line."""

_TOO_LARGE = 552
_GO_ON = 354
_NOTHING = b".\r\n"
_ALL_WELL = re.compile(rb"2\d\d [^\n]*\n2\d\d [^\n]*\n354 [^\n]*\n")
_TAKEN = re.compile(rb"2\d\d [^\n]*\n")
_ACCEPTED = Outcome("accepted")


class SenderRefused(Exception):
    """The server does not take this sender: no contact is at fault and nothing was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Line:
    """An open, authenticated connection.  Not for use by two threads at once."""

    def __init__(self, door: Door) -> None:
        """Connect.  Raises Lost."""
        self._habits = door.habits
        self._timeout = door.timeout
        self._sock, offers = enter(door)
        self._replies = Replies(self._sock, door.timeout)
        self._smtputf8 = "smtputf8" in offers
        self._pipelining = "pipelining" in offers
        self.usable = True

    def is_alive(self) -> bool:
        """Ask the server, after a rest, whether it still listens."""
        try:
            return self._ask(b"NOOP\r\n").positive and not self._replies.pending
        except OSError:
            return False

    def send(self, sender: str, recipient: str, message: bytes) -> Outcome:
        """Hand over one message, which is as DATA carries it (``mime.Writer``).

        Raises Lost (nothing was sent, the connection is useless) and SenderRefused.
        """
        try:
            early = self._envelope(sender, recipient)
        except OSError as error:
            self._drop()
            raise Lost(f"smtp {cause(error)}") from None
        return self._payload(message) if early is None else early

    def close(self) -> None:
        """Say good-bye if the server still listens."""
        if self.usable:
            with contextlib.suppress(OSError):
                self._ask(b"QUIT\r\n")
            self._drop()

    def _envelope(self, sender: str, recipient: str) -> Outcome | None:
        """MAIL, RCPT and DATA; None when the message may follow.  Raises SenderRefused, OSError."""
        options = ""
        if not recipient.isascii():
            if not self._smtputf8:
                return Outcome("refused", "smtp without SMTPUTF8")
            options = " SMTPUTF8 BODY=8BITMIME"
        commands = (
            f"MAIL FROM:<{sender}>{options}\r\n".encode(),
            f"RCPT TO:<{recipient}>\r\n".encode(),
            b"DATA\r\n",
        )
        answers = self._answers(commands)
        return None if answers is None else self._turned_away(*answers)

    def _turned_away(self, mail: Reply, rcpt: Reply, data: Reply) -> Outcome | None:
        """What the answers to an envelope mean; None when the message may follow."""
        if mail.positive and rcpt.positive and data.code == _GO_ON:
            if self._replies.pending:
                raise Garbage("more answers than questions")
            return None
        if not (mail.is_answer and rcpt.is_answer) or data.positive:
            raise Garbage("answers to other questions")
        self._clear(rcpt, data)
        if mail.code >= 500 and mail.code != _TOO_LARGE:
            raise SenderRefused(mail.reason)
        if not mail.positive:
            return mail.no()
        return data.no() if rcpt.positive else rcpt.no_to_recipient()

    def _answers(self, commands: Sequence[bytes]) -> list[Reply] | None:
        """An answer to each command, or None when all said yes.

        Those after a no are not asked if they need not be.
        """
        if self._pipelining and self._habits.pipelining:
            return self._all_at_once(commands)
        answers: list[Reply] = []
        for command in commands:
            answers.append(self._ask(command))
            if not answers[-1].positive:
                break
        return answers + [_NOT_ASKED] * (len(commands) - len(answers))

    def _all_at_once(self, commands: Sequence[bytes]) -> list[Reply] | None:
        try:
            self._write(b"".join(commands))
            if self._replies.expected(_ALL_WELL):
                return None
            return [self._heard() for _ in commands]
        except _Closing:
            raise
        except OSError:
            # It may have gone for another reason: then it costs a little speed and no mail.
            self._habits.pipelining = False
            raise

    def _clear(self, rcpt: Reply, data: Reply) -> None:
        """Make the connection ready for another envelope, or give it up.

        A server that says 354 without a recipient is sent the empty message of RFC 2920 (3.1),
        which goes to nobody.  With one, nothing may be said at all: it would be delivered.
        """
        try:
            if data.code == _GO_ON and rcpt.positive:
                raise Garbage("go on, after a no")
            if data.code == _GO_ON:
                self._ask(_NOTHING)
            if not self._ask(b"RSET\r\n").positive:
                raise Garbage("no reset")
        except OSError:
            self._drop()

    def _payload(self, message: bytes) -> Outcome:
        try:
            self._write(message)
            if self._replies.expected(_TAKEN):
                return _ACCEPTED
            reply = self._replies.next()
        except Garbage:
            self._drop()
            return Outcome("ambiguous", "smtp no clear answer after data")
        except OSError as error:
            self._drop()
            return Outcome("ambiguous", f"smtp {cause(error)} after data")
        return self._after_dot(reply)

    def _after_dot(self, reply: Reply) -> Outcome:
        if reply.positive:
            return _ACCEPTED
        if not reply.is_answer:
            self._drop()
            return Outcome("ambiguous", "smtp no clear answer after data")
        if reply.code == CLOSING:
            self._drop()
        return reply.no()

    def _ask(self, command: bytes) -> Reply:
        self._write(command)
        return self._heard()

    def _write(self, data: bytes) -> None:
        """Send all of it, in so much time however little the server takes at once."""
        count = self._sock.send(data)
        if count < len(data):
            self._write_rest(memoryview(data)[count:])

    def _write_rest(self, rest: memoryview) -> None:
        until = time.monotonic() + WRITING * self._timeout
        while rest:
            if time.monotonic() > until:
                raise TimeoutError
            rest = rest[self._sock.send(rest) :]

    def _heard(self) -> Reply:
        """The next reply, unless it ends the connection.  Raises OSError."""
        reply = self._replies.next()
        if reply.code == CLOSING:
            raise _Closing("closing")
        return reply

    def _drop(self) -> None:
        self.usable = False
        self._sock.close()


class _Closing(OSError):
    """The server said that it closes the connection."""


_NOT_ASKED = Reply(503)
