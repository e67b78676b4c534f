"""How the cost of a plan grows with its list: `python -m benchmarks.growth [--largest N]`.

Lists of 10,000 to 10,000,000 rows, one in twenty suppressed, half of them in the ledger (see
`workload`), each planned by a process of its own.  Draws docs/growth.svg with `--draw`.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from .findings import Finding, report
from .workload import Cost, People, make_workspace, planned

PICTURE = Path(__file__).parents[1] / "docs/growth.svg"
SMALLEST, LARGEST = 10_000, 1_000_000
LINEAR = 0.8
"""A row may cost a quarter more in the largest list than in the one of 100,000."""


@dataclass(frozen=True)
class Size:
    """A list of so many rows, and what its plan took each time."""

    rows: int
    costs: Sequence[Cost]

    @property
    def seconds(self) -> float:
        """Of the processor: what the machine does besides shows least in it."""
        return min(cost.cpu for cost in self.costs)

    @property
    def peak(self) -> float:
        return max(cost.peak for cost in self.costs)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--largest", type=int, default=LARGEST, help="a power of ten")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--draw", action="store_true", help=f"write {PICTURE.name}")
    chosen = parser.parse_args()
    sizes = [
        Size(rows, list(costs(rows, chosen.times)))
        for rows in (10**power for power in range(4, round(math.log10(chosen.largest)) + 1))
    ]
    if chosen.draw:
        PICTURE.write_text(picture(sizes))
    report("growth", list(findings(sizes)))


def costs(rows: int, times: int) -> Iterator[Cost]:
    people = People(rows)
    with tempfile.TemporaryDirectory(prefix="sendoff-growth-") as home:
        root = Path(home, "ws")
        make_workspace(root, people)
        for _ in range(times):
            cost, due = planned(root)
            assert due == people.due, due
            print(f"{rows:,} rows: {cost}", flush=True)
            yield cost


def findings(sizes: Sequence[Size]) -> Iterator[Finding]:
    """Each next size against the one before: ten times the rows, how many times the cost?"""
    first = sizes[0]
    for before, size in pairwise(sizes):
        # what every command costs, however short its list, is no part of growing
        base = first.seconds * 0.9
        grown = (size.seconds - base) / max(before.seconds - base, 0.01)
        yield Finding(
            f"plan of {size.rows:,} rows: processor",
            f"{size.seconds:.2f} s, {size.seconds / size.rows * 1e6:.1f} µs a row",
            f"{before.rows:,} rows, ten times: {before.seconds * 10:.2f} s",
            tuple(before.seconds * 10 / cost.cpu for cost in size.costs),
            LINEAR if before is not first else None,
        )
        yield Finding(
            f"plan of {size.rows:,} rows: peak memory",
            f"{size.peak:.0f} MiB, {(size.peak - first.peak) * 2**20 / size.rows:.0f} bytes a row",
            f"{before.rows:,} rows: {before.peak:.0f} MiB ({grown:.1f} times the work)",
            tuple(before.peak / cost.peak for cost in size.costs),
        )


# -- the picture ----------------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 400, 70, 40, 70, 50
INK, TIME, MEMORY = "#24292f", "#0969da", "#bc4c00"


def picture(sizes: Sequence[Size]) -> str:
    """Seconds and MiB over rows, both axes by powers of ten, as SVG."""
    low, high = math.log10(sizes[0].rows), math.log10(sizes[-1].rows)
    floor, ceiling = -1.0, math.ceil(math.log10(max(max(s.seconds, s.peak) for s in sizes)))

    def x(rows: int) -> float:
        return LEFT + (math.log10(rows) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        share = (math.log10(value) - floor) / (ceiling - floor)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="13">',
        "<title>Processor time and peak memory of a plan, by rows of the list</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for power in range(round(floor), ceiling + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#d0d7de"/>')
        parts.append(text(LEFT - 8, at + 4, f"{10.0**power:,g}", INK, "end"))
    parts += [
        text(x(size.rows), HEIGHT - BOTTOM + 20, f"{size.rows:,}", INK, "middle") for size in sizes
    ]
    parts.append(text(WIDTH / 2, HEIGHT - 8, "rows of the list", INK, "middle"))
    for colour, name, values in (
        (TIME, "s", [size.seconds for size in sizes]),
        (MEMORY, "MiB", [size.peak for size in sizes]),
    ):
        dots = [(x(size.rows), y(v)) for size, v in zip(sizes, values, strict=True)]
        line = "L".join(f"{a:.1f} {b:.1f}" for a, b in dots)
        parts.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (a, b), value in zip(dots, values, strict=True):
            parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{colour}"/>')
            parts.append(text(a, b - 10, f"{value:,.3g} {name}", colour, "middle"))
    parts.append(text(LEFT, 20, "processor seconds", TIME, "start"))
    parts.append(text(LEFT + 150, 20, "peak memory, MiB", MEMORY, "start"))
    return "\n".join([*parts, "</svg>", ""])


def text(x: float, y: float, words: str, colour: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{words}</text>'


if __name__ == "__main__":
    main()
