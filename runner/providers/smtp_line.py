"""One connection to an SMTP server, and one message over it.

The point of no return is the first octet of the message after ``354``.  Before it a broken
connection means that nothing was sent; from there on until the server's answer it means that
nobody knows (RFC 1047).  No text of the server ever leaves this module: it may hold the address.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..model.message import Outcome
from ..model.settings import Security

_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
_OK = 250
_CLOSING = 421
_TOO_LARGE = 552


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

    def __repr__(self) -> str:
        return f"Door({self.host}:{self.port})"


class Lost(Exception):
    """The connection broke, or could not be made, before anything was sent."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
        """True when trying again cannot help (credentials, certificate)."""


class SenderRefused(Exception):
    """The server does not take this sender: no contact is at fault and nothing was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Line:
    """An open, authenticated connection.  Not for use by two threads at once."""

    def __init__(self, door: Door) -> None:
        """Connect.  Raises Lost."""
        try:
            self._smtp = _connect(door)
        except smtplib.SMTPAuthenticationError as error:
            raise Lost(_reason(error.smtp_code, error.smtp_error), final=True) from None
        except smtplib.SMTPNotSupportedError:
            raise Lost("smtp STARTTLS or AUTH not offered", final=True) from None
        except ssl.SSLCertVerificationError:
            raise Lost("tls certificate not trusted", final=True) from None
        except smtplib.SMTPResponseException as error:
            raise Lost(_reason(error.smtp_code, error.smtp_error)) from None
        except UnicodeEncodeError:
            raise Lost("smtp credentials not ASCII", final=True) from None
        except OSError as error:
            raise Lost(f"smtp {_cause(error)}") from None

    @property
    def usable(self) -> bool:
        """False once the connection is closed on this side."""
        return self._smtp.sock is not None

    def is_alive(self) -> bool:
        """Ask the server, after a rest, whether it still listens."""
        try:
            return self._smtp.noop()[0] == _OK
        except OSError:
            return False

    def send(self, sender: str, recipient: str, message: bytes) -> Outcome:
        """Hand one message over.

        Raises Lost (nothing was sent, the connection is useless) and SenderRefused.
        """
        try:
            early = self._envelope(sender, recipient)
            if early is not None:
                self._smtp.rset()
                return early
        except OSError as error:
            self._smtp.close()
            raise Lost(f"smtp {_cause(error)}") from None
        return self._payload(message)

    def close(self) -> None:
        """Say good-bye if the server still listens."""
        try:
            self._smtp.quit()
        except OSError:
            self._smtp.close()

    def _envelope(self, sender: str, recipient: str) -> Outcome | None:
        """MAIL, RCPT and DATA; an outcome when the server says no to one of them."""
        options = []
        if not recipient.isascii():
            if not self._smtp.has_extn("smtputf8"):
                return Outcome("refused", "smtp without SMTPUTF8")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        code, text = _heard(self._smtp.mail(sender, options))
        if code >= 500 and code != _TOO_LARGE:
            raise SenderRefused(_reason(code, text))
        if code // 100 != 2:
            return _no(code, text)
        code, text = _heard(self._smtp.rcpt(recipient))
        if code // 100 != 2:
            return _no(code, text)
        code, text = _heard(self._smtp.docmd("DATA"))
        return None if code == 354 else _no(code, text)

    def _payload(self, message: bytes) -> Outcome:
        try:
            self._smtp.send(dotted(message))
            code, text = self._smtp.getreply()
        except OSError as error:
            self._smtp.close()
            return Outcome("ambiguous", f"smtp {_cause(error)} after data")
        if code // 100 == 2:
            return Outcome("accepted")
        if code // 100 not in (4, 5):
            self._smtp.close()
            return Outcome("ambiguous", "smtp no clear answer after data")
        if code == _CLOSING:
            self._smtp.close()
        return _no(code, text)


MAX_REPLY_LINES = 200
"""An answer of more lines is no answer: a server must not keep us listening for ever."""


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


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    """The same from the first byte under TLS."""


def _connect(door: Door) -> smtplib.SMTP:
    # A fixed name for EHLO: smtplib would ask the resolver for one.
    local = "[127.0.0.1]"
    if door.security == "tls":
        smtp: smtplib.SMTP = _BoundedTls(
            door.host, door.port, local, timeout=door.timeout, context=door.context
        )
    else:
        smtp = _Bounded(door.host, door.port, local, timeout=door.timeout)
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
    return smtp


def _heard(reply: tuple[int, bytes]) -> tuple[int, bytes]:
    """The reply, unless it ends the connection or is none.  Raises SMTPServerDisconnected."""
    code = reply[0]
    if code == _CLOSING or code not in range(200, 600):
        raise smtplib.SMTPServerDisconnected("closing" if code == _CLOSING else "garbage")
    return reply


def _no(code: int, text: bytes) -> Outcome:
    return Outcome("refused" if code >= 500 else "temporary", _reason(code, text))


def _reason(code: int, text: bytes | str) -> str:
    """``smtp CODE ENHANCED`` and never the server's words."""
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    enhanced = _ENHANCED.match(raw)
    return f"smtp {code} {enhanced[0].decode()}" if enhanced else f"smtp {code}"


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "timed out"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return "connection lost"


def dotted(message: bytes) -> bytes:
    """The message as DATA carries it: leading dots doubled, ended by a line with one dot."""
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    end = b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
    return stuffed + end
