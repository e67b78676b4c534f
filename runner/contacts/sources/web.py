"""Lists from web servers: once there whole, asked for again only when they have changed.

A server, or whoever stands in its way, decides what is answered: so nothing it says is repeated in
a message, redirects lead to no other network and take no credentials along, and an answer that does
not prove to be whole is none.
"""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import BinaryIO
from urllib.parse import SplitResult, urljoin, urlsplit

from ...dataclass import dataclass
from ...model.sources import Form, HttpSource
from .fetching import Fetched, FetchError, Reach
from .wire import Address, Connection, Patience, is_private, port_of, resolve

REDIRECTS = 5
_BLOCK = 1 << 16
_GZIP = b"\x1f\x8b"
_MOVED = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_is_url = re.compile(r"[\x21-\x7e]+").fullmatch
_is_value = re.compile(r"[\x20-\x7e\t\xa0-\xff]*").fullmatch
_HINTS = {
    401: "is the token in `headers` the right one?",
    403: "is the token in `headers` the right one?",
    404: "is `url` right?",
    410: "is `url` right?",
}


@dataclass(frozen=True, slots=True)
class Hop:
    """One request.  ``credentials``: the list's headers go along.  ``inward``: a private network
    is fine."""

    url: SplitResult
    credentials: bool
    inward: bool


class WebFetcher:
    """See ``fetching.Fetcher``."""

    def __init__(self, source: HttpSource, reach: Reach) -> None:
        self._source = source
        self._reach = reach
        self._headers = {
            name: header_value(name, reach.value(v)) for name, v in source.headers.items()
        }

    def fetch(self, sink: BinaryIO, known: Mapping[str, str]) -> Fetched | None:
        """The list at the address, or where that redirects to."""
        clock = self._reach.clock
        patience = Patience(clock, clock.now() + self._source.timeout)
        start = address_of(self._reach.value(self._source.url))
        hop = Hop(start, credentials=True, inward=self._source.allow_private)
        for _ in range(REDIRECTS + 1):
            addresses = admitted(hop)
            with (
                faults(),
                closing(Connection(hop.url, addresses, patience)) as line,
                closing(self._ask(line, hop, known)) as answer,
            ):
                if answer.status not in _MOVED:
                    return self._take(answer, sink, known)
                hop = _next(hop, start, answer.getheader("Location", ""), addresses)
        raise FetchError(f"it redirects more than {REDIRECTS} times")

    def _ask(self, line: Connection, hop: Hop, known: Mapping[str, str]) -> _Answer:
        asked = {"Accept-Encoding": "gzip", "User-Agent": "sendoff", "Connection": "close"}
        if "etag" in known:
            asked["If-None-Match"] = known["etag"]
        if "last_modified" in known:
            asked["If-Modified-Since"] = known["last_modified"]
        if hop.credentials:
            asked |= self._headers
        path = hop.url.path or "/"
        target = f"{path}?{hop.url.query}" if hop.url.query else path
        line.request("GET", target, headers=asked)
        return line.getresponse()

    def _take(self, answer: _Answer, sink: BinaryIO, known: Mapping[str, str]) -> Fetched | None:
        if answer.status == 304 and known:
            return None
        _refuse(answer)
        compressed = self._copy(answer, sink)
        form: Form = replace(self._source.form, compressed=compressed)
        headers = {"etag": "ETag", "last_modified": "Last-Modified"}
        found = {name: answer.getheader(header, "") for name, header in headers.items()}
        return Fetched(form, validators={n: v for n, v in found.items() if v and _is_value(v)})

    def _copy(self, answer: _Answer, sink: BinaryIO) -> bool:
        """All bytes to the sink; True when they are gzip's."""
        most = self._source.max_bytes
        if answer.length is not None and answer.length > most:
            raise _too_large(most)
        start, written = b"", 0
        while block := answer.read(_BLOCK):
            start = start or block[: len(_GZIP)]
            written += len(block)
            if written > most:
                raise _too_large(most)
            sink.write(block)
        if answer.length:
            raise FetchError(f"it was cut off, {answer.length:,} bytes too early", transient=True)
        return start == _GZIP


_Answer = http.client.HTTPResponse


def admitted(hop: Hop) -> tuple[Address, ...]:
    """The addresses that may be connected to.  Raises FetchError when there is none."""
    addresses = resolve(hop.url)
    if hop.url.scheme == "http" and not all(address.is_loopback for address in addresses):
        raise FetchError("the contacts would be sent unencrypted", "let the url be https://")
    if hop.inward:
        return addresses
    public = tuple(address for address in addresses if not is_private(address))
    if not public:
        hint = "if that is meant, write allow_private: true in the list's source"
        raise FetchError("the server is in a private network", hint)
    return public


def _next(hop: Hop, start: SplitResult, location: str, at: tuple[Address, ...]) -> Hop:
    """Where a redirect leads: into a private network only from a server that is in one."""
    url = address_of(urljoin(hop.url.geturl(), location))
    if hop.url.scheme == "https" and url.scheme != "https":
        raise FetchError("it redirects to an address that is not encrypted")
    same = (url.scheme, url.hostname, port_of(url)) == (
        start.scheme,
        start.hostname,
        port_of(start),
    )
    inside = hop.inward and all(is_private(address) for address in at)
    return Hop(url, credentials=same, inward=inside)


def address_of(text: str) -> SplitResult:
    """A URL that can be asked for.  Raises FetchError, without repeating it."""
    try:
        url = urlsplit(text)
        whole = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        whole = False
    if not whole or not _is_url(text) or "@" in url.netloc:
        hint = "write https://HOST/PATH"
        raise FetchError("its address is not one of a web server", hint)
    return url


def header_value(name: str, value: str) -> str:
    """A header's value.  Raises FetchError for one that would be taken for two headers."""
    if not _is_value(value):
        raise FetchError(
            f"the value for the header {name} holds a line break or a control character"
        )
    return value


def _refuse(answer: _Answer) -> None:
    """Raises FetchError for what is no list, or would not prove to be whole."""
    status = answer.status
    if status != 200:
        hint = _HINTS.get(status, "")
        raise FetchError(f"the server answered {status}", hint, transient=status in _LATER)
    if answer.length is None and not answer.chunked:
        hint = "it must send Content-Length, or in chunks"
        raise FetchError("the server does not say how long the list is", hint)
    if answer.getheader("Content-Encoding", "identity").lower() not in _ENCODINGS:
        raise FetchError("the answer is packed in another way than gzip")
    if answer.getheader("Content-Type", "").lower().startswith("text/html"):
        raise FetchError("the server answered with a web page", "does it want you to log in?")


_ENCODINGS = ("identity", "gzip", "x-gzip", "")


def _too_large(most: int) -> FetchError:
    hint = "raise `max_megabytes` in the list if that is right"
    return FetchError(f"it is larger than {most // 1_000_000:,} MB", hint)


@contextmanager
def faults() -> Iterator[None]:
    """What goes wrong on the line, as FetchError; of the server's words none."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        message = f"the server's certificate is not valid: {error.verify_message}"
        raise FetchError(message) from None
    except ssl.SSLError:
        raise FetchError("no secure connection came about", transient=True) from None
    except http.client.IncompleteRead:
        raise FetchError("it was cut off", transient=True) from None
    except http.client.HTTPException:
        raise FetchError("the answer is not HTTP", transient=True) from None
    except OSError:
        raise FetchError("the connection was lost", transient=True) from None
