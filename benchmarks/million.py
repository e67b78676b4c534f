"""A million contacts, planned and sent: `python -m benchmarks.million [--rows N] [--times N]`.

A list of a million rows, 50,000 suppressed, 500,000 of them in the ledger: exactly 430,034 are due.
First `sendoff plan`, cold and whole, then `sendoff run`: to a server that takes 80 ms for each
answer, a thousand mails a request, claims and receipts pushed to a bare repository.  Each recipient
must be at the server once.  Everything is a process of its own; memory is its peak.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from runner.contacts.frames import installed

from .findings import Finding, report
from .receiver import receiver, recipients
from .workload import NOW, Cost, People, git, make_workspace, measured, planned

MILLION = 1_000_000
DELAY = 0.08


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million", description=__doc__)
    parser.add_argument("--rows", type=int, default=MILLION, help="a power of ten")
    parser.add_argument("--times", type=int, default=3)
    chosen = parser.parse_args()
    people = People(chosen.rows)
    with tempfile.TemporaryDirectory(prefix="sendoff-million-") as home:
        make_workspace(Path(home, "ws"), people)
        plans = [plan_once(Path(home, "ws"), people) for _ in range(chosen.times)]
        times = range(chosen.times if installed() else 0)
        fast = [plan_once(Path(home, "ws"), people, fast=True) for _ in times]
        runs = [run_once(Path(home), people, n) for n in range(chosen.times)]
    found = judged("plan", plans, Limit(4, 150))
    found += judged("plan with sendoff[fast]", fast, Limit(2, None)) if installed() else []
    report("million", found + judged("run", runs, Limit(20, 250)))


@dataclass(frozen=True)
class Limit:
    """Wall seconds, and MiB at the peak (None: no limit)."""

    seconds: float
    peak: float | None


def plan_once(root: Path, people: People, *, fast: bool = False) -> Cost:
    cost, due = planned(root, fast=fast)
    assert due == people.due, due
    print(f"plan{' with the extra' * fast}: {cost}", flush=True)
    return cost


def run_once(home: Path, people: People, number: int) -> Cost:
    """Send to a fresh server from a fresh copy of the workspace and its remote."""
    root, taken = home / f"run{number}", home / f"taken{number}"
    shutil.copytree(home / "ws", root)
    shutil.copytree(home / "ws.git", home / f"run{number}.git")
    with receiver(DELAY, taken) as url:
        rewrite(root, url)
        now = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
        cost = measured(root, "run", "--now", now, SENDGRID_API_KEY="SG.benchmark")
    counts = Counter(recipients(taken))
    assert len(counts) == people.due == counts.total(), (len(counts), counts.total())
    for directory in (root, root.with_name(root.name + ".git"), taken):
        shutil.rmtree(directory)
    print(f"run: {cost}, {people.due:,} at the server, each once", flush=True)
    return cost


def rewrite(root: Path, url: str) -> None:
    """Let the workspace send through the server at ``url`` and push to its own remote."""
    settings = root / "sendoff.yaml"
    text = settings.read_text().replace("provider: outbox", "provider: sendgrid")
    settings.write_text(f"{text}providers: {{sendgrid: {{base_url: '{url}'}}}}\n")
    git(root, "remote", "set-url", "origin", str(root.with_name(root.name + ".git")))
    # what is sent is what is approved: the settings of the commit, not of the directory
    git(root, "commit", "-q", "-a", "-m", "Send through the server")
    git(root, "push", "-q", "origin", "main")


WORK = {
    "plan": "1M-row CSV, 50k suppressed, 500k sent: plan of 430,034",
    "plan with sendoff[fast]": "the same with `sendoff[fast]`",
    "run": "the same sent through SendGrid (80 ms), claimed and pushed",
}


def judged(work: str, costs: list[Cost], limit: Limit) -> list[Finding]:
    """Wall time and memory against their limits; processor time, which the machine's other work
    touches least, beside them."""
    what, seconds = WORK[work], limit.seconds
    wall = statistics.median(cost.wall for cost in costs)
    cpu = statistics.median(cost.cpu for cost in costs)
    peak = max(cost.peak for cost in costs)
    against = f"limit {seconds:g} s"
    found = [
        Finding(
            f"{what}: wall", f"{wall:.2f} s", against, tuple(seconds / c.wall for c in costs), 1
        ),
        Finding(
            f"{what}: processor", f"{cpu:.2f} s", against, tuple(seconds / c.cpu for c in costs)
        ),
    ]
    if limit.peak is not None:
        ratios = tuple(limit.peak / cost.peak for cost in costs)
        at_most = f"limit {limit.peak:g} MiB"
        found.append(Finding(f"{what}: peak memory", f"{peak:.0f} MiB", at_most, ratios, 1))
    return found


if __name__ == "__main__":
    main()
