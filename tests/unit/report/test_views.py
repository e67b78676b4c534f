from __future__ import annotations

import json

import pytest

from runner.errors import Problem
from runner.model.plan import Spot
from runner.model.views import Check, ListView, TemplateView, WhyRow, WhyView
from runner.report import cronwords, doctor, lists, templates, why, words
from runner.report.terminal import PLAIN, Terminal
from tests.builders import utc
from tests.unit.report import cases
from tests.unit.report.golden import assert_golden

HOME = cases.settings_of(cases.desk_of())
LISTS = [
    ListView(
        "f3-members",
        "Members of F3 Nation",
        "campaigns/lists/f3-members.csv",
        rows=1300,
        audience=1234,
        excluded={"opted_out": 40, "bounced": 20, "duplicate": 6},
        fields=("city", "email", "firstName", "region", "timezone"),
        used_by=("bros-and-brews-2025", "countdown"),
        warnings=((12, "the time zone 'Amercia/Chicago' does not exist"),),
    ),
    ListView("广州会员", "", "campaigns/lists/gz.csv", problem="gz.csv:1:1: cannot be read"),
]
TEMPLATES = [
    TemplateView(
        "invite",
        "html",
        "{{ eventName }}",
        "The invitation",
        ("a", "b"),
        12345,
        cases.NOW,
        (Problem("campaigns/templates/invite.html", 14, 1, "printed text that is looked at"),),
    ),
    TemplateView("digest", "mjml", ""),
]


def why_view() -> WhyView:
    found = cases.plan_of(cases.desk_of(cases.one_shot(), cases.countdown(), cases.digest()))
    one, invite, reminder, _, weekly = found.jobs
    return WhyView(
        words.mask("jonathan@example.org"),
        "0011223344556677",
        (("people", 12, ""), ("guests", 3, "opted_out")),
        (
            WhyRow(one, Spot.LATER.reason, one.first_send),
            WhyRow(invite, Spot.SENT.reason, utc("2025-10-16 14:00"), "no longer on the list"),
            WhyRow(reminder, Spot.ONLY_IF.reason),
            WhyRow(weekly, Spot.DUE.reason, utc("2025-10-20 14:00")),
            WhyRow(one, "opted_out"),
        ),
    )


def test_golden_lists() -> None:
    assert_golden("lists.txt", lists.text(LISTS, Terminal(80)))


def test_golden_templates() -> None:
    assert_golden("templates.txt", templates.text(TEMPLATES, HOME, Terminal(80)))


def test_of_many_campaigns_some_are_named() -> None:
    """A thousand names would hide everything else; JSON has them all."""
    names = tuple(f"c{n:04}" for n in range(1_030))
    view = TemplateView("news", "html", "Hello", used_by=names)
    shown = templates.text([view], HOME)
    assert "c0019 · 1,010 more" in " ".join(shown.split())
    assert "c0020" not in shown
    (record,) = json.loads(templates.as_json([view], HOME))["templates"]
    assert record["used_by"] == list(names)


def test_golden_why() -> None:
    assert_golden("why.txt", why.text(why_view(), HOME, Terminal(80), "a note"))


CHECKS = [
    Check("state key", "ok", "SENDOFF_STATE_KEY is set", "not shown"),
    Check("provider", "error", "SENDGRID_API_KEY is not set", "add it to the secrets"),
    Check("schedule", "warning", "the last run was 3 days ago", "is the workflow enabled?"),
    Check("clock", "unknown", "the remote does not tell the time"),
]


def test_golden_doctor() -> None:
    assert_golden("doctor.txt", doctor.text(CHECKS, Terminal(80)))


@pytest.mark.parametrize(
    ("states", "closing"),
    [
        (["ok", "ok"], "all well: 2 checks"),
        (["ok", "error"], "1 error"),
        (["warning", "warning", "error"], "1 error, 2 warnings"),
        (["ok", "unknown"], "1 could not be checked"),
    ],
)
def test_the_doctors_last_line(states: list[str], closing: str) -> None:
    checks = [Check("x", state, "m") for state in states]  # type: ignore[arg-type]
    assert doctor.text(checks).rstrip().endswith(closing)


def test_many_warnings_are_counted() -> None:
    view = ListView("l", "", "l.csv", warnings=tuple((n, "odd") for n in range(1, 31)))
    assert "+20 more" in lists.text([view])


def test_where_there_is_nothing_it_says_how_to_begin() -> None:
    assert "campaigns/lists/" in lists.text([])
    assert "campaigns/templates/" in templates.text([], HOME)
    assert "On no list" in why.text(WhyView("•••", "00", (), ()), HOME)


def test_json() -> None:
    (members, broken) = json.loads(lists.as_json(LISTS))["lists"]
    assert members["excluded"] == {"opted_out": 40, "bounced": 20, "duplicate": 6}
    assert members["warnings"][0]["line"] == 12
    assert broken["problem"]
    (invite, digest) = json.loads(templates.as_json(TEMPLATES, HOME))["templates"]
    assert (invite["sent"], invite["last_used"]) == (12345, "2025-10-16T14:00:00Z")
    assert digest["last_used"] is None
    assert (invite["compiled"], digest["compiled"]) == (False, None)
    assert invite["slow"][0]["line"] == 14
    record = json.loads(why.as_json(why_view(), HOME))
    assert [job["place"] for job in record["jobs"]][:2] == ["later", "sent"]
    assert record["jobs"][3]["held"] == ["max_recipients"]
    assert json.loads(doctor.as_json(CHECKS))["checks"][0]["state"] == "ok"


@pytest.mark.parametrize(
    "subject",
    [lists.FORMATS, templates.FORMATS, why.FORMATS, doctor.FORMATS],
    ids=["lists", "templates", "why", "doctor"],
)
def test_every_subject_has_text_and_json(subject: dict[str, object]) -> None:
    assert set(subject) == {"text", "json"}


@pytest.mark.parametrize(
    ("cron", "shown"),
    [
        ("0 9 * * MON", "every Monday at 09:00"),
        ("30 7 * * *", "every day at 07:30"),
        ("0 9 * * mon-fri", "every weekday (Monday to Friday) at 09:00"),
        ("0 9 * * TUE,THU", "every Tuesday and Thursday at 09:00"),
        ("0 9 * * 1,3,5", "every Monday, Wednesday and Friday at 09:00"),
        ("0 9 * * 7", "every Sunday at 09:00"),
        ("0 9 1 * *", "on day 1 of every month at 09:00"),
        ("0 9 1 * MON", "cron 0 9 1 * MON"),
        ("*/5 * * * *", "cron */5 * * * *"),
        ("0 9 * JAN *", "cron 0 9 * JAN *"),
        ("0 9 * * MON#2", "cron 0 9 * * MON#2"),
        ("0 9 L * *", "cron 0 9 L * *"),
        ("nonsense", "cron nonsense"),
    ],
)
def test_cron_in_words(cron: str, shown: str) -> None:
    assert cronwords.in_words(cron) == shown


def test_ascii_only_everywhere() -> None:
    screen = Terminal(80, ascii=True)
    texts = [
        lists.text(LISTS, screen),
        templates.text(TEMPLATES, HOME, screen),
        why.text(why_view(), HOME, screen),
        doctor.text(CHECKS, screen),
    ]
    assert all(text.isascii() for text in texts)
    assert PLAIN.ascii is False
