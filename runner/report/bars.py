"""Progress bars on a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.text import Text

from .progress import harmless


class _Rate(ProgressColumn):
    """Mails a second, once there is something to measure."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="dim")


class BarObserver:
    """One bar a job: what is settled of what was claimed, how fast, and what it waits for."""

    def __init__(self, console: Console, *, refresh: bool = True) -> None:
        self._progress = _bars(console, refresh)
        self._tasks: dict[str, TaskID] = {}
        self._settled: dict[str, int] = {}
        self._last = ""
        self._overall = self._progress.add_task("due now", total=None, state="planning")
        self._handled = 0
        self._progress.start()

    def event(self, name: str, **details: object) -> None:
        """Move the bars."""
        fields = harmless(details)
        job = str(fields.get("job", ""))
        if name == "planned":
            total = self._handled + _number(fields, "due")
            self._progress.update(self._overall, total=total, state="" if total else "nothing due")
        elif name == "claimed":
            self._claimed(job, _number(fields, "count"))
        elif name == "settled":
            self._settle(job, fields)
        elif name == "waiting":
            self._say(f"waiting {_number(fields, 'seconds')} s for the next send time")
        elif name == "raced":
            self._say("another run was faster: planning anew")

    def close(self) -> None:
        """Leave the bars as they stand, and the terminal as it was."""
        self._progress.stop()

    def _claimed(self, job: str, number: int) -> None:
        if job not in self._tasks:
            self._tasks[job] = self._progress.add_task(job, total=0, state="")
            self._settled[job] = 0
        task = self._tasks[job]
        total = (self._progress.tasks[self._progress.task_ids.index(task)].total or 0) + number
        self._progress.update(task, total=total, state="sending")
        self._last = job

    def _settle(self, job: str, fields: Mapping[str, object]) -> None:
        done = sum(_number(fields, name) for name in ("sent", "failed", "in_doubt"))
        self._handled += done
        self._progress.update(self._overall, advance=done, state="")
        if job in self._tasks:
            bad = [
                f"{_number(fields, name)} {word}"
                for name, word in (
                    ("failed", "failed"),
                    ("in_doubt", "in doubt"),
                    ("released", "handed back"),
                )
                if _number(fields, name)
            ]
            self._progress.update(self._tasks[job], advance=done, state=", ".join(bad))

    def _say(self, state: str) -> None:
        task = self._tasks.get(self._last, self._overall)
        self._progress.update(task, state=state)


def _bars(console: Console, refresh: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        _Rate(),
        TextColumn("{task.fields[state]}", markup=False, style="dim"),
        console=console,
        auto_refresh=refresh,
    )


def _number(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name, 0)
    return int(value) if isinstance(value, int | float) else 0
