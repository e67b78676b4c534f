"""An SMTP server on loopback that reads and answers byte for byte as told.

It does what no library would: answers several commands in one segment, or byte by byte, stops
amid them, and lies about what it offers.

with Talker() as talker:
    talker.answers["RCPT bad@example.org"] = "550 5.1.1 no"
    ...
    talker.taken
"""

from __future__ import annotations

import socket
from collections import defaultdict
from contextlib import suppress

from .listener import Listener


class Talker(Listener):
    """Listens on 127.0.0.1:``port`` while entered; one connection after the other.

    ``answers`` are by command (``MAIL``, ``RCPT ADDRESS``, ``DATA ADDRESS``, ``DOT ADDRESS``);
    those in ``once`` are given once; in ``drips`` are pieces that are repeated for ever.
    ``hang_up_after``: closes, once, after so many answers to an envelope.  ``forgetful``: throws
    away what comes along with a command.  ``bytewise``: answers byte by byte.  ``sips``: takes the
    first message a little at a time.
    """

    def __init__(
        self,
        *,
        offers: tuple[str, ...] = ("PIPELINING",),
        bytewise: bool = False,
        forgetful: bool = False,
        sips: bool = False,
    ) -> None:
        self.answers: dict[str, str] = {}
        self.once: dict[str, str] = {}
        self.drips: dict[str, bytes] = {}
        self.hang_up_after: int | None = None
        self.read: list[bytes] = []
        self.taken: list[str] = []
        self.bodies: defaultdict[str, list[bytes]] = defaultdict(list)
        self.connections = 0
        self.offers = offers
        self.bytewise = bytewise
        self.forgetful = forgetful
        self.sips = sips
        super().__init__()
        if sips:
            self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def answer(self, command: str, usual: str) -> str:
        """What is said to a command, this time."""
        return self.once.pop(command, None) or self.answers.get(command, usual)

    def talk(self, client: socket.socket) -> None:
        self.connections += 1
        client.settimeout(0.02)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):
            _Talk(self, client).run()


class _Gone(OSError):
    """One side has closed."""


class _Talk:
    """One connection."""

    def __init__(self, talker: Talker, client: socket.socket) -> None:
        self._talker = talker
        self._client = client
        self._unread = b""
        self._to = ""
        self._answered: int | None = None

    def run(self) -> None:
        self._say("220 talker ready")
        while True:
            self._command(self._line().decode())

    def _command(self, line: str) -> None:
        talker = self._talker
        verb = line[:4].upper()
        if verb == "EHLO":
            self._say("\r\n".join([f"250-{offer}" for offer in ("talker", *talker.offers)][:-1]))
            self._say(f"250 {talker.offers[-1]}" if talker.offers else "250 talker")
        elif verb == "MAIL":
            self._answered = 0
            self._answer(talker.answer("MAIL", "250 2.1.0 ok"))
        elif verb == "RCPT":
            self._to = line[line.index("<") + 1 : -1]
            self._answer(talker.answer(f"RCPT {self._to}", "250 2.1.5 ok"))
        elif verb == "DATA":
            self._data()
        elif verb == "QUIT":
            self._say("221 2.0.0 bye")
            raise _Gone
        else:
            self._say("250 2.0.0 ok")

    def _data(self) -> None:
        talker, to = self._talker, self._to
        reply = talker.answer(f"DATA {to}", "354 go on")
        self._answer(reply)
        self._answered = None
        if not reply.startswith("354"):
            return
        message = self._message()
        talker.bodies[to].append(message)
        while to and f"DOT {to}" in talker.drips:
            self._client.sendall(talker.drips[f"DOT {to}"])
            if talker.closing.wait(0.02):
                raise _Gone
        verdict = talker.answer(f"DOT {to}", "250 2.0.0 taken")
        if message and verdict.startswith("250"):
            talker.taken.append(to)
        self._say(verdict)
        if verdict.startswith("421"):
            raise _Gone

    def _answer(self, reply: str) -> None:
        """Answer a command of an envelope, or hang up."""
        if self._talker.hang_up_after is not None and self._answered is not None:
            if self._answered == self._talker.hang_up_after:
                self._talker.hang_up_after = None
                raise _Gone
            self._answered += 1
        self._say(reply)
        if reply.startswith("421"):
            raise _Gone

    def _say(self, reply: str) -> None:
        data = f"{reply}\r\n".encode() if reply else b""
        step = 1 if self._talker.bytewise else len(data) or 1
        for begin in range(0, len(data), step):
            self._client.sendall(data[begin : begin + step])

    def _line(self) -> bytes:
        while b"\r\n" not in self._unread:
            self._more()
        line, _, rest = self._unread.partition(b"\r\n")
        self._unread = b"" if self._talker.forgetful else rest
        return line

    def _message(self) -> bytes:
        """The message without what ends it; an empty one is b''."""
        if self._talker.sips:
            self._talker.sips = False
            while not self._talker.closing.wait(0.02):
                self._client.settimeout(1)
                if not self._client.recv(1000):
                    raise _Gone
        while not (self._unread == b".\r\n" or self._unread.endswith(b"\r\n.\r\n")):
            self._more()
        message, self._unread = self._unread[:-3], b""
        return message

    def _more(self) -> None:
        while not self._talker.closing.is_set():
            try:
                data = self._client.recv(65536)
            except TimeoutError:
                continue
            if not data:
                raise _Gone
            if not self._unread:
                self._talker.read.append(data)
            self._unread += data
            return
        raise _Gone
