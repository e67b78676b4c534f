"""A workspace of many campaigns, nearly all of them over, and the ledger of all that they sent.

What `benchmarks.idle` and `benchmarks.validate` look at. Written as runs write it: claims,
receipts, closed jobs, with random contact keys.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from runner.ledger.files_store import FilesStore
from runner.ledger.layout import LedgerFile, by_month
from runner.ledger.meta import encode_meta, key_id
from runner.model.contacts import KEY_BYTES
from runner.model.ledger import Claim, Closed, Planned, Receipt, Record, Settled

KEY = "a-state-key-for-the-benchmark-0123456789"
BRANCH = "sendoff-state"
START = datetime(2025, 6, 2, 14, tzinfo=UTC)
NOW = "2025-10-20T14:00:00Z"
SETTINGS = """\
version: 1
from: {{email: hello@f3.example, name: F3 Nation}}
timezone: America/Chicago
postal_address: F3 Nation, 1 Main Street, Charlotte NC, USA
unsubscribe: {{mailto: leave@f3.example}}
state: {{backend: {backend}}}
"""
SCHEDULES = {
    "over": "{{send: scheduled, at: 2025-0{month}-02 09:00, timezone: America/Chicago}}",
    "ahead": "{{send: scheduled, at: 2026-0{month}-02 09:00, timezone: recipient}}",
    "weekly": '{{send: recurring, cron: "0 9 * * MON", until: 2025-06-05 00:00}}',
}
CAMPAIGN = """\
# yaml-language-server: $schema=../schemas/campaign.schema.json
version: 1
name: Campaign {number}
list: people{part}
template: invite
variables: {{eventName: Beatdown {number}, city: Charlotte}}
schedule: {schedule}
guards: {{max_recipients: 5000, max_growth: 10%}}
"""
TEMPLATE = """\
---
subject: "{{ eventName }} on Saturday"
preheader: See you in {{ city }}
requires: [eventName, city]
---
<!doctype html>
<html lang="en"><head><title>{{ eventName }}</title></head><body>
<h1>{{ eventName }}</h1><p>Dear {{ contact.firstName | default("friend") }}, come to {{ city }}.</p>
<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Leave this list</a></p>
</body></html>
"""


@dataclass(frozen=True)
class Size:
    """``campaigns`` files, and ``sends`` spread over those that have begun."""

    campaigns: int
    sends: int


def kind(number: int) -> str:
    """One in twenty lies ahead, one in twenty recurs, the others are over."""
    return {0: "ahead", 1: "weekly"}.get(number % 20, "over")


def name(number: int) -> str:
    return f"{2020 + number % 6}-campaign-{number:04d}"


def write_workspace(root: Path, backend: str, campaigns: int, contacts: int = 1000) -> None:
    """The files that people wrote."""
    (root / "campaigns/lists").mkdir(parents=True)
    (root / "campaigns/templates").mkdir()
    (root / "sendoff.yaml").write_text(SETTINGS.format(backend=backend))
    (root / "campaigns/templates/invite.html").write_text(TEMPLATE)
    columns = "columns: {email: Email, firstName: First}\n"
    for part in range(10):
        rows = "".join(f"p{part}-{n}@example.com,Pat {n}\n" for n in range(contacts))
        place = root / f"campaigns/lists/people{part}"
        place.with_suffix(".csv").write_text("Email,First\n" + rows)
        place.with_suffix(".yaml").write_text(
            f"source: {{type: csv, path: people{part}.csv}}\n{columns}"
        )
    for number in range(campaigns):
        schedule = SCHEDULES[kind(number)].format(month=number % 4 + 3)
        text = CAMPAIGN.format(number=number, part=number % 10, schedule=schedule)
        (root / f"campaigns/{name(number)}.yaml").write_text(text)


def appends(size: Size) -> Iterator[tuple[str, Sequence[Record]]]:
    """(run id, records) of each write: all are seen at once, then they send, ten in a run."""
    source = random.Random(7)
    first = f"{START:%Y%m%dT%H%M%SZ}-000000"
    yield first, [Planned(name(n), first, START, START, 1000, "") for n in range(size.campaigns)]
    begun = [n for n in range(size.campaigns) if kind(n) != "ahead"]
    each = max(1, size.sends // max(1, len(begun)))
    for start in range(0, len(begun), 10):
        at = START + timedelta(hours=start)
        run = f"{at:%Y%m%dT%H%M%SZ}-{source.getrandbits(24):06x}"
        part = begun[start : start + 10]
        claims = [c for n in part for c in _claims(source, n, run, at, each)]
        yield run, claims
        ends = [Closed(name(n), "main", _occurrence(n), run, at, {"sent": each}) for n in part]
        yield run, [*(_receipt(claim) for claim in claims), *ends]


def _occurrence(number: int) -> str:
    return "2025-06-02T09:00" if kind(number) == "weekly" else ""


def _claims(
    source: random.Random, number: int, run: str, at: datetime, each: int
) -> Iterator[Claim]:
    for start in range(0, each, 1000):
        count = min(1000, each - start)
        yield Claim(
            id=f"{source.getrandbits(64):016x}",
            campaign=name(number),
            step="main",
            occurrence=_occurrence(number),
            run=run,
            at=at,
            lease_until=at + timedelta(minutes=20),
            provider="sendgrid",
            keys=source.randbytes(count * KEY_BYTES),
            times=((int(at.timestamp()) + start, 1, count),),
            total=each,
            content=f"{source.getrandbits(64):016x}",
            commit=f"{7:040x}",
        )


def _receipt(claim: Claim) -> Receipt:
    count = len(claim.keys) // KEY_BYTES
    parts = (Settled("accepted", ((0, count),), "", f"{claim.id}-{claim.id[:6]}"),)
    return Receipt(claim.id, claim.campaign, claim.run, claim.at + timedelta(seconds=9), parts)


def fill_files(root: Path, size: Size) -> None:
    """The ledger in a directory."""
    store = FilesStore(root / "state", key_id(KEY), workspace=root, sleep=lambda seconds: None)
    base = store.initialise(START)
    for run, records in appends(size):
        base = store.append(base, records, run=run, message="")


def fill_git(remote: Path, size: Size) -> None:
    """The ledger on a branch of a bare repository, packed as a server keeps it."""
    numbers: dict[tuple[str, str, str], int] = {}
    stream = [_commit({"state/meta.json": encode_meta(key_id(KEY), START)})]
    for run, records in appends(size):
        files: dict[str, bytes] = {}
        for (campaign, month), text in by_month(records).items():
            number = numbers[campaign, month, run] = numbers.get((campaign, month, run), 0) + 1
            files[f"state/{LedgerFile(campaign, month, run, number).path}"] = text
        stream.append(_commit(files))
    subprocess.run(
        ("git", "fast-import", "--quiet", "--date-format=now"),
        cwd=remote,
        input=b"".join(stream),
        check=True,
    )


def _commit(files: Mapping[str, bytes]) -> bytes:
    parts = [
        f"commit refs/heads/{BRANCH}\ncommitter sendoff <sendoff@localhost> now\n".encode(),
        b"data 6\nrecord\n",
    ]
    for path, content in files.items():
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
    return b"".join(parts)


def call(root: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the workspace; it must succeed."""
    own = {**os.environ, "SENDOFF_STATE_KEY": KEY, **environ}
    return subprocess.run(command, cwd=root, env=own, check=True, capture_output=True, text=True)


def commit_all(root: Path, remote: Path) -> None:
    """Make the workspace a clone of a bare remote, everything pushed."""
    git = ("git", "-c", "user.name=bench", "-c", "user.email=bench@f3.example")
    call(root, "git", "init", "-q", "--bare", "-b", "main", str(remote))
    call(root, "git", "init", "-q", "-b", "main")
    call(root, "git", "remote", "add", "origin", str(remote))
    call(root, *git, "add", "-A")
    call(root, *git, "commit", "-q", "-m", "Begin")
    call(root, "git", "push", "-q", "origin", "main")


@dataclass(frozen=True)
class Spent:
    """What a process and those that it started took: seconds, CPU seconds, bytes at the peak."""

    wall: float
    cpu: float
    peak: int


def spend(root: Path, *command: str, **environ: str) -> Spent:
    """Run a command in the workspace; it must succeed."""
    own = {**os.environ, "SENDOFF_STATE_KEY": KEY, **environ}
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=root, env=own, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return Spent(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)
