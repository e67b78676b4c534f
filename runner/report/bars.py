"""Progress bars on a terminal: one for all that is due, one for each job."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from .progress import harmless

MAX_BARS = 8
"""Jobs with a bar at the same time; those that are done make room."""
WIDE = 100
REST = 42
"""Cells that count, rate and state take beside a job's name and its bar."""


class BarObserver:
    """One bar a job: what is settled of what was claimed, how fast, and what it waits for.

    ``refresh``: redraw by a clock; without it, only when something happens.
    """

    def __init__(self, console: Console, *, refresh: bool = True) -> None:
        self._progress = _bars(console, refresh)
        self._tasks: dict[str, TaskID] = {}
        self._claimed: dict[str, int] = {}
        self._last = ""
        self._handled = 0
        self._overall = self._progress.add_task("all due now", total=None, state="planning")
        self._progress.start()

    def event(self, name: str, **details: object) -> None:
        """Move the bars."""
        fields = harmless(details)
        job = str(fields.get("job", ""))
        if name == "planned":
            self._plan(_number(fields, "due"))
        elif name == "claimed":
            self._claim(job, _number(fields, "count"))
        elif name == "settled":
            self._settle(job, fields)
        elif name == "waiting":
            self._say(f"waiting {_number(fields, 'seconds')} s")
        elif name == "raced":
            self._say("planning anew")
        elif name == "recalled":
            self._say(f"{_number(fields, 'count')} called back")

    def close(self) -> None:
        """Leave the bars as they stand, and the terminal as it was."""
        self._progress.stop()

    def _plan(self, due: int) -> None:
        total = self._handled + due
        self._progress.update(self._overall, total=total, state="" if total else "nothing due")

    def _claim(self, job: str, number: int) -> None:
        if job not in self._tasks:
            self._make_room()
            self._tasks[job] = self._progress.add_task(job, total=0, state="")
        self._claimed[job] = self._claimed.get(job, 0) + number
        self._progress.update(self._tasks[job], total=self._claimed[job], state="sending")
        self._last = job

    def _make_room(self) -> None:
        shown = [task for task in self._progress.tasks if task.visible and task.id != self._overall]
        done = [task for task in shown if task.finished]
        for task in done[: max(0, len(shown) - MAX_BARS + 1)]:
            self._progress.update(task.id, visible=False)

    def _settle(self, job: str, fields: Mapping[str, object]) -> None:
        done = sum(_number(fields, name) for name in ("sent", "failed", "in_doubt"))
        self._handled += done
        self._progress.update(self._overall, advance=done, state="")
        if job in self._tasks:
            self._progress.update(self._tasks[job], advance=done, state=_trouble(fields))

    def _say(self, state: str) -> None:
        task = self._tasks.get(self._last, self._overall)
        self._progress.update(task, state=state)


def _trouble(fields: Mapping[str, object]) -> str:
    words = {"failed": "failed", "in_doubt": "in doubt", "released": "handed back"}
    found = [f"{_number(fields, name):,} {word}" for name, word in words.items()]
    return ", ".join(text for text in found if not text.startswith("0 "))


def _number(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name, 0)
    return int(value) if isinstance(value, int | float) else 0


class _Done(ProgressColumn):
    """``1,200/12,345``."""

    def render(self, task: Task) -> Text:
        total = "?" if task.total is None else f"{task.total:,.0f}"
        return Text(f"{task.completed:,.0f}/{total}", justify="right", no_wrap=True)


class _Rate(ProgressColumn):
    """Mails a second, once there is something to measure."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="dim", no_wrap=True)


def _bars(console: Console, refresh: bool) -> Progress:
    bar = 24 if console.width >= WIDE else 12
    name = Column(no_wrap=True, overflow="ellipsis", max_width=max(12, console.width - bar - REST))
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(bar_width=bar, table_column=Column(min_width=bar, no_wrap=True)),
        _Done(table_column=Column(no_wrap=True)),
        _Rate(table_column=Column(no_wrap=True)),
        TextColumn(
            "{task.fields[state]}",
            markup=False,
            style="dim",
            table_column=Column(no_wrap=True, overflow="ellipsis"),
        ),
        console=console,
        auto_refresh=refresh,
    )
