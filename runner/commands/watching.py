"""``sendoff preview --watch``: a page on this machine that follows the files as they are written.

Only this machine can reach it, and only by its own name (another site's page could otherwise reach
it through a name of its own, by DNS rebinding).  What it shows is held in memory by name: a request
names none of the files of the disk.
"""

from __future__ import annotations

import secrets
import sys
import webbrowser
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

from ..bootstrap import SETTINGS, Site
from ..errors import SendoffError
from ..report import watch as report
from ..report.preview import INDEX
from .outcome import Outcome

Render = Callable[[], Mapping[str, str]]
TYPES = {".html": "text/html; charset=utf-8", ".txt": "text/plain; charset=utf-8"}
COMMON = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
SHELL = (
    "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = "sandbox allow-same-origin; frame-ancestors 'self'"
"""Beside the policies that the pages carry: no script, and no frame of another site's."""
MESSAGE = "sandbox; frame-ancestors 'self'"


def watch(site: Site, title: str, render: Render) -> Outcome:
    """Serve until interrupted; the address is said at once, on standard error."""
    with Server(Book(site.root, render), title) as server:
        _say(f"{server.url}\nThe page follows the files as you save them. Ctrl-C ends it.\n")
        if site.terminal.interactive:
            webbrowser.open(server.url)
        try:
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            _say("\n")
    return Outcome()


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class Book:
    """The pages as of the newest files, made anew when something was saved since."""

    def __init__(self, root: Path, render: Render) -> None:
        self._root = root
        self._render = render
        self._lock = Lock()
        self._version = ""
        self._pages: Mapping[str, str] = {}

    def version(self) -> str:
        """Differs when any file of the workspace differs, by name, time and size."""
        top = self._root / "campaigns"
        return f"{hash(tuple(map(_look, [self._root / SETTINGS, *sorted(top.rglob('*'))]))):x}"

    def pages(self) -> Mapping[str, str]:
        """By name.  What is wrong with the files stands on the first page."""
        with self._lock:
            version = self.version()
            if version != self._version:
                try:
                    self._pages = self._render()
                except SendoffError as error:
                    self._pages = {INDEX: report.trouble(error)}
                self._version = version
            return self._pages


def _look(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        # an editor puts the new file in the place of the old one
        return str(path), 0, -1
    return str(path), found.st_mtime_ns, found.st_size


class Server(ThreadingHTTPServer):
    """Serves a book on the loopback device, on a port that is free."""

    daemon_threads = True

    def __init__(self, book: Book, title: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.book = book
        self.title = title

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        """``/``, ``/version``, and ``/page/NAME``."""
        names = (f"127.0.0.1:{self.server.server_port}", f"localhost:{self.server.server_port}")
        if self.headers.get_all("Host") not in ([names[0]], [names[1]]):
            self._answer(421, "text/plain", "This page has another name.", MESSAGE)
        elif self.path == "/":
            nonce = secrets.token_urlsafe(16)
            text = report.shell(self.server.title, self.server.book.version(), nonce)
            self._answer(200, TYPES[".html"], text, SHELL.format(nonce))
        elif self.path == "/version":
            self._answer(200, "text/plain", self.server.book.version(), MESSAGE)
        else:
            self._page(self.path.removeprefix("/page/"))

    def _page(self, name: str) -> None:
        text = self.server.book.pages().get(name)
        if text is None or not self.path.startswith("/page/"):
            self._answer(404, "text/plain", "There is no such page.", MESSAGE)
            return
        kind = TYPES[f".{name.rpartition('.')[2]}"]
        self._answer(200, kind, text, PAGE if name == INDEX else MESSAGE)

    def _answer(self, status: int, kind: str, text: str, policy: str) -> None:
        content = text.encode()
        self.send_response(status)
        headers = {**COMMON, "Content-Type": kind, "Content-Security-Policy": policy}
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def version_string(self) -> str:
        """Nothing about what runs here."""
        return "sendoff"

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing: the terminal is for the address."""
