"""``sendoff`` in a process of its own that meets its end at a named step.

    python -m tests.chaos.child ORDERS run --json

ORDERS is ``Orders`` as JSON.  The steps are wrapped round the product from outside: nothing in it
knows of this.  A step that the product no longer has is an AttributeError here, on purpose.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SIGNALS = {"term": signal.SIGTERM, "int": signal.SIGINT}


@dataclass(frozen=True)
class Orders:
    """What is to happen to a child.

    ``at``: the step, ``nth``: which time it is reached.  ``how``: ``kill`` ends this process alone
    (a git that it started lives on), ``tree`` ends git with it, ``term`` and ``int`` interrupt it.
    ``delay``: seconds that git is left alone in a step ``during``.  ``trace``: a file that gets the
    name of every step.  ``ready``: a descriptor that gets a byte when the run begins.
    ``git_seconds``: how long a conversation with the remote may take; with it a settle tries
    less often and with shorter waits.  0: as in the product.  ``plan``: let ``sendoff plan``
    follow, after a form feed: a process less.
    """

    at: str = ""
    nth: int = 1
    how: str = "kill"
    delay: float = 0.0
    trace: str = ""
    ready: int = -1
    git_seconds: float = 0.0
    plan: bool = False

    def encode(self) -> str:
        return json.dumps(asdict(self))


class Fate:
    """Counts steps, and strikes at the one that was ordered."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self._seen: Counter[str] = Counter()
        self._lock = threading.RLock()
        self.git: subprocess.Popen[bytes] | None = None

    def reach(self, step: str) -> None:
        """A step is reached: note it, and strike if this is the one."""
        if self.hits(step):
            self.strike()

    def hits(self, step: str) -> bool:
        with self._lock:
            self._seen[step] += 1
            if self.orders.trace:
                with Path(self.orders.trace).open("a", encoding="utf-8") as file:
                    file.write(f"{step}\n")
            return step == self.orders.at and self._seen[step] == self.orders.nth

    def strike(self) -> None:
        how = self.orders.how
        if how in SIGNALS:
            os.kill(os.getpid(), SIGNALS[how])
            return
        if self.git is not None:
            if self.orders.delay:
                _leave_alone(self.git, self.orders.delay)
            if how == "tree" and self.git.poll() is None:
                os.killpg(self.git.pid, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str, step: str) -> None:
        """Let ``owner.name`` have the steps ``before`` and ``after``."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(*args: Any, **options: Any) -> Any:
            self.reach(f"{step}:before")
            result = original(*args, **options)
            self.reach(f"{step}:after")
            return result

        setattr(owner, name, wrapped)


def _leave_alone(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return


def wrap_core(fate: Fate) -> None:
    """Sync, claim, send, book, settle."""
    from runner import delivery, reconcile
    from runner.ledger.files_store import FilesStore
    from runner.ledger.git_store import GitStore

    for store in (FilesStore, GitStore):
        for name in ("sync", "append", "add_facts"):
            fate.around(store, name, f"store:{name}")
    fate.around(delivery.Delivery, "send", "run:send")
    fate.around(reconcile.Reconciler, "_book", "run:book")
    fate.around(reconcile.Reconciler, "_settle", "run:settle")
    begin = reconcile.Reconciler.run

    def run(self: Any, *begun: Any) -> Any:
        if fate.orders.ready >= 0:
            os.write(fate.orders.ready, b".")
        return begin(self, *begun)

    reconcile.Reconciler.run = run  # type: ignore[method-assign]


def wrap_git(fate: Fate) -> None:
    """Every git command: before, during (it has been started), after."""
    from runner.ledger import git_store
    from runner.repository import git as room

    if fate.orders.git_seconds:
        git_store._LONGEST_WAIT = 0.1  # type: ignore[misc]
        git_store._FACT_TRIES = 4  # type: ignore[misc]
    call, converse, init = room.Git._call, room._converse, room.Git.__init__

    def _call(self: Any, arguments: Any, feed: bytes, seconds: float) -> Any:
        verb = arguments[0]
        fate.reach(f"git:{verb}:before")
        answer = call(self, arguments, feed, seconds)
        fate.reach(f"git:{verb}:after")
        return answer

    def _converse(process: Any, feed: bytes, seconds: float) -> Any:
        verb = next(a for a in process.args[1:] if "=" not in a and a != "-c")
        if fate.hits(f"git:{verb}:during"):
            fate.git = process
            fate.strike()
        return converse(process, feed, seconds)

    def begin(self: Any, directory: Path, **options: Any) -> None:
        if fate.orders.git_seconds:
            options["timeout"] = fate.orders.git_seconds
        init(self, directory, **options)

    room.Git._call = _call  # type: ignore[method-assign]
    room._converse = _converse
    room.Git.__init__ = begin  # type: ignore[method-assign]


def wrap_disk(fate: Fate) -> None:
    """What the files store and the outbox do to the disk, system call by system call."""
    from runner.providers import outbox

    fate.around(outbox.Folder, "replace", "outbox:file")
    fate.around(outbox, "make_durable", "outbox:durable")
    write, fsync = os.write, os.fsync

    def _write(descriptor: int, data: Any) -> int:
        if not _in_state(_name(descriptor)):
            return write(descriptor, data)
        fate.reach("disk:write:before")
        if fate.hits("disk:write:half"):
            write(descriptor, bytes(data)[: len(data) // 2])
            fate.strike()
        count = write(descriptor, data)
        fate.reach("disk:write:after")
        return count

    def _fsync(descriptor: int) -> None:
        if not _in_state(_name(descriptor)):
            fsync(descriptor)
            return
        fate.reach("disk:fsync:before")
        fsync(descriptor)
        fate.reach("disk:fsync:after")

    os.write, os.fsync = _write, _fsync  # type: ignore[assignment]
    for name in ("rename", "replace", "unlink", "mkdir"):
        setattr(os, name, _watched(fate, getattr(os, name), name))


def _watched(fate: Fate, original: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(path: Any, *args: Any, **options: Any) -> Any:
        if not _in_state(str(path)):
            return original(path, *args, **options)
        fate.reach(f"disk:{name}:before")
        result = original(path, *args, **options)
        fate.reach(f"disk:{name}:after")
        return result

    return call


def _in_state(path: str) -> bool:
    return "/state/" in path or path.endswith("/state")


def _name(descriptor: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return ""


def main() -> int:
    """Wrap, then be ``sendoff``."""
    orders = Orders(**json.loads(sys.argv[1]))
    fate = Fate(orders)
    wrap_core(fate)
    wrap_git(fate)
    wrap_disk(fate)
    from runner.cli import main as sendoff

    code = sendoff(sys.argv[2:])
    fate.reach("run:end:before")
    if orders.plan:
        sys.stdout.write("\f")
        sendoff(["plan" if word == "run" else word for word in sys.argv[2:]])
    return code


if __name__ == "__main__":
    sys.exit(main())
