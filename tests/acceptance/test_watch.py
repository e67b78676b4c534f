"""``sendoff preview --watch``: the page follows the files, and only this machine can see it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .bench import KEY, Bench

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Watched:
    """A bench whose preview is being served by a process of its own."""

    bench: Bench
    process: subprocess.Popen[str]
    port: int

    def get(
        self, path: str, host: str | None = None, method: str = "GET", *, addressed: bool = True
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_host=True)
        if addressed:
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
        connection.endheaders()
        answer = connection.getresponse()
        found = Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        connection.close()
        return found

    def page(self) -> str:
        return self.get("/page/index.html").text


def served(bench: Bench, *args: str) -> Iterator[Watched]:
    environ = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME")}
    with subprocess.Popen(
        [sys.executable, "-m", "runner", "--root", str(bench.root), "preview", *args, "--watch"],
        env={**environ, "PYTHONPATH": str(ROOT), "SENDOFF_STATE_KEY": KEY},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        address = process.stderr.readline().strip()
        port = urlsplit(address).port
        assert port, address
        try:
            yield Watched(bench, process, port)
        finally:
            process.kill()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path).workspace()
    bench.campaign("party")
    bench.campaign("picnic")
    return bench


@pytest.fixture
def watched(bench: Bench) -> Iterator[Watched]:
    yield from served(bench, "party")


def edit(bench: Bench, path: str, old: str, new: str) -> None:
    text = (bench.root / path).read_text()
    assert old in text
    (bench.root / path).write_text(text.replace(old, new))


HTML = "campaigns/templates/hello.html"


def test_the_page_follows_the_files(watched: Watched) -> None:
    before = watched.get("/version").text
    assert watched.get("/version").text == before
    assert "the inn" in watched.page()
    edit(watched.bench, HTML, "the inn", "the lighthouse")
    assert watched.get("/version").text != before
    assert "the lighthouse" in watched.page()
    assert "the inn" not in watched.page()


def test_a_new_contact_shows(watched: Watched) -> None:
    version = watched.get("/version").text
    with (watched.bench.root / "campaigns/lists/people.csv").open("a") as people:
        people.write("longest@example.com,Maximiliane-Wilhelmine-Friederike\n")
    assert watched.get("/version").text != version
    assert "Maximiliane" in watched.page()


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        ("campaigns/party.yaml", "list: people", "list: poeple", "campaigns/party.yaml:4"),
        (HTML, "{{ postal_address }}", "{% if %}", f"{HTML}:7"),
        ("sendoff.yaml", "version: 1", "version: 1\nnonsense: 2", "sendoff.yaml:2"),
    ],
    ids=["campaign", "template", "settings"],
)
def test_what_is_wrong_shows_and_goes_when_it_is_mended(
    watched: Watched, path: str, old: str, new: str, said: str
) -> None:
    edit(watched.bench, path, old, new)
    page = watched.page()
    assert "There is nothing to show yet" in page
    assert said in page
    edit(watched.bench, path, new, old)
    assert "the inn" in watched.page()


def test_names_in_errors_are_text(watched: Watched) -> None:
    edit(watched.bench, "campaigns/party.yaml", "list: people", "list: '<script>alert(1)</script>'")
    page = watched.page()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_all_campaigns_at_once(bench: Bench) -> None:
    for watched in served(bench):
        page = watched.page()
        assert "party" in page
        assert "picnic" in page
        edit(bench, "campaigns/picnic.yaml", "list: people", "list: poeple")
        assert "campaigns/picnic.yaml:4" in watched.page()


def test_ctrl_c_ends_it_cleanly(watched: Watched) -> None:
    watched.page()
    watched.process.send_signal(signal.SIGINT)
    out, err = watched.process.communicate(timeout=30)
    assert watched.process.returncode == 0
    assert "Traceback" not in err
    assert out == ""
    assert not (watched.bench.root / "previews").exists()


# -- who can see it --------------------------------------------------------------------------------


def test_it_listens_on_the_loopback_device_alone(watched: Watched) -> None:
    """By what the system says of the process's sockets."""
    listening = set()
    for table in ("tcp", "tcp6"):
        file = Path(f"/proc/{watched.process.pid}/net/{table}")
        if not file.exists():
            pytest.skip("this system does not list its sockets")
        rows = [line.split() for line in file.read_text().splitlines()[1:]]
        listening |= {
            row[1].rpartition(":")[0]
            for row in rows
            if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == watched.port
        }
    assert listening == {"0100007F"}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1"]
)
@pytest.mark.parametrize("path", ["/", "/version", "/page/index.html"])
def test_another_name_is_refused(watched: Watched, host: str, path: str) -> None:
    """A name of someone else's that leads here: DNS rebinding."""
    answer = watched.get(path, host.format(port=watched.port))
    assert answer.status == 421
    assert "the inn" not in answer.text


def test_without_a_name_it_is_refused(watched: Watched) -> None:
    assert watched.get("/", addressed=False).status == 421
    assert watched.get("/", f"localhost:{watched.port}").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/page/../sendoff.yaml",
        "/page/..%2fsendoff.yaml",
        "/page//etc/passwd",
        "/page/%2e%2e/%2e%2e/etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "/index.html",
        "/page/",
        "/page/index.html?x",
        "/page/index.html%00",
        "/campaigns/lists/people.csv",
        "http://evil.example/",
    ],
)
def test_no_file_of_the_disk_can_be_asked_for(watched: Watched, path: str) -> None:
    answer = watched.get(path)
    assert answer.status == 404
    assert answer.text == "There is no such page."


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_it_can_only_be_read(watched: Watched, method: str) -> None:
    answer = watched.get("/", method=method)
    assert answer.status == 501


def test_no_script_but_its_own_may_run(watched: Watched) -> None:
    edit(watched.bench, HTML, "Dear", "<script>steal()</script>Dear")
    shell, again = watched.get("/"), watched.get("/")
    policy = shell.headers["Content-Security-Policy"]
    (nonce,) = set(re.findall(r"'nonce-([\w-]+)'", policy))
    assert set(re.findall(r'nonce="([\w-]+)"', shell.text)) == {nonce}
    assert nonce not in again.text
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    index = watched.get("/page/index.html")
    assert re.search(r"\bsandbox\b(?!.*allow-scripts)", index.headers["Content-Security-Policy"])
    (name, *_) = re.findall(r'href="([\w.-]+\.html)"', index.text)
    alone = watched.get(f"/page/{name}")
    assert alone.status == 200
    assert alone.headers["Content-Security-Policy"].startswith("sandbox;")
    for answer in (shell, index, alone):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"


def test_half_a_request_does_not_stop_it(watched: Watched) -> None:
    with socket.create_connection(("127.0.0.1", watched.port), timeout=30) as idle:
        idle.sendall(b"GET / HT")
        assert watched.get("/version").status == 200


# -- how it is called ------------------------------------------------------------------------------


def test_it_writes_no_files(bench: Bench) -> None:
    said = bench.sendoff("preview", "party", "--watch", "--out", str(bench.root / "pages"))
    assert said.code == 2
    assert "--out" in said.err
