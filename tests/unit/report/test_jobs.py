from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from runner.model.campaign import Attachment, Content, Immediate, Invitation, Recurring
from runner.model.plan import Counts, JobPlan
from runner.report import blocks, jobs, times
from tests.builders import campaign, step, utc
from tests.unit.report import cases

CHICAGO = times.zone_of("America/Chicago")
LATER = cases.NOW + timedelta(days=30)


def job(counts: Counts | None = None, **more: object) -> JobPlan:
    """The job of a one-shot campaign, as if the planner had made it."""
    one = cases.one_shot()
    fields: dict[str, object] = {
        "campaign": one,
        "step": one.steps[0],
        "occurrence": "",
        "status": "scheduled",
        "counts": counts or Counts(later=3),
        "audience": cases.people(3),
        "scheduled_for": utc("2025-10-20 14:00"),
    }
    return JobPlan(**{**fields, **more})  # type: ignore[arg-type]


def with_content(content: Content) -> JobPlan:
    return job(step=replace(step(), content=content))


FILE = Attachment("files/programme.pdf", "programme.pdf", "application/pdf")
IMAGE = Attachment("files/logo.png", "logo.png", "image/png", cid="logo")
EVENT = Invitation("Party", utc("2025-10-25 20:00"), utc("2025-10-25 23:00"))


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (Content(template="invite"), ("template invite",)),
        (
            Content(subject="Hello", html="<p>"),
            ("content in the campaign file", "subject “Hello”"),
        ),
        (
            Content(template="invite", attachments=(FILE, IMAGE)),
            ("template invite", "with 1 attachment"),
        ),
        (Content(template="invite", attachments=(IMAGE,)), ("template invite",)),
        (
            Content(template="invite", invitation=EVENT),
            ("template invite", "with a calendar invitation"),
        ),
    ],
)
def test_what(content: Content, shown: tuple[str, ...]) -> None:
    assert jobs.what(with_content(content)) == shown


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        (Counts(later=1), "1 contact"),
        (Counts(later=1200), "all 1,200 contacts"),
        (Counts(later=1200, excluded={"bounced": 1}), "1,200 of 1,201 contacts"),
        (Counts(excluded={"bounced": 2}), "0 of 2 contacts"),
    ],
)
def test_who(counts: Counts, shown: str) -> None:
    assert jobs.who(job(counts)) == (shown, "list people")


@pytest.mark.parametrize(
    ("counts", "status", "shown"),
    [
        (Counts(later=3), "scheduled", ()),
        (Counts(sent=3), "sent", ("3 sent",)),
        (
            Counts(sent=500, in_flight=10, later=490),
            "sending",
            ("500 sent", "10 being sent", "490 later", "50 % done"),
        ),
        (
            Counts(sent=1, failed=1, in_doubt=1),
            "held",
            ("1 sent", "1 failed", "1 in doubt", "66 % done"),
        ),
        (Counts(sent=1, cancelled=9), "cancelled", ("1 sent", "9 cancelled")),
        (Counts(cancelled=10), "cancelled", ("10 cancelled",)),
    ],
)
def test_so_far(counts: Counts, status: str, shown: tuple[str, ...]) -> None:
    assert jobs.so_far(job(counts, status=status)) == shown


START = utc("2025-10-20 14:00")


@pytest.mark.parametrize(
    ("one", "shown"),
    [
        (
            job(first_send=START, last_send=START),
            ("Mon 20 Oct 2025 09:00 CDT (UTC-05:00), in 4 days",),
        ),
        (
            job(first_send=START, last_send=START + timedelta(hours=1)),
            ("Mon 20 Oct 2025 09:00 CDT (UTC-05:00), in 4 days", "last mail 10:00"),
        ),
        (job(status="held"), ("Mon 20 Oct 2025 09:00 CDT (UTC-05:00), in 4 days",)),
        (
            job(Counts(sent=3), status="sent", started_at=START, completed_at=START),
            ("began Mon 20 Oct 2025 09:00 CDT (UTC-05:00)",),
        ),
        (
            job(
                Counts(sent=3),
                status="sent",
                started_at=START,
                completed_at=START + timedelta(days=1),
            ),
            (
                "began Mon 20 Oct 2025 09:00 CDT (UTC-05:00)",
                "last mail Tue 21 Oct 2025 09:00 CDT (UTC-05:00)",
            ),
        ),
        (
            job(Counts(cancelled=3), status="cancelled"),
            ("Mon 20 Oct 2025 09:00 CDT (UTC-05:00), in 4 days",),
        ),
        (job(campaign=campaign(Immediate()), status="paused"), ("as soon as it may",)),
    ],
)
def test_when(one: JobPlan, shown: tuple[str, ...]) -> None:
    assert jobs.timing(one, cases.NOW, CHICAGO) == shown


def test_an_occurrence_by_each_contacts_own_clock() -> None:
    weekly = campaign(Recurring("0 9 * * MON", "recipient"))
    known = job(campaign=weekly, occurrence="2025-10-20T09:00", status="held")
    assert jobs.timing(known, cases.NOW, CHICAGO) == (
        "Mon 20 Oct 2025 09:00 by each contact's own clock",
    )
    odd = replace(known, occurrence="whenever")
    assert jobs.timing(odd, cases.NOW, CHICAGO) == ("by each contact's own clock",)
    home = cases.settings_of(cases.desk_of())
    assert blocks.next_time(known, cases.NOW, home) == "Mon 20 Oct 09:00 own clock"
    assert blocks.next_time(odd, cases.NOW, home) == ""


@pytest.mark.parametrize(
    ("one", "shown"),
    [
        (job(first_send=START, last_send=START), "Mon 20 Oct 09:00 CDT"),
        (job(first_send=cases.NOW, last_send=START), "now"),
        (job(first_send=cases.NOW, last_send=START, status="held"), "Mon 20 Oct 09:00 CDT"),
        (job(campaign=campaign(Immediate()), status="paused"), ""),
        (job(Counts(sent=1), completed_at=START, scheduled_for=None), "Mon 20 Oct 09:00 CDT"),
        (job(Counts(cancelled=1), scheduled_for=None), ""),
    ],
)
def test_the_time_in_a_table(one: JobPlan, shown: str) -> None:
    home = cases.settings_of(cases.desk_of())
    assert blocks.next_time(one, cases.NOW, home) == shown


def test_a_recurring_campaign_without_an_end() -> None:
    assert jobs.repeats(campaign(Recurring("0 9 * * *", "UTC"))) == (
        "every day at 09:00",
        "without end",
    )


def test_how_long_it_takes() -> None:
    one = job(first_send=START, last_send=START + timedelta(seconds=178))
    assert jobs.takes(one) == ("2 min 58 s", "one every 2 s", "at most 1,000 an hour")
    assert jobs.takes(job(Counts(sent=3))) == ()
