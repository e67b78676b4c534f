"""``make test-browser``: the pages in a real Chromium, with axe-core.

Needs Debian's chromium (or a google-chrome) and npm; axe-core is installed into a directory that
is thrown away.  Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
PACKAGE = "axe-core@4"


def main() -> int:
    """Bring axe-core, and call the tests."""
    npm = shutil.which("npm")
    if npm is None or not (shutil.which("chromium") or shutil.which("google-chrome")):
        sys.exit("test-browser needs npm, and chromium or google-chrome")
    with tempfile.TemporaryDirectory(prefix="sendoff-axe-") as directory:
        quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", directory)
        subprocess.run([npm, "install", *quiet, PACKAGE], check=True)  # noqa: S603 - our own words
        axe = Path(directory) / "node_modules/axe-core/axe.min.js"
        tests = [sys.executable, "-m", "pytest", "-m", "browser", "tests/browser", *sys.argv[1:]]
        return subprocess.run(  # noqa: S603 - the tests
            tests, cwd=HERE, env={**os.environ, "SENDOFF_AXE": str(axe)}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
