"""Mails over SMTP: how fast, and how much of the processor does one take?

    python -m benchmarks.smtp [--mails 8000] [--times 3]

All send the newsletter of ``benchmarks.newsletter`` (38 KB as multipart, ten values a contact) to
the same server, a process of its own that costs little (``benchmarks.smtp_server``); data and
template are in memory when the time begins.  The processor time of a mail is compared with that of
postfix's ``smtp-source``, which sends one 38 KB text over and over, both to ``smtp-sink``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import newsletter, peers
from benchmarks.findings import Finding, report
from benchmarks.smtp_server import counts, server

HERE = Path(__file__).parent
RIVALS = 600
"""Mails of a round for the others."""

OURS = """
import resource, sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from benchmarks import newsletter
from runner.clock import SystemClock
from runner.model.settings import SmtpSettings
from runner.providers.smtp import SmtpProvider

port, count = map(int, sys.argv[1:])
batches = list(newsletter.batches(count))
provider = SmtpProvider(SmtpSettings(port=port, security="none"), {}, Path(), SystemClock())
deadline = datetime.now(UTC) + timedelta(hours=1)
begun, used = time.perf_counter(), time.process_time()
provider.check()
sent = [outcome.kind for _, some in provider.deliver(batches, deadline) for outcome in some]
provider.close()
print(time.perf_counter() - begun, time.process_time() - used)
assert sent == ["accepted"] * count
"""
WHERE = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


@dataclass(frozen=True)
class Took:
    """Seconds a mail: of time, and of the client's processor."""

    wall: float
    cpu: float


Client = Callable[[int], Took]
"""Sends a round of mails to a port."""


def main() -> None:
    """Measure in turns, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=8000)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    ours = _client([sys.executable, "-c", OURS], options.mails, cwd=HERE.parent)
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory, "data.json")
        data.write_text(json.dumps(as_data(RIVALS)))
        findings = [
            *against_clients(ours, dict(_rivals(data)), options.times),
            *against_postfix(ours, options.mails, options.times),
        ]
    report("smtp", findings)


def against_clients(ours: Client, rivals: dict[str, Client], times: int) -> Iterator[Finding]:
    """Mails a second against each of them, and against the best."""
    with server() as port:
        rounds = [
            (ours(port), {name: send(port) for name, send in rivals.items()}) for _ in range(times)
        ]
        said = counts(port)
    print(
        f"the server: {said['mails']} mails, {said['cpu'] / said['mails'] * 1e6:.0f} µs of "
        "processor time each\n"
    )
    shown = f"{1 / median(mine.wall for mine, _ in rounds):,.0f} mails/s"
    used = f"{median(mine.cpu for mine, _ in rounds) * 1e6:.0f} µs"
    for name in rivals:
        speed = 1 / median(theirs[name].wall for _, theirs in rounds)
        ratios = tuple(theirs[name].wall / mine.wall for mine, theirs in rounds)
        yield Finding("38 KB multipart over SMTP", shown, f"{name}: {speed:,.0f} mails/s", ratios)
    for name in rivals:
        cost = median(theirs[name].cpu for _, theirs in rounds) * 1e6
        ratios = tuple(theirs[name].cpu / mine.cpu for mine, theirs in rounds)
        yield Finding("the same, processor time of a mail", used, f"{name}: {cost:,.0f} µs", ratios)
    if rivals:
        ratios = tuple(min(t.wall for t in theirs.values()) / mine.wall for mine, theirs in rounds)
        yield Finding("38 KB multipart over SMTP", shown, "the best of them", ratios, 10)


def against_postfix(ours: Client, mails: int, times: int) -> Iterator[Finding]:
    """Processor time against ``smtp-source``; the ratio is theirs to ours."""
    source, sink = (shutil.which(name, path=WHERE) for name in ("smtp-source", "smtp-sink"))
    if source is None or sink is None:
        print("left out: smtp-source (Debian's package postfix is not here)")
        return
    with _sink(sink) as port:
        rounds = [(ours(port).cpu, _source(source, port, mails)) for _ in range(times)]
    mine, theirs = (median(column) * 1e6 for column in zip(*rounds, strict=True))
    yield Finding(
        "processor time of a mail over SMTP",
        f"{mine:.0f} µs",
        f"smtp-source (postfix), the same text over and over: {theirs:.0f} µs",
        tuple(t / o for o, t in rounds),
        round(1 / 1.5, 2),
    )


def _source(program: str, port: int, mails: int) -> float:
    size = str(newsletter.mime_size())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [
            *(program, "-s", "4", "-d", "-m", str(mails), "-l", size),
            *("-f", "hello@f3.example", "-t", "reader@example.org", f"127.0.0.1:{port}"),
        ],
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used / mails


@contextmanager
def _sink(program: str) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen([program, *user, f"127.0.0.1:{port}", "100"])
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def as_data(count: int) -> dict[str, object]:
    """The newsletter as pieces, and each contact's values."""
    batch = newsletter.batch(0, count, newsletter.parts())
    parts, values = batch.content.parts, batch.content.values
    rows = [
        {"email": email, "values": [column[i] for column in values]}
        for i, email in enumerate(batch.emails)
    ]
    return {"subject": parts.subject, "html": parts.html, "text": parts.text, "rows": rows}


def _rivals(data: Path) -> Iterator[tuple[str, Client]]:
    for package, shown, script, mails in (
        ("mailmerge", "mailmerge", "mailmerge_client.py", RIVALS // 4),
        ("django", "Django", "django_client.py", RIVALS),
    ):
        if python := peers.python_with(package):
            command = [str(python), str(HERE / "peer_scripts" / script), str(data)]
            name = f"{shown} {peers.python_version(python, package)}"
            yield name, _client(command, mails)
    if node := peers.node_with("nodemailer"):
        path = HERE / "peer_scripts/nodemailer_client.js"
        name = f"nodemailer {peers.node_version(node, 'nodemailer')}, pooled"
        yield name, _client(["node", str(path), str(node), str(data)], RIVALS)


def _client(command: Sequence[str], count: int, cwd: Path | None = None) -> Client:
    def send(port: int) -> Took:
        done = subprocess.run(
            [*command, str(port), str(count)],
            check=True,
            cwd=cwd,
            stdout=subprocess.PIPE,
            text=True,
        )
        wall, cpu = map(float, done.stdout.split())
        return Took(wall / count, cpu / count)

    return send


if __name__ == "__main__":
    main()
