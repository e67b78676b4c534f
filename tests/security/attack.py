"""What the attacks share: a program run apart with limits, and a look at all that it left."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from tests.acceptance.bench import KEY, Bench, Said, git

MEMORY = 3 * 1024**3
"""Bytes of address space that a command may take, whatever it is given."""

HERE = Path(__file__).parents[2]
CONTENT = """\
version: 1
name: hello
status: active
list: people
schedule: {send: immediate}
"""


def apart(bench: Bench, *args: str, seconds: float = 60, **environ: str) -> Said:
    """Run a command in a process of its own, stopped when it takes too long or too much memory.

    subprocess.TimeoutExpired says that a bomb went off.
    """
    done = subprocess.run(
        [sys.executable, "-m", "runner", "--root", str(bench.root), *args],
        cwd=HERE,
        env={**os.environ, **bench.environ, **environ},
        capture_output=True,
        timeout=seconds,
        preexec_fn=_limit,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    return Said(done.returncode, out, err)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def everything(directory: Path) -> bytes:
    """Every byte below a directory, names included; objects of git repositories unpacked."""
    found = [
        os.fsencode(path) + b"\n" + (path.read_bytes() if path.is_file() else b"")
        for path in sorted(directory.rglob("*"))
        if not path.is_symlink()
    ]
    for head in [*directory.rglob(".git/HEAD"), *directory.rglob("*.git/HEAD")]:
        found += _objects(head.parent)
    return b"\n".join(found)


def _objects(repository: Path) -> list[bytes]:
    words = git(repository, "cat-file", "--batch-all-objects", "--batch-check").split("\n")
    objects = [line.split()[0] for line in words if line]
    return [git(repository, "cat-file", "-p", name).encode("utf-8", "replace") for name in objects]


__all__ = ["CONTENT", "KEY", "apart", "everything"]
