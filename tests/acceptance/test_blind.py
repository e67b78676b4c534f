"""Without the state key, as on a pull request: numbers can be looked at, and nothing more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.bench import Bench

DAY1 = ("--now", "2025-10-20T14:00:00Z")
DAY2 = ("--now", "2025-10-21T14:00:00Z")
DRIP = """\
version: 1
name: Drip
list: people
schedule: {send: drip, start_at: 2025-10-20 09:00, timezone: America/Chicago}
sequence:
  - {id: one, delay: 0, template: hello}
  - {id: two, delay: 3d, template: hello}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path).workspace(people=7)
    bench.campaign("once")
    bench.write("campaigns/drip.yaml", DRIP)
    assert bench.sendoff("init", *DAY1).code == 0
    assert bench.sendoff("run", "--json", *DAY1).json["sent"] == 14
    return bench


def numbers(said) -> list[tuple[str, int, int, int]]:
    return [
        (job["job_id"], job["sent_count"], job["due_count"] + job["later_count"], job["progress"])
        for job in said.json["jobs"]
    ]


def test_the_plan_has_the_same_numbers_and_says_that_it_guesses(bench):
    seeing = bench.sendoff("plan", "--json", *DAY2)
    blind = bench.sendoff("plan", "--json", *DAY2, SENDOFF_STATE_KEY="")
    assert (blind.code, seeing.code) == (0, 0), blind.err
    assert numbers(blind) == numbers(seeing)
    assert "state key is not known here" in blind.json["note"]
    assert "state key is not known here" in bench.sendoff("plan", *DAY2, SENDOFF_STATE_KEY="").out


@pytest.mark.parametrize(
    "command",
    [("run",), ("status",), ("why", "p1@example.com"), ("resolve",), ("retry", "once/main")],
)
def test_nothing_that_concerns_people_goes_without_the_key(bench, command):
    said = bench.sendoff(*command, *DAY2, SENDOFF_STATE_KEY="")
    assert said.code == 5
    assert "SENDOFF_STATE_KEY" in said.err
    assert len(bench.outbox()) == 14


def test_cancel_says_how_many_have_had_it(bench):
    said = bench.sendoff("cancel", "drip", *DAY2, SENDOFF_STATE_KEY="")
    assert (said.code, "7 mails sent, 7 mails will not be sent" in said.out) == (0, True)
