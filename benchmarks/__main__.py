"""All benchmarks, and the page of their results: `python -m benchmarks [--publish] [NAME ...]`.

Each is a process of its own, one after the other. With `--publish` docs/benchmarks.md is written
anew: all of it, or the sections that are named and the others as they were.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from .findings import OUTPUT, Finding, table

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/benchmarks.md"
SECTIONS = {
    "rendering": "Rendering",
    "sendgrid": "Handing over to SendGrid",
    "smtp": "SMTP",
    "million": "A million contacts",
    "growth": "How cost grows",
    "databases": "Lists from databases",
    "planning": "Planning",
    "suppressions": "Suppressions",
    "ledger": "The ledger in git",
    "validate": "Validating a thousand campaigns",
    "idle": "A run with nothing due",
}
"""Benchmarks in the order of the page, with their headings."""
HEAD = """\
# Benchmarks

Ratios count, seconds do not: each number stands beside a peer or a limit that was measured in the
same run on the same machine, the repetitions taking turns. "Against" names the peer; a ratio of 12
means twelve times better than it. Peers are installed by the benchmark itself, in their newest
versions, and used as their own documentation says.

    make bench                        # all of this page; takes a quarter of an hour
    python -m benchmarks.smtp         # one section

What the numbers mean, where the time goes and what the floor is stands in the pages about
[contacts](speed.md), [rendering](rendering.md), [providers](speed-providers.md) and the
[ledger](ledger-costs.md).
"""


def main() -> int:
    """Run what is asked for; 1 when one of them failed or missed what it should reach."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SECTIONS))
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks.md")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - SECTIONS.keys():
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    names = [name for name in SECTIONS if name in (chosen.names or SECTIONS)]
    results = {name: measure(name) for name in names}
    if chosen.publish:
        publish({name: section for name, (section, _) in results.items() if section})
    return int(not all(sound for _, sound in results.values()))


def measure(name: str) -> tuple[str, bool]:
    """The section of one benchmark, and whether it ended well."""
    print(f"\n--- {name}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory) / "findings.jsonl"
        environ = {**os.environ, OUTPUT: str(place)}
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        done = subprocess.run(command, cwd=ROOT, env=environ, check=False)
        lines = place.read_text().splitlines() if place.exists() else []
    if not lines:
        print(f"{name} reported nothing", file=sys.stderr)
    return section(name, [json.loads(line) for line in lines]), bool(lines) and not done.returncode


def section(name: str, reports: Sequence[Mapping[str, list[object]]]) -> str:
    """One benchmark's part of the page."""
    parts = [f"## {SECTIONS[name]}", f"`python -m benchmarks.{name}`, {date.today()}, {machine()}"]
    for found in reports:
        findings = [
            Finding(**{**row, "ratios": tuple(row["ratios"])})  # type: ignore[arg-type, call-overload, dict-item]
            for row in found["findings"]
        ]
        parts += [table(findings)] if findings else []
        parts += [str(note) for note in found["notes"]]
    return "\n\n".join(parts) + "\n"


def publish(sections: Mapping[str, str]) -> None:
    """Write the page; sections that were not measured now stay as they were."""
    before = PAGE.read_text() if PAGE.exists() else ""
    texts = []
    for name, heading in SECTIONS.items():
        old = re.search(rf"^## {re.escape(heading)}\n.*?(?=^## |\Z)", before, re.M | re.S)
        text = sections.get(name) or (old[0] if old else "")
        texts += [text.rstrip() + "\n"] if text else []
    PAGE.write_text("\n".join([HEAD, *texts]))


def machine() -> str:
    """What it was measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, git {git_version()}, sendoff {version('sendoff')}"
    )


def git_version() -> str:
    """Of the git that was used."""
    answer = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
    return answer.stdout.split()[2]


if __name__ == "__main__":
    sys.exit(main())
