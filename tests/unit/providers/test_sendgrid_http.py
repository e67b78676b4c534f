from __future__ import annotations

import socket
import threading

import pytest

from runner.providers.sendgrid_http import (
    NotSent,
    Target,
    Transport,
    Unanswered,
    proxy_for,
)
from tests.servers.clock import StillClock

URL = "https://api.sendgrid.com"
PATH = "/v3/mail/send"


def _listener() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    return listener


def _transport(listener: socket.socket, timeout: float = 10) -> Transport:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    return Transport(Target(url, {"Authorization": "Bearer key"}, timeout), StillClock())


def _answering(listener: socket.socket, answer: bytes, enough: bytes = b"{}") -> threading.Thread:
    """Serve one connection: read up to ``enough`` (or the end), answer, and close."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            read = b""
            while enough not in read and (some := connection.recv(4096)):
                read += some
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_a_connection_that_takes_no_byte_sent_nothing() -> None:
    with _listener() as listener:
        thread = _answering(listener, b"HTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n")
        transport = _transport(listener)
        connection = transport._connect()
        assert connection.sock is not None
        connection.sock.shutdown(socket.SHUT_WR)
        connection.is_quiet = lambda: True  # type: ignore[method-assign]
        transport._give_back(connection)
        with pytest.raises(NotSent, match="connection failed"):
            transport.ask("POST", PATH, b"{}")
        thread.join()
        transport.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "connection lost"),
        (b"HTTP/1.1 20", "no HTTP answer"),
        (b"HTTP/1.1 202 OK\r\nContent-Length: 5\r\n\r\nhal", "half an answer"),
        (b"HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "half an answer"),
        (b"HTTP/1.1 202 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "no HTTP answer"),
        (b"HTTP/1.1 202 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", "no HTTP answer"),
        (b"220 smtp.example.org ESMTP\r\n", "no HTTP answer"),
    ],
)
def test_no_whole_answer_is_no_answer(answer: bytes, reason: str) -> None:
    with _listener() as listener:
        thread = _answering(listener, answer)
        with pytest.raises(Unanswered, match=reason):
            _transport(listener).ask("POST", PATH, b"{}")
        thread.join()


def test_a_reset_while_writing_is_unanswered() -> None:
    with _listener() as listener:
        thread = _answering(listener, b"", enough=b"POST")
        with pytest.raises(Unanswered, match="connection lost while writing"):
            _transport(listener).ask("POST", PATH, bytes(30_000_000))
        thread.join()


def test_a_connection_that_the_server_ends_is_not_kept() -> None:
    answer = b"HTTP/1.1 202 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with _listener() as listener:
        transport = _transport(listener)
        for _ in range(2):
            thread = _answering(listener, answer)
            assert transport.ask("POST", PATH, b"{}").status == 202
            thread.join()


def test_nothing_of_the_request_shows() -> None:
    target = Target(URL, {"Authorization": "Bearer key"}, 1.0, "http://user:word@proxy.example:1")
    assert "Bearer" not in repr(target)
    assert "word" not in repr(target)


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": "http://p.example:1"}, "http://p.example:1"),
        ({"https_proxy": "p.example:1"}, "http://p.example:1"),
        (
            {"https_proxy": "http://a.example", "HTTPS_PROXY": "http://b.example"},
            "http://a.example",
        ),
        ({"HTTP_PROXY": "http://p.example:1"}, ""),
        ({"HTTPS_PROXY": "http://p.example:1", "NO_PROXY": "*"}, ""),
        ({"HTTPS_PROXY": "http://p.example:1", "no_proxy": "localhost, .sendgrid.com"}, ""),
        ({"HTTPS_PROXY": "http://p.example:1", "no_proxy": "api.sendgrid.com"}, ""),
        ({"HTTPS_PROXY": "http://p.example:1", "no_proxy": "grid.com,"}, "http://p.example:1"),
    ],
)
def test_the_proxy_of_the_environment(environ: dict[str, str], proxy: str) -> None:
    assert proxy_for(URL, environ) == proxy


def test_this_machine_is_reached_without_a_proxy() -> None:
    assert proxy_for("http://127.0.0.1:1/v3", {"HTTPS_PROXY": "http://p.example:1"}) == ""
