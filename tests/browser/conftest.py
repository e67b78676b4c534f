"""A real browser for the pages: Debian's Chromium, driven by Playwright, and axe-core.

``make test-browser`` brings axe-core and calls these tests; without a browser they are left out.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
# read before the environment is scrubbed
AXE = os.environ.get("SENDOFF_AXE", "")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
Open = Callable[..., "Page"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("there is no chromium")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens HTML from a file, as a reviewer does with what CI uploaded."""
    contexts = []

    def opened(html: str, *, width: int = 1280, scheme: str = "light") -> Page:
        file = tmp_path / f"page-{len(contexts)}.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        # a mail may keep the load from ever being complete
        page.goto(file.as_uri(), wait_until="domcontentloaded")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def axe() -> str:
    """axe-core's source."""
    if not AXE:
        pytest.skip("SENDOFF_AXE does not name axe.min.js: make test-browser does")
    return Path(AXE).read_text(encoding="utf-8")


@dataclass
class Listener:
    """A server that a hostile mail would like to reach; knows everyone who came."""

    url: str
    seen: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Counts connections, also those that never ask for anything."""
    with listening() as found:
        yield found


@pytest.fixture
def fence(browser: Browser) -> Iterator[Callable[[], None]]:
    """Lets the browser fetch something else: what it was asked for before has gone out by then."""
    with listening() as other:

        def passed() -> None:
            page = browser.new_page()
            page.goto(f"{other.url}/fence", wait_until="commit")
            page.close()

        yield passed


@contextmanager
def listening() -> Iterator[Listener]:
    """A server on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            found.seen.append("connection")
            super().setup()

        def do_GET(self) -> None:
            found.seen.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Listener(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()
