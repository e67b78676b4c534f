"""A workspace with a store and a provider, in which runs are started, struck and repeated."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any, Self

from tests.acceptance.bench import KEY, Bench, GitBench, Said, git

from .child import Orders
from .servers import Trap, TrapSendgrid, TrapSmtp

ROOT = Path(__file__).parents[2]
START = datetime(2025, 10, 20, 13, 30, tzinfo=UTC)
PEOPLE = 40
GONE = ("gone0@example.com", "gone1@example.com")
"""On the list, opted out: whoever mails them has failed."""
AFTER_THE_LEASE = timedelta(hours=1)
PATIENCE = 60.0
"""Seconds after which a run that does not end is a failure of the test."""
PACING = "pacing: {delay_seconds: 0, batch_size: 5}\nguards: {max_failure_rate: 100%}\n"
STORES = ("files", "git")
PROVIDERS = ("outbox", "smtp", "sendgrid")


@dataclass(frozen=True, order=True)
class Setup:
    """Which ledger store and which provider."""

    store: str
    provider: str

    def __str__(self) -> str:
        return f"{self.store}/{self.provider}"


SETUPS = tuple(Setup(store, provider) for store in STORES for provider in PROVIDERS)


def address(number: int) -> str:
    return f"p{number}@example.com"


def contact_key(email: str) -> str:
    """Hex; written down here once more, from the documents and not from the product."""
    return hmac.digest(KEY.encode(), email.encode(), hashlib.sha256)[:8].hex()


@dataclass
class World:
    """One workspace.  ``now`` is what runs are told; ``ended``: ids of runs that ended by
    themselves and said so."""

    setup: Setup
    home: Path
    arena: Arena
    now: datetime = START
    ended: set[str] = field(default_factory=set)
    root: Path = Path()
    prefix: tuple[str, ...] = ()
    people: int = PEOPLE
    planned: Said | None = None

    # -- running ------------------------------------------------------------------------------

    def environ(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        fixed = {
            "SENDOFF_STATE_KEY": KEY,
            "SENDOFF_LOG": "json",
            "SENDGRID_API_KEY": self.arena.sendgrid.key,
            "PYTHONPATH": str(ROOT),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
        }
        return {**kept, **fixed, **more}

    def start(self, *args: str, orders: Orders | None = None, **environ: str) -> Running:
        """Begin a command in a process of its own."""
        self.arena.now = self.now
        module = ["tests.chaos.child", orders.encode()] if orders else ["runner"]
        command = [*self.prefix, sys.executable, "-m", *module, "--root", str(self.root), *args]
        command += ["--now", self.now.isoformat()]
        process = subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environ(**environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[orders.ready] if orders and orders.ready >= 0 else [],
        )
        return Running(process)

    def do(self, *args: str, orders: Orders | None = None, **environ: str) -> Said:
        """A command from its beginning to its end."""
        return self.start(*args, orders=orders, **environ).end()

    def run(self, *args: str, orders: Orders | None = None, **environ: str) -> Said:
        """One ``sendoff run --json``."""
        said = self.do("run", "--json", *args, orders=orders, **environ)
        self.note(said)
        return said

    def note(self, said: Said) -> None:
        """Remember a run that told how it ended, and that it could write that down."""
        if said.code >= 0 and said.out.startswith("{") and not said.json["state_failure"]:
            self.ended.add(said.json["run_id"])

    def later(self, by: timedelta = AFTER_THE_LEASE) -> World:
        self.now += by
        return self

    def finish(self, tries: int = 6) -> Said:
        """Run again, as CI would, until nothing is left to be sent."""
        for _ in range(tries):
            both = self.later().do("run", "--json", orders=Orders(plan=True))
            out, _, plan = both.out.partition("\f")
            said = Said(both.code, out, both.err)
            self.planned = Said(0, plan, both.err)
            self.note(said)
            if said.code not in (3, 4, 6) or (said.out.startswith("{") and not said.json["later"]):
                return said
        return said

    def plan(self) -> Said:
        """What ``plan --json`` says after the last run."""
        return self.planned or self.do("plan", "--json")

    # -- looking ------------------------------------------------------------------------------

    @property
    def remote(self) -> Path:
        return self.home / "remote.git"

    def heal_remote(self) -> None:
        """Take away the locks that a killed ``git receive-pack`` left: it is the server's process,
        which dies with ours only because this remote is a directory."""
        for lock in self.remote.rglob("*.lock"):
            lock.unlink(missing_ok=True)

    def audience(self) -> list[str]:
        return [address(number) for number in range(self.people)]

    def mails(self) -> Counter[str]:
        """How many mails each address got, as the server or the disk tells it."""
        if self.setup.provider == "smtp":
            return Counter(mail.to for mail in self.arena.smtp.messages)
        if self.setup.provider == "sendgrid":
            return Counter(mail.to for mail in self.arena.sendgrid.delivered)
        files = (path for home in self.outboxes() for path in home.rglob("*.eml"))
        return Counter(str(message_from_bytes(path.read_bytes())["To"]) for path in files)

    def outboxes(self) -> Iterator[Path]:
        yield from (path for path in self.home.glob("*/outbox") if path.is_dir())

    def records(self) -> list[dict[str, Any]]:
        """Every line of the ledger, read without the product's help."""
        if self.setup.store == "git":
            names = git(self.remote, "ls-tree", "-r", "--name-only", "sendoff-state").split("\n")
            wanted = [n for n in names if n.startswith("state/ledger/")]
            texts = (git(self.remote, "show", f"sendoff-state:{name}") for name in wanted)
        else:
            texts = (path.read_text("utf-8") for path in self._ledger_files())
        return [json.loads(line) for text in texts for line in text.splitlines()]

    def _ledger_files(self) -> list[Path]:
        state = self.root / "state"
        found = [p for p in (state / "ledger").rglob("*.jsonl") if not p.name.startswith(".")]
        journal = state / ".journal"
        for name in json.loads(journal.read_bytes()) if journal.exists() else []:
            path = state / name
            if name.startswith("ledger/") and not path.exists():
                found.append(path.with_name(f".{path.name}.tmp"))
        return sorted(found)

    def clone(self, number: int) -> World:
        """The same workspace in another clone, as another runner has it."""
        root = self.home / f"clone{number}"
        git(self.home, "clone", "-q", str(self.remote), str(root))
        twin = World(self.setup, self.home, self.arena, self.now, self.ended)
        twin.root = root
        return twin

    def remove(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)


@dataclass
class Running:
    """A command on its way."""

    process: subprocess.Popen[bytes]

    def end(self, seconds: float = PATIENCE) -> Said:
        """Wait for the end.  One that does not come is an AssertionError."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill(tree=True)
            self.process.communicate()
            raise AssertionError(f"the run was not over after {seconds} s") from None
        told = (text.decode("utf-8", "replace") for text in (out, err))
        return Said(self.process.returncode, *told)

    def kill(self, *, tree: bool) -> None:
        """SIGKILL, with everything it started or alone."""
        family = [self.process.pid]
        if tree:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGSTOP)
            family += _descendants(self.process.pid)
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, path.read_text().split()):
                found += [child, *_descendants(child)]
    return found


class Arena:
    """The servers of one worker, and a fresh world whenever one is wanted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count()
        self._moulds: dict[tuple[Setup, int, str], Path] = {}
        self.now = START
        self.trap = Trap()
        self.smtp = TrapSmtp(self.trap)
        self.sendgrid = TrapSendgrid(self.trap, now=self._epoch)

    def __enter__(self) -> Self:
        self.smtp.__enter__()
        self.sendgrid.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.sendgrid.__exit__()
        self.smtp.__exit__()

    def _epoch(self) -> float:
        return self.now.timestamp()

    def world(self, setup: Setup, people: int = PEOPLE, more: str = PACING) -> World:
        """A workspace in which nothing has been sent, and servers that remember nothing."""
        mould = self._moulds.get((setup, people, more))
        if mould is None:
            mould = self._moulds[setup, people, more] = self._mould(setup, people, more)
        home = self._directory / f"world{next(self._numbers)}"
        shutil.copytree(mould, home)
        self.trap.clear()
        self.smtp.forget()
        self.sendgrid.forget()
        return World(setup, home, self, root=home / "work", people=people)

    def _mould(self, setup: Setup, people: int, more: str) -> Path:
        home = self._directory / f"mould{next(self._numbers)}"
        home.mkdir(parents=True)
        bench = GitBench.make(home) if setup.store == "git" else Bench(home / "work")
        bench.root.mkdir(exist_ok=True)
        bench.workspace(provider=setup.provider, backend=setup.store, more=self._ports() + more)
        rows = "".join(f"{address(n)},Name{n},\n" for n in range(people))
        rows += "".join(f"{email},Gone,yes\n" for email in GONE) + f"{address(0)},Again,\n"
        bench.write("campaigns/lists/people.csv", f"email,firstName,out\n{rows}")
        source = "source: {type: csv, path: people.csv}\n"
        columns = "columns: {email: email, firstName: firstName, opted_out: out}\n"
        bench.write("campaigns/lists/people.yaml", source + columns)
        bench.write(".gitignore", "outbox/\n")
        bench.campaign()
        world = World(setup, home, self, root=bench.root)
        if isinstance(bench, GitBench):
            bench.merge("Add the campaign")
            git(bench.root, "config", "remote.origin.url", "../remote.git")
        made = world.do("init")
        assert made.code == 0, made.err
        return home

    def _ports(self) -> str:
        smtp = f"host: 127.0.0.1, port: {self.smtp.port}, security: none, connections: 2"
        return (
            "providers:\n"
            f"  smtp: {{{smtp}, timeout_seconds: 2}}\n"
            f'  sendgrid: {{base_url: "{self.sendgrid.url}", timeout_seconds: 1}}\n'
        )


def keys_of(packed: str) -> list[str]:
    """Contact keys (hex) of a claim's base64 string."""
    raw = base64.b64decode(packed)
    return [raw[i : i + 8].hex() for i in range(0, len(raw), 8)]
