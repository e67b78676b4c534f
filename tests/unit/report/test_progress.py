from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from runner.model.message import Outcome
from runner.reconcile import Reconciler, RunOptions
from runner.report.bars import MAX_BARS, BarObserver
from runner.report.progress import LogObserver, observer
from runner.testing import FakeClock, MemoryLedger, RecordingProvider
from tests import builders
from tests.unit.report import cases

ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def log_of(*events: tuple[str, dict[str, object]], as_json: bool = False) -> str:
    stream = io.StringIO()
    watch = LogObserver(stream, as_json=as_json)
    for name, details in events:
        watch.event(name, **details)
    watch.close()
    return stream.getvalue()


SETTLED = {"job": "invite/main", "sent": 98, "failed": 2, "in_doubt": 0, "released": 0}


def test_log_lines() -> None:
    assert log_of(
        ("planned", {"due": 100}),
        ("claimed", {"job": "invite/main", "count": 100}),
        ("settled", SETTLED),
        ("bounced", {"job": "invite/main", "suppressed": 2, "doubted": 0}),
        ("held", {"job": "a b", "code": "max_growth"}),
    ) == (
        "level=info event=planned due=100\n"
        "level=info event=claimed job=invite/main count=100\n"
        "level=warning event=settled job=invite/main sent=98 failed=2 in_doubt=0 released=0\n"
        "level=warning event=bounced job=invite/main suppressed=2 doubted=0\n"
        'level=warning event=held job="a b" code=max_growth\n'
    )


def test_json_lines() -> None:
    lines = log_of(("settled", SETTLED), ("raced", {}), as_json=True).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"level": "warning", "event": "settled", **SETTLED},
        {"level": "warning", "event": "raced"},
    ]


def test_what_is_not_expected_is_dropped() -> None:
    text = log_of(("settled", {"job": "x/main", "email": "p1@example.org", "sent": 1}))
    assert text == "level=info event=settled job=x/main sent=1\n"


@given(st.text())
def test_a_job_id_cannot_forge_a_line(job: str) -> None:
    for as_json in (False, True):
        text = log_of(("claimed", {"job": job, "count": 1}), as_json=as_json)
        assert text.count("\n") == 1
        assert "\x1b" not in text


@pytest.mark.parametrize(
    ("environ", "as_json"), [({}, False), ({"SENDOFF_LOG": "json"}, True), ({"CI": "1"}, False)]
)
def test_a_file_gets_log_lines(environ: dict[str, str], as_json: bool) -> None:
    stream = io.StringIO()
    watch = observer(environ, stream)
    watch.event("raced")
    watch.close()
    assert stream.getvalue().startswith("{") == as_json


@pytest.mark.parametrize(
    ("environ", "bars"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "CI": "true"}, False),
        ({"TERM": "xterm", "SENDOFF_LOG": "text"}, False),
    ],
)
def test_a_terminal_gets_bars(environ: dict[str, str], bars: bool) -> None:
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0), os.fdopen(follower, "w") as stream:
        watch = observer(environ, stream)
        watch.close()
    assert isinstance(watch, BarObserver) == bars


def drawn(*events: tuple[str, dict[str, object]], width: int = 80) -> list[str]:
    """The bars as they stand at the end."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, color_system=None)
    watch = BarObserver(console, refresh=False)
    for name, details in events:
        watch.event(name, **details)
    watch.close()
    last = stream.getvalue().rpartition("\x1b[2K")[2]
    return [line.rstrip() for line in ANSI.sub("", last).replace("\r", "").split("\n")]


def test_bars_show_what_is_done_and_what_went_wrong() -> None:
    lines = drawn(
        ("planned", {"due": 1234}),
        ("claimed", {"job": "invite/main", "count": 100}),
        ("settled", SETTLED),
        ("claimed", {"job": "digest/main", "count": 50}),
        ("waiting", {"seconds": 12}),
    )
    page = "\n".join(lines)
    assert "100/1,234" in page
    assert re.search(r"invite/main .*100/100 .*2 failed", page)
    assert re.search(r"digest/main .*0/50 .*waiting 12 s", page)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_bars_keep_to_their_lines(width: int) -> None:
    lines = drawn(
        ("planned", {"due": 1_000_000}),
        ("claimed", {"job": "a-very-long-campaign-name/" + "x" * 100, "count": 1_000_000}),
        ("settled", {**SETTLED, "released": 12345}),
        width=width,
    )
    assert all(len(line) <= width for line in lines)
    assert any("/1,000,000" in line for line in lines)


def test_markup_and_escapes_in_a_name_are_text() -> None:
    page = "\n".join(drawn(("claimed", {"job": "[red]x[/]\x1b[2J", "count": 1}), width=120))
    assert "[red]x[/]\\x1b[2J" in page


def test_jobs_that_are_done_make_room() -> None:
    events: list[tuple[str, dict[str, object]]] = [("planned", {"due": 100})]
    for number in range(30):
        events.append(("claimed", {"job": f"job-{number}/main", "count": 1}))
        events.append(("settled", {"job": f"job-{number}/main", "sent": 1}))
    page = "\n".join(drawn(*events))
    assert "job-29/main" in page
    assert len(set(re.findall(r"job-\d+/main", page))) <= MAX_BARS


@pytest.mark.parametrize("as_json", [False, True])
def test_a_whole_run_says_nothing_personal(as_json: bool) -> None:
    stream = io.StringIO()
    kinds = ("accepted", "refused", "ambiguous", "temporary")
    provider = RecordingProvider(answer=lambda batch, i: Outcome(kinds[i % 4], f"to p{i}"))
    at_desk, clock = cases.desk_of(cases.welcome(), count=40), FakeClock(cases.NOW)
    settings = cases.settings_of(at_desk).run
    options = RunOptions("20251020T140000Z-aaaaaa", settings.budget, settings.look_ahead)
    watch = LogObserver(stream, as_json=as_json)
    Reconciler(builders.OneDesk(at_desk), MemoryLedger(), provider, clock, watch, options).run()
    text = stream.getvalue()
    assert "settled" in text
    assert "example.org" not in text
    assert "to p" not in text


def test_with_nothing_due_neither_library_is_imported() -> None:
    code = (
        "import io, sys\n"
        "from runner.report.progress import observer\n"
        "watch = observer({}, io.StringIO())\n"
        "watch.event('planned', due=0)\n"
        "watch.close()\n"
        "sys.exit(any(name in sys.modules for name in ('structlog', 'rich.console')))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
