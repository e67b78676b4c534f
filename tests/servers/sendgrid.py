"""A strict SendGrid on loopback: refuses what SendGrid refuses, records what it would deliver.

    with SendgridServer() as server:
        ...  # settings.sendgrid.base_url = server.url, the key is server.key
        server.delivered

``faults`` is a script: each ``POST /v3/mail/send`` takes the next entry (None: behave).
``seeded_faults`` makes an endless one; ``misbehave(..., at="POST /v3/logs")`` spoils what else is
asked.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import ssl
import struct
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

from . import sendgrid_rules as rules
from .sendgrid_batches import Batches
from .sendgrid_log import Log

Kind = Literal[
    "status",
    "hang",
    "reset",
    "half",
    "garbage",
    "slow",
    "refuse_unread",
    "null_field",
    "close",
    "drip",
]

MAX_BODY = 30_000_000
SEND = "/v3/mail/send"


@dataclass(frozen=True)
class Fault:
    """One misbehaviour.

    ``processed``: the mail is delivered all the same.  ``seconds``: of ``slow``, or until the
    rate limit resets.  Kinds: ``status`` answers with ``status`` and ``body``; ``hang`` never
    answers; ``reset`` and ``close`` cut the connection after reading; ``half`` and ``garbage``
    spoil the answer; ``refuse_unread`` answers ``status`` and cuts before reading the body;
    ``null_field`` turns the field of a 400 into null; ``slow`` answers late; ``drip`` sends a
    byte of an answer now and then, for ever.
    """

    kind: Kind
    status: int = 500
    body: bytes = b'{"errors":[{"message":"trouble","field":null,"help":null}]}'
    processed: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Delivered:
    """One mail as the recipient would get it, substitutions applied."""

    to: str
    sender: dict[str, str]
    reply_to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    custom_args: dict[str, str]
    send_at: int | None
    categories: tuple[str, ...]
    asm_group: int | None
    attachments: tuple[dict[str, str], ...]
    message_id: str
    sg_message_id: str
    batch_id: str
    taken_at: float


@dataclass(frozen=True)
class Request:
    """A request that came in whole."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    connection: int


def seeded_faults(seed: int, rate: float) -> Iterator[Fault | None]:
    """An endless script in which about ``rate`` of the requests go wrong."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    menu = [
        Fault("status", 429),
        Fault("status", 503),
        Fault("status", 500),
        Fault("status", 500, processed=True),
        Fault("status", 502, b"<html>Bad Gateway</html>", processed=True),
        Fault("reset"),
        Fault("reset", processed=True),
        Fault("half", processed=True),
        Fault("garbage"),
        Fault("garbage", processed=True),
        Fault("hang"),
        Fault("hang", processed=True),
        Fault("close", processed=True),
        Fault("null_field"),
        Fault("refuse_unread", 503),
    ]
    while True:
        yield chance.choice(menu) if chance.random() < rate else None


@dataclass
class State:
    """What the server knows; guarded by ``lock``."""

    delivered: list[Delivered] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    batches: Batches = field(default_factory=Batches)
    number: int = 0
    connections: int = 0
    active: int = 0
    most_active: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)


class SendgridServer:
    """Serves until closed.

    ``now`` (epoch seconds) is what ``send_at`` is measured against; an address in ``barred``
    fails the request that has it; ``log_lag``: seconds until the Email Logs show a mail.
    ``hanging`` is set once a request is left without an answer.
    """

    def __init__(
        self,
        *,
        key: str = "SG.test-key.not-a-secret",
        now: Callable[[], float] = time.time,
        faults: Iterable[Fault | None] = (),
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.key = key
        self.now = now
        self.state = State()
        self.barred: set[str] = set()
        self.log_lag = 60.0
        self.hanging = threading.Event()
        self._others: dict[str, deque[Fault]] = {}
        self._script: deque[Fault | None] = deque()
        self._endless: Iterator[Fault | None] = iter(faults)
        self.closing = threading.Event()
        self._http = _Http(("127.0.0.1", port), _handler(self))
        self._http.open_sockets = set()
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://localhost:{self._http.server_address[1]}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def delivered(self) -> list[Delivered]:
        """What was accepted and not called back, in order; for later or sent already."""
        with self.state.lock:
            stopped = self.state.batches.is_stopped
            return [mail for mail in self.state.delivered if not stopped(mail)]

    @property
    def called_back(self) -> list[Delivered]:
        """What was accepted and will not go out, since its batch was cancelled in time."""
        with self.state.lock:
            stopped = self.state.batches.is_stopped
            return [mail for mail in self.state.delivered if stopped(mail)]

    @property
    def requests(self) -> list[Request]:
        """The posts to /v3/mail/send that were answered, in order."""
        with self.state.lock:
            return [r for r in self.state.requests if r.path == "/v3/mail/send"]

    def misbehave(self, *faults: Fault | None, at: str = "") -> None:
        """Add to the script; it comes before the endless one.

        ``at``: method and path of another request than sending, or how they begin.
        """
        if at:
            self._others.setdefault(at, deque()).extend(f for f in faults if f is not None)
        else:
            self._script.extend(faults)

    def asked(self, what: str) -> list[Request]:
        """The requests whose method and path begin with ``what``."""
        with self.state.lock:
            return [r for r in self.state.requests if f"{r.method} {r.path}".startswith(what)]

    def fault_at(self, what: str) -> Fault | None:
        with self.state.lock:
            for at, faults in self._others.items():
                if what.startswith(at) and faults:
                    return faults.popleft()
        return None

    def drop_all(self) -> None:
        """Close the connections that are open; returns once the clients can know."""
        self._http.drop_all()

    def next_fault(self) -> Fault | None:
        with self.state.lock:
            return self._script.popleft() if self._script else next(self._endless, None)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.drop_all()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    open_sockets: set[socket.socket]

    def drop_all(self) -> None:
        for connection in list(self.open_sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the game."""


def _handler(server: SendgridServer) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"sendgrid": server})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sendgrid: SendgridServer
    server: _Http
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(30)
        self.server.open_sockets.add(self.connection)
        with self.sendgrid.state.lock:
            self.sendgrid.state.connections += 1
            self.serial = self.sendgrid.state.connections

    def finish(self) -> None:
        self.server.open_sockets.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self.fault = None
        if self.path == SEND and self.command == "POST":
            self.fault = self.sendgrid.next_fault()
            if self.fault is not None and self.fault.kind == "refuse_unread":
                self._refuse_unread(self.fault)
                return
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        methods = _ROUTES.get(self.path) or _ROUTES.get(self.path.rpartition("/")[0] + "/*")
        if methods is None:
            self._error(404, None, "not found")
        elif self.command not in methods:
            self._error(405, None, "method not allowed")
        elif self.headers.get("Authorization") != f"Bearer {self.sendgrid.key}":
            self._error(401, None, "The provided authorization grant is invalid")
        elif self.path == SEND:
            self._mail_send()
        else:
            self._answer_or_spoil(methods[self.command])

    def _answer_or_spoil(self, route: Route) -> None:
        fault = self.sendgrid.fault_at(f"{self.command} {self.path}")
        if fault is None or fault.processed:
            asked = json.loads(self.body) if self.body else {}
            tail = urllib.parse.unquote(self.path.rpartition("/")[2])
            with self.sendgrid.state.lock:
                status, document = route(self.sendgrid, asked, tail)
        if fault is None:
            self._json(status, document)
        else:
            self._spoil(fault)

    def _mail_send(self) -> None:
        state = self.sendgrid.state
        with state.lock:
            state.active += 1
            state.most_active = max(state.most_active, state.active)
        try:
            self._send_or_spoil()
        finally:
            with state.lock:
                state.active -= 1

    def _send_or_spoil(self) -> None:
        fault = self.fault
        problem = self._problem()
        if fault is None or fault.kind == "slow":
            if fault is not None:
                self.sendgrid.closing.wait(fault.seconds)
            self._settle(problem)
        elif fault.kind == "null_field":
            self._settle(None if problem is None else (problem[0], [(None, "Bad Request")]))
        else:
            if fault.processed and problem is None:
                self._record(_number(self.sendgrid))
            self._spoil(fault)

    def _problem(self) -> tuple[int, list[rules.Error]] | None:
        if len(self.body) >= MAX_BODY:
            return 413, [(None, "Payload too large")]
        if self.headers.get_content_type() != "application/json":
            return 415, [(None, "Unsupported media type")]
        try:
            self.parsed = json.loads(self.body)
        except ValueError:
            return 400, [(None, "Bad Request")]
        state = self.sendgrid.state
        found = rules.errors(self.parsed, self.sendgrid.now(), self.sendgrid.barred)
        if not found and self.parsed.get("batch_id", "") not in {"", *state.batches.status}:
            found = [("batch_id", "invalid batch id")]
        return (400, found) if found else None

    def _settle(self, problem: tuple[int, list[rules.Error]] | None) -> None:
        if problem is not None:
            status, found = problem
            errors = [{"message": text, "field": name, "help": None} for name, text in found]
            self._json(status, {"errors": errors})
            return
        message_id = _number(self.sendgrid)
        self._record(message_id)
        self._reply(202, b"", {"X-Message-Id": message_id})

    def _record(self, message_id: str) -> None:
        now = self.sendgrid.now()
        mails = [
            _delivered(self.parsed, number, message_id, now)
            for number in range(len(self.parsed["personalizations"]))
        ]
        with self.sendgrid.state.lock:
            self.sendgrid.state.delivered += mails

    def _spoil(self, fault: Fault) -> None:
        if fault.kind == "status":
            headers = {}
            if fault.status == 429:
                reset = str(int(self.sendgrid.now() + fault.seconds + 0.999))
                headers = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0"}
                headers["X-RateLimit-Reset"] = reset
            self._reply(fault.status, fault.body, headers)
        elif fault.kind == "half":
            self.wfile.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nhalf")
            self._note(0)
            self.close_connection = True
        elif fault.kind == "drip":
            self._note(0)
            self._drip()
        elif fault.kind == "garbage":
            self.wfile.write(b"\x00\xff this is not HTTP\r\n\r\n")
            self._note(0)
            self.close_connection = True
        else:
            self._note(0)
            if fault.kind == "hang":
                self.sendgrid.hanging.set()
                self._until_client_leaves()
            self._cut(hard=fault.kind == "reset")

    def _drip(self) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 202 Accepted\r\nX-Drip: ")
        while not self.sendgrid.closing.wait(0.05):
            self.wfile.write(b"x")

    def _refuse_unread(self, fault: Fault) -> None:
        self.body = b""
        self.close_connection = True
        self._reply(fault.status, fault.body, {"Connection": "close"})
        self._cut(hard=False)

    def _until_client_leaves(self) -> None:
        self.connection.settimeout(0.02)
        while not self.sendgrid.closing.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def _cut(self, *, hard: bool) -> None:
        self.close_connection = True
        if hard:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _error(self, status: int, name: str | None, text: str) -> None:
        self._json(status, {"errors": [{"message": text, "field": name, "help": None}]})

    def _json(self, status: int, document: object) -> None:
        self._reply(status, json.dumps(document).encode(), {})

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self._note(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        if body:
            self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def _note(self, status: int) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.body, status, self.serial)
        with self.sendgrid.state.lock:
            self.sendgrid.state.requests.append(request)


Route = Callable[[SendgridServer, Any, str], tuple[int, Any]]


def _log(server: SendgridServer) -> Log:
    state = server.state
    return Log(state.delivered, server.now(), server.log_lag, state.batches.is_stopped)


def _batches(server: SendgridServer) -> Batches:
    return server.state.batches


_ROUTES: dict[str, dict[str, Route]] = {
    "/v3/mail/send": {"POST": lambda _server, _asked, _tail: (500, None)},
    "/v3/scopes": {"GET": lambda _server, _asked, _tail: (200, {"scopes": ["mail.send"]})},
    "/v3/mail/batch": {
        "POST": lambda server, _asked, _tail: _batches(server).new(f"batch-{_number(server)}")
    },
    "/v3/user/scheduled_sends": {
        "POST": lambda server, asked, _tail: _batches(server).create(
            asked, server.state.delivered, server.now()
        ),
        "GET": lambda server, _asked, _tail: _batches(server).listed(),
    },
    "/v3/user/scheduled_sends/*": {
        "GET": lambda server, _asked, tail: _batches(server).listed(tail),
        "PATCH": lambda server, asked, tail: _batches(server).update(tail, asked),
        "DELETE": lambda server, _asked, tail: _batches(server).lift(
            tail, server.state.delivered, server.now()
        ),
    },
    "/v3/logs": {"POST": lambda server, asked, _tail: _log(server).search(asked)},
    "/v3/logs/*": {"GET": lambda server, _asked, tail: _log(server).details(tail)},
}
"""What is answered beside sending; ``*`` is the last part of the path."""


def _number(server: SendgridServer) -> str:
    with server.state.lock:
        server.state.number += 1
        return f"msg{server.state.number:06d}"


def _delivered(request: dict[str, Any], number: int, message_id: str, now: float) -> Delivered:
    entry = request["personalizations"][number]
    bodies = {part["type"]: part["value"] for part in request["content"]}
    values = entry.get("substitutions", {})
    return Delivered(
        to=entry["to"][0]["email"],
        sender=request["from"],
        reply_to=request.get("reply_to", {}).get("email", ""),
        subject=_substituted(entry.get("subject", request.get("subject", "")), values),
        text=_substituted(bodies.get("text/plain", ""), values),
        html=_substituted(bodies.get("text/html", ""), values),
        headers={**request.get("headers", {}), **entry.get("headers", {})},
        custom_args={**request.get("custom_args", {}), **entry.get("custom_args", {})},
        send_at=entry.get("send_at", request.get("send_at")),
        categories=tuple(request.get("categories", ())),
        asm_group=request.get("asm", {}).get("group_id"),
        attachments=tuple(request.get("attachments", ())),
        message_id=message_id,
        sg_message_id=f"{message_id}.recvd-85abf8d92c-3qfgp-2-7890E356-43C.{number}",
        batch_id=request.get("batch_id", ""),
        taken_at=now,
    )


def _substituted(text: str, values: dict[str, str]) -> str:
    """One tag after the other, so that a tag inside a value would be replaced too: the worst."""
    for tag, value in values.items():
        text = text.replace(tag, value)
    return text
