"""Lists from web servers: whole, in time, from where they are meant to be, or not at all."""

from __future__ import annotations

import gzip
import io
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest
import trustme

from runner.contacts.sources.fetching import Fetched, FetchError, Reach, SecretMissing
from runner.contacts.sources.web import WebFetcher
from runner.contacts.sources.wire import is_private
from runner.model.settings import Secret
from runner.model.sources import HttpSource
from tests.servers.clock import StillClock
from tests.servers.web import Answer, Asked, WebServer, chunked, moved, plain, tagged

from .shelf import Shelf

LIST = b"email,name\nann@example.org,Ann\nbob@example.org,Bob\n"


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({"/m.csv": plain(LIST)}) as running:
        yield running


def source_of(server: WebServer, path: str = "/m.csv", **more: object) -> HttpSource:
    return replace(HttpSource(server.url(path), allow_private=True), **more)  # type: ignore[arg-type]


class Desk:
    """Fetches with a clock that stands still."""

    def __init__(self, shelf: Shelf, **environ: str) -> None:
        self.clock = StillClock()
        self.reach = Reach(environ, self.clock, shelf)

    def fetch(self, source: HttpSource, **known: str) -> tuple[bytes, Fetched | None]:
        sink = io.BytesIO()
        fetched = WebFetcher(source, self.reach).fetch(sink, known)
        return sink.getvalue(), fetched

    def refusal(self, source: HttpSource) -> FetchError:
        with pytest.raises(FetchError) as caught:
            self.fetch(source)
        return caught.value


@pytest.fixture
def desk(shelf: Shelf) -> Desk:
    return Desk(shelf)


def test_what_the_server_has_is_had(desk: Desk, server: WebServer) -> None:
    body, fetched = desk.fetch(source_of(server))
    assert body == LIST
    assert fetched is not None
    assert fetched.form.compressed is False


def test_chunks_make_a_whole(desk: Desk, server: WebServer) -> None:
    server.answers["/m.csv"] = chunked(LIST[:7], LIST[7:])
    assert desk.fetch(source_of(server))[0] == LIST


@pytest.mark.parametrize("header", [(), ("Content-Encoding: gzip",)])
def test_gzip_is_known_by_its_first_bytes(
    desk: Desk, server: WebServer, header: tuple[str, ...]
) -> None:
    """Servers say of a .gz that it is text/csv packed with gzip, or say nothing."""
    server.answers["/m.csv"] = plain(gzip.compress(LIST), *header)
    body, fetched = desk.fetch(source_of(server))
    assert gzip.decompress(body) == LIST
    assert fetched is not None
    assert fetched.form.compressed is True


def test_what_has_not_changed_is_not_sent_again(desk: Desk, server: WebServer) -> None:
    server.answers["/m.csv"] = tagged(LIST, '"7"')
    _, first = desk.fetch(source_of(server))
    assert first is not None
    assert first.validators == {"etag": '"7"'}
    assert desk.fetch(source_of(server), **first.validators) == (b"", None)


def test_headers_come_from_the_environment(shelf: Shelf, server: WebServer) -> None:
    desk = Desk(shelf, CRM_TOKEN="Bearer 123")
    source = source_of(server, headers={"Authorization": Secret("CRM_TOKEN")})
    desk.fetch(source)
    assert server.asked[0][1]["authorization"] == "Bearer 123"


def test_an_address_may_be_a_secret(shelf: Shelf, server: WebServer) -> None:
    desk = Desk(shelf, LIST_URL=server.url("/m.csv?token=123"))
    server.answers["/m.csv?token=123"] = plain(LIST)
    source = HttpSource(Secret("LIST_URL"), allow_private=True)
    assert desk.fetch(source)[0] == LIST
    with pytest.raises(SecretMissing, match="LIST_URL is not set here"):
        Desk(shelf).fetch(source)


def drip(clock: StillClock, seconds: float, head: bytes, body: bytes) -> Answer:
    """A byte at a time, so many seconds between them."""

    def answer(asked: Asked) -> None:
        asked.send(head)
        for at in range(len(body)):
            asked.send(body[at : at + 1])
            clock.sleep(seconds)

    return answer


@pytest.mark.parametrize("in_the_head", [True, False])
def test_a_server_that_drips_is_late(desk: Desk, server: WebServer, in_the_head: bool) -> None:
    """Each byte comes soon after the one before; the whole is bounded."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    begin, rest = (b"HTTP", b"/1.1 200 " + b"x" * 4000) if in_the_head else (head, LIST)
    server.answers["/m.csv"] = drip(desk.clock, 9, begin, rest)
    error = desk.refusal(source_of(server, timeout=timedelta(seconds=60)))
    assert error.message == "it did not come in time"
    assert error.transient


def test_a_run_that_is_to_end_does_not_wait(desk: Desk, server: WebServer) -> None:
    desk.clock.stopped = True
    assert desk.refusal(source_of(server)).message == "the run is to end"


CUT = {
    "too few bytes": (plain(LIST, length=len(LIST) + 9), "it was cut off, 9 bytes too early"),
    "a chunk that ends early": (chunked(LIST, end=b"ff\r\nabc"), "it was cut off"),
    "no last chunk": (chunked(LIST, end=b""), "it was cut off"),
    "no length": (lambda asked: asked.send(b"HTTP/1.0 200 OK\r\n\r\n" + LIST), "does not say how"),
    "no answer": (lambda asked: None, "not HTTP"),
    "no HTTP": (lambda asked: asked.send(b"\x00\x01" * 40 + b"\r\n"), "not HTTP"),
    "an error": (
        plain(b"ann@example.org", status="500 ann@example.org"),
        "the server answered 500",
    ),
    "a part": (plain(LIST, status="206 Part"), "the server answered 206"),
    "a page": (plain(LIST, "Content-Type: text/html; charset=utf-8"), "answered with a web page"),
    "another packing": (plain(LIST, "Content-Encoding: br"), "packed in another way"),
    "304 out of the blue": (plain(b"", status="304 Not Modified"), "the server answered 304"),
}


@pytest.mark.parametrize("name", CUT)
def test_what_is_not_whole_is_refused(desk: Desk, server: WebServer, name: str) -> None:
    """And nothing that the server said is repeated."""
    server.answers["/m.csv"], expected = CUT[name]
    error = desk.refusal(source_of(server))
    assert expected in error.message
    assert "ann@" not in f"{error} {error.hint} {error.__cause__}"
    assert error.__cause__ is None


@pytest.mark.parametrize("answer", [plain(b"x" * 2000), chunked(b"x" * 900, b"y" * 900)])
def test_a_list_may_be_too_large(desk: Desk, server: WebServer, answer: Answer) -> None:
    server.answers["/m.csv"] = answer
    assert "larger than" in desk.refusal(source_of(server, max_bytes=1000)).message


def test_redirects_are_followed_and_counted(desk: Desk, server: WebServer) -> None:
    server.answers |= {"/1": moved("/2", 301), "/2": moved("m.csv", 307), "/r": moved("/r")}
    assert desk.fetch(source_of(server, "/1"))[0] == LIST
    assert desk.refusal(source_of(server, "/r")).message == "it redirects more than 5 times"
    assert [path for path, _ in server.asked].count("/r") == 6


def test_credentials_stay_with_their_server(shelf: Shelf, server: WebServer) -> None:
    """Another port is another server; back at the first they are sent again."""
    desk = Desk(shelf, TOKEN="Bearer 123")
    with WebServer({"/there": moved(server.url("/m.csv"))}) as other:
        server.answers["/here"] = moved(other.url("/there"))
        desk.fetch(source_of(server, "/here", headers={"Authorization": Secret("TOKEN")}))
        assert "authorization" not in other.asked[0][1]
    assert [("authorization" in headers) for _, headers in server.asked] == [True, True]


def test_a_private_server_must_be_meant(desk: Desk, server: WebServer) -> None:
    error = desk.refusal(source_of(server, allow_private=False))
    assert error.message == "the server is in a private network"
    assert "allow_private: true" in error.hint
    assert server.asked == []


def test_a_public_server_leads_to_no_private_one(
    desk: Desk, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the list allows a private one: then only the server that it names.

    The first server passes for public, for no test can reach one that is.
    """
    server.answers["/out"] = moved("http://localhost/latest/meta-data")
    places = iter([False])
    real = is_private
    monkeypatch.setattr(
        "runner.contacts.sources.web.is_private", lambda address: next(places, real(address))
    )
    error = desk.refusal(source_of(server, "/out"))
    assert error.message == "the server is in a private network"


def test_the_address_that_was_looked_at_is_connected_to(
    desk: Desk, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that resolves to something else the second time gains nothing by it."""
    asked: list[str] = []

    def resolver(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        ip = "127.0.0.1" if len(asked) == 1 else "192.0.2.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    source = HttpSource(server.url("/m.csv", "crm.example"), allow_private=True)
    assert desk.fetch(source)[0] == LIST
    assert asked == ["crm.example"]
    assert server.asked[0][1]["host"].startswith("crm.example:")


def test_nothing_goes_unencrypted_over_a_network(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: there)
    source = HttpSource("http://crm.example/m.csv", allow_private=True)
    assert "unencrypted" in desk.refusal(source).message


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://crm.example/x", "https:///x", "https://ann:secret@crm.example/", "https://a b/"),
        *("https://crm.example:port/", "https://crm.example/\r\nHost: x", "crm.example", ""),
    ],
)
def test_an_address_that_is_none_is_not_repeated(shelf: Shelf, url: str) -> None:
    error = Desk(shelf, URL=url or " ").refusal(HttpSource(Secret("URL"), allow_private=True))
    assert error.message == "its address is not one of a web server"


def test_a_header_cannot_smuggle_another(shelf: Shelf, server: WebServer) -> None:
    desk = Desk(shelf, TOKEN="a\r\nX-Other: b")
    source = source_of(server, headers={"Authorization": Secret("TOKEN")})
    error = desk.refusal(source)
    assert "the header Authorization" in error.message
    assert "X-Other" not in str(error)
    assert server.asked == []


@pytest.mark.parametrize(
    ("address", "private"),
    [
        *(("127.0.0.1", True), ("10.1.2.3", True), ("169.254.169.254", True), ("240.0.0.1", True)),
        *(("100.64.0.1", True), ("224.0.0.1", True), ("::1", True), ("fe80::1", True)),
        *(("fd00::1", True), ("::ffff:10.0.0.1", True), ("64:ff9b::a00:1", True)),
        *(("2002:a00:1::", True), ("8.8.8.8", False), ("2606:4700::1111", False)),
        *(("64:ff9b::808:808", False), ("::ffff:8.8.8.8", False)),
    ],
)
def test_what_is_private(address: str, private: bool) -> None:
    assert is_private(ip_address(address)) is private


def test_a_certificate_is_looked_at(
    desk: Desk, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name in the address, and only with an authority that this machine trusts."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with WebServer({"/m.csv": plain(LIST)}, context) as server:
        source = HttpSource(server.url("/m.csv", "localhost"), allow_private=True)
        assert "certificate is not valid" in desk.refusal(source).message
        with authority.cert_pem.tempfile() as trusted:
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
            assert desk.fetch(source)[0] == LIST
            other = HttpSource(server.url("/m.csv"), allow_private=True)
            assert "certificate is not valid" in desk.refusal(other).message


def test_a_server_that_is_not_there(desk: Desk) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    error = desk.refusal(HttpSource(f"http://127.0.0.1:{port}/", allow_private=True))
    assert (error.message, error.transient) == ("the server does not answer", True)
