"""JSON for programs: ASCII only, so that no terminal and no encoding can do anything to it."""

from __future__ import annotations

import json


def dump(value: object) -> str:
    """Two-space JSON with keys in the order given, ending with a newline."""
    return json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
