"""The same kills for mailmerge: how many of 1,000 are mailed twice, how many are lost?

    python -m benchmarks.mailmerge_faults [--contacts 1000] [--times 5] [--seed N]

Installs mailmerge from PyPI into a virtual environment of its own.  Each time, a run is killed
(SIGKILL) when the server has a random number of messages, and then repeated until it ends well,
against the recording SMTP server of tests/chaos.  mailmerge keeps no record, so it is tried both
ways that a person has: from the start again, and with ``--resume`` behind the last message that
the terminal called sent.
Sendoff goes through the same with the files store.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import secrets
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.chaos.oracle import Books  # noqa: E402 - found through the line above
from tests.chaos.world import Arena, Setup, address  # noqa: E402

PEER = "mailmerge==2.3.0"
TEMPLATE = (
    "TO: {{email}}\nFROM: hello@f3.example\nSUBJECT: Hello {{firstName}}\n\nDear {{firstName}}!\n"
)
PACING = "pacing: {delay_seconds: 0, batch_size: 50}\n"
SENT = re.compile(r">>> message (\d+) sent")


@dataclass(frozen=True)
class Outcome:
    """What one killed and repeated campaign came to."""

    twice: int
    lost: int
    in_doubt: int = 0


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seed", default=f"{secrets.randbelow(10**6)}")
    options = parser.parse_args()
    print(f"seed {options.seed}\n")
    with tempfile.TemporaryDirectory() as directory, Arena(Path(directory)) as arena:
        bench = Peer.install(Path(directory), arena, options.contacts)
        ways: list[tuple[str, Callable[[int], Outcome]]] = [
            (f"{PEER}, run again", lambda at: bench.killed(at, resume=False)),
            (f"{PEER}, --resume", lambda at: bench.killed(at, resume=True)),
            ("sendoff, run again", lambda at: sendoff(arena, options.contacts, at)),
        ]
        print("| | killed | contacts | mailed twice | lost | in doubt, shown |")
        print("|---|--:|--:|--:|--:|--:|")
        for name, killed in ways:
            # the same instants for all of them
            chance = random.Random(options.seed)
            found = [killed(chance.randrange(1, options.contacts)) for _ in range(options.times)]
            print(row(name, found, options.contacts), flush=True)


def row(name: str, found: Sequence[Outcome], contacts: int) -> str:
    sums = (sum(getattr(o, column) for o in found) for column in ("twice", "lost", "in_doubt"))
    cells = (name, len(found), f"{len(found) * contacts:,}", *(f"{number:,}" for number in sums))
    return f"| {' | '.join(map(str, cells))} |"


def until(process: subprocess.Popen[bytes], arena: Arena, messages: int) -> None:
    """Let a process be until the server has so many messages, then kill it."""
    while process.poll() is None:
        if len(arena.smtp.messages) >= messages:
            process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.002)


@dataclass
class Peer:
    """mailmerge with its files, and a server to send to."""

    command: tuple[str, ...]
    home: Path
    arena: Arena
    contacts: int

    @classmethod
    def install(cls, directory: Path, arena: Arena, contacts: int) -> Peer:
        venv.create(directory / "venv", with_pip=True)
        pip = directory / "venv/bin/pip"
        subprocess.run([pip, "install", "-q", "--disable-pip-version-check", PEER], check=True)
        home = directory / "mailmerge"
        home.mkdir()
        (home / "mailmerge_template.txt").write_text(TEMPLATE)
        rows = "".join(f"{address(n)},Name{n}\n" for n in range(contacts))
        (home / "mailmerge_database.csv").write_text(f"email,firstName\n{rows}")
        (home / "mailmerge_server.conf").write_text(
            f"[smtp_server]\nhost = 127.0.0.1\nport = {arena.smtp.port}\n"
        )
        command = (str(directory / "venv/bin/mailmerge"), "--no-dry-run", "--no-limit")
        return cls(command, home, arena, contacts)

    def run(self, messages: int, *more: str) -> str:
        """What the terminal showed, until the end or until the server had so many messages."""
        with tempfile.TemporaryFile() as screen:
            process = subprocess.Popen(
                [*self.command, *more],
                cwd=self.home,
                stdout=screen,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
            until(process, self.arena, messages)
            screen.seek(0)
            return screen.read().decode()

    def killed(self, messages: int, *, resume: bool) -> Outcome:
        """Killed once, then brought to its end."""
        self.arena.smtp.forget()
        shown = SENT.findall(self.run(messages))
        next_one = int(shown[-1]) + 1 if resume and shown else 1
        self.run(sys.maxsize, "--resume", str(next_one))
        mails = Counter(mail.to for mail in self.arena.smtp.messages)
        return Outcome(sum(count > 1 for count in mails.values()), self.contacts - len(mails))


def sendoff(arena: Arena, contacts: int, messages: int) -> Outcome:
    """The same for a workspace of Sendoff."""
    world = arena.world(Setup("files", "smtp"), people=contacts, more=PACING)
    running = world.start("run", "--json")
    until(running.process, arena, messages)
    running.end()
    world.finish()
    mails, books = world.mails(), Books.read(world.records())
    fates = {email: books.fate(email) for email in world.audience()}
    world.remove()
    return Outcome(
        twice=sum(mails[email] > 1 for email in fates),
        lost=sum(not mails[email] and fate != "in_doubt" for email, fate in fates.items()),
        in_doubt=sum(fate == "in_doubt" for fate in fates.values()),
    )


if __name__ == "__main__":
    main()
