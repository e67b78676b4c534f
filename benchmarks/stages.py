"""Where the time of a plan of a million rows goes: `python -m benchmarks.stages [--fast]`.

Processor seconds of each stage, measured around the functions that do it, in one process.  What a
stage spends in another one is the other's; what is done in a thread is done here one by one.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import io
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .workload import NOW, STATE_KEY, People, write_workspace

STAGES = (
    ("contact keys", "runner.contacts.keys", "Keyer.pack"),
    ("file read and decoded", "runner.contacts.sources.records", "_Chunks.next"),
    ("file cut", "runner.contacts.sources.records", "Records._at_once"),
    ("addresses checked", "runner.contacts.identities", "read_addresses"),
    ("addresses checked and hashed by polars", "runner.contacts.frames", "check"),
    ("flags", "runner.contacts.bans", "BanColumns.read"),
    ("zones", "runner.contacts.columns", "ZoneBuilder.take"),
    ("text packed", "runner.contacts.texts", "TextBuilder.extend"),
    ("text put away", "runner.contacts.spool", "Spool.put"),
    (
        "white space, and what is left of a block",
        "runner.contacts.audience",
        "_Gathering._take_rest",
    ),
    ("duplicates, bans, suppressions judged", "runner.contacts.audience", "judge"),
    ("audience picked", "runner.contacts.audience", "mailed"),
    ("suppression file", "runner.contacts.lists", "read_suppressions"),
    ("ledger folded", "runner.survey", "fold"),
    ("planned, and all the rest of it", "runner.survey", "survey"),
)


class Watch:
    """Processor seconds by stage; one that is called within another stops the other's clock."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._within = [0.0]

    def around(self, stage: str, module: str, name: str) -> None:
        """Measure a function or a method from now on."""
        owner: Any = importlib.import_module(module)
        *way, last = name.split(".")
        for step in way:
            owner = getattr(owner, step)
        setattr(owner, last, self._measured(stage, getattr(owner, last)))

    def _measured(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def measured(*args: Any, **kwargs: Any) -> Any:
            begun = time.process_time()
            self._within.append(0.0)
            try:
                return call(*args, **kwargs)
            finally:
                took = time.process_time() - begun
                self.spent[stage] = self.spent.get(stage, 0.0) + took - self._within.pop()
                self._within[-1] += took

        return measured


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="a power of ten")
    parser.add_argument("--fast", action="store_true", help="with the extra, which is installed")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sendoff-stages-") as home:
        root = Path(home, "ws")
        write_workspace(root, People(chosen.rows))
        os.environ["SENDOFF_STATE_KEY"] = STATE_KEY
        watch, begun = Watch(), time.process_time()
        plan(root, watch, fast=chosen.fast)
        whole = time.process_time() - begun
    watch.spent["Python's modules, settings, report"] = whole - sum(watch.spent.values())
    print("| stage | seconds | share |\n|---|--:|--:|")
    for stage, seconds in sorted(watch.spent.items(), key=lambda item: -item[1]):
        print(f"| {stage} | {seconds:.2f} | {seconds / whole:.0%} |")
    print(f"| all | {whole:.2f} | |")


def plan(root: Path, watch: Watch, *, fast: bool) -> None:
    from runner.cli import main as sendoff  # noqa: PLC0415 - part of what is measured
    from runner.contacts import frames, identifier, identities  # noqa: PLC0415

    if not fast:
        frames.installed = lambda: False
    # what another process does is on no clock here
    identifier._spare_processor = lambda: False
    # in a thread it would run while the clocks of other stages do
    inline: Any = lambda self, raw: identities.identify(raw, self._keyer)  # noqa: E731
    identifier.Identifier._in_thread = inline  # type: ignore[method-assign]
    for stage in STAGES:
        watch.around(*stage)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        sendoff(["--root", str(root), "plan", "--json", "--now", f"{NOW:%Y-%m-%dT%H:%M:%SZ}"])


if __name__ == "__main__":
    main()
