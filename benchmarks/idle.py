"""What a run costs when nothing is due: `python -m benchmarks.idle [--quick] [--grow]`.

Every half hour, for ever, CI starts a run that finds nothing to do. A thousand campaigns lie there,
nearly all of them over, and the ledger of all that they sent. Each repetition measures `git fetch`,
a bare Python and the run next to each other; what counts is the time of the run over that of the
fetch. *Warm*: the cache holds what the run before found. *Cold*: a new clone and an empty cache.

`--grow` shows ledgers of 10,000 to 10,000,000 sends: seconds of CPU and peak memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing import Process
from pathlib import Path

from benchmarks.findings import Finding, report
from benchmarks.idleness import (
    BRANCH,
    NOW,
    Size,
    Spent,
    call,
    commit_all,
    fill_git,
    spend,
    write_workspace,
)

LIMIT = 0.400
"""Seconds over `git fetch` that a run with nothing due may take."""
VERSION_LIMIT = 0.080
RUN = (sys.executable, "-m", "runner", "run", "--now", NOW)
FETCH = ("git", "fetch", "-q", "origin", "main", BRANCH)


def prepare(home: Path, size: Size) -> Path:
    """A bare remote with campaigns and ledger, and a clone of its default branch."""
    source = home / "source"
    source.mkdir()
    write_workspace(source, "git", size.campaigns, contacts=10)
    commit_all(source, home / "remote.git")
    # in a process of its own: what a parent holds counts among its children's peak
    filling = Process(target=fill_git, args=(home / "remote.git", size))
    filling.start()
    filling.join()
    if filling.exitcode:
        raise SystemExit("the ledger could not be made")
    return clone(home, "clone")


def clone(home: Path, name: str) -> Path:
    """A new clone, as CI makes it: the default branch alone."""
    call(home, "git", "clone", "-q", "--single-branch", (home / "remote.git").as_uri(), name)
    return home / name


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller numbers")
    parser.add_argument("--grow", action="store_true", help="ledgers of many sizes instead")
    options = parser.parse_args()
    os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    if options.grow:
        grow((10_000, 100_000) if options.quick else (10_000, 100_000, 1_000_000, 10_000_000))
        return
    size, times = (Size(50, 10_000), 3) if options.quick else (Size(1000, 1_000_000), 9)
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        root = prepare(home, size)
        print(f"{size.campaigns:,} campaigns, {size.sends:,} sends, {times} times each\n")
        findings = [*versions(root, times), *warm(home, root, times), *cold(home, times)]
    report("idle", findings)


def versions(root: Path, times: int) -> Iterator[Finding]:
    python = [spend(root, sys.executable, "-c", "pass") for _ in range(times)]
    ours = [spend(root, sys.executable, "-m", "runner", "--version") for _ in range(times)]
    limit = f"limit {VERSION_LIMIT * 1000:.0f} ms; bare Python {shown(python)}"
    yield Finding("sendoff --version", shown(ours), limit, over(VERSION_LIMIT, ours), 1.0)


def warm(home: Path, root: Path, times: int) -> Iterator[Finding]:
    cache = {"SENDOFF_CACHE": str(home / "warm")}
    spend(root, *RUN, **cache)
    pairs = [(spend(root, *FETCH), spend(root, *RUN, **cache)) for _ in range(times)]
    yield from compared("run, nothing due, warm", pairs)


def cold(home: Path, times: int) -> Iterator[Finding]:
    """The fetch of another new clone stands beside it: both bring the whole ledger."""
    pairs = []
    for number in range(times):
        roots = [clone(home, f"{kind}{number}") for kind in ("fetch", "run")]
        cache = {"SENDOFF_CACHE": str(home / f"cold{number}")}
        pairs.append((spend(roots[0], *FETCH), spend(roots[1], *RUN, **cache)))
    yield from compared("run, nothing due, cold", pairs, wanted=None)


def compared(
    work: str, pairs: Sequence[tuple[Spent, Spent]], wanted: float | None = 1.0
) -> Iterator[Finding]:
    """Against the limit, by the clock on the wall and by the CPU's."""
    fetches, runs = [fetch for fetch, _ in pairs], [run for _, run in pairs]
    against = f"limit {LIMIT * 1000:.0f} ms over git fetch, which took {shown(fetches)}"
    walls = tuple(LIMIT / max(0.001, run.wall - fetch.wall) for fetch, run in pairs)
    yield Finding(work, shown(runs), against, walls, wanted)
    cpu = tuple(LIMIT / max(0.001, run.cpu - fetch.cpu) for fetch, run in pairs)
    ours = f"{statistics.median(run.cpu for run in runs) * 1000:.0f} ms of CPU"
    yield Finding(f"{work}, CPU", ours, against, cpu)


def shown(found: Sequence[Spent]) -> str:
    """Milliseconds: the least, the median."""
    walls = [one.wall * 1000 for one in found]
    peak = max(one.peak for one in found) / 2**20
    return f"{min(walls):.0f} / {statistics.median(walls):.0f} ms, {peak:.0f} MiB"


def over(limit: float, found: Sequence[Spent]) -> tuple[float, ...]:
    return tuple(limit / one.wall for one in found)


def grow(sizes: Sequence[int]) -> None:
    """How time and memory grow with the ledger, warm and cold."""
    print("| sends | cold: CPU | cold: peak | warm: CPU | warm: peak |")
    print("|--:|--:|--:|--:|--:|")
    for sends in sizes:
        with tempfile.TemporaryDirectory() as directory:
            home = Path(directory)
            root = prepare(home, Size(1000, sends))
            spend(root, *FETCH)
            cache = {"SENDOFF_CACHE": str(home / "cache")}
            found = [spend(root, *RUN, **cache), *(spend(root, *RUN, **cache) for _ in range(3))]
        least = min(found[1:], key=lambda one: one.cpu)
        cells = [f"{one.cpu:.2f} s | {one.peak / 2**20:.0f} MiB" for one in (found[0], least)]
        print(f"| {sends:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
