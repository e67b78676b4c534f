"""Writes what commands print into README.md and docs/, beneath the comment that names them.

    <!-- run: sendoff plan NAME --now TIME -->
    ```text
    (what it prints)
    ```

They run in a copy of this repository's workspace, with the campaigns that the README shows and
an empty ledger, 88 columns wide.  ``--check``
only says whether what stands there is up to date.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
SENDOFF = Path(sys.executable).with_name("sendoff")
CAMPAIGN = re.compile(
    r"^```yaml\n# (campaigns/[\w/.-]+\.yaml)\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
BLOCK = re.compile(
    r"(<!-- run: (sendoff [^\n]*?) -->\n```\w*\n).*?(^```$)", re.DOTALL | re.MULTILINE
)
WORKSPACE = ("campaigns", "schemas")


def pages() -> list[Path]:
    """The pages that may hold output."""
    return [HERE / "README.md", *sorted((HERE / "docs").glob("*.md"))]


def refreshed(page: str, root: Path) -> str:
    """The page with what its commands print today."""
    return BLOCK.sub(lambda match: match[1] + output(match[2], root) + match[3], page)


def output(command: str, root: Path) -> str:
    """What a command prints, without seconds, and without blanks at the ends of lines."""
    done = subprocess.run(  # noqa: S603 - our own program
        [str(SENDOFF), *shlex.split(command)[1:]],
        cwd=root,
        env={
            "PATH": os.environ.get("PATH", ""),
            "COLUMNS": "88",
            "SENDOFF_STATE_KEY": "a key for the documentation, and for nothing else",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 3) or not done.stdout:
        sys.exit(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return "".join(f"{steady(line).rstrip()}\n" for line in done.stdout.splitlines())


def steady(line: str) -> str:
    """A line without seconds: the clock ticks on from --now, and on a busy machine some pass
    before it is looked at.  The time in a heading ends where the line does."""
    shorter = re.sub(r"(?<=\b\d\d:\d\d):0\d\b", "", line)
    lost = " " * (len(line) - len(shorter))
    return shorter if line.startswith(" ") else re.sub(r" {3,}", rf"\g<0>{lost}", shorter, count=1)


def lay_out(root: Path) -> None:
    """A copy of the sample workspace, with the campaigns that the README shows."""
    for name in WORKSPACE:
        shutil.copytree(HERE / name, root / name)
    shutil.copy(HERE / "sendoff.yaml", root)
    for path, text in CAMPAIGN.findall((HERE / "README.md").read_text("utf-8")):
        (root / path).write_text(text, "utf-8")


def main() -> None:
    """Write, or check."""
    stale = []
    with tempfile.TemporaryDirectory(prefix="sendoff-docs-") as directory:
        root = Path(directory)
        lay_out(root)
        output("sendoff init --now 2025-10-01T12:00:00Z", root)
        for path in pages():
            page = path.read_text("utf-8")
            new = refreshed(page, root)
            if new != page:
                stale.append(path.name)
                if "--check" not in sys.argv[1:]:
                    path.write_text(new, "utf-8")
    if stale and "--check" in sys.argv[1:]:
        sys.exit(f"output is out of date in {', '.join(stale)}: make docs")


if __name__ == "__main__":
    main()
