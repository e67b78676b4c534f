"""docs/lint.md explains every code, with its severity."""

from __future__ import annotations

import re
from pathlib import Path

from runner.errors import SLOW
from runner.lint.codes import CODES, UNUSED

PAGE = (Path(__file__).resolve().parents[3] / "docs/lint.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### ([a-z-]+)\n\n(.*?)(?=\n#|\Z)", PAGE, re.DOTALL | re.MULTILINE))


def test_every_code_has_a_section() -> None:
    assert set(SECTIONS) == {*CODES, UNUSED, SLOW}


def test_every_section_begins_with_the_severity() -> None:
    for code, severity in {**CODES, UNUSED: "warning", SLOW: "warning"}.items():
        assert SECTIONS[code].lower().startswith(severity), code
