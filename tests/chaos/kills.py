"""``kill -9``, at random instants and at every named step, and what is left of it afterwards."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from .child import Orders
from .oracle import Verdict, judge, unclaimed
from .world import Arena, Running, Setup, World

BUSY = ("push", "fast-import", "update-ref", "fetch")
"""The git commands that change something: killed each time they run."""
MOMENTS = ("arrived", "taken")
"""Where the provider's server can strike; see ``servers.Trap``."""


@dataclass(frozen=True)
class Kill:
    """One kill.  ``step`` is ``random``, ``server:MOMENT``, or a step of ``child``."""

    setup: Setup
    step: str
    nth: int
    how: str = "kill"

    @property
    def name(self) -> str:
        return f"{self.setup}/{self.step}#{self.nth}/{self.how}"

    @property
    def row(self) -> str:
        """The line of the table it belongs to."""
        return ROWS[self.step.split(":")[0]]


ROWS = {
    "random": "kill -9 at a random instant",
    "git": "kill -9 before, during or after a git command",
    "disk": "kill -9 at a system call of the files store",
    "outbox": "kill -9 while the outbox writes",
    "server": "kill -9 when the request arrives, or after it is processed and before the answer",
    "run": "kill -9 between claim and send, answer and receipt, receipt and settle",
    "store": "kill -9 before or after sync, claim or settle",
}


@dataclass(frozen=True)
class Course:
    """What an undisturbed run of a setup looks like: its steps in order, its seconds."""

    steps: tuple[str, ...]
    seconds: float


def course(arena: Arena, setup: Setup) -> Course:
    """Run a setup undisturbed.  An AssertionError when even that goes wrong."""
    world = arena.world(setup)
    trace = world.home / "trace"
    said = world.run(orders=Orders(trace=str(trace)))
    verdict = judge(world.later(), said)
    assert verdict.clean, f"{setup} without any fault: {verdict}\n{said.err}"
    assert verdict.mailed == verdict.contacts, f"{setup} without any fault: {verdict}"
    steps = tuple(trace.read_text("utf-8").split())
    world.remove()
    world = arena.world(setup)
    running, began = _begin(world)
    running.end()
    seconds = time.monotonic() - began
    world.remove()
    return Course(steps, seconds)


def named(setup: Setup, steps: Sequence[str]) -> Iterator[Kill]:
    """Every named step of an undisturbed run: each time for what changes something, else the
    first and the last time."""
    counts: dict[str, int] = {}
    for step in steps:
        counts[step] = counts.get(step, 0) + 1
    for step, count in counts.items():
        verb = step.split(":")[1]
        every = verb in BUSY or not step.startswith(("git", "disk"))
        times = range(1, count + 1) if every and count <= 12 else sorted({1, count})
        for nth in times:
            yield Kill(setup, step, nth, "kill")
            if step.endswith(":during") and verb in BUSY:
                yield Kill(setup, step, nth, "tree")
    if setup.provider != "outbox":
        size = {"smtp": (1, 3, 5, 6, 17, 40), "sendgrid": (1, 2, 3, 5, 8)}[setup.provider]
        yield from (Kill(setup, f"server:{m}", nth) for m in MOMENTS for nth in size)


def randoms(setup: Setup, count: int) -> Iterator[Kill]:
    """Kills at random instants; every other one takes git along."""
    for nth in range(1, count + 1):
        yield Kill(setup, "random", nth, "tree" if nth % 2 else "kill")


def everything(courses: dict[Setup, Course], at_random: int) -> list[Kill]:
    """All kills there are, in a fixed order."""
    found: list[Kill] = []
    for setup, usual in courses.items():
        found += named(setup, usual.steps)
        found += randoms(setup, at_random)
    return found


def some(kills: Sequence[Kill], count: int, seed: str) -> list[Kill]:
    """About ``count`` of them: of every setup and every row as evenly as can be."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    heaps: dict[tuple[Setup, str], list[Kill]] = {}
    for kill in kills:
        heaps.setdefault((kill.setup, kill.row), []).append(kill)
    for heap in heaps.values():
        chance.shuffle(heap)
    chosen: list[Kill] = []
    while len(chosen) < count and any(heaps.values()):
        for heap in heaps.values():
            if heap and len(chosen) < count:
                chosen.append(heap.pop())
    return chosen


def matching(kills: Sequence[Kill], pattern: str) -> list[Kill]:
    """Those whose name is, or matches, ``pattern``."""
    return [k for k in kills if k.name == pattern or fnmatchcase(k.name, pattern)]


def strike(arena: Arena, kill: Kill, course: Course, seed: str) -> Verdict:
    """One kill, then runs until nothing is due, then the judge."""
    world = arena.world(kill.setup)
    chance = random.Random(f"{seed}/{kill.name}")  # noqa: S311 - repeatable
    code = _strike(world, kill, course, chance)
    early = unclaimed(world)
    arena.trap.clear()
    world.heal_remote()
    last = world.finish()
    verdict = judge(world, last)
    odd = () if code in (0, -9) else (f"the struck run ended with {code}",)
    world.remove()
    return replace(verdict, struck=code < 0, wrong=(*verdict.wrong, *early, *odd))


def _strike(world: World, kill: Kill, course: Course, chance: random.Random) -> int:
    """Run until struck; the exit status, -9 when it was."""
    if kill.step == "random":
        return _at_random(world, kill, course, chance)
    if kill.step.startswith("server:"):
        world.arena.trap.set(kill.step.partition(":")[2], kill.nth)
        running = world.start("run", "--json")
        world.arena.trap.spring_on(running.process.pid)
    else:
        delay = chance.choice((0.0, 0.002, 0.005, 0.01, 0.02, 0.05))
        orders = Orders(kill.step, kill.nth, kill.how, delay)
        running = world.start("run", "--json", orders=orders)
    said = running.end()
    world.note(said)
    return said.code


def _at_random(world: World, kill: Kill, course: Course, chance: random.Random) -> int:
    running, _ = _begin(world)
    try:
        running.process.wait(timeout=chance.uniform(0, course.seconds * 0.95))
    except subprocess.TimeoutExpired:
        running.kill(tree=kill.how == "tree")
    said = running.end()
    world.note(said)
    return said.code


def _begin(world: World) -> tuple[Running, float]:
    """A run, and the moment at which its imports were over and it began in earnest."""
    reader, writer = os.pipe()
    running = world.start("run", "--json", orders=Orders(ready=writer))
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    return running, time.monotonic()
