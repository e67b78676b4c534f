"""An SMTP server on loopback that records messages and misbehaves on cue.

with SmtpServer() as server:
    server.answer_rcpt["bad@example.org"] = "550 5.1.1 no such user"
    ...
    server.messages
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Received:
    """One message as it was taken."""

    sender: str
    to: str
    data: bytes
    tls: bool


class _Protocol(SMTP):
    """Cuts the connection where the script says so."""

    scripted: SmtpServer

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - the base names it
        if self.scripted.drops("MAIL"):
            self.transport.abort()
            return
        reply = self.scripted.answer_mail
        if self.scripted.users and not self.session.authenticated:
            reply = "530 5.7.0 authentication required"
        if reply:
            await self.push(reply)
            return
        await super().smtp_MAIL(arg or "")

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the base names it
        to = self.envelope.rcpt_tos[0] if self.envelope and self.envelope.rcpt_tos else ""
        if to in self.scripted.drop_before_data:
            self.scripted.drop_before_data.remove(to)
            self.transport.abort()
            return
        if to in self.scripted.drop_in_data:
            await self.push("354 go on")
            await self._reader.readuntil(b"\r\n")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class SmtpServer:
    """Listens on 127.0.0.1:``port`` while entered; offers PIPELINING unless told not to.

    ``tls``: "" | "starttls" | "tls".  ``users``: name -> password; none: no authentication.
    Scripts, by recipient: ``answer_rcpt`` and ``answer_data`` hold replies, ``drop_before_data``
    (once) and ``drop_in_data`` cut the connection, ``drop_after_dot`` takes the message and cuts,
    ``hang_after_dot`` takes it and never answers.  ``answer_mail`` is the reply to every MAIL.
    ``drop_commands`` counts how often a command is answered by a cut.
    """

    def __init__(
        self,
        *,
        tls: str = "",
        users: dict[str, str] | None = None,
        smtputf8: bool = False,
        pipelining: bool = True,
    ) -> None:
        self.messages: list[Received] = []
        self.answer_mail = ""
        self.answer_rcpt: dict[str, str] = {}
        self.answer_data: dict[str, str] = {}
        self.drop_before_data: set[str] = set()
        self.drop_in_data: set[str] = set()
        self.drop_after_dot: set[str] = set()
        self.hang_after_dot: set[str] = set()
        self.drop_commands: Counter[str] = Counter()
        self.logins: list[str] = []
        self.connections = 0
        self.kind = tls
        self._stopped = False
        self.users = users or {}
        self._smtputf8 = smtputf8
        self._pipelining = pipelining
        self._lock = threading.Lock()
        self._tls = tls
        self.authority = trustme.CA() if tls else None
        self._controller = _Controller(self, **self._listening())

    @property
    def port(self) -> int:
        """Where it listens; known once it does."""
        return self._controller.port

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Go away: connections are cut and refused.  May be called twice."""
        if not self._stopped:
            self._stopped = True
            self._controller.cut()
            self._controller.stop()

    def drop_all(self) -> None:
        """Cut the connections that are open; new ones are welcome."""
        self._controller.cut()

    def drops(self, command: str) -> bool:
        """Whether this command is to be answered by a cut, this time."""
        with self._lock:
            if self.drop_commands[command] <= 0:
                return False
            self.drop_commands[command] -= 1
            return True

    def context(self) -> ssl.SSLContext | None:
        if self.authority is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        return context

    def protocol(self, **options: Any) -> _Protocol:
        with self._lock:
            self.connections += 1
        if self._tls == "starttls":
            options |= {"tls_context": self._context, "require_starttls": True}
        if self.users:
            options |= {"authenticator": self._authenticate}
            options |= {"auth_require_tls": self._tls == "starttls"}
        protocol = _Protocol(self, enable_SMTPUTF8=self._smtputf8, **options)
        protocol.scripted = self
        return protocol

    async def handle_EHLO(  # noqa: N802 - the base says so
        self,
        _server: SMTP,
        session: Session,
        _envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        offers = ["250-PIPELINING"] if self._pipelining else []
        return [*responses[:-1], *offers, responses[-1]]

    async def handle_RCPT(  # noqa: N802 - the base names it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.answer_rcpt:
            return self.answer_rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - the base names it
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        to = envelope.rcpt_tos[0]
        if to in self.answer_data:
            return self.answer_data[to]
        assert len(envelope.rcpt_tos) == 1
        assert server.transport is not None
        encrypted = server.transport.get_extra_info("ssl_object") is not None
        content = envelope.original_content or b""
        received = Received(envelope.mail_from or "", to, content, encrypted)
        with self._lock:
            self.messages.append(received)
        if to in self.drop_after_dot:
            server.transport.abort()
        if to in self.hang_after_dot:
            await asyncio.Event().wait()
        return "250 2.0.0 taken"

    def _listening(self) -> dict[str, Any]:
        self._context = self.context()
        return {"ssl_context": self._context} if self._tls == "tls" else {}

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        name, password = data.login.decode(), data.password.decode()
        self.logins.append(name)
        return AuthResult(success=self.users.get(name) == password, handled=False)


class _Controller(Controller):
    def __init__(self, scripted: SmtpServer, **options: Any) -> None:
        self._scripted = scripted
        self._protocols: list[_Protocol] = []
        super().__init__(scripted, hostname="127.0.0.1", port=0, **options)

    def _trigger_server(self) -> None:
        """Learn the port.  The base connects here, which would count as a client."""
        assert isinstance(self.server, asyncio.Server)
        self.port = int(self.server.sockets[0].getsockname()[1])
        self.smtpd = SMTP(self.handler, loop=self.loop)
        self._factory_invoked.set()

    def factory(self) -> SMTP:
        protocol = self._scripted.protocol(loop=self.loop, ident="test")
        self._protocols.append(protocol)
        return protocol

    def cut(self) -> None:
        """Abort every connection that is open."""
        if self.loop.is_running():
            done = threading.Event()
            self.loop.call_soon_threadsafe(lambda: (self._abort_all(), done.set()))
            done.wait(5)

    def _abort_all(self) -> None:
        for protocol in self._protocols:
            if protocol.transport is not None:
                protocol.transport.abort()
        self._protocols.clear()
