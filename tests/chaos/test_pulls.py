"""Suppressions that come at a bad moment: pulls that are killed or race, news during a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.bench import Bench, GitBench
from tests.acceptance.test_suppressions import AT, asking
from tests.servers.sendgrid_suppressions import KINDS, SuppressionServer
from tests.servers.smtp import SmtpServer

EPOCH = 1760967000
PEOPLE = 1200


@pytest.fixture
def server() -> Iterator[SuppressionServer]:
    with SuppressionServer() as found:
        for number, kind in enumerate(KINDS):
            found.lists[kind] = [
                {"email": f"{kind}{n}@example.com", "created": EPOCH - n, "status": "5.1.1"}
                for n in range(PEOPLE + number)
            ]
        yield found


def files(directory: Path) -> Bench:
    return Bench(directory)


def branch(directory: Path) -> Bench:
    return GitBench.make(directory)


def ready(bench: Bench, server: SuppressionServer) -> Bench:
    asking(bench, server)
    bench.campaign()
    if isinstance(bench, GitBench):
        bench.merge()
        assert bench.sendoff("init", "--state-branch", *AT).code == 0
    else:
        assert bench.sendoff("init", *AT).code == 0
    return bench


@pytest.mark.parametrize("make", [files, branch])
@pytest.mark.parametrize("kind", ["bounces", "spam_reports", "unsubscribes", "groups"])
def test_a_pull_that_is_killed_half_way_records_nothing(
    tmp_path: Path, server: SuppressionServer, make: type, kind: str
) -> None:
    """Killed in the middle of a list; the next one begins where the last whole one ended."""
    bench = ready(make(tmp_path), server)
    child: list[subprocess.Popen[bytes]] = []
    begun = threading.Event()

    def kill() -> None:
        begun.wait(30)
        os.kill(child[0].pid, signal.SIGKILL)

    server.faults[kind].append(kill)
    command = [sys.executable, "-m", "runner", "--root", str(bench.root), "suppressions", "pull"]
    environ = {**os.environ, **bench.environ}
    child.append(subprocess.Popen([*command, *AT], env=environ, stdout=subprocess.DEVNULL))
    begun.set()
    assert child[0].wait(60) == -signal.SIGKILL
    assert bench.sendoff("suppressions", "--json", *AT).json["contacts"] == 0
    assert bench.sendoff("suppressions", "pull", *AT).code == 0
    everyone = sum(len(server.lists[name]) for name in KINDS if name != "blocks")
    assert bench.sendoff("suppressions", "--json", *AT).json["contacts"] == everyone
    assert bench.sendoff("verify", *AT).code == 0


@pytest.mark.parametrize("make", [files, branch])
def test_two_that_pull_at_once_and_one_that_suppresses_lose_nothing(
    tmp_path: Path, server: SuppressionServer, make: type
) -> None:
    bench = ready(make(tmp_path), server)
    command = [sys.executable, "-m", "runner", "--root", str(bench.root)]
    tasks = [["suppressions", "pull"], ["suppressions", "pull"], ["suppress", "ann@example.org"]]
    environ = {**os.environ, **bench.environ}

    def call(task: list[str]) -> int:
        done = subprocess.run([*command, *task, *AT], env=environ, capture_output=True, check=False)
        return done.returncode

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(call, tasks)) == [0, 0, 0]
    everyone = sum(len(server.lists[name]) for name in KINDS if name != "blocks")
    assert bench.sendoff("suppressions", "--json", *AT).json["contacts"] == everyone + 1
    assert bench.sendoff("verify", *AT).code == 0


class Hears(list[Any]):
    """Messages; ``then`` is called at the first one, while its sender waits for the answer."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    def append(self, message: Any) -> None:
        super().append(message)
        if len(self) == 1:
            self._then()


def test_who_is_suppressed_elsewhere_while_a_run_sends_gets_nothing(tmp_path: Path) -> None:
    """Another machine pushes it between two slices; the next claim finds it there."""
    bench = GitBench.make(tmp_path)
    with SmtpServer() as server:
        smtp = f"host: 127.0.0.1, port: {server.port}, security: none, timeout_seconds: 60"
        more = f"providers: {{smtp: {{{smtp}}}}}\npacing: {{batch_size: 1}}"
        bench.workspace(provider="smtp", backend="git", more=more, people=8)
        bench.campaign()
        bench.merge()
        assert bench.sendoff("init", "--state-branch", *AT).code == 0
        other = bench.clone("other")
        command = [sys.executable, "-m", "runner", "--root", str(other.root), "suppress"]

        def suppress() -> None:
            environ = {**os.environ, **bench.environ}
            subprocess.run(
                [*command, "p7@example.com", "--by", "Ann", *AT], env=environ, check=True
            )

        server.messages = Hears(suppress)
        said = bench.sendoff("run", "--json", *AT)
    assert (said.code, said.json["sent"]) == (0, 7)
    assert sorted(m.to for m in server.messages) == [f"p{n}@example.com" for n in range(7)]
    assert bench.sendoff("verify", *AT).code == 0
