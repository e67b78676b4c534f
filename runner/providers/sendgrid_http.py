"""The thin line to SendGrid: connections that are kept, and the truth about what was written.

The client that comes with ``sendgrid`` opens a connection for every request and shares one dict of
headers between threads.  Address, authorisation and user agent are taken from it; the bytes go
over ``http.client``.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import threading
import time
import urllib.parse
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from ..dataclass import dataclass
from ..ports import Clock
from .sendgrid_answer import Answer

IDLE_SECONDS = 20.0
"""A connection unused for longer is not trusted: the server may just be closing it."""

MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer that are taken; a page of the log is the longest there is."""


WRITING = 10
"""A request has to be written within so many time-outs: 30 MB take their time on a slow line."""

READING = 2
"""An answer has to be whole within so many: it must not drip for ever."""


class NotSent(Exception):
    """No byte of the request left this machine."""


class Unanswered(Exception):
    """Some or all of the request was written, and no whole answer came back."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the service is (``url``, without ``/v3``), and how to get there.

    ``repr`` shows no header: one holds the key.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    timeout: float
    proxy: str = field(default="", repr=False)

    @property
    def parts(self) -> urllib.parse.SplitResult:
        return urllib.parse.urlsplit(self.url)


class Transport:
    """A pool of connections to one target; may be used by several threads."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self._target = target
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[tuple[float, _Counting]] = []
        # One for all: reading the certificates of authorities takes longer than a request.
        self._context = ssl.create_default_context() if target.parts.scheme == "https" else None

    def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Make one request, of JSON if it has a body.

        Raises NotSent or Unanswered; never anything with the payload in it.
        """
        connection = self._take() or self._connect()
        try:
            answer, reusable = _exchange(connection, self._target, (method, path, body))
        except BaseException:
            connection.close()
            raise
        if reusable:
            self._give_back(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close the connections that are idle."""
        with self._lock:
            for _, connection in self._idle:
                connection.close()
            self._idle.clear()

    def _take(self) -> _Counting | None:
        now = self._clock.now().timestamp()
        while True:
            with self._lock:
                if not self._idle:
                    return None
                since, connection = self._idle.pop()
            if 0 <= now - since <= IDLE_SECONDS and connection.is_quiet():
                return connection
            connection.close()

    def _give_back(self, connection: _Counting) -> None:
        with self._lock:
            self._idle.append((self._clock.now().timestamp(), connection))

    def _connect(self) -> _Counting:
        connection = _connection(self._target, self._context)
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NotSent(_why_not(error)) from None
        return connection


class _Answer(http.client.HTTPResponse):
    """An answer that has to be whole after a while, however little comes at a time."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(_Timed(sock), *arguments, **options)  # type: ignore[arg-type]


class _Timed:
    """A socket, as far as an answer needs one."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedFile(self._sock))


class _TimedFile(io.RawIOBase):
    """What comes from a socket, for ``READING`` time-outs."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._silence = sock.gettimeout() or 0.0
        self._until = time.monotonic() + READING * self._silence
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        _wait_at_most(self._sock, self._silence, self._until)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _wait_at_most(sock: socket.socket, silence: float, until: float) -> None:
    """Let the next read or write take ``silence`` seconds, and never longer than ``until``."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    sock.settimeout(min(silence, left))


class _Counting(http.client.HTTPConnection):
    """Knows how many bytes of the request in hand have been written, and when it is over."""

    response_class = _Answer
    written = 0
    until = float("inf")

    def begin(self) -> None:
        """Count from here on."""
        self.written = 0
        self.until = time.monotonic() + WRITING * (self.timeout or 0)

    def send(self, data: Any) -> None:
        """Write bytes, counting them."""
        if self.sock is None:  # the tunnel's CONNECT comes before the connection is complete
            raise http.client.NotConnected
        view = memoryview(data)
        while view:
            _wait_at_most(self.sock, self.timeout or 0, self.until)
            count = self.sock.send(view)
            self.written += count
            view = view[count:]

    def is_quiet(self) -> bool:
        """True while the server has neither closed the connection nor said anything."""
        if self.sock is None:
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(0)


class _CountingTls(_Counting, http.client.HTTPSConnection):
    """The same over TLS; certificate and host name are checked."""


def _exchange(
    connection: _Counting, target: Target, request: tuple[str, str, bytes]
) -> tuple[Answer, bool]:
    method, path, body = request
    connection.begin()
    try:
        connection.request(method, target.parts.path + path, body or None, dict(target.headers))
    except OSError as error:
        if connection.written == 0:
            raise NotSent(_why_not(error)) from None
        # The server may have answered before it had read everything (413), then closed.
        return _answer_after_broken_write(connection), False
    try:
        return _read(connection)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unanswered(_why_unanswered(error)) from None


def _answer_after_broken_write(connection: _Counting) -> Answer:
    try:
        return _read(connection)[0]
    except (OSError, http.client.HTTPException, ValueError):
        raise Unanswered("connection lost while writing") from None


def _read(connection: _Counting) -> tuple[Answer, bool]:
    response = connection.getresponse()
    body = response.read(MAX_ANSWER + 1)
    # read() of a given size takes an answer that was cut short for whole: what its length
    # promised must have come
    if len(body) > MAX_ANSWER or response.length:
        raise http.client.IncompleteRead(body)
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, body), not response.will_close


def _connection(target: Target, context: ssl.SSLContext | None) -> _Counting:
    parts = target.parts
    host, port = parts.hostname or "", parts.port
    if context is None:
        return _Counting(host, port, timeout=target.timeout)
    if not target.proxy:
        return _CountingTls(host, port, timeout=target.timeout, context=context)
    proxy = urllib.parse.urlsplit(target.proxy)
    connection = _CountingTls(
        proxy.hostname or "", proxy.port or 3128, timeout=target.timeout, context=context
    )
    connection.set_tunnel(host, port or 443, _proxy_headers(proxy))
    return connection


def _proxy_headers(proxy: urllib.parse.SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    user = urllib.parse.unquote(proxy.username)
    password = urllib.parse.unquote(proxy.password or "")
    token = b64encode(f"{user}:{password}".encode()).decode("ascii")
    return {"Proxy-Authorization": f"Basic {token}"}


def proxy_for(url: str, environ: Mapping[str, str]) -> str:
    """The proxy that the environment names for ``url``, or ''; never one for plain http."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https":
        return ""
    if _is_excluded(parts.hostname or "", environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return ""
    proxy = environ.get("https_proxy") or environ.get("HTTPS_PROXY") or ""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def _is_excluded(host: str, excluded: str) -> bool:
    names = [name.strip().lstrip(".").lower() for name in excluded.split(",")]
    return "*" in names or any(host == name or host.endswith(f".{name}") for name in names if name)


def _why_not(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "tls certificate not trusted"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "connecting timed out"
    return "connection failed"


def _why_unanswered(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, http.client.IncompleteRead):
        return "half an answer"
    if isinstance(error, OSError):
        return "connection lost"
    return "no HTTP answer"
