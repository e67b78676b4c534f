"""The way in: connecting to an SMTP server, encryption and authentication, by ``smtplib``."""

from __future__ import annotations

import smtplib
import socket
import ssl
import struct
import sys
from collections.abc import Mapping
from dataclasses import field
from typing import Any, BinaryIO

from ..dataclass import dataclass
from ..model.settings import Security
from .smtp_reply import cause, reason

LOCAL_NAME = "[127.0.0.1]"
"""Said in EHLO: smtplib would ask the resolver for a name."""

MAX_REPLY_LINES = 200
"""An answer of more lines is no answer: a server must not keep us listening for ever."""


@dataclass
class Habits:
    """What has been learnt of a server; shared by all connections to it.

    ``pipelining`` becomes False when it offers that and then does not answer all it was asked.
    """

    pipelining: bool = True


@dataclass(frozen=True, slots=True)
class Door:
    """Where the server is and how to get in; ``username`` '' means without authentication."""

    host: str
    port: int
    security: Security
    timeout: float
    context: ssl.SSLContext | None = None
    username: str = ""
    password: str = ""
    habits: Habits = field(default_factory=Habits)

    def __repr__(self) -> str:
        return f"Door({self.host}:{self.port})"


class Lost(Exception):
    """The connection broke, or could not be made, before anything was sent."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
        """True when trying again cannot help (credentials, certificate)."""


def enter(door: Door) -> tuple[socket.socket, Mapping[str, str]]:
    """An open, authenticated connection, and what the server offers (EHLO, in lower case).

    Raises Lost.
    """
    try:
        return _connect(door)
    except smtplib.SMTPAuthenticationError as error:
        raise Lost(reason(error.smtp_code, error.smtp_error), final=True) from None
    except smtplib.SMTPNotSupportedError:
        raise Lost("smtp STARTTLS or AUTH not offered", final=True) from None
    except ssl.SSLCertVerificationError:
        raise Lost("tls certificate not trusted", final=True) from None
    except smtplib.SMTPResponseException as error:
        raise Lost(reason(error.smtp_code, error.smtp_error)) from None
    except UnicodeEncodeError:
        raise Lost("smtp credentials not ASCII", final=True) from None
    except OSError as error:
        raise Lost(f"smtp {cause(error)}") from None


class _Lines:
    """The lines of a connection; OSError when one reply has too many."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._count = 0

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        self._count = self._count + 1 if line[3:4] == b"-" else 0
        if self._count > MAX_REPLY_LINES:
            raise OSError("a reply without end")
        return line

    def close(self) -> None:
        self._file.close()


class _Bounded(smtplib.SMTP):
    """Listens to replies that end."""

    file: Any
    sock: Any

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Lines(self.sock.makefile("rb"))
        return super().getreply()

    def handed_over(self) -> socket.socket:
        """The bare connection.  What smtplib has read of it and not looked at is no reply."""
        sock: socket.socket = self.sock
        self.sock = None
        if self.file is not None:
            self.file.close()
        self.file = None
        return sock


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    """The same from the first byte under TLS."""


def _connect(door: Door) -> tuple[socket.socket, Mapping[str, str]]:
    if door.security == "tls":
        smtp: _Bounded = _BoundedTls(
            door.host, door.port, LOCAL_NAME, timeout=door.timeout, context=door.context
        )
    else:
        smtp = _Bounded(door.host, door.port, LOCAL_NAME, timeout=door.timeout)
    try:
        smtp.ehlo_or_helo_if_needed()
        if door.security == "starttls":
            smtp.starttls(context=door.context)
            smtp.ehlo()
        if door.username:
            smtp.login(door.username, door.password)
    except BaseException:
        smtp.close()
        raise
    sock = smtp.handed_over()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _watched_by_the_system(sock, door.timeout)
    return sock, dict(smtp.esmtp_features)


def _watched_by_the_system(sock: socket.socket, timeout: float) -> None:
    """Have the system keep the time of reads and writes: BlockingIOError says that it is over.

    Python itself would ask, before each of them, whether it would wait: a tenth of what a mail
    costs.  Encryption needs it to.
    """
    if sys.platform == "linux" and not isinstance(sock, ssl.SSLSocket):
        whole = int(timeout)
        span = struct.pack("@ll", whole, max(1, int((timeout - whole) * 1e6)))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, span)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, span)
        sock.settimeout(None)
