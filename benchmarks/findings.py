"""What a benchmark found, in one shape: ratios against a peer or a limit of the same run.

A benchmark is a module with `main()`, called as `python -m benchmarks.NAME`. It prints its findings
with `report`, and `python -m benchmarks` gathers those of all into docs/benchmarks.md.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")

# an installed sendoff has its byte code: where this is set, each start would compile it anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
OUTPUT = "SENDOFF_FINDINGS"
"""The environment variable that names the file to which findings are added as JSON Lines."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the results page.

    ``work``: what was done.  ``ours``: what it took, for people ("3.1 s, 112 MiB").  ``against``:
    the peer or the limit ("Jinja2 3.1.6, sandboxed and cached: 41 s").  ``ratios``: how many times
    better than it, one for each repetition, each from two measurements next to each other.
    ``wanted``: the ratio to reach or beat, None for a row without a target.
    """

    work: str
    ours: str
    against: str
    ratios: tuple[float, ...]
    wanted: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches what is wanted; None when nothing is."""
        return None if self.wanted is None else statistics.median(self.ratios) >= self.wanted


def report(benchmark: str, findings: Sequence[Finding], notes: Sequence[str] = ()) -> None:
    """Print findings as a table, and hand them to whoever gathers them.

    ``notes``: paragraphs of Markdown that stand below the table: versions of the peers, profiles,
    plots (`![what it shows](benchmarks/name.svg)`, the file lying in docs/benchmarks).
    """
    print(table(findings), *notes, sep="\n\n")
    if place := os.environ.get(OUTPUT):
        found = {"findings": [asdict(finding) for finding in findings], "notes": list(notes)}
        with Path(place).open("a") as stream:
            stream.write(json.dumps({"benchmark": benchmark, **found}) + "\n")


def table(findings: Sequence[Finding]) -> str:
    """Findings as a Markdown table."""
    lines = [
        "| work | sendoff | against | ratio: min / median / max | wanted | |",
        "|---|---|---|--:|--:|---|",
    ]
    for found in findings:
        low, middle, high = min(found.ratios), statistics.median(found.ratios), max(found.ratios)
        wanted = "" if found.wanted is None else f"{found.wanted:g}"
        verdict = {None: "", True: "reached", False: "**not reached**"}[found.reached]
        lines.append(
            f"| {found.work} | {found.ours} | {found.against} "
            f"| {low:.3g} / {middle:.3g} / {high:.3g} | {wanted} | {verdict} |"
        )
    return "\n".join(lines)


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """How long a call takes, in seconds, and what it returns."""
    begun = perf_counter()
    answer = call()
    return perf_counter() - begun, answer
