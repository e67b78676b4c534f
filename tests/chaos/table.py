"""The published table: fault, times tried, twice, lost, in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .oracle import Verdict

BEGIN, END = "<!-- chaos:begin -->", "<!-- chaos:end -->"
HEAD = ("Fault", "Tried", "Contacts", "Mailed twice", "Lost", "In doubt", "of them mailed")


@dataclass
class Row:
    """One kind of fault, summed up."""

    title: str
    verdicts: list[Verdict] = field(default_factory=list)

    def cells(self) -> tuple[str, ...]:
        numbers = (
            len(self.verdicts),
            sum(v.contacts for v in self.verdicts),
            sum(len(v.twice) for v in self.verdicts),
            sum(len(v.lost) for v in self.verdicts),
            sum(v.in_doubt for v in self.verdicts),
            sum(v.doubt_mailed for v in self.verdicts),
        )
        return (self.title, *(f"{number:,}" for number in numbers))


def rows(results: Iterable[tuple[str, Verdict]]) -> list[Row]:
    """Verdicts gathered by the title of their row, in order of appearance.

    A kill that came too late, when the run was over, was none and does not count.
    """
    found: dict[str, Row] = {}
    for title, verdict in results:
        row = found.setdefault(title, Row(title))
        if verdict.struck:
            row.verdicts.append(verdict)
    return [row for row in found.values() if row.verdicts]


def markdown(found: Sequence[Row]) -> str:
    """The table, with its sums."""
    total = Row("**all**", [verdict for row in found for verdict in row.verdicts])
    lines = [HEAD, ("---", *["--:"] * (len(HEAD) - 1)), *(row.cells() for row in (*found, total))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def publish(path: Path, text: str) -> None:
    """Put ``text`` between the markers of a Markdown file.  ValueError when they are not there."""
    head, begin, rest = path.read_text("utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no {BEGIN} … {END}")
    path.write_text(f"{head}{BEGIN}\n{text}{END}{tail}", "utf-8")
