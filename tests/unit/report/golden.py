"""Golden output: what a report is to look like stands in a file that people can read.

After a change that is meant, write the files anew with ``SENDOFF_GOLDEN=write pytest …`` and read
the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """``text`` is what ``golden/NAME`` holds."""
    path = HERE / name
    if os.environ.get("SENDOFF_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8")
