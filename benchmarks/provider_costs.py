"""Where a provider's time goes, part by part, and the floor: `python -m benchmarks.provider_costs`.

Processor time of one thread, the least of many repetitions: each part alone, with the data of
``benchmarks.newsletter``.  The floor is the same bytes through bare sockets, with nothing to
decide.  Prints the tables of docs/speed-providers.md.
"""

from __future__ import annotations

import socket
import time
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from benchmarks import newsletter
from benchmarks.sendgrid_server import server as sendgrid_server
from benchmarks.smtp_server import server as smtp_server
from runner.clock import SystemClock
from runner.model.message import MessageBatch
from runner.providers.mime import Writer
from runner.providers.sendgrid_http import Target, Transport
from runner.providers.sendgrid_payload import Payloads
from runner.providers.smtp_door import Door
from runner.providers.smtp_line import Line
from runner.providers.window import Window

TIMES = 15
PATH = "/v3/mail/send"
SENDER = "hello@f3.example"
ENVELOPE = b"MAIL FROM:<hello@f3.example>\r\nRCPT TO:<reader@example.org>\r\nDATA\r\n"
Part = tuple[str, float]


def main() -> None:
    """Measure, and print two tables."""
    batch = newsletter.batch(0, newsletter.BATCH, newsletter.parts())
    _print("SMTP: microseconds of a mail (38 KB)", smtp(batch))
    _print("SendGrid: milliseconds of 1,000 mails (600 KB)", sendgrid(batch))


def smtp(batch: MessageBatch) -> list[Part]:
    """What a mail costs in microseconds: as milliseconds of a batch of 1000."""
    writer = Writer(batch, newsletter.DUE, for_smtp=True)
    everybody = range(len(batch))
    window = Window(SystemClock(), datetime.now(UTC) + timedelta(hours=1))
    letters = [writer.letter(index) for index in everybody]
    with smtp_server() as port:
        line = Line(Door("127.0.0.1", port, "none", 30))
        bare = _Bare(port)
        return [
            ("columns encoded, once a batch", least(lambda: Writer(batch, 0, for_smtp=True))),
            ("headers, and all joined", least(lambda: [writer.letter(i)[0] for i in everybody])),
            ("may it still begin?", least(lambda: [window.open for _ in everybody])),
            ("conversation", least(lambda: [line.send(SENDER, *one) for one in letters])),
            (
                "*floor: the same bytes over a bare socket*",
                least(lambda: [bare.send(one.message) for one in letters]),
            ),
        ]


class _Bare:
    """A conversation without a look at what is answered."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port))
        self._sock.recv(4096)
        self._sock.sendall(b"EHLO bare\r\n")
        self._sock.recv(4096)

    def send(self, message: bytes) -> None:
        """Envelope and message, each answered once."""
        self._sock.sendall(ENVELOPE)
        self._sock.recv(4096)
        self._sock.sendall(message)
        self._sock.recv(4096)


def sendgrid(batch: MessageBatch) -> list[Part]:
    """What a request for 1000 contacts costs, in milliseconds."""
    now = newsletter.DUE + 1
    (group,) = Payloads(batch, now).groups()
    body = Payloads(batch, now).body(group)
    with sendgrid_server(0) as url:
        transport = Transport(Target(url, {"Authorization": "Bearer SG.x"}, 30), SystemClock())
        return [
            ("addresses, headers, sizes looked at", least(lambda: Payloads(batch, now))),
            ("the same, and written as JSON", least(lambda: Payloads(batch, now).body(group))),
            ("posted, and the answer read", least(lambda: transport.ask("POST", PATH, body))),
            ("*floor: the same bytes over a bare socket*", least(_poster(url, body))),
        ]


def _poster(url: str, body: bytes) -> Callable[[], object]:
    parts = urllib.parse.urlsplit(url)
    sock = socket.create_connection((parts.hostname or "", parts.port or 0))
    head = f"POST {PATH} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    def post() -> object:
        sock.sendall(head + body)
        return sock.recv(65536)

    return post


def least(call: Callable[[], object]) -> float:
    """Milliseconds of this thread's processor time."""
    found = []
    for _ in range(TIMES):
        begun = time.thread_time()
        call()
        found.append(time.thread_time() - begun)
    return min(found) * 1e3


def _print(title: str, parts: list[Part]) -> None:
    print(f"| {title} | |\n|---|--:|")
    for name, cost in parts:
        print(f"| {name} | {cost:.1f} |")
    print()


if __name__ == "__main__":
    main()
