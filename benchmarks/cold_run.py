"""What a run costs when nothing is due: `python -m benchmarks.cold_run [CAMPAIGNS]`.

Every half hour, for ever, CI starts a run that finds nothing to do. This measures one, cold, as a
process of its own, beside a bare Python and beside `sendoff --version`, in the same run: only the
ratios count. It also says which heavy libraries a run did not load, and that no list was read.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .idleness import commit_all

KEY = "a-state-key-for-the-benchmark-0123456789"
NOW = "2025-10-20T14:00:00Z"
TIMES = 15
HEAVY = ("jinja2", "jsonschema", "structlog", "rich", "sendgrid", "css_inline", "email_validator")
SETTINGS = """\
version: 1
from: {{email: hello@f3.example}}
timezone: America/Chicago
postal_address: Main Street 1
unsubscribe: {{mailto: leave@f3.example}}
state: {{backend: {backend}}}
"""
CAMPAIGN = """\
version: 1
name: Campaign {number}
list: people
content: {{subject: Hello, html: '<p><a href="{{{{ unsubscribe_url }}}}">leave</a></p>'}}
schedule: {{send: scheduled, at: 2026-0{month}-01 09:00, timezone: Europe/London}}
"""


def workspace(root: Path, backend: str, campaigns: int) -> None:
    """A workspace whose campaigns are all in the future."""
    (root / "campaigns/lists").mkdir(parents=True)
    (root / "sendoff.yaml").write_text(SETTINGS.format(backend=backend))
    (root / "campaigns/lists/people.yaml").write_text("source: {type: csv, path: people.csv}\n")
    rows = "".join(f"p{n}@example.com\n" for n in range(5000))
    (root / "campaigns/lists/people.csv").write_text("email\n" + rows)
    for number in range(campaigns):
        text = CAMPAIGN.format(number=number, month=number % 9 + 1)
        (root / f"campaigns/c{number:03d}.yaml").write_text(text)


def call(root: Path, *command: str) -> str:
    """Run a command in the workspace; its standard error."""
    environ = {**os.environ, "SENDOFF_STATE_KEY": KEY}
    done = subprocess.run(
        command, cwd=root, env=environ, check=True, capture_output=True, text=True
    )
    return done.stderr


def seconds(root: Path, *command: str) -> list[float]:
    """How long a command takes, several times over."""
    found = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        call(root, *command)
        found.append(time.perf_counter() - begun)
    return found


def main() -> None:
    """Measure and print one table."""
    campaigns = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    python = sys.executable
    rows: list[tuple[str, list[float]]] = []
    with tempfile.TemporaryDirectory() as directory:
        for backend in ("files", "git"):
            root = Path(directory) / backend
            root.mkdir()
            workspace(root, backend, campaigns)
            if backend == "git":
                commit_all(root, Path(directory) / "remote.git")
            run = (python, "-m", "runner", "run", "--now", NOW)
            call(root, python, "-m", "runner", "init", "--now", NOW)
            call(root, *run)  # the first one notes that it has seen the campaigns
            if backend == "files":
                rows.append(("python -c pass", seconds(root, python, "-c", "pass")))
                rows.append(
                    ("sendoff --version", seconds(root, python, "-m", "runner", "--version"))
                )
            rows.append((f"sendoff run, nothing due, {backend}", seconds(root, *run)))
            loaded = call(root, python, "-X", "importtime", *run[1:])
            names = {
                line.rpartition("|")[2].strip().partition(".")[0] for line in loaded.splitlines()
            }
            print(f"{backend}: not loaded: {', '.join(n for n in HEAVY if n not in names)}")
            (root / "campaigns/lists/people.csv").unlink()
            call(root, *run)
            print(f"{backend}: ran without its list's data: no list is read when nothing is due")
    base = statistics.median(rows[0][1])
    print(f"\n{campaigns} campaigns, {TIMES} times each; Python {platform.python_version()}, ")
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores\n")
    print("| command | min | median | max | times bare Python |")
    print("|---|--:|--:|--:|--:|")
    for name, found in rows:
        low, middle, high = min(found), statistics.median(found), max(found)
        print(f"| {name} | {low:.3f} s | {middle:.3f} s | {high:.3f} s | {middle / base:.1f} |")


if __name__ == "__main__":
    main()
