"""SendGrid's suppressions on loopback: newest first, 500 a page, and strict about what it is asked.

    with SuppressionServer() as server:
        server.lists["bounces"].append({"email": ..., "created": ..., "status": "5.1.1"})

``faults`` maps the beginning of a path to a script of answers: a status, ``"cut"`` (the connection
breaks in the middle of the answer), ``"garbage"``, or a function that is called before the answer
is made.  ``paged_groups`` False: ``asm/suppressions`` gives everything at once; Twilio documents no
pages for it.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from collections import defaultdict, deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Fault = int | str | Callable[[], None] | None
KINDS = ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
MOST = 500


class SuppressionServer:
    """Serves until closed."""

    def __init__(self, key: str = "SG.test-key.not-a-secret") -> None:
        self.key = key
        self.lists: dict[str, list[dict[str, Any]]] = {kind: [] for kind in (*KINDS, "groups")}
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.paged_groups = True
        self.now: Callable[[], float] = time.time
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://localhost:{self._http.server_address[1]}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def queries(self, kind: str) -> list[dict[str, str]]:
        """What was asked of one kind, in order."""
        return [query for name, query in self.asked if name == kind]

    def fault(self, kind: str) -> Fault:
        script = self.faults[kind]
        return script.popleft() if script else None

    def answer(self, kind: str, query: dict[str, str]) -> tuple[int, Any]:
        """Status and JSON."""
        groups = kind == "groups"
        allowed = {"limit", "offset", "start_time", "end_time"}
        numbers = {name: int(value) for name, value in query.items() if value.isdigit()}
        if query.keys() - allowed or len(numbers) < len(query) or numbers.get("limit", 1) > MOST:
            return 400, {"errors": [{"message": "bad parameter", "field": None}]}
        clock = "created_at" if groups else "created"
        rows = sorted(self.lists[kind], key=lambda row: -row[clock])
        if groups and not self.paged_groups:
            return 200, rows
        first, last = numbers.get("start_time", 0), numbers.get("end_time", 2**60)
        rows = [row for row in rows if first <= row[clock] <= last]
        start = numbers.get("offset", 0)
        return 200, rows[start : start + numbers.get("limit", MOST)]


def _handler(server: SuppressionServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            kind = _kind(parts.path)
            query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
            if self.headers.get("Authorization") != f"Bearer {server.key}":
                return self._say(401, {"errors": [{"message": "unauthorized", "field": None}]})
            if kind is None:
                return self._say(404, {"errors": [{"message": "not found", "field": None}]})
            server.asked.append((kind, query))
            fault = server.fault(kind)
            if callable(fault):
                fault()
            elif isinstance(fault, int):
                return self._say(fault, {"errors": [{"message": "trouble", "field": None}]})
            status, body = server.answer(kind, query)
            return self._say(status, body, fault if isinstance(fault, str) else "")

        def _say(self, status: int, body: Any, fault: str = "") -> None:
            text = b"<html>" if fault == "garbage" else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            if status == 429:
                self.send_header("X-RateLimit-Remaining", "0")
                self.send_header("X-RateLimit-Reset", str(int(server.now()) + 1))
            self.end_headers()
            if fault == "cut":
                self.wfile.write(text[: len(text) // 2])
                self.close_connection = True
                return
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


def _kind(path: str) -> str | None:
    if path == "/v3/asm/suppressions":
        return "groups"
    kind = path.removeprefix("/v3/suppression/")
    return kind if kind in KINDS else None
