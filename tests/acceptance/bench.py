"""A workspace in a real git repository with a bare remote, driven by the command line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from unittest import mock

from runner.cli import main

KEY = "a-state-key-for-tests-0123456789abcdef"
SETTINGS = """\
version: 1
provider: {provider}
from: {{email: hello@f3.example, name: F3 Nation}}
reply_to: team@f3.example
postal_address: F3 Nation, 1 Main Street, Charlotte NC, USA
timezone: America/Chicago
unsubscribe: {{url: "https://f3.example/u?t={{{{ token }}}}"}}
state: {{backend: {backend}}}
run: {{budget: 10m, look_ahead: 2h}}
{more}
"""
CAMPAIGN = """\
version: 1
name: {name}
status: active
list: people
template: hello
schedule: {schedule}
"""
TEMPLATE = """\
---
subject: "Hello {{ firstName|default('friend', true) }}"
---
<!doctype html>
<html lang="en"><head><title>Hello</title><style>p { color: #123456; }</style></head>
<body><p>Dear {{ firstName|default('friend', true) }}, see you at <b>{{ place }}</b>.</p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p></body></html>
"""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Bench:
    """A workspace at ``root``; ``environ`` is added to the environment of every command."""

    root: Path
    environ: dict[str, str] = field(default_factory=lambda: {"SENDOFF_STATE_KEY": KEY})

    def write(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def workspace(
        self, *, provider: str = "outbox", backend: str = "files", more: str = "", people: int = 5
    ) -> Bench:
        """Settings, a template, and a list of ``people``."""
        self.write("sendoff.yaml", SETTINGS.format(provider=provider, backend=backend, more=more))
        self.write("campaigns/templates/hello.html", TEMPLATE.replace("{{ place }}", "the inn"))
        self.write("campaigns/lists/people.yaml", "source: {type: csv, path: people.csv}\n")
        self.people(people)
        return self

    def people(self, count: int) -> None:
        rows = "".join(f"p{n}@example.com,Name{n}\n" for n in range(count))
        self.write("campaigns/lists/people.csv", f"email,firstName\n{rows}")

    def campaign(self, name: str = "hello", schedule: str = "{send: immediate}") -> None:
        text = CAMPAIGN.format(name=name, schedule=schedule)
        self.write(f"campaigns/{name}.yaml", text)

    def sendoff(self, *args: str, **environ: str) -> Said:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        handlers = [(n, signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM)]
        with (
            mock.patch.dict(os.environ, {**self.environ, **environ}),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                code = main(["--root", str(self.root), *args])
            except SystemExit as stop:
                code = int(stop.code or 0)
            finally:
                for number, handler in handlers:
                    signal.signal(number, handler)
        return Said(code, out.getvalue(), err.getvalue())

    def outbox(self) -> list[EmailMessage]:
        """Every mail in the outbox."""
        paths = sorted((self.root / "outbox").rglob("*.eml"))
        found = [message_from_bytes(path.read_bytes(), policy=default) for path in paths]
        return [message for message in found if isinstance(message, EmailMessage)]


@dataclass
class GitBench(Bench):
    """A bench whose workspace is a clone of a bare remote."""

    remote: Path = Path()

    @classmethod
    def make(cls, directory: Path) -> GitBench:
        remote, work = directory / "remote.git", directory / "work"
        git(directory, "init", "-q", "--bare", "-b", "main", str(remote))
        git(directory, "clone", "-q", str(remote), str(work))
        git(work, "checkout", "-q", "-b", "main")
        return cls(work, remote=remote)

    def merge(self, message: str = "Change") -> str:
        """Commit everything and push it to main: what a merged pull request is."""
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", message)
        git(self.root, "push", "-q", "origin", "HEAD:main")
        return git(self.root, "rev-parse", "HEAD").strip()

    def clone(self, name: str, *options: str) -> GitBench:
        """Another clone of the remote."""
        directory = self.root.parent / name
        source = self.remote.as_uri() if "--depth=1" in options else str(self.remote)
        git(self.root.parent, "clone", "-q", *options, source, str(directory))
        return GitBench(directory, dict(self.environ), self.remote)

    def ledger(self) -> list[dict[str, Any]]:
        """Every record on the remote's state branch."""
        names = git(self.remote, "ls-tree", "-r", "--name-only", "sendoff-state").split()
        lines = [
            line
            for name in names
            if name.startswith("state/ledger/")
            for line in git(self.remote, "show", f"sendoff-state:{name}").splitlines()
        ]
        return [json.loads(line) for line in lines]


def git(directory: Path, *args: str, environ: Mapping[str, str] | None = None) -> str:
    """Run git as a user with a fixed identity and no settings of the machine's."""
    fixed = {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.com",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.com",
    }
    return subprocess.run(
        ["git", *args],
        cwd=directory,
        env={**os.environ, **fixed, **(environ or {})},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
