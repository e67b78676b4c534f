from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from runner.errors import Problem
from runner.model.campaign import Delay, Immediate, Scheduled, Step
from runner.model.contacts import Excluded
from runner.model.plan import Hold, Plan
from runner.model.settings import Guards
from runner.report import jobs, markup, plan
from runner.report.terminal import PLAIN, Terminal
from runner.testing import FakeClock, MemoryLedger, audience
from tests.builders import campaign, desk, run, utc
from tests.unit.report import cases
from tests.unit.report.golden import assert_golden

MANY = (cases.one_shot(), cases.countdown(), cases.digest(), cases.welcome(status="paused"))


@pytest.mark.parametrize("width", [80, 100])
def test_golden_text(width: int) -> None:
    at_desk = cases.desk_of(*MANY)
    text = plan.text(cases.plan_of(at_desk), cases.settings_of(at_desk), Terminal(width))
    assert all(cell_len(line) <= width for line in text.split("\n"))
    assert_golden(f"plan-{width}.txt", text)


def test_golden_markdown() -> None:
    at_desk = cases.desk_of(*MANY)
    problem = Problem("campaigns/invite.yaml", 3, 12, "unknown key 'shedule'", "write schedule")
    text = plan.markdown(
        cases.plan_of(at_desk), cases.settings_of(at_desk), problems=[problem], note="No state yet."
    )
    assert_golden("plan.md", text)


def test_json_holds_the_records_and_all_holds() -> None:
    at_desk = cases.desk_of(*MANY)
    found = cases.plan_of(at_desk)
    record = json.loads(plan.FORMATS["json"](found, cases.settings_of(at_desk), PLAIN, "a note"))
    assert record["now"] == "2025-10-16T14:00:00Z"
    assert record["due"] == found.due
    assert [job["job_id"] for job in record["jobs"]] == [job.job_id for job in found.jobs]
    assert record["jobs"][0]["excluded"] == {"bounced": 20, "duplicate": 6, "opted_out": 40}
    assert [hold["code"] for hold in record["holds"]] == ["max_recipients"]
    assert record["note"] == "a note"


def test_the_first_line_counts_every_mail_once() -> None:
    at_desk = cases.desk_of(*MANY)
    found = cases.plan_of(at_desk)
    tally = jobs.tally(found)
    ahead = sum(job.counts.due + job.counts.later for job in found.jobs)
    assert tally.due + tally.later + tally.held + tally.paused == ahead
    assert "6 jobs: 1,234 mails due now, 3,702 later, 1,234 held, 1,234 paused" in plan.text(
        found, cases.settings_of(at_desk)
    )


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 12),
    st.sampled_from(["active", "paused", "cancelled"]),
    st.one_of(st.none(), st.integers(0, 12)),
    st.integers(-3, 3),
)
def test_the_first_line_adds_up_for_any_plan(
    people: int, status: str, limit: int | None, days: int
) -> None:
    start = cases.one_shot(status=status, guards=Guards(max_recipients=limit))
    at_desk = cases.desk_of(start, cases.countdown(), count=people)
    found = cases.plan_of(at_desk, now=cases.NOW.replace(day=20 + days))
    tally = jobs.tally(found)
    ahead = sum(job.counts.due + job.counts.later for job in found.jobs)
    assert tally.due + tally.later + tally.held + tally.paused == ahead
    assert min(tally.due, tally.later, tally.held, tally.paused) >= 0


def test_everything_paused_says_what_releases_it() -> None:
    at_desk = desk([cases.welcome()], cases.people(3), paused=True)
    text = plan.text(cases.plan_of(at_desk), at_desk.workspace.settings)
    assert "Everything is paused: paused: true in sendoff.yaml" in text
    assert "paused: true" in plan.markdown(cases.plan_of(at_desk), at_desk.workspace.settings)


def test_no_campaigns() -> None:
    at_desk = desk([], audience([]))
    assert plan.text(cases.plan_of(at_desk), at_desk.workspace.settings).startswith(
        "Nothing to send"
    )


def test_what_is_over_is_one_row() -> None:
    ledger = MemoryLedger()
    at_desk = cases.desk_of(cases.welcome(), count=3)
    run(at_desk, ledger, FakeClock(cases.NOW))
    for write in (plan.text, plan.markdown):
        text = write(cases.plan_of(at_desk, ledger), at_desk.workspace.settings)
        assert "Nothing more to send" in text
        assert "Not mailed" not in text


def test_the_steps_of_a_drip_do_not_repeat_their_people() -> None:
    at_desk = cases.desk_of(cases.countdown(), cases.welcome())
    for write in (plan.text, plan.markdown):
        text = write(cases.plan_of(at_desk), cases.settings_of(at_desk))
        assert text.count("Not mailed") == 2
        assert text.count("the same 1,234 contacts") == 2


def test_many_zones_are_counted_to_the_last_contact() -> None:
    zones = [f"Etc/GMT+{n}" for n in range(1, 13)] + [f"Etc/GMT-{n}" for n in range(1, 13)]
    schedule = Scheduled(utc("2025-10-20 09:00").replace(tzinfo=None), "recipient")
    people = audience([f"p{n}@example.org" for n in range(240)], timezones=zones * 10)
    at_desk = desk([campaign(schedule)], people)
    text = plan.text(cases.plan_of(at_desk), at_desk.workspace.settings)
    assert "160  in 16 more zones" in text
    assert text.count("Etc/GMT") == 8


def test_one_contact_and_one_mail_are_singular() -> None:
    at_desk = desk([campaign()], audience(["a@example.org"]))
    text = plan.text(cases.plan_of(at_desk), at_desk.workspace.settings)
    assert "1 job: 1 mail due now" in text
    assert "Who         1 contact · list people" in text


def test_a_hold_of_no_job_names_its_campaign() -> None:
    hold = Hold(
        "invalid", "broken", "", "campaigns/broken.yaml has errors", "see: sendoff validate"
    )
    found = Plan(cases.NOW, (), (hold,))
    at_desk = desk([], audience([]))
    text = plan.text(found, at_desk.workspace.settings)
    assert "! broken: campaigns/broken.yaml has errors" in text
    assert "To release it: see: sendoff validate" in text


def test_by_the_clock_of_each_contact() -> None:
    schedule = Scheduled(utc("2025-10-20 09:00").replace(tzinfo=None), "recipient", "Europe/London")
    step = Step("main", campaign().steps[0].content, Delay())
    at_desk = cases.desk_of(campaign(schedule, steps=[step]), count=10)
    text = plan.text(cases.plan_of(at_desk), cases.settings_of(at_desk))
    assert "When        Mon 20 Oct 2025 09:00 by each contact's own clock" in text
    assert "By zone     2  Mon 20 Oct 2025 09:00 IST (UTC+05:30) Asia/Kolkata" in text
    assert "            4  Mon 20 Oct 2025 09:00 BST (UTC+01:00) Europe/London" in text


HOSTILE = "\x1b[2J::error::[red]@octocat\n# <script>|`\u202e"


def hostile_plan() -> tuple[Plan, object]:
    reasons = Excluded([b"x" * 8], ["opted_out"], [3])
    one = campaign(Immediate(), list_name="people", guards=Guards(max_recipients=0))
    step = replace(one.steps[0], content=replace(one.steps[0].content, subject=HOSTILE))
    one = replace(one, name=HOSTILE, steps=(step,))
    at_desk = desk([one], audience(["a@example.org"], excluded=reasons))
    return cases.plan_of(at_desk), at_desk.workspace.settings


@pytest.mark.parametrize("color", [False, True])
def test_names_cannot_steer_a_terminal(color: bool) -> None:
    found, its_settings = hostile_plan()
    text = plan.text(found, its_settings, Terminal(80, color))
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert not any(line.lstrip().startswith("::") for line in text.split("\n"))
    assert ("\x1b" in text) == color


def test_names_cannot_write_markdown() -> None:
    found, its_settings = hostile_plan()
    text = plan.markdown(found, its_settings)
    assert "<script>" not in text.replace("\\<script\\>", "")
    assert "@octocat" not in text
    assert "\x1b" not in text


def test_a_comment_with_thousands_of_jobs_fits() -> None:
    at_desk = cases.desk_of(cases.one_shot(), count=3)
    one = cases.plan_of(at_desk)
    hold = Hold("x", "c", "c/main", "m" * 5000, "r" * 5000)
    many = Plan(one.now, one.jobs * 3000, (hold,) * 3000)
    problems = [Problem("p" * 500, 1, 1, "m" * 5000, "h" * 5000)] * 3000
    text = plan.markdown(many, cases.settings_of(at_desk), problems=problems)
    assert len(text) <= markup.LIMIT
    assert "more jobs" in text
    assert text.index("❌ 3,000 problems") < text.index("✋ 3,000 things held")
    assert len(re.findall(r"- \+2,9\d\d more\n", text)) == 2


@pytest.mark.parametrize("char", ["@", "#", "\\", "|", "&", "x"])
def test_a_comment_fits_whatever_has_to_be_escaped(char: str) -> None:
    at_desk = cases.desk_of(cases.one_shot(name=char * 5000), count=3)
    one = cases.plan_of(at_desk)
    hold = Hold("x", "c", "c/main", char * 5000, char * 5000)
    problems = [Problem(char * 500, 1, 1, char * 5000, char * 5000)] * 100
    many = Plan(one.now, one.jobs * 100, (hold,) * 100)
    text = plan.markdown(many, cases.settings_of(at_desk), note=char * 5000, problems=problems)
    assert len(text) <= markup.LIMIT
    assert text.count(" more\n") == 2


def test_nothing_that_is_shown_is_an_address() -> None:
    at_desk = cases.desk_of(*MANY, count=50)
    found, its_settings = cases.plan_of(at_desk), cases.settings_of(at_desk)
    for name, write in plan.FORMATS.items():
        assert "example.org" not in write(found, its_settings, PLAIN, ""), name
