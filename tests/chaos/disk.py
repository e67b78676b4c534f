"""A disk that fails: strace makes system calls fail, a limit makes them short, a tmpfs is full."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .faults import end, expect, fault
from .oracle import Verdict, unclaimed
from .world import Arena, Setup, World

SETUP = Setup("files", "smtp")
QUIET = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Python's own files are not to be counted, nor cut short."""


@cache
def strace() -> str:
    """The path of an strace that may trace here, or ''."""
    path = shutil.which("strace")
    if not path:
        return ""
    tried = subprocess.run([path, "-o", "/dev/null", "true"], capture_output=True, check=False)
    return path if tried.returncode == 0 else ""


def injected(world: World, call: str, error: str, when: int) -> tuple[bool, Verdict]:
    """One run in which the ``when``th ``call`` fails; False when it never came to that."""
    log = world.home / "strace"
    inject = f"inject={call}:error={error}:when={when}"
    world.prefix = (strace(), "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", inject)
    said = world.run(**QUIET)
    world.prefix = ()
    struck = "(INJECTED)" in log.read_text("utf-8", "replace")
    early = unclaimed(world)
    # 0: the fault came when the append had happened already, or hit what may fail
    return struck, end(world, expect(said, 0, 5) if struck else "", *early)


def series(arena: Arena, call: str, error: str, step: int) -> Iterator[Verdict]:
    """The first, second, … such call fails, until there is none that could."""
    when = 1
    while when < 60:
        struck, verdict = injected(arena.world(SETUP), call, error, when)
        if not struck:
            return
        yield verdict
        when += step


if strace():

    @fault("strace: fsync fails with EIO")
    def fsync_fails(arena: Arena, seed: str) -> Iterator[Verdict]:
        """Every third one, of files and of directories."""
        yield from series(arena, "fsync", "EIO", 3)

    @fault("strace: rename fails with ENOSPC")
    def rename_fails(arena: Arena, seed: str) -> Iterator[Verdict]:
        """Each one: the journal's and the files'."""
        yield from series(arena, "rename", "ENOSPC", 1)

    @fault("strace: mkdir fails with EROFS")
    def mkdir_fails(arena: Arena, seed: str) -> Iterator[Verdict]:
        """A checkout that became read-only."""
        yield from series(arena, "mkdir", "EROFS", 2)


@fault("no file may grow beyond a limit: writes are cut short, then fail")
def short_writes(arena: Arena, seed: str) -> Iterator[Verdict]:
    """RLIMIT_FSIZE, from almost nothing to almost enough."""
    prlimit = shutil.which("prlimit")
    for limit in (100, 300, 500, 700, 1) if prlimit else ():
        world = arena.world(SETUP)
        world.prefix = (str(prlimit), f"--fsize={limit}")
        said = world.run(**QUIET)
        world.prefix = ()
        yield end(world, expect(said, 5), *unclaimed(world))


@fault("the disk is full")
def full_disk(arena: Arena, seed: str) -> Iterator[Verdict]:
    """A tmpfs round the state in which a few pages are free (needs root)."""
    for pages in (0, 2, 4, 6, 8) if os.geteuid() == 0 else ():
        world = arena.world(SETUP)
        state, kept = world.root / "state", world.home / "kept"
        shutil.copytree(state, kept)
        if not mounted(state):
            return
        try:
            shutil.copytree(kept, state, dirs_exist_ok=True)
            fill(state, pages)
            said = world.run()
            wrong = [expect(said, 5, *([0] if pages else [])), *unclaimed(world)]
            (state / "filler").unlink()
            shutil.rmtree(kept)
            shutil.copytree(state, kept)
        finally:
            subprocess.run(["umount", str(state)], check=True)
        shutil.rmtree(state)
        kept.rename(state)
        yield end(world, *wrong)


def mounted(path: Path) -> bool:
    """Whether a small tmpfs at ``path`` could be had."""
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def fill(directory: Path, pages: int) -> None:
    """Leave this many pages of the disk free."""
    free = os.statvfs(directory)
    with (directory / "filler").open("wb") as file:
        file.write(b"x" * max(0, (free.f_bavail - pages) * free.f_frsize))
