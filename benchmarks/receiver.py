"""A SendGrid that remembers: answers every mail-send after a while, and keeps what it was sent.

``python -m benchmarks.receiver SECONDS DIRECTORY`` prints its port.  It opens no request before it
is asked ``recipients``: what the client takes is not mixed with what the check takes.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .sendgrid_server import request, serving

_ANSWER = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m\r\nContent-Length: 0\r\n\r\n"
_EMPTY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def serve(delay: float, directory: Path) -> None:
    """Serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    number = 0
    while True:
        client, _ = listener.accept()
        number += 1
        kept = directory / f"{number:05d}.bodies"
        threading.Thread(target=_client, args=(client, kept, delay), daemon=True).start()


def _client(client: socket.socket, kept: Path, delay: float) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with client, kept.open("ab", buffering=0) as stream:
        while True:
            head, body = request(client)
            if not head:
                return
            if not head.startswith(b"POST /v3/mail/send "):
                client.sendall(_EMPTY)
                continue
            stream.write(b"%d\n" % len(body) + body)
            time.sleep(delay)
            client.sendall(_ANSWER)


@contextmanager
def receiver(delay: float, directory: Path) -> Iterator[str]:
    """The server as a process of its own; its URL.  ``directory`` is where bodies are kept."""
    directory.mkdir(parents=True)
    with serving("benchmarks.receiver", str(delay), str(directory)) as url:
        yield url


def recipients(directory: Path) -> Iterator[str]:
    """The address of every mail that was taken."""
    for kept in sorted(directory.glob("*.bodies")):
        with kept.open("rb") as stream:
            while size := stream.readline():
                for mail in json.loads(stream.read(int(size)))["personalizations"]:
                    yield from (to["email"] for to in mail["to"])


if __name__ == "__main__":
    serve(float(sys.argv[1]), Path(sys.argv[2]))
