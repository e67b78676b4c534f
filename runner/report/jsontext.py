"""JSON for programs: ASCII only, so that no terminal and no encoding can do anything to it.

Nor a CI's log: ``##[`` is an old workflow command anywhere in a line, so it is written with an
escape.  In JSON it can stand within a text only.
"""

from __future__ import annotations

import json


def dump(value: object) -> str:
    """Two-space JSON with keys in the order given, ending with a newline."""
    text = json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False)
    return text.replace("##[", "#\\u0023[") + "\n"
