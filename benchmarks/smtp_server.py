"""An SMTP server that costs next to nothing: what stands behind a benchmark of clients.

``python -m benchmarks.smtp_server`` prints its port.  A thread for each connection takes whatever
has come at once, offers PIPELINING, and accepts everything.  ``STAT`` tells how many messages and
bytes it has taken, and its processor time.  (postfix's ``smtp-sink`` looks at every character,
which takes longer than the quicker clients need to send.)
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_END = b"\r\n.\r\n"
_NEWLINE = 10
_ROOM = 1 << 20
"""Bytes of the longest message."""
_REPLIES = {
    b"EHLO": b"250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}
_OK = b"250 2.0.0 ok\r\n"


@dataclass
class Counts:
    """What came in."""

    mails: int = 0
    bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, mails: int, size: int) -> None:
        """Messages that were taken."""
        with self.lock:
            self.mails += mails
            self.bytes += size

    def said(self) -> bytes:
        """The counts as a reply."""
        said = {"mails": self.mails, "bytes": self.bytes, "cpu": time.process_time()}
        return f"250 {json.dumps(said)}\r\n".encode()


def serve() -> None:
    """Serve until killed."""
    counts = Counts()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_client, args=(client, counts), daemon=True).start()


def _client(client: socket.socket, counts: Counts) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # always the same memory: to allocate some for each read would cost more than to read
    buffer = memoryview(bytearray(_ROOM))
    with client:
        client.sendall(b"220 sink\r\n")
        try:
            while _exchange(client, counts, buffer):
                pass
        except OSError:
            return


def _exchange(client: socket.socket, counts: Counts, buffer: memoryview) -> bool:
    """Answer a group of commands, and take the message that follows DATA; False at the end."""
    size = 0
    while size < 2 or buffer[size - 1] != _NEWLINE:
        size += _more(client, buffer[size:])
    verbs = [line[:4].upper() for line in bytes(buffer[:size]).split(b"\r\n")[:-1]]
    answers = [counts.said() if v == b"STAT" else _REPLIES.get(v, _OK) for v in verbs]
    client.sendall(b"".join(answers))
    if b"DATA" in verbs:
        counts.add(1, _message(client, buffer))
        client.sendall(_OK)
    return b"QUIT" not in verbs


def _message(client: socket.socket, buffer: memoryview) -> int:
    """Take a message up to the line that ends it; its size."""
    size = 0
    while buffer[max(0, size - len(_END)) : size] != _END:
        size += _more(client, buffer[size:])
    return size


def _more(client: socket.socket, room: memoryview) -> int:
    count = client.recv_into(room)
    if count == 0:
        raise ConnectionResetError
    return count


@contextmanager
def server() -> Iterator[int]:
    """The server as a process of its own; its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.smtp_server"],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def counts(port: int) -> dict[str, Any]:
    """What the server has taken so far."""
    with socket.create_connection(("127.0.0.1", port)) as client, client.makefile("rb") as lines:
        lines.readline()
        client.sendall(b"STAT\r\n")
        said: dict[str, Any] = json.loads(lines.readline()[4:])
        return said


if __name__ == "__main__":
    serve()
