"""What stands in for SendGrid in a benchmark: answers every mail-send after a while.

``python -m benchmarks.sendgrid_server SECONDS`` prints its port.  A thread for each connection
reads a request in as few calls as it can, counts the personalizations, waits, and answers; so that
the time of a client is its own.  ``GET /`` tells mails, requests, and the processor time it took.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass
class Counts:
    """What came in."""

    mails: int = 0
    requests: int = 0
    bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, body: bytes) -> None:
        """One more request."""
        mails = body.count(b'"to"')
        with self.lock:
            self.mails += mails
            self.requests += 1
            self.bytes += len(body)

    def said(self) -> bytes:
        """The counts as JSON."""
        said = {"mails": self.mails, "requests": self.requests, "bytes": self.bytes}
        return json.dumps({**said, "cpu": time.process_time()}).encode()


def serve(delay: float) -> None:
    """Serve until killed."""
    counts = Counts()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_client, args=(client, counts, delay), daemon=True).start()


def _client(client: socket.socket, counts: Counts, delay: float) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with client:
        while True:
            head, body = request(client)
            if not head:
                return
            if head.startswith(b"GET"):
                client.sendall(_answer(b"200 OK", counts.said()))
                continue
            counts.add(body)
            time.sleep(delay)
            client.sendall(_answer(b"202 Accepted", b""))


def request(client: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of the next request; empty once the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            return b"", b""
        data += more
    head, _, begun = data.partition(b"\r\n\r\n")
    found = _LENGTH.search(head)
    rest = int(found[1]) - len(begun) if found else 0
    return head, begun + (client.recv(rest, socket.MSG_WAITALL) if rest > 0 else b"")


def _answer(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nX-Message-Id: m\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


def server(delay: float) -> AbstractContextManager[str]:
    """The server as a process of its own; its URL."""
    return serving("benchmarks.sendgrid_server", str(delay))


@contextmanager
def serving(module: str, *arguments: str) -> Iterator[str]:
    """A module that prints its port and serves, as a process of its own; its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def counts(url: str) -> dict[str, Any]:
    """What the server has counted so far."""
    with urllib.request.urlopen(url) as answer:
        said: dict[str, Any] = json.loads(answer.read())
        return said


if __name__ == "__main__":
    serve(float(sys.argv[1]))
