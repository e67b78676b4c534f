"""Hands in the state: deleted, truncated, edited, put back, read with another key.

In each case half of the mail is out.  The run has to stop with exit 5 before anything is sent, and
to go on as if nothing had been once the damage is undone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.acceptance.bench import KEY, git

from .child import Orders
from .faults import end, expect, fault
from .oracle import Verdict
from .world import Arena, Setup, World

BRANCH = "refs/heads/sendoff-state"
Damage = Callable[[World], Callable[[], None]]


def half_done(arena: Arena, setup: Setup) -> World:
    """A world in which a run was interrupted in good order after its first slice."""
    world = arena.world(setup)
    world.run(orders=Orders("run:book:after", 1, "term"))
    assert 0 < sum(world.mails().values()) < world.people
    return world.later()


def stopped(world: World, damage: Damage, **environ: str) -> Iterator[Verdict]:
    """Damage, run (which must refuse), undo, finish."""
    before = world.mails()
    undo = damage(world)
    said = world.run(**environ)
    sent = "mails went out all the same" if world.mails() != before else ""
    undo()
    yield end(world, expect(said, 5), sent)


def rewrite(world: World, change: Callable[[World], None]) -> Callable[[], None]:
    """Commit a change to the state branch, as a person with a clone would."""
    tip = git(world.remote, "rev-parse", BRANCH).strip()
    desk = world.home / "desk"
    git(world.home, "clone", "-q", "-b", "sendoff-state", str(world.remote), str(desk))
    editor = World(world.setup, world.home, world.arena)
    editor.root = desk
    change(editor)
    git(desk, "add", "-A")
    git(desk, "commit", "-q", "-m", "Tidy up")
    git(desk, "push", "-q", "origin", "HEAD:sendoff-state")

    def undo() -> None:
        git(world.remote, "update-ref", BRANCH, tip)
        # what the error says to do when the branch was rewritten on purpose
        git(world.root, "update-ref", "-d", "refs/sendoff/state/sendoff-state")

    return undo


def first_file(world: World) -> str:
    found = sorted((world.root / "state/ledger").rglob("*.jsonl"))
    return str(found[0])


def truncate(world: World) -> None:
    with open(first_file(world), "r+b") as file:  # noqa: PTH123 - as truncate(1) does
        file.truncate(150)


def edit(world: World) -> None:
    path = first_file(world)
    with open(path, "r+b") as file:  # noqa: PTH123
        text = file.read().replace(b'"total":', b'"totals":', 1)
        file.seek(0)
        file.write(text)


def delete_first(world: World) -> None:
    (world.root / first_file(world)).unlink()


def delete_last(world: World) -> None:
    found = sorted((world.root / "state/ledger").rglob("*.jsonl"))
    found[-1].unlink()


def cut_a_line(world: World) -> None:
    found = Path(sorted((world.root / "state/ledger").rglob("*.jsonl"))[-1])
    found.write_bytes(b"".join(found.read_bytes().splitlines(keepends=True)[:-1]))


def empty(world: World) -> None:
    (world.root / "state/meta.json").unlink()


CHANGES = (truncate, edit, delete_first, delete_last, cut_a_line, empty)


@fault("the state branch is deleted")
def branch_deleted(arena: Arena, seed: str) -> Iterator[Verdict]:
    """For the clone that knew it, and for a fresh one."""

    def damage(world: World) -> Callable[[], None]:
        tip = git(world.remote, "rev-parse", BRANCH).strip()
        git(world.remote, "update-ref", "-d", BRANCH)
        return lambda: void(git(world.remote, "update-ref", BRANCH, tip))

    yield from stopped(half_done(arena, Setup("git", "smtp")), damage)
    fresh = half_done(arena, Setup("git", "sendgrid")).clone(1)
    yield from stopped(fresh.later(), damage)


@fault("the state branch is force-pushed back to an earlier commit")
def branch_put_back(arena: Arena, seed: str) -> Iterator[Verdict]:
    """The clone that saw it further on remembers."""

    def damage(world: World) -> Callable[[], None]:
        tip = git(world.remote, "rev-parse", BRANCH).strip()
        git(world.remote, "update-ref", BRANCH, f"{tip}~1")
        return lambda: void(git(world.remote, "update-ref", BRANCH, tip))

    yield from stopped(half_done(arena, Setup("git", "smtp")), damage)


@fault("a file of the ledger is truncated, edited or deleted")
def ledger_touched(arena: Arena, seed: str) -> Iterator[Verdict]:
    """On the branch (noticed even by a fresh clone), and in the directory."""
    for change in CHANGES:
        world = half_done(arena, Setup("git", "smtp"))
        yield from stopped(world, lambda w, change=change: rewrite(w, change))
        world = half_done(arena, Setup("git", "smtp"))
        yield from stopped(world.clone(1).later(), lambda w, change=change: rewrite(w, change))
    for change in CHANGES:
        yield from stopped(half_done(arena, Setup("files", "smtp")), lambda w, c=change: swap(w, c))


@fault("the state directory is deleted")
def directory_deleted(arena: Arena, seed: str) -> Iterator[Verdict]:
    """Gone is not the same as empty."""
    yield from stopped(half_done(arena, Setup("files", "smtp")), lambda w: swap(w, remove_state))


def swap(world: World, change: Callable[[World], None]) -> Callable[[], None]:
    """Change the state directory; the undoing puts a copy back."""
    state, copy = world.root / "state", world.home / "copy"
    shutil.copytree(state, copy)
    change(world)

    def undo() -> None:
        shutil.rmtree(state, ignore_errors=True)
        copy.rename(state)

    return undo


def remove_state(world: World) -> None:
    shutil.rmtree(world.root / "state")


@fault("the state key is another one, too short, or missing")
def key_changed(arena: Arena, seed: str) -> Iterator[Verdict]:
    """With another key nobody would look mailed."""
    for store in ("files", "git"):
        for key in (f"another-{KEY}", "short", ""):
            world = half_done(arena, Setup(store, "smtp"))
            yield from stopped(world, lambda _: lambda: None, SENDOFF_STATE_KEY=key)


def void(_: object) -> None:
    """For undoings that return something."""
