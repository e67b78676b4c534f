"""The docs as data: pages, their fenced blocks and their code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMPLETE = re.compile(r"# (campaigns/(?:lists/)?[\w/.-]+\.yaml|sendoff\.yaml)\n")


def pages() -> list[Path]:
    """Every page that users read."""
    own = [HERE / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return own + sorted((HERE / "docs").rglob("*.md"))


@dataclass(frozen=True)
class Block:
    """A fenced block; ``line`` is that of its fence."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(HERE)}:{self.line}"

    @property
    def path(self) -> str:
        """Where a complete YAML file belongs; '' for others."""
        match = COMPLETE.match(self.text)
        return match[1] if match else ""


def blocks() -> list[Block]:
    """All fenced blocks of all pages."""
    return [
        Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2])
        for page in pages()
        for text in [page.read_text("utf-8")]
        for match in FENCE.finditer(text)
    ]


def code(page: Path) -> list[str]:
    """What stands between backticks, and in fenced blocks, line by line."""
    text = page.read_text("utf-8")
    spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    return [span.replace("\\|", "|") for span in spans] + [
        line for match in FENCE.finditer(text) for line in match[2].splitlines()
    ]


def table(page: Path, heading: str) -> dict[str, list[str]]:
    """The first table below a heading: its rows by their first cell, backticks taken off."""
    part = page.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in part.splitlines()
        if line.startswith("|")
    ]
    assert rows, f"{page.name} has no table below {heading!r}"
    return {row[0].strip("`"): row[1:] for row in rows[2:]}
