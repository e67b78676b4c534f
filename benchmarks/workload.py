"""A list of many contacts, of whom it is known how many are to be mailed.

Of a million rows: 8,000 are no addresses, 6,000 repeat somebody in capital letters, 5,966 have
opted out, 50,000 stand in a suppression file, 500,000 got their mail already: 430,034 are left.
Other sizes have the same shares.  Rows of all kinds lie mixed.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import Process
from pathlib import Path

from runner.ledger.layout import LedgerFile, by_month
from runner.ledger.meta import encode_meta, key_id
from runner.model.ledger import Claim, Receipt, Record, Settled

STATE_KEY = "a-state-key-for-the-benchmark-0123456789"
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
BRANCH = "sendoff-state"
SHARES = (8_000, 6_000, 5_966, 50_000, 500_000)
"""Of a million rows: invalid, repeated, opted out, suppressed, sent."""
STEP = 7919
"""Prime to every power of ten, so that it mixes the rows."""
ZONES = ("America/New_York", "America/Chicago", "Europe/Berlin", "Asia/Kolkata", "UTC", "")
SETTINGS = """\
version: 1
provider: {provider}
from: {{email: hello@f3.example, name: F3 Nation}}
postal_address: F3 Nation, 1 Main Street, Charlotte NC, USA
timezone: America/Chicago
unsubscribe: {{url: "https://f3.example/u?t={{{{ token }}}}"}}
state: {{backend: git, branch: sendoff-state, remote: origin}}
guards: {{max_recipients: 20000000}}
lateness: {{expires_after: 999d}}
run: {{budget: 60m, look_ahead: 60m}}
{more}
"""
CAMPAIGN = """\
version: 1
name: Launch
status: active
list: people
template: launch
schedule: {send: scheduled, at: 2026-03-02 08:00, timezone: America/Chicago}
"""
TEMPLATE = """\
---
subject: "{{ first_name|default('Friend', true) }}, we have launched"
---
<!doctype html>
<html lang="en"><head><title>Launch</title><style>p { color: #123456; }</style></head>
<body><p>Dear {{ first_name|default('friend', true) }},</p>
<p>your {{ plan }} plan is ready in {{ city }}.</p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p></body></html>
"""


@dataclass(frozen=True)
class People:
    """``rows`` rows, a power of ten."""

    rows: int

    @property
    def bounds(self) -> tuple[int, ...]:
        """Where each kind of row ends, in the order of SHARES."""
        ends, end = [], 0
        for share in SHARES:
            end += share * self.rows // 1_000_000
            ends.append(end)
        return tuple(ends)

    @property
    def due(self) -> int:
        """How many are left to be mailed."""
        return self.rows - self.bounds[-1]

    def address(self, rank: int) -> str:
        """The address of somebody whose row is of the kind that ``rank`` lies in."""
        return f"user.{rank * 2654435761 % 4294967296:x}@mail{rank % 97}.f3.example"

    def lines(self) -> Iterator[str]:
        """The CSV file, in pieces."""
        invalid, repeated, opted_out, _, sent = self.bounds
        yield "email,first_name,last_name,city,timezone,plan,opted_out\n"
        for row in range(self.rows):
            rank = row * STEP % self.rows
            if rank < invalid:
                email = f"user.{rank}.mail.example"
            elif rank < repeated:
                email = self.address(sent + rank).upper()
            else:
                email = self.address(rank)
            off = "yes" if repeated <= rank < opted_out else ""
            zone, plan = ZONES[rank % len(ZONES)], ("free", "team", "enterprise")[rank % 3]
            yield (
                f"{email},First{rank % 4999},Last{rank % 9973},City {rank % 997},{zone},{plan},"
                f"{off}\n"
            )

    def suppressed(self) -> Iterator[str]:
        """The suppression file, in pieces."""
        for rank in range(self.bounds[2], self.bounds[3]):
            yield self.address(rank) + "\n"

    def sent_keys(self) -> Iterator[bytes]:
        """The contact keys of those who got their mail."""
        for rank in range(self.bounds[3], self.bounds[4]):
            yield key_of(self.address(rank))


def key_of(address: str) -> bytes:
    return hmac.digest(STATE_KEY.encode(), address.encode(), "sha256")[:8]


def make_workspace(root: Path, people: People) -> None:
    """``write_workspace`` in a process of its own: what this one has in memory when it starts
    another counts among that one's peak."""
    making = Process(target=write_workspace, args=(root, people))
    making.start()
    making.join()
    if making.exitcode:
        raise SystemExit("the workspace could not be made")


def write_workspace(root: Path, people: People, more: str = "", provider: str = "outbox") -> None:
    """A workspace at ``root`` whose state branch lies in a bare remote beside it."""
    lists = root / "campaigns/lists"
    for directory in (lists, root / "campaigns/templates", root / "campaigns/suppressions"):
        directory.mkdir(parents=True)
    (root / "sendoff.yaml").write_text(SETTINGS.format(provider=provider, more=more))
    (root / "campaigns/launch.yaml").write_text(CAMPAIGN)
    (root / "campaigns/templates/launch.html").write_text(TEMPLATE)
    (lists / "people.yaml").write_text("source: {type: csv, path: people.csv}\n")
    with (lists / "people.csv").open("w") as stream:
        stream.writelines(people.lines())
    with (root / "campaigns/suppressions/left.txt").open("w") as stream:
        stream.writelines(people.suppressed())
    remote = root.with_name(root.name + ".git")
    git(root.parent, "init", "-q", "--bare", "-b", "main", remote.name)
    write_ledger(remote, people)
    git(root, "init", "-q", "-b", "main")
    git(root, "remote", "add", "origin", str(remote))
    (root / ".gitignore").write_text("*.csv\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Begin")
    git(root, "push", "-q", "origin", "main")


def git(directory: Path, *command: str) -> None:
    names = ("-c", "user.name=bench", "-c", "user.email=bench@f3.example")
    subprocess.run(["git", *names, *command], cwd=directory, check=True, capture_output=True)


def write_ledger(remote: Path, people: People) -> None:
    """What a run an hour before has left: claims of a thousand with their receipts, in slices."""
    at, run = NOW - timedelta(minutes=30), "20260302T143000Z-abcdef"
    keys = b"".join(people.sent_keys())
    source = random.Random(7)
    slices, size, start = [], 1, 0
    while start < len(keys):
        slices.append(keys[start : start + size * 8000])
        start, size = start + size * 8000, min(64, size * 4)
    files = {"state/meta.json": encode_meta(key_id(STATE_KEY), at)}
    stream, number, settled = [commit("Begin the ledger", files)], 0, list[Record]()
    for part in slices:
        claims = [claim(part[i : i + 8000], at, run, source) for i in range(0, len(part), 8000)]
        stream.append(commit("claim", slice_files([*settled, *claims], run, number := number + 1)))
        settled = [receipt(one, at) for one in claims]
    stream.append(commit("settle", slice_files(settled, run, number + 1)))
    command = ["git", "-c", "fastimport.unpackLimit=1000000", "fast-import", "--quiet"]
    done = [*command, "--date-format=now"]
    subprocess.run(done, cwd=remote, input=b"".join(stream), check=True, capture_output=True)


def slice_files(records: Sequence[Record], run: str, number: int) -> dict[str, bytes]:
    return {
        f"state/{LedgerFile(campaign, month, run, number).path}": text
        for (campaign, month), text in by_month(records).items()
    }


def claim(keys: bytes, at: datetime, run: str, source: random.Random) -> Claim:
    return Claim(
        id=f"{source.getrandbits(64):016x}",
        campaign="launch",
        step="main",
        occurrence="",
        run=run,
        at=at,
        lease_until=at + timedelta(minutes=20),
        provider="sendgrid",
        keys=keys,
        times=((int(at.timestamp()), 0, len(keys) // 8),),
        total=1_000_000,
    )


def receipt(one: Claim, at: datetime) -> Receipt:
    parts = (Settled("accepted", ((0, len(one.keys) // 8),), "", f"{one.id}-{one.id[:6]}"),)
    return Receipt(one.id, one.campaign, one.run, at + timedelta(seconds=9), parts)


def commit(message: str, files: Mapping[str, bytes]) -> bytes:
    head = f"commit refs/heads/{BRANCH}\ncommitter sendoff <sendoff@localhost> now\n"
    parts = [head.encode(), b"data %d\n%s\n" % (len(message), message.encode())]
    for path, content in files.items():
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
    return b"".join(parts)


@dataclass(frozen=True)
class Cost:
    """What a command took: wall and processor seconds, and its peak memory in MiB."""

    wall: float
    cpu: float
    peak: float
    out: str

    def __str__(self) -> str:
        return f"{self.wall:.2f} s ({self.cpu:.2f} s of processor), {self.peak:.0f} MiB"


PLAINLY = """
import runner.contacts.frames as frames
frames.installed = lambda: False
from runner.cli import entry
entry()
"""


def measured(root: Path, *arguments: str, fast: bool = False, **environ: str) -> Cost:
    """Run sendoff in a workspace as a process of its own.  Raises RuntimeError when it fails.

    ``fast``: with the extra of that name, which must be installed.
    """
    start = ["-m", "runner"] if fast else ["-c", PLAINLY]
    command = [sys.executable, *start, "--root", str(root), *arguments]
    env = {**os.environ, "SENDOFF_STATE_KEY": STATE_KEY, **environ}
    out, begun = root.with_name("out.txt"), time.perf_counter()
    with out.open("w") as stream:
        child = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=env)
        with memory_of(child.pid) as peaks:
            _, status, used = os.wait4(child.pid, 0)
            wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
    text = out.read_text()
    if child.returncode not in (0, 2):
        raise RuntimeError(f"{' '.join(arguments)}: exit {child.returncode}\n{text[-2000:]}")
    peak = max(used.ru_maxrss, *peaks) / 1024
    return Cost(wall, used.ru_utime + used.ru_stime, peak, text)


@contextlib.contextmanager
def memory_of(pid: int) -> Iterator[list[int]]:
    """KiB that a process and all below it have in memory together, looked at every 50 ms.

    A page that several of them share, the program itself say, counts once (PSS).
    """
    found, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            found.append(sum(map(_share, _family(pid))))

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield found
    finally:
        over.set()
        watching.join()


def _family(pid: int) -> Iterator[int]:
    """The process and all below it, but those that were forked and are no other program yet: all
    that they have is their parent's."""
    yield pid
    with contextlib.suppress(OSError):
        program = _program(pid)
        for tasks in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (tasks / "children").read_text().split()):
                if _program(child) != program:
                    yield from _family(child)


def _program(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _share(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def planned(root: Path, *, fast: bool = False) -> tuple[Cost, int]:
    """The plan of a workspace at NOW: what it took, and how many are due."""
    cost = measured(root, "plan", "--json", "--now", f"{NOW:%Y-%m-%dT%H:%M:%SZ}", fast=fast)
    document = json.loads(cost.out)
    return cost, sum(job["due_count"] for job in document["jobs"])
