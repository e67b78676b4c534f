"""Draws the import picture of docs/architecture.md from the code.

``--check`` only says whether the one in the file is up to date.  Arrows that follow from others
are left out (A → C beside A → B → C); every arrow drawn is an import that exists.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import grimp

HERE = Path(__file__).resolve().parents[1]
PAGE = HERE / "docs/architecture.md"
MARKED = re.compile(r"(<!-- imports: begin.*?-->\n).*?(<!-- imports: end -->)", re.DOTALL)
LEFT_OUT = frozenset({"__main__", "testing"})

Arrows = dict[str, set[str]]


def rooms() -> Arrows:
    """Every room of ``runner`` with the rooms that it imports."""
    graph = grimp.build_graph("runner", cache_dir=None)
    arrows: Arrows = {}
    for module in graph.modules:
        room = _room(module)
        if room:
            arrows.setdefault(room, set())
            found = map(_room, graph.find_modules_directly_imported_by(module))
            arrows[room] |= {other for other in found if other and other != room}
    return arrows


def _room(module: str) -> str:
    """``runner.ledger.layout`` is in the room ``ledger``; '' for what is not drawn."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] not in LEFT_OUT else ""


def reduced(arrows: Arrows) -> Arrows:
    """Without the arrows that follow from others.  There are no circles: import-linter says so."""
    reach: Arrows = {}

    def below(room: str) -> set[str]:
        if room not in reach:
            reach[room] = arrows[room].union(*map(below, arrows[room]))
        return reach[room]

    return {
        room: {one for one in direct if not any(one in below(other) for other in direct - {one})}
        for room, direct in arrows.items()
    }


def drawing(arrows: Arrows) -> str:
    """The picture in Mermaid."""
    lines = [f"    {room} --> {other}" for room in sorted(arrows) for other in sorted(arrows[room])]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```", ""])


def redrawn(page: str) -> str:
    """The page with the picture of today's code."""
    picture = drawing(reduced(rooms()))
    return MARKED.sub(lambda match: match[1] + picture + match[2], page)


def main() -> None:
    """Draw, or check."""
    page = PAGE.read_text("utf-8")
    if not MARKED.search(page):
        sys.exit(f"{PAGE.name} has no place for the picture")
    new = redrawn(page)
    if "--check" in sys.argv[1:]:
        if new != page:
            sys.exit(f"the import picture in {PAGE.name} is out of date: make docs")
    elif new != page:
        PAGE.write_text(new, "utf-8")


if __name__ == "__main__":
    main()
