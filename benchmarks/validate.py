"""What it costs to check a workspace: `python -m benchmarks.validate [--quick]`.

A thousand campaigns of one template, ten lists of a thousand contacts. *Cold*: an empty cache. *One
file changed*: a campaign was edited since. *Nothing changed*: the answer from before, once all that
was looked at has the same digests. A bare Python stands beside each, since all begin with one.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.findings import Finding, report
from benchmarks.idleness import Spent, name, spend, write_workspace

COLD, SAME = 3.0, 0.150
"""Seconds that may pass."""
VALIDATE = (sys.executable, "-m", "runner", "validate")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller numbers")
    options = parser.parse_args()
    campaigns, times = (50, 3) if options.quick else (1000, 5)
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        root = home / "work"
        root.mkdir()
        write_workspace(root, "files", campaigns)
        pythons, colds, edits, sames = measure(home, root, times)
    print(f"{campaigns:,} campaigns, {times} times each; bare Python {shown(pythons)}\n")
    findings = [
        *both("validate, cold", COLD, colds),
        *both("validate, one file changed", COLD, edits),
        *both("validate, nothing changed", SAME, sames),
    ]
    report("validate", findings)


def measure(home: Path, root: Path, times: int) -> tuple[list[Spent], ...]:
    """Repetitions of each, next to each other."""
    found: tuple[list[Spent], ...] = ([], [], [], [])
    for number in range(times):
        cache = {"SENDOFF_CACHE": str(home / f"cache{number}")}
        found[0].append(spend(root, sys.executable, "-c", "pass"))
        found[1].append(spend(root, *VALIDATE, **cache))
        with (root / f"campaigns/{name(number)}.yaml").open("a") as stream:
            stream.write("# edited\n")
        found[2].append(spend(root, *VALIDATE, **cache))
        found[3].append(spend(root, *VALIDATE, **cache))
    return found


def both(work: str, limit: float, found: Sequence[Spent]) -> tuple[Finding, Finding]:
    """By the clock on the wall, and by the CPU's, which other work on the machine disturbs less."""
    against = f"limit {limit * 1000:,.0f} ms"
    walls = Finding(work, shown(found), against, tuple(limit / one.wall for one in found), 1.0)
    median = statistics.median(one.cpu for one in found) * 1000
    cpu = tuple(limit / one.cpu for one in found)
    return walls, Finding(f"{work}, CPU", f"{median:,.0f} ms of CPU", against, cpu)


def shown(found: Sequence[Spent]) -> str:
    """Milliseconds, the least and the median; the highest peak."""
    walls = [one.wall * 1000 for one in found]
    peak = max(one.peak for one in found) / 2**20
    return f"{min(walls):,.0f} / {statistics.median(walls):,.0f} ms, {peak:.0f} MiB"


if __name__ == "__main__":
    main()
