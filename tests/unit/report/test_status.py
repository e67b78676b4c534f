from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from runner.model.plan import Hold
from runner.report import status
from runner.report.terminal import PLAIN, Terminal
from tests.unit.report import cases
from tests.unit.report.golden import assert_golden


@pytest.mark.parametrize("width", [80, 100])
def test_golden_table(width: int) -> None:
    _, at_desk, ledger = cases.mixed()
    found = cases.plan_of(at_desk, ledger)
    text = status.text(
        found.jobs, found.holds, cases.settings_of(at_desk), Terminal(width), cases.NOW
    )
    assert all(cell_len(line) <= width for line in text.split("\n"))
    assert_golden(f"status-{width}.txt", text)


def test_golden_one_job() -> None:
    _, at_desk, ledger = cases.mixed()
    job = cases.plan_of(at_desk, ledger).jobs[0]
    text = status.text([job], (), cases.settings_of(at_desk), PLAIN, cases.NOW)
    assert_golden("status-one.txt", text)


def test_json() -> None:
    _, at_desk, ledger = cases.mixed()
    found = cases.plan_of(at_desk, ledger)
    hold = Hold("invalid", "broken", "", "has errors", "mend it")
    record = json.loads(
        status.FORMATS["json"](
            found.jobs, [hold], cases.settings_of(at_desk), PLAIN, cases.NOW, "a note"
        )
    )
    assert record["jobs"][0]["sent_count"] == found.jobs[0].counts.sent
    assert record["holds"][0]["campaign"] == "broken"
    assert record["note"] == "a note"


def test_no_jobs() -> None:
    home = cases.settings_of(cases.desk_of())
    text = status.text((), (), home, PLAIN, cases.NOW, "No state yet.")
    assert text.startswith("No jobs yet")
    assert "No state yet." in text


def test_holds_of_no_job_are_shown() -> None:
    home = cases.settings_of(cases.desk_of())
    hold = Hold("invalid", "broken", "", "has errors", "mend it")
    text = status.text((), [hold], home, PLAIN, cases.NOW)
    assert "Held: 1 thing waits for you" in text
    assert "! broken: has errors" in text
