"""SendGrid Marketing as far as lists are read from it: names, export jobs, files elsewhere.

    with MarketingServer() as server:
        server.add_list("Newsletter", contacts)
        ...  # settings.sendgrid.base_url = server.url, the key is server.key

As at SendGrid, the files of an export are gzip-compressed CSV with a header each, behind signed
addresses at another host, which must never see the API key.  What no document says, and what this
server therefore only assumes: the order of the columns, and that every file has the header.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import threading
import urllib.parse
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

RESERVED = (
    *("EMAIL", "FIRST_NAME", "LAST_NAME", "ADDRESS_LINE_1", "ADDRESS_LINE_2", "CITY"),
    *("STATE_PROVINCE_REGION", "POSTAL_CODE", "COUNTRY", "ALTERNATE_EMAILS", "PHONE_NUMBER"),
    *("WHATSAPP", "LINE", "FACEBOOK", "UNIQUE_NAME", "CREATED_AT", "UPDATED_AT", "CONTACT_ID"),
)
"""The columns that every export has; those of custom fields come after them."""

Contact = dict[str, str]
Kind = Literal["status", "cut", "garbage", "not gzip", "redirect", "truncated gzip", "hang"]


@dataclass(frozen=True)
class Fault:
    """One misbehaviour: ``status`` answers so; ``cut`` ends in the middle of what it promised."""

    kind: Kind
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"errors":[{"field":null,"message":"trouble with ann@x.example"}]}'


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    method: str
    path: str
    host: Literal["api", "files"]
    headers: dict[str, str]
    body: bytes
    status: int


@dataclass
class Job:
    """One export."""

    contacts: Sequence[Contact]
    polls: int
    urls: list[str]


class MarketingServer:
    """Serves until closed.

    ``polls``: how often an export is still pending; ``rows_per_file`` splits an export;
    ``page``: how many lists one page has at most; ``failure``: what an export fails with;
    ``counted``: the contact_count that is claimed instead of the true one (None: none at all).
    """

    def __init__(self) -> None:
        self.key = "SG.test-key.not-a-secret"
        self.polls = 1
        self.rows_per_file = 1_000_000
        self.page = 100
        self.failure = ""
        self.counted: int | Literal["truly"] | None = "truly"
        self.asked: list[Asked] = []
        self.groups: dict[str, dict[str, tuple[str, Sequence[Contact]]]] = {
            "list": {},
            "segment": {},
        }
        self.files: dict[str, bytes] = {}
        self.jobs: dict[str, Job] = {}
        self.custom: tuple[str, ...] = ()
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._faults: dict[str, deque[Fault]] = {}
        self._servers = [_serve(self, "api"), _serve(self, "files")]
        ports = [server.server_address[1] for server in self._servers]
        self.url = f"http://127.0.0.1:{ports[0]}"
        self.files_url = f"http://127.0.0.1:{ports[1]}"
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            for server in self._servers
        ]

    def add_list(self, name: str, contacts: Sequence[Contact]) -> str:
        """A contact list; a contact has reserved fields in lower case and custom ones."""
        return self._add("list", name, contacts)

    def add_segment(self, name: str, contacts: Sequence[Contact]) -> str:
        return self._add("segment", name, contacts)

    def misbehave(self, at: str, *faults: Fault) -> None:
        """The next requests whose method and path begin with ``at`` go wrong."""
        self._faults.setdefault(at, deque()).extend(faults)

    def seen(self, what: str) -> list[Asked]:
        with self.lock:
            return [a for a in self.asked if f"{a.method} {a.path}".startswith(what)]

    def fault_at(self, what: str) -> Fault | None:
        with self.lock:
            for at, faults in self._faults.items():
                if what.startswith(at) and faults:
                    return faults.popleft()
        return None

    def _add(self, kind: str, name: str, contacts: Sequence[Contact]) -> str:
        number = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {name} {len(self.groups[kind])}"))
        self.groups[kind][number] = (name, contacts)
        return number

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    # -- what is answered ---------------------------------------------------------------------

    def lists(self, query: dict[str, str]) -> tuple[int, Any]:
        """GET /v3/marketing/lists"""
        if query.keys() - {"page_size", "page_token"}:
            return _error("unknown parameter")
        size = int(query.get("page_size", "100"))
        if not 1 <= size <= 1000:
            return _error("page_size has to be 1 to 1000")
        size, start = min(size, self.page), int(query.get("page_token") or "0")
        every = [
            {"id": number, "name": name, "contact_count": len(contacts)}
            for number, (name, contacts) in self.groups["list"].items()
        ]
        own = f"https://api.sendgrid.com/v3/marketing/lists?page_size={size}&page_token="
        links = {"self": f"{own}{start or ''}", "count": len(every)}
        if start + size < len(every):
            links["next"] = f"{own}{start + size}"
        return 200, {"result": every[start : start + size], "_metadata": links}

    def segments(self, query: dict[str, str]) -> tuple[int, Any]:
        """GET /v3/marketing/segments/2.0: all at once, it has no pages"""
        if query:
            return _error("unknown parameter")
        return 200, {
            "results": [
                {"id": number, "name": name, "contacts_count": len(contacts)}
                for number, (name, contacts) in self.groups["segment"].items()
            ]
        }

    def export(self, body: Any) -> tuple[int, Any]:
        """POST /v3/marketing/contacts/exports"""
        known = {"list_ids", "segment_ids", "file_type", "max_file_size", "notifications"}
        if not isinstance(body, dict) or body.keys() - known:
            return _error("unknown parameter")
        if body.get("file_type", "csv") != "csv":
            return _error("this server only exports csv")
        contacts: list[Contact] = []
        for kind in ("list", "segment"):
            for number in body.get(f"{kind}_ids", ()):
                if number not in self.groups[kind]:
                    return _error(f"{kind} not found", 404)
                contacts += self.groups[kind][number][1]
        number = str(uuid.uuid4())
        self.jobs[number] = Job(contacts, self.polls, self._written(number, contacts))
        return 202, {"id": number, "_metadata": {"self": f"{self.url}/v3/marketing/x"}}

    def status(self, number: str) -> tuple[int, Any]:
        """GET /v3/marketing/contacts/exports/{id}"""
        job = self.jobs.get(number)
        if job is None:
            return _error("export not found", 404)
        times = dict.fromkeys(("created_at", "updated_at", "expires_at"), "2025-10-20T14:00:00Z")
        answer: dict[str, Any] = {"id": number, "status": "pending", **times}
        if job.polls:
            job.polls -= 1
        elif self.failure:
            answer |= {"status": "failure", "message": self.failure}
        else:
            answer |= {"status": "ready", "urls": job.urls}
            count = len(job.contacts) if self.counted == "truly" else self.counted
            if count is not None:
                answer["contact_count"] = count
        return 200, answer

    def _written(self, number: str, contacts: Sequence[Contact]) -> list[str]:
        urls = []
        for start in range(0, len(contacts) or 1, self.rows_per_file):
            path = (
                f"/exports/{number}/{len(urls)}.csv.gzip?X-Amz-Expires=3600&X-Amz-Signature=s3cr3t"
            )
            part = contacts[start : start + self.rows_per_file]
            self.files[path] = gzip.compress(written(part, self.custom), 1)
            urls.append(self.files_url + path)
        return urls


def written(contacts: Sequence[Contact], custom: Sequence[str]) -> bytes:
    """A file of an export."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow([*RESERVED, *(name.upper() for name in custom)])
    names = [*(name.lower() for name in RESERVED), *custom]
    writer.writerows([contact.get(name, "") for name in names] for contact in contacts)
    return text.getvalue().encode()


def _error(message: str, status: int = 400) -> tuple[int, Any]:
    return status, {"errors": [{"message": message, "field": None, "error_id": "x"}]}


def _serve(server: MarketingServer, host: str) -> ThreadingHTTPServer:
    handler = type("Handler", (_Handler,), {"marketing": server, "host": host})
    http = _Http(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    return http


class _Http(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    marketing: MarketingServer
    host: Literal["api", "files"]
    disable_nagle_algorithm = True
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        fault = self.marketing.fault_at(f"{self.command} {self.path}")
        if fault is not None and fault.kind == "status":
            self._reply(fault.status, fault.body, fault.headers)
        elif fault is not None and fault.kind == "hang":
            self._note(0)
            self.marketing.closing.wait(30)
            self.close_connection = True
        elif fault is not None and fault.kind == "redirect":
            self._reply(302, b"", fault.headers)
        elif self.host == "files":
            self._file(fault)
        else:
            self._api(fault)

    def _api(self, fault: Fault | None) -> None:
        parts = urllib.parse.urlsplit(self.path)
        if self.headers.get("Authorization") != f"Bearer {self.marketing.key}":
            status, document = _error("authorization required", 401)
        else:
            with self.marketing.lock:
                query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
                status, document = self._route(parts.path, query)
        body = json.dumps(document).encode()
        if fault is not None and fault.kind == "garbage":
            body = b"<html>no JSON</html>"
        self._reply(status, body, {}, cut=fault is not None and fault.kind == "cut")

    def _route(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        exports = "/v3/marketing/contacts/exports"
        if self.command == "GET" and path == "/v3/marketing/lists":
            return self.marketing.lists(query)
        if self.command == "GET" and path == "/v3/marketing/segments/2.0":
            return self.marketing.segments(query)
        if self.command == "POST" and path == exports:
            return self.marketing.export(json.loads(self.body))
        if self.command == "GET" and path.startswith(f"{exports}/"):
            return self.marketing.status(path.removeprefix(f"{exports}/"))
        return _error("not found", 404)

    def _file(self, fault: Fault | None) -> None:
        body = self.marketing.files.get(self.path)
        if body is None or "Authorization" in self.headers:
            # as S3 says it of a request that is authorised in two ways, or of a signature too old
            self._reply(403 if body is None else 400, b"<Error/>", {})
            return
        kind = fault.kind if fault is not None else ""
        if kind == "not gzip":
            body = gzip.decompress(body)
        elif kind == "garbage":
            body = b"\x1f\x8b" + bytes(range(256))
        elif kind == "truncated gzip":
            body = body[: len(body) // 2]
        self._reply(200, body, {"Content-Type": "text/csv"}, cut=kind == "cut")

    def _reply(
        self, status: int, body: bytes, headers: dict[str, str], *, cut: bool = False
    ) -> None:
        self._note(status)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut

    def _note(self, status: int) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.marketing.lock, contextlib.suppress(Exception):
            self.marketing.asked.append(
                Asked(self.command, self.path, self.host, headers, self.body, status)
            )
