"""What the doctor learns of GitHub, from a server that answers like its API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from runner.hosting import schedule

NOW = datetime(2025, 10, 20, 12, 0, tzinfo=UTC)
WORKFLOW = "/repos/club/mail/actions/workflows/run.yml"


class Host(ThreadingHTTPServer):
    """``answers``: path to (status, body); ``asked``: (path, headers) of every request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.moved_to = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def says(self, state: str, *runs: dict[str, str | None]) -> None:
        self.answers[WORKFLOW] = (200, json.dumps({"state": state}).encode())
        listed = json.dumps({"workflow_runs": list(runs)}).encode()
        self.answers[f"{WORKFLOW}/runs?per_page=1"] = (200, listed)


class Answering(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        status, body = self.server.answers.get(self.path, (404, b"{}"))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.moved_to)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def serving() -> Iterator[Host]:
    host = Host()
    thread = threading.Thread(target=host.serve_forever, args=(0.01,))
    thread.start()
    yield host
    host.shutdown()
    thread.join()
    host.server_close()


@pytest.fixture
def host() -> Iterator[Host]:
    yield from serving()


@pytest.fixture
def elsewhere() -> Iterator[Host]:
    yield from serving()


def look(host: Host | None = None, **more: str):
    environ = {"GITHUB_TOKEN": "a-secret-token", "GITHUB_REPOSITORY": "club/mail", **more}
    if host is not None:
        environ["GITHUB_API_URL"] = host.url
    return schedule(environ, NOW)


def run(when: str = "2025-10-20T11:37:02Z", conclusion: str | None = "success"):
    return {"created_at": when, "conclusion": conclusion}


def test_all_is_well(host: Host) -> None:
    host.says("active", run())
    check = look(host)
    assert check is not None
    assert (check.state, check.mend) == ("ok", "")
    assert "2025-10-20 11:37 UTC" in check.message
    assert [headers["Authorization"] for _, headers in host.asked] == ["Bearer a-secret-token"] * 2


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("disabled_inactivity", "60 days without activity"),
        ("disabled_manually", "someone has switched it off"),
        ("disabled_fork", "forks"),
        ("deleted", "'deleted'"),
    ],
)
def test_a_schedule_that_is_off_is_an_error_with_its_cure(
    host: Host, state: str, said: str
) -> None:
    host.says(state, run())
    check = look(host)
    assert check is not None
    assert check.state == "error"
    assert said in check.message
    assert "gh workflow enable run.yml" in check.mend


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([], "never ran"),
        ([run("2025-10-19T09:59:00Z")], "its last run began 2025-10-19 09:59 UTC"),
        ([run(conclusion="failure")], "ended badly"),
        ([run(conclusion="timed_out")], "ended badly"),
    ],
    ids=["none", "long ago", "failed", "timed out"],
)
def test_what_is_worth_a_look_is_a_warning(host: Host, runs, said: str) -> None:
    host.says("active", *runs)
    check = look(host)
    assert check is not None
    assert check.state == "warning"
    assert said in check.message
    assert check.mend


@pytest.mark.parametrize("conclusion", [None, "cancelled", "success"])
def test_a_run_that_has_not_failed_is_no_warning(host: Host, conclusion: str | None) -> None:
    host.says("active", run(conclusion=conclusion))
    check = look(host)
    assert check is not None
    assert check.state == "ok"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"{}", "actions: read"),
        (403, b"{}", "actions: read"),
        (404, b"{}", "no workflow run.yml"),
        (500, b"{}", "http 500"),
        (200, b"<html>", "no answer that can be read"),
        (200, b"[]", "no answer that can be read"),
        (200, b"[" * 100_000, "no answer that can be read"),
        (200, b'{"state": "active"' + b" " * 1_100_000 + b"}", "no answer that can be read"),
    ],
    ids=["401", "403", "404", "500", "page", "list", "deep", "long"],
)
def test_no_answer_is_said_and_no_more_than_that(
    host: Host, status: int, body: bytes, said: str
) -> None:
    host.answers[WORKFLOW] = (status, body)
    check = look(host)
    assert check is not None
    assert check.state == "unknown"
    assert said in check.message
    assert "token-" not in check.message


@pytest.mark.parametrize("when", ["yesterday", "2025-10-20T11:37:02", None])
def test_a_time_that_is_none_is_no_answer(host: Host, when) -> None:
    host.says("active", {"created_at": when})
    check = look(host)
    assert check is not None
    assert check.state == "unknown"


def test_the_token_does_not_follow_a_redirect(host: Host, elsewhere: Host) -> None:
    host.answers[WORKFLOW] = (302, b"")
    host.moved_to = elsewhere.url + WORKFLOW
    elsewhere.says("active", run())
    look(host)
    assert elsewhere.asked
    for _, headers in elsewhere.asked:
        assert "Authorization" not in headers


def test_the_token_never_goes_out_in_the_clear() -> None:
    """The guard against the network would fail the test if it were sent."""
    check = look(GITHUB_API_URL="http://api.example.com")
    assert check is not None
    assert check.state == "unknown"
    assert "https" in check.message


def test_a_server_that_is_not_there(host: Host) -> None:
    check = look(GITHUB_API_URL="http://127.0.0.1:1")
    assert check is not None
    assert check.state == "unknown"


@pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "GITHUB_REPOSITORY"])
def test_without_github_there_is_nothing_to_say(missing: str) -> None:
    assert look(**{missing: ""}) is None
