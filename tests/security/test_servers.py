"""Servers that are not what they should be: a provider, a mail server, a monitor, a redirect."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from runner.announcing import ping
from tests.acceptance.bench import Bench
from tests.servers.sendgrid import SendgridServer

from .attack import apart

NOW = ("--now", "2025-10-20T14:00:00Z")
Speech = Callable[[socket.socket], None]


@contextmanager
def speaker(speech: Speech) -> Iterator[tuple[int, list[bytes]]]:
    """A server that says what ``speech`` says to every visitor; (port, what was heard first)."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    visitor, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(visitor,), daemon=True).start()

        def answer(visitor: socket.socket) -> None:
            with visitor, suppress(OSError):
                speech(_Ear(visitor, heard))  # type: ignore[arg-type]  # it is as good as one

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], heard
        listener.shutdown(socket.SHUT_RDWR)


class _Ear:
    """A socket that remembers what it received."""

    def __init__(self, inner: socket.socket, heard: list[bytes]) -> None:
        self._inner, self._heard = inner, heard

    def recv(self, size: int) -> bytes:
        data = self._inner.recv(size)
        self._heard.append(data)
        return data

    def sendall(self, data: bytes) -> None:
        self._inner.sendall(data)


def redirect(to: str) -> Speech:
    def speech(visitor: socket.socket) -> None:
        visitor.recv(1 << 16)
        answer = f"HTTP/1.1 307 Temporary\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
        visitor.sendall(answer.encode())

    return speech


def endless_headers(visitor: socket.socket) -> None:
    visitor.recv(1 << 16)
    visitor.sendall(b"HTTP/1.1 202 Accepted\r\n")
    while True:
        visitor.sendall(b"X-Padding: " + b"x" * 60_000 + b"\r\n")


def endless_body(visitor: socket.socket) -> None:
    visitor.recv(1 << 16)
    visitor.sendall(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        visitor.sendall(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")


def endless_line(visitor: socket.socket) -> None:
    while True:
        visitor.sendall(b"2" * 65_536)


def sendgrid(tmp_path: Path, url: str) -> Bench:
    bench = Bench(tmp_path).workspace(
        provider="sendgrid", more=f'providers: {{sendgrid: {{base_url: "{url}"}}}}\n'
    )
    bench.campaign()
    bench.environ["SENDGRID_API_KEY"] = "SG.a-key-for-tests-0123456789"
    assert bench.sendoff("init", *NOW).code == 0
    return bench


def smtp(tmp_path: Path, port: int) -> Bench:
    bench = Bench(tmp_path).workspace(
        provider="smtp",
        more=f"providers: {{smtp: {{host: 127.0.0.1, port: {port}, security: none}}}}\n",
    )
    bench.campaign()
    assert bench.sendoff("init", *NOW).code == 0
    return bench


def test_a_redirect_is_not_followed_with_the_key(tmp_path: Path) -> None:
    with SendgridServer() as other, speaker(redirect(f"{other.url}/v3/mail/send")) as (port, heard):
        bench = sendgrid(tmp_path, f"http://127.0.0.1:{port}")
        assert bench.sendoff("run", *NOW).code == 4
        assert heard
        assert other.requests == []


@pytest.mark.parametrize("speech", [endless_headers, endless_body, endless_line])
def test_an_endless_answer_of_a_provider_ends(tmp_path: Path, speech: Speech) -> None:
    with speaker(speech) as (port, _):
        bench = sendgrid(tmp_path, f"http://127.0.0.1:{port}")
        said = apart(bench, "run", *NOW, seconds=90)
    assert said.code == 4, said
    assert "this is a bug" not in said.err


@pytest.mark.parametrize("speech", [endless_line])
def test_an_endless_answer_of_a_mail_server_ends(tmp_path: Path, speech: Speech) -> None:
    with speaker(speech) as (port, _):
        said = apart(smtp(tmp_path, port), "run", *NOW, seconds=90)
    assert said.code == 4, said
    assert "this is a bug" not in said.err


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "data:,x",
        "",
        "/etc/passwd",
        "http://",
        "gopher://x",
    ],
)
def test_a_heartbeat_is_http(url: str) -> None:
    assert ping(url)


@pytest.mark.parametrize("to", ["file:///etc/passwd", "gopher://127.0.0.1/"])
def test_a_heartbeat_is_not_led_astray(to: str) -> None:
    with speaker(redirect(to)) as (port, heard):
        said = ping(f"http://127.0.0.1:{port}/x")
    assert heard
    assert said
    assert "127.0.0.1" not in said


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://user:pw@127.0.0.1:1@evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "//evil.example",
        "https://",
        "http://127.0.0.1\\@evil.example",
        "http://127.0.0.1#@evil.example/",
    ],
)
def test_no_key_travels_in_the_clear(tmp_path: Path, url: str) -> None:
    shown = url.replace("\\", "\\\\")
    bench = Bench(tmp_path).workspace(
        provider="sendgrid", more=f'providers: {{sendgrid: {{base_url: "{shown}"}}}}\n'
    )
    bench.campaign()
    bench.environ["SENDGRID_API_KEY"] = "SG.CANARY-key-for-tests-0123456789"
    bench.sendoff("init", *NOW)
    for command in ("doctor", "run"):
        said = bench.sendoff(command, *NOW)
        assert said.code != 0
        assert "this is a bug" not in said.err
        assert "CANARY" not in said.out + said.err


@pytest.mark.parametrize(
    "host", ["mail.example.com", "127.0.0.1.evil.example", "localhost.example"]
)
def test_no_password_travels_in_the_clear(tmp_path: Path, host: str) -> None:
    bench = Bench(tmp_path).workspace(
        provider="smtp",
        more=f"providers: {{smtp: {{host: {host}, port: 25, security: none, "
        'username: "env:SMTP_USER", password: "env:SMTP_PASSWORD"}}\n',
    )
    bench.campaign()
    bench.environ |= {"SMTP_USER": "u", "SMTP_PASSWORD": "CANARY"}
    bench.sendoff("init", *NOW)
    said = bench.sendoff("run", *NOW)
    assert said.code != 0
    assert "CANARY" not in said.out + said.err
