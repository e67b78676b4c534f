"""One connection to a web server: to an address that was looked at, until a moment that was set.

``http.client`` bounds single reads, by which a server that drips a byte a second is never late; and
it resolves a name itself, so that what was checked need not be what is connected to.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO, cast
from urllib.parse import SplitResult

from ...dataclass import dataclass
from ...ports import Clock
from .fetching import FetchError

_LOOK = 1.0
"""Seconds after which a silent connection is looked at: is there still time, must the run end?"""
_TRY = 10.0
"""Seconds that one address of a server gets to answer."""
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Patience:
    """Until when all must be done."""

    clock: Clock
    until: datetime

    def left(self) -> float:
        """Seconds, more than none.  Raises FetchError when the time is over, or the run ends."""
        if self.clock.stopping:
            raise FetchError("the run is to end", transient=True)
        seconds = (self.until - self.clock.now()).total_seconds()
        if seconds <= 0:
            hint = "raise `timeout` in the list if it takes that long"
            raise FetchError("it did not come in time", hint, transient=True)
        return seconds


def is_private(address: Address) -> bool:
    """Whether this is no address of the public internet, or leads to one that is none."""
    inner: Address | None = None
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return is_private(inner)
    return not address.is_global or address.is_multicast


def resolve(url: SplitResult) -> tuple[Address, ...]:
    """The addresses of a server.  Raises FetchError when it has none."""
    try:
        found = socket.getaddrinfo(url.hostname, port_of(url), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchError("the server's name is not known", transient=True) from None
    return tuple(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found)


def port_of(url: SplitResult) -> int:
    """The port that a URL means."""
    return url.port if url.port is not None else _PORTS[url.scheme]


class Connection(http.client.HTTPConnection):
    """An HTTP connection to one of ``addresses``, whatever the name resolves to by now."""

    def __init__(
        self, url: SplitResult, addresses: tuple[Address, ...], patience: Patience
    ) -> None:
        super().__init__(url.hostname or "", port_of(url))
        self.default_port = _PORTS[url.scheme]
        self._encrypted = url.scheme == "https"
        self._addresses = addresses
        self._patience = patience

    def connect(self) -> None:
        """Connect to the first address that answers.  Raises FetchError."""
        line = self._line()
        if self._encrypted:
            line.settimeout(min(_TRY, self._patience.left()))
            try:
                line = ssl.create_default_context().wrap_socket(line, server_hostname=self.host)
            except BaseException:
                line.close()
                raise
        self.sock = cast("Any", _Line(line, self._patience))

    def _line(self) -> socket.socket:
        for address in self._addresses:
            line = socket.socket(
                socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM
            )
            try:
                line.settimeout(min(_TRY, self._patience.left()))
                line.connect((str(address), self.port))
            except OSError:
                line.close()
            except BaseException:
                line.close()
                raise
            else:
                return line
        raise FetchError("the server does not answer", transient=True)


class _Line:
    """What ``http.client`` needs of a socket, every wait bounded."""

    def __init__(self, line: socket.socket, patience: Patience) -> None:
        self._line = line
        self._patience = patience
        self._lent = False

    def sendall(self, data: bytes) -> None:
        self._line.settimeout(self._patience.left())
        self._line.sendall(data)

    def makefile(self, _mode: str) -> BinaryIO:
        self._lent = True
        return cast("BinaryIO", io.BufferedReader(_Reader(self._line, self._patience), 1 << 16))

    def close(self) -> None:
        # http.client lets go of its socket before the answer is read, if the server said "close"
        if not self._lent:
            self._line.close()


class _Reader(io.RawIOBase):
    def __init__(self, line: socket.socket, patience: Patience) -> None:
        self._line = line
        self._patience = patience

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._line.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        for seconds in self._waits():
            self._line.settimeout(seconds)
            try:
                return self._line.recv_into(buffer)
            except TimeoutError:
                continue
        raise AssertionError

    def _waits(self) -> Iterator[float]:
        while True:
            yield min(_LOOK, self._patience.left())
