"""Secrets and people: a canary of each is looked for in everything that a command leaves behind."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench, GitBench, Said
from tests.servers.sendgrid import Fault, SendgridServer
from tests.servers.smtp import SmtpServer

from .attack import apart, everything

NOW = ("--now", "2025-10-20T14:00:00Z")
STATE_KEY = "CANARY-state-key-0123456789abcdefghijklmn"
SMTP_PASSWORD = "CANARY-smtp-password"
API_KEY = "SG.CANARY-api-key-CANARY-api-key"
HEARTBEAT = "CANARY-heartbeat"
CANARY = "CANARY"
PEOPLE = ("ursula.canary@example.com", "Ursula Kanarienvogel", "ursula.canary")


@pytest.fixture(params=["files", "git"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    made = GitBench.make(tmp_path) if request.param == "git" else Bench(tmp_path / "work")
    made.environ = {
        "SENDOFF_STATE_KEY": STATE_KEY,
        "SENDGRID_API_KEY": API_KEY,
        "SMTP_USER": "CANARY-user",
        "SMTP_PASSWORD": SMTP_PASSWORD,
        "SENDOFF_HEARTBEAT_URL": f"http://127.0.0.1:9/{HEARTBEAT}",
        "SENDOFF_DEBUG": "1",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    return made


def prepare(bench: Bench, provider: str, more: str) -> None:
    backend = "git" if isinstance(bench, GitBench) else "files"
    bench.workspace(provider=provider, backend=backend, more=more)
    settings = (bench.root / "sendoff.yaml").read_text()
    bench.write(
        "sendoff.yaml",
        settings.replace(
            "look_ahead: 2h", 'look_ahead: 2h, heartbeat: "env:SENDOFF_HEARTBEAT_URL"'
        ),
    )
    bench.write(
        "campaigns/lists/people.csv",
        f"email,firstName\n{PEOPLE[0]},{PEOPLE[1]}\nb@example.com,Bob\nnot-{PEOPLE[2]},{PEOPLE[1]}\n",
    )
    bench.campaign()
    bench.write(".gitignore", "outbox/\nprevious/\ncampaigns/lists/people.csv\n")
    if isinstance(bench, GitBench):
        bench.merge()


def commands(bench: Bench) -> Iterator[Said]:
    yield bench.sendoff("init", *NOW)
    yield bench.sendoff("doctor", *NOW)
    yield bench.sendoff("validate")
    yield bench.sendoff("plan", *NOW)
    yield bench.sendoff("plan", "--format", "markdown", *NOW)
    yield bench.sendoff("run", *NOW)
    yield bench.sendoff("run", "--json", *NOW)
    yield bench.sendoff("status", "--json", *NOW)
    yield bench.sendoff("lists")
    yield bench.sendoff("templates", "--json", *NOW)
    yield bench.sendoff("resolve", "--as", "not-sent", *NOW)
    yield bench.sendoff("cancel", "hello")


def nothing_leaks(bench: Bench, said: list[Said], tmp_path: Path) -> None:
    printed = "".join(one.out + one.err for one in said)
    assert CANARY not in printed
    for word in PEOPLE:
        assert word.lower() not in printed.lower()
    (bench.root / "campaigns/lists/people.csv").unlink()
    for path in [*(bench.root / "outbox").rglob("*.eml")]:
        path.unlink()
    left = everything(tmp_path)
    assert CANARY.encode() not in left
    for word in PEOPLE:
        assert word.lower().encode() not in left.lower()


@pytest.mark.parametrize("trouble", ["none", "status", "garbage", "reset", "echo"])
def test_through_sendgrid(bench: Bench, tmp_path: Path, trouble: str) -> None:
    echo = f'{{"errors":[{{"message":"{PEOPLE[0]} {API_KEY}","field":"{PEOPLE[0]}"}}]}}'.encode()
    with SendgridServer() as server:
        server.key = API_KEY
        if trouble == "echo":
            server.misbehave(Fault("status", 400, echo), Fault("status", 403, echo))
        elif trouble != "none":
            server.misbehave(Fault(trouble, 500, echo))  # type: ignore[arg-type]  # one of the kinds
        prepare(bench, "sendgrid", f'providers: {{sendgrid: {{base_url: "{server.url}"}}}}\n')
        said = list(commands(bench))
        assert server.requests
    nothing_leaks(bench, said, tmp_path)


@pytest.mark.parametrize("trouble", ["none", "password", "echo"])
def test_through_smtp(bench: Bench, tmp_path: Path, trouble: str) -> None:
    with SmtpServer() as server:
        password = "another" if trouble == "password" else SMTP_PASSWORD
        server.users["CANARY-user"] = password
        if trouble == "echo":
            server.answer_rcpt[PEOPLE[0]] = f"550 5.1.1 {PEOPLE[0]} {SMTP_PASSWORD}"
        prepare(
            bench,
            "smtp",
            f"providers: {{smtp: {{host: 127.0.0.1, port: {server.port}, security: none, "
            'username: "env:SMTP_USER", password: "env:SMTP_PASSWORD"}}\n',
        )
        said = list(commands(bench))
    nothing_leaks(bench, said, tmp_path)


def test_through_the_outbox(bench: Bench, tmp_path: Path) -> None:
    prepare(bench, "outbox", "")
    nothing_leaks(bench, list(commands(bench)), tmp_path)


def test_a_bug_is_reported_without_what_it_was_about(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report to paste holds places and the type of the error, never its message."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError(f"{PEOPLE[0]} {API_KEY}")

    prepare(bench, "outbox", "")
    monkeypatch.setattr("runner.commands.lists.lists", broken)
    del bench.environ["SENDOFF_DEBUG"]
    said = bench.sendoff("lists")
    assert said.code == 70
    assert "KeyError" in said.err
    assert CANARY not in said.err
    assert PEOPLE[0] not in said.err


def test_a_secret_with_a_line_break_is_named_not_shown(tmp_path: Path) -> None:
    """Pasted with its line break, a key would be quoted by the library that refuses it."""
    with SendgridServer() as server:
        bench = Bench(tmp_path).workspace(
            provider="sendgrid",
            more=f'providers: {{sendgrid: {{base_url: "{server.url}"}}}}\n',
        )
        bench.campaign()
        for value in (f"{API_KEY}\n", f"{API_KEY}\r\nX-Evil: 1", f"{API_KEY}\u20ac", f" {API_KEY}"):
            bench.environ |= {"SENDGRID_API_KEY": value, "SENDOFF_DEBUG": "1"}
            bench.sendoff("init", *NOW)
            said = bench.sendoff("run", *NOW)
            assert said.code == 4
            assert CANARY not in said.out + said.err
            assert "SENDGRID_API_KEY" in said.out + said.err
        assert not [one for one in server.requests if one.path == "/v3/mail/send"]


READING = (
    ("validate",),
    ("plan", *NOW),
    ("plan", "--format", "markdown", *NOW),
    ("preview", "hello"),
    ("status", *NOW),
    ("lists",),
    ("templates", *NOW),
    ("why", "p1@example.com", *NOW),
    ("cancel", "hello"),
)


@pytest.mark.parametrize("command", READING, ids=[" ".join(one[:3]) for one in READING])
def test_what_looks_at_a_pull_request_talks_to_nobody(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Settings of a pull request may name any host: with all secrets at hand, none is asked."""
    with SendgridServer() as server:
        bench = Bench(tmp_path).workspace(
            provider="sendgrid",
            more=f'providers: {{sendgrid: {{base_url: "{server.url}"}}}}\n',
        )
        bench.campaign()
        bench.environ |= {
            "SENDGRID_API_KEY": server.key,
            "SENDOFF_HEARTBEAT_URL": f"{server.url}/heartbeat",
            "https_proxy": server.url,
        }
        bench.sendoff("init", *NOW)
        assert bench.sendoff(*command).code in (0, 1)
        assert server.requests == []


def test_no_secret_is_in_the_list_of_processes(tmp_path: Path) -> None:
    """git is called without a secret among its arguments, and nothing else is called."""
    bench = GitBench.make(tmp_path)
    bench.environ = {"SENDOFF_STATE_KEY": STATE_KEY, "SENDGRID_API_KEY": API_KEY}
    log = tmp_path / "calls"
    shim = tmp_path / "bin/git"
    shim.parent.mkdir()
    real = subprocess.run(
        ["which", "git"], check=True, capture_output=True, text=True
    ).stdout.strip()
    shim.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real} "$@"\n')
    shim.chmod(0o755)
    bench.workspace(backend="git")
    bench.campaign()
    bench.merge()
    for command in (("init", *NOW), ("run", *NOW)):
        said = apart(bench, *command, PATH=f"{shim.parent}:/usr/bin:/bin")
        assert said.code == 0, said.err
    calls = log.read_text()
    assert "push" in calls
    assert CANARY not in calls
    assert "@example.com" not in calls


@pytest.mark.parametrize("people", [f"{PEOPLE[0]},x,y", f"{PEOPLE[0]}", f'"{PEOPLE[0]}'])
def test_a_list_that_is_wrong_is_named_by_its_lines(tmp_path: Path, people: str) -> None:
    bench = Bench(tmp_path).workspace()
    bench.campaign()
    for text in (f"email,firstName\n{people}\n", f"{people}\n{people}\n"):
        bench.write("campaigns/lists/people.csv", text)
        for command in (("validate",), ("plan", *NOW), ("lists",), ("run", *NOW), ("init", *NOW)):
            said = bench.sendoff(*command)
            assert PEOPLE[2] not in said.out + said.err
