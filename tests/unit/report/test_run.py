from __future__ import annotations

import json
from dataclasses import replace

import pytest

from runner.errors import RaceLost, StateUnreachable
from runner.model.ledger import Record
from runner.model.message import Outcome
from runner.model.plan import Hold
from runner.model.result import RunResult
from runner.report import run as report
from runner.report.endings import endings
from runner.report.terminal import PLAIN, Screen, Terminal
from runner.testing import FakeClock, MemoryLedger, RecordingProvider
from tests.builders import run
from tests.unit.report import cases
from tests.unit.report.golden import assert_golden

HOME = cases.settings_of(cases.desk_of())


def text_of(result: RunResult, screen: Screen = PLAIN) -> str:
    return report.text(result, HOME, screen, cases.NOW)


@pytest.mark.parametrize("width", [80, 100])
def test_golden_text(width: int) -> None:
    result, _, _ = cases.mixed()
    assert_golden(f"run-{width}.txt", text_of(result, Terminal(width)))


def test_golden_markdown() -> None:
    result, _, _ = cases.mixed()
    assert_golden("run.md", report.markdown(result, HOME, PLAIN, cases.NOW))


def test_a_good_run_says_so_and_asks_for_nothing() -> None:
    text = text_of(cases.well())
    assert text.startswith("✓ 20 mails sent.")
    assert "What to do" not in text
    assert "Failed" not in text


def test_nothing_due() -> None:
    result = run(cases.desk_of(), MemoryLedger(), FakeClock(cases.NOW))
    assert text_of(result).startswith("✓ Nothing sent.")
    assert "Job" not in text_of(result)
    assert "|" not in report.markdown(result, HOME, PLAIN, cases.NOW)


def test_json_is_the_result() -> None:
    result, _, _ = cases.mixed()
    record = json.loads(report.FORMATS["json"](result, HOME, PLAIN, cases.NOW))
    assert (record["sent"], record["later"]) == (result.sent, result.later)
    assert (record["failed"], record["in_doubt"], record["exit_code"]) == (1, 1, 4)
    assert record["run_id"] == result.run_id
    assert {job["job_id"] for job in record["jobs"]} == {job.job_id for job in result.plan}
    promised = {"code", "campaign", "job_id", "message", "release"}
    assert all(promised <= set(hold) for hold in record["held"])


def state_fails(records: list[Record]) -> None:
    raise StateUnreachable("the remote does not answer")


def race(records: list[Record]) -> None:
    raise RaceLost("another run wrote first")


def test_state_not_written() -> None:
    ledger = MemoryLedger()
    ledger.before_append = state_fails  # type: ignore[assignment]
    result = run(cases.desk_of(cases.welcome(), count=3), ledger, FakeClock(cases.NOW))
    assert result.exit_code == 5
    text = text_of(result)
    assert text.startswith("✗ Nothing sent, 3 to go.")
    assert "The state could not be written: the remote does not answer" in text
    assert "mend the cause, then: sendoff run" in text


def test_race_lost() -> None:
    ledger = MemoryLedger()

    def lose_claims(records: list[Record]) -> None:
        if any(hasattr(record, "keys") for record in records):
            race(records)

    ledger.before_append = lose_claims  # type: ignore[assignment]
    result = run(cases.desk_of(cases.welcome(), count=3), ledger, FakeClock(cases.NOW))
    assert result.exit_code == 6
    text = text_of(result)
    assert text.startswith("! Nothing sent")
    assert "Nothing is lost" in text
    assert "the other run or the next one sends what is due" in text


def test_interrupted() -> None:
    clock = FakeClock(cases.NOW)
    clock.stopping = True
    result = run(cases.desk_of(cases.welcome(), count=3), MemoryLedger(), clock)
    assert result.exit_code == 130
    assert "Everything sent so far is recorded" in text_of(result)
    assert "the next run sends the rest" in text_of(result)


@pytest.mark.parametrize(
    ("kind", "message", "advice"),
    [
        ("ambiguous", "2 mails of this run may or may not", "sendoff resolve welcome/main --as"),
        ("refused", "2 mails could not be sent", "sendoff retry welcome/main"),
        ("temporary", "2 mails handed back unsent", "the next run tries again"),
    ],
)
def test_each_bad_outcome_says_what_to_do(kind: str, message: str, advice: str) -> None:
    provider = RecordingProvider(answer=lambda batch, i: Outcome(kind))  # type: ignore[arg-type]
    at_desk = cases.desk_of(cases.welcome(), count=2)
    result = run(at_desk, MemoryLedger(), FakeClock(cases.NOW), provider)
    assert result.exit_code == 4
    for write in (report.text, report.markdown):
        page = " ".join(write(result, HOME, PLAIN, cases.NOW).split())
        assert message in page
        assert advice in page


def test_doubt_of_earlier_runs() -> None:
    result = replace(cases.well(), doubt_before=3)
    (ending,) = endings(result)
    assert ending.message.startswith("3 mails of earlier runs")
    assert "sendoff resolve JOB" in ending.advice


def test_a_run_that_stopped_early() -> None:
    result = replace(cases.well(), stopped="the approved settings cannot be read")
    text = text_of(result)
    assert "before everything due was sent: the approved settings cannot be read" in text
    assert "the next run sends the rest" in text


def test_what_was_called_back_is_good_news() -> None:
    text = text_of(replace(cases.well(), recalled=3))
    assert text.startswith("✓ 20 mails sent.")
    assert "3 mails of cancelled campaigns called back" in text


BAD = {
    "state_failure": "x",
    "interrupted": True,
    "lost_race": True,
    "failed": 1,
    "in_doubt": 1,
    "doubt_before": 1,
    "released": 1,
    "stopped": "x",
}


@pytest.mark.parametrize("name", BAD)
def test_never_green_when_wrong(name: str) -> None:
    result = replace(cases.well(), **{name: BAD[name]})
    assert result.exit_code
    assert len(list(endings(result))) == 1
    assert not text_of(result).startswith("✓")
    assert "✅" not in report.markdown(result, HOME, PLAIN, cases.NOW)


def test_a_summary_of_thousands_of_jobs_fits() -> None:
    result = cases.well()
    many = tuple(replace(result.jobs[0], job_id=f"campaign-{n}/main") for n in range(5000))
    page = report.markdown(replace(result, jobs=many), HOME, PLAIN, cases.NOW)
    assert len(page) <= 65_535
    assert "more jobs" in page


def test_workflow_commands_say_what_to_do() -> None:
    result, _, _ = cases.mixed()
    held = Hold("max_growth", "digest", "digest/main", "the audience\n::error::grew", "100%")
    lines = report.workflow_commands(replace(result, held=(held,), recalled=2)).split("\n")
    assert [line.partition(" ")[0] for line in lines] == [
        "::error",
        "::error",
        "::warning",
        "::warning",
        "::notice",
    ]
    assert "sendoff resolve welcome/main" in lines[0]
    assert lines[3] == (
        "::warning title=held::digest/main: the audience%0A::error::grew%0A→ 100%25"
    )


def test_a_good_run_has_no_annotations() -> None:
    assert report.workflow_commands(cases.well()) == ""


def test_no_more_annotations_than_are_shown() -> None:
    holds = tuple(Hold("x", "c", f"c/{n}", "m", "r") for n in range(30))
    lines = report.workflow_commands(replace(cases.well(), held=holds)).split("\n")
    assert len(lines) == 10
    assert lines[-1] == "::warning::+21 more warnings, see: sendoff status"


def test_no_address_anywhere() -> None:
    result, _, _ = cases.mixed()
    for name, write in report.FORMATS.items():
        assert "example.org" not in write(result, HOME, PLAIN, cases.NOW), name


def test_whom_the_server_calls_unknown_is_told_apart_from_what_was_refused() -> None:
    one = text_of(replace(cases.well(), failed=1, bounced=1))
    assert "1 mail could not be sent: the mail server says that nobody has this address." in one
    assert "refused for good" not in one
    both = text_of(replace(cases.well(), failed=5, bounced=3, bounces_doubted=20))
    assert "2 mails could not be sent: refused for good." in both
    assert "3 mails could not be sent: the mail server says that nobody has these" in both
    assert "called 20 addresses unknown" in " ".join(both.split())
