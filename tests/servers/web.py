"""A web server on loopback that answers byte for byte what a test tells it to.

    with WebServer({"/m.csv": plain(b"email\\n")}) as server:
        ...  # ask for server.url("/m.csv")
        server.asked  # (path, headers) of every request

An answer is a function that writes to the connection; closing it is the server's.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any, Self

Answer = Callable[["Asked"], None]


class Asked:
    """A request, and the line on which it is answered."""

    def __init__(self, path: str, headers: Mapping[str, str], line: socket.socket) -> None:
        self.path, self.headers, self._line = path, headers, line

    def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self._line.sendall(data)


def plain(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> Answer:
    """An answer with Content-Length, which may be a lie."""
    told = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {told}", "Connection: close", *headers]

    def answer(asked: Asked) -> None:
        asked.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    return answer


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> Answer:
    """An answer in chunks; without ``end`` it is cut off."""

    def answer(asked: Asked) -> None:
        asked.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in chunks:
            asked.send(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        asked.send(end)

    return answer


def moved(to: str, status: int = 302) -> Answer:
    """A redirect."""
    return plain(b"", f"Location: {to}", status=f"{status} Elsewhere")


def tagged(body: bytes, tag: str) -> Answer:
    """Answers 304 to whoever has this version already."""

    def answer(asked: Asked) -> None:
        same = asked.headers.get("if-none-match") == tag
        reply = plain(b"", status="304 Not Modified") if same else plain(body, f"ETag: {tag}")
        reply(asked)

    return answer


class WebServer:
    """Answers by path; 404 where nothing was told.  ``context`` makes it speak TLS."""

    def __init__(self, answers: Mapping[str, Answer], context: ssl.SSLContext | None = None):
        self.answers = dict(answers)
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer._serve(self.request, context)

        self._server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.block_on_close = True
        self._scheme = "http" if context is None else "https"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"{self._scheme}://{host}:{self._server.server_address[1]}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, line: socket.socket, context: ssl.SSLContext | None) -> None:
        try:
            if context is not None:
                line = context.wrap_socket(line, server_side=True)
            with line, line.makefile("rb") as stream:
                _, path, _ = stream.readline().decode("latin-1").split(" ", 2)
                headers = {}
                while text := stream.readline().decode("latin-1").strip():
                    name, _, value = text.partition(":")
                    headers[name.lower()] = value.strip()
                self.asked.append((path, headers))
                answer = self.answers.get(path, plain(b"", status="404 Not Found"))
                answer(Asked(path, headers, line))
        except (OSError, ValueError):
            return  # whoever asked has gone
