"""In doubt: shown, never sent again by itself, settled by evidence or by a person."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench
from tests.servers.smtp import SmtpServer

AT = ("--now", "2025-10-20T13:30:00Z")
LATER = ("--now", "2025-10-20T18:30:00Z")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def through_smtp(bench: Bench, server: SmtpServer, more: str = "") -> None:
    smtp = f"host: 127.0.0.1, port: {server.port}, security: none, timeout_seconds: 5"
    bench.workspace(provider="smtp", more=f"providers: {{smtp: {{{smtp}}}}}\n{more}", people=6)
    bench.campaign()
    assert bench.sendoff("init", *AT).code == 0


class TestSmtp:
    @pytest.fixture
    def doubtful(self, bench):
        with SmtpServer() as server:
            through_smtp(bench, server)
            server.drop_after_dot.update({"p2@example.com", "p4@example.com"})
            ran = bench.sendoff("run", "--json", *AT)
            assert (ran.code, ran.json["sent"], ran.json["in_doubt"]) == (4, 4, 2)
            server.drop_after_dot.clear()
            yield server

    def test_it_is_not_sent_again_and_every_look_shows_it(self, bench, doubtful):
        again = bench.sendoff("run", "--json", *LATER)
        assert (again.code, again.json["sent"], again.json["in_doubt_before"]) == (4, 0, 2)
        assert bench.sendoff("status", "--json", *LATER).json["jobs"][0]["in_doubt_count"] == 2
        for command in ("run", "plan", "status"):
            assert "sendoff resolve" in bench.sendoff(command, *LATER).out
        assert len(doubtful.messages) == 6

    def test_the_server_cannot_know_so_a_person_says(self, bench, doubtful):
        asked = bench.sendoff("resolve", *LATER)
        assert asked.code == 4
        assert "2 mails in doubt" in asked.out

        said = bench.sendoff("resolve", "hello", "--as", "not-sent", "--by", "Ann", *LATER)
        assert said.code == 0, said.err
        assert bench.sendoff("run", "--json", *LATER).json["sent"] == 2
        ledger = "".join(p.read_text() for p in (bench.root / "state").rglob("*.jsonl"))
        record = next(
            found
            for line in ledger.splitlines()
            if (found := json.loads(line))["type"] == "resolution"
        )
        assert (record["by"], record["verdict"]) == ("Ann", "not_sent")

    def test_sent_settles_without_sending(self, bench, doubtful):
        assert (
            bench.sendoff("resolve", "hello/main", "--as", "sent", "--by", "Ann", *LATER).code == 0
        )
        again = bench.sendoff("run", "--json", *LATER)
        assert (again.code, again.json["sent"]) == (0, 0)
        assert bench.sendoff("status", "--json", *LATER).json["jobs"][0]["sent_count"] == 6
        assert "Nothing is in doubt" in bench.sendoff("resolve", *LATER).out

    def test_an_address_is_no_name(self, bench, doubtful):
        said = bench.sendoff("resolve", "--as", "sent", "--by", "ann@example.com", *LATER)
        assert said.code == 2

    def test_a_name_that_nobody_knows_is_wrong_usage(self, bench, doubtful):
        assert bench.sendoff("resolve", "helo", "--as", "sent", "--by", "Ann", *LATER).code == 2


class TestRetry:
    @staticmethod
    def told(bench, address, at):
        """What ``why`` says became of somebody's mail, job by job."""
        return [row["place"] for row in bench.sendoff("why", address, "--json", *at).json["jobs"]]

    def test_the_failed_are_due_again_and_nothing_else(self, bench):
        with SmtpServer() as server:
            through_smtp(bench, server)
            server.answer_rcpt["p1@example.com"] = "550 5.7.1 no"
            assert bench.sendoff("run", "--json", *AT).json["failed"] == 1
            assert bench.sendoff("run", "--json", *AT).json["sent"] == 0
            server.answer_rcpt.clear()
            again = bench.sendoff("retry", "hello/main", "--by", "Ann", *LATER)
            assert (again.code, "1 mail" in again.out) == (0, True)
            assert bench.sendoff("run", "--json", *LATER).json["sent"] == 1
            assert len(server.messages) == 6
            assert "suppressed" not in again.out
        assert "Nothing" in bench.sendoff("retry", "hello/main", "--by", "Ann", *LATER).out

    def test_whom_the_server_does_not_know_is_due_once_he_is_released(self, bench):
        with SmtpServer() as server:
            through_smtp(bench, server)
            server.answer_rcpt["p1@example.com"] = "550 5.1.1 no"
            server.answer_rcpt["p2@example.com"] = "550 5.7.1 no"
            assert bench.sendoff("run", "--json", *AT).json["failed"] == 2
            assert self.told(bench, "p1@example.com", LATER) == ["failed"]
            assert self.told(bench, "p2@example.com", LATER) == ["failed"]
            assert self.told(bench, "p3@example.com", LATER) == ["sent"]
            server.answer_rcpt.clear()
            again = bench.sendoff("retry", "hello/main", "--by", "Ann", *LATER)
            assert "2 mails" in again.out
            assert "1 of them will not go out: suppressed" in again.out
            assert "p1@" not in again.out
            # given back, and yet it will not go
            assert self.told(bench, "p1@example.com", LATER) == ["suppressed"]
            assert bench.sendoff("run", "--json", *LATER).json["sent"] == 1
            assert bench.sendoff("suppress", "--undo", "p1@example.com", *LATER).code == 0
            later = bench.sendoff("run", "--json", *LATER)
            assert [mail.to for mail in server.messages].count("p1@example.com") == 1, later.out


class Monitor:
    """An HTTP server that counts who asks."""

    def __init__(self, status: int = 200) -> None:
        self.asked: list[str] = []
        monitor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                monitor.asked.append(self.path)
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/secret-path"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class TestLoud:
    HEART = 'run: {heartbeat: "env:HEARTBEAT"}'

    def quiet(self, bench: Bench, more: str = "") -> None:
        bench.workspace(more="").campaign()
        text = (bench.root / "sendoff.yaml").read_text()
        text = text.replace("look_ahead: 2h}", 'look_ahead: 2h, heartbeat: "env:HEARTBEAT"}')
        bench.write("sendoff.yaml", text + more)
        assert bench.sendoff("init", *AT).code == 0

    def test_a_good_run_has_a_heartbeat(self, bench):
        self.quiet(bench)
        monitor = Monitor()
        assert bench.sendoff("run", *AT, HEARTBEAT=monitor.url).code == 0
        monitor.close()
        assert monitor.asked == ["/secret-path"]

    def test_a_held_run_has_none(self, bench):
        self.quiet(bench, "guards: {max_recipients: 1}\n")
        monitor = Monitor()
        assert bench.sendoff("run", *AT, HEARTBEAT=monitor.url).code == 3
        monitor.close()
        assert monitor.asked == []

    @pytest.mark.parametrize("url", ["", "ftp://x.example/secret", "http://127.0.0.1:1/secret"])
    def test_a_heartbeat_that_fails_changes_nothing_and_leaks_nothing(self, bench, url):
        self.quiet(bench)
        ran = bench.sendoff("run", *AT, HEARTBEAT=url)
        assert ran.code == 0
        assert "heartbeat" in ran.err
        assert "secret" not in ran.err

    def test_ci_gets_a_summary_and_annotations(self, bench, tmp_path):
        self.quiet(bench, "guards: {max_recipients: 1}\n")
        summary = tmp_path / "summary.md"
        summary.write_text("before\n")
        ran = bench.sendoff(
            "run", *AT, HEARTBEAT="", GITHUB_STEP_SUMMARY=str(summary), GITHUB_ACTIONS="true"
        )
        assert ran.code == 3
        assert "::warning title=held::hello/main: 5 recipients are more than" in ran.err
        assert summary.read_text().startswith("before\n")
        assert "max_recipients" in summary.read_text()

    def test_a_run_that_cannot_begin_says_so_in_the_summary(self, bench, tmp_path):
        self.quiet(bench)
        summary = tmp_path / "summary.md"
        ran = bench.sendoff("run", *AT, SENDOFF_STATE_KEY="", GITHUB_STEP_SUMMARY=str(summary))
        assert ran.code == 5
        assert "could not begin" in summary.read_text()
        assert "SENDOFF\\_STATE\\_KEY" in summary.read_text()


def test_an_output_that_cannot_be_written_keeps_the_exit_code(bench):
    bench.workspace(more="guards: {max_recipients: 1}").campaign()
    assert bench.sendoff("init", *AT).code == 0
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "runner", "--root", str(bench.root), "run", *AT],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **bench.environ},
            check=False,
        )
    assert done.returncode == 3
    assert "cannot be written" in done.stderr
    assert "bug" not in done.stderr
