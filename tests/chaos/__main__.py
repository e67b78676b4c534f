"""The driver: ``python -m tests.chaos [--seed N] [--only CASE] [--small] [--publish]``.

Prints what was done and the table; exits with 1 when anybody was mailed twice or lost, or anything
else was not as it must be.  A failure is replayed with ``--seed N --only CASE``.
"""

from __future__ import annotations

import argparse
import queue
import secrets
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from . import disk, faults, hands, table
from .kills import Course, Kill, course, everything, matching, some, strike
from .oracle import Verdict
from .world import ROOT, SETUPS, Arena, Setup

FAULTS = ROOT / "docs" / "faults.md"
SMALL = 40
_ROOMS = (disk, faults, hands)  # each enters its cases into faults.CASES

Job = tuple[str, str, Callable[[Arena], Iterable[Verdict]]]
"""Name on the command line, row of the table, and what to do."""


def main(argv: list[str] | None = None) -> int:
    """Run the chosen cases; returns the exit code."""
    options = parser().parse_args(argv)
    if options.small:
        options.kills, options.tries = SMALL, 1
    seed = options.seed or f"{secrets.randbelow(10**6)}"
    say(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="chaos-") as directory:
        crew = Crew(Path(directory), options.jobs)
        results = crew.work(jobs(Path(directory) / "courses", options, seed), seed)
    found = table.rows([(title, verdict) for title, _, verdict in results])
    text = table.markdown(found)
    say("\n" + text)
    bad = [(name, verdict) for _, name, verdict in results if not verdict.clean]
    for name, verdict in bad:
        say(f"WRONG: {name}: {verdict}\n  replay: --seed {seed} --only '{name}'")
    if options.publish and not bad:
        table.publish(FAULTS, f"\nSeed {seed}.\n\n{text}")
        say(f"wrote {FAULTS.relative_to(ROOT)}")
    return 1 if bad or not results else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    made.add_argument("--seed", default="", help="decides on instants and faults (default: any)")
    made.add_argument("--only", default="", metavar="CASE", help="a name, or a pattern with *")
    made.add_argument("--random", type=int, default=12, help="random kills per combination")
    made.add_argument("--kills", type=int, default=0, help="so many kills (default: all)")
    made.add_argument("--tries", type=int, help="so many tries of each other fault (default: all)")
    made.add_argument("--small", action="store_true", help="--kills 40 --tries 1")
    made.add_argument("--jobs", type=int, default=2, help="how many at a time")
    made.add_argument("--publish", action="store_true", help="write the table to docs/faults.md")
    return made


def jobs(directory: Path, options: argparse.Namespace, seed: str) -> Iterator[Job]:
    """The cases to run, in a fixed order."""
    courses: dict[Setup, Course] = {}
    only = options.only
    if not only or "/" in only or "*" in only:
        with Arena(directory) as arena:
            wanted = [setup for setup in SETUPS if not only or fits(setup, only)]
            courses = {setup: course(arena, setup) for setup in wanted}
        kills = everything(courses, options.random)
        kills = matching(kills, only) if only else kills
        for kill in some(kills, options.kills, seed) if options.kills else kills:
            yield kill.name, kill.row, struck(kill, courses[kill.setup], seed)
    for case in faults.CASES.values():
        if only in ("", case.name):
            yield case.name, case.row, tried(case, seed, options.tries)


def fits(setup: Setup, only: str) -> bool:
    """Whether a case of this setup can have such a name."""
    parts = zip((setup.store, setup.provider), only.split("/"), strict=False)
    return all(fnmatchcase(name, part) for name, part in parts)


def struck(kill: Kill, course: Course, seed: str) -> Callable[[Arena], Iterable[Verdict]]:
    return lambda arena: [strike(arena, kill, course, seed)]


def tried(case: faults.Case, seed: str, times: int | None) -> Callable[[Arena], Iterable[Verdict]]:
    return lambda arena: islice(case.attempt(arena, seed), times)


class Crew:
    """Workers with servers of their own, who take the next job when they are done with one."""

    def __init__(self, directory: Path, size: int) -> None:
        self._directory = directory
        self._size = size
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._results: list[tuple[int, str, str, Verdict]] = []

    def work(self, jobs: Iterable[Job], seed: str) -> list[tuple[str, str, Verdict]]:
        """(row, name, verdict) of each try, in the order of the jobs; Ctrl-C ends it early."""
        waiting: queue.SimpleQueue[tuple[int, Job]] = queue.SimpleQueue()
        for numbered in enumerate(jobs):
            waiting.put(numbered)
        threads = [
            threading.Thread(target=self._serve, args=(waiting, self._directory / f"worker{n}"))
            for n in range(self._size)
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            say("no more; waiting for what is on its way")
            self._over.set()
            for thread in threads:
                thread.join()
        ordered = sorted(self._results, key=lambda result: result[0])
        return [(row, name, verdict) for _, row, name, verdict in ordered]

    def _serve(self, waiting: queue.SimpleQueue[tuple[int, Job]], directory: Path) -> None:
        with Arena(directory) as arena:
            while not self._over.is_set():
                try:
                    number, (name, row, attempt) = waiting.get_nowait()
                except queue.Empty:
                    return
                for verdict in guarded(attempt, arena):
                    with self._lock:
                        self._results.append((number, row, name, verdict))
                        mark = "ok " if verdict.clean else "BAD"
                        say(f"{mark} {name}: {verdict}" + ("" if verdict.struck else " (missed)"))


def guarded(attempt: Callable[[Arena], Iterable[Verdict]], arena: Arena) -> Iterator[Verdict]:
    """A case that itself fails is a failure of that case, and the others go on."""
    try:
        yield from attempt(arena)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and counts as wrong
        frames = "".join(traceback.format_exception(error)[-3:])
        yield Verdict(wrong=(f"{type(error).__name__}: {error}\n{frames}",))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
