"""The example workspaces: valid ones load whole, faults say exactly what is expected."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from runner.model.campaign import Delay, Drip, Ignore, Immediate, Place, Recurring, Scheduled
from runner.model.contacts import ColumnMap, FileSource, InlineSource
from runner.model.settings import DomainCap, Frequency, Limits, Mailbox, Quiet, Secret, WarmUp
from runner.workspace import WorkspaceFiles, load
from runner.workspace.schemas import KINDS, schema_text
from tests.examples.workspaces import EXPECTED, INVALID, VALID, case_names, problems_of

VALID_NAMES = sorted(path.name for path in VALID.iterdir())
FUTURE = {"experiment", "rules", "optimized", "action"}


wall = datetime.fromisoformat


@pytest.mark.parametrize("name", case_names())
def test_a_fault_says_what_is_expected(name: str) -> None:
    expected = (INVALID / name / EXPECTED).read_text("utf-8").rstrip("\n")
    assert expected
    assert problems_of(name) == expected


def test_there_are_many_faults() -> None:
    assert len(case_names()) >= 100


@pytest.mark.parametrize("name", VALID_NAMES)
def test_a_valid_workspace_has_no_problem(name: str) -> None:
    workspace = load(WorkspaceFiles(VALID / name))
    assert [str(problem) for problem in workspace.problems] == []
    assert workspace.broken == {}


@pytest.fixture(scope="module")
def whole():
    return load(WorkspaceFiles(VALID / "every-key"))


def test_settings_are_complete(whole) -> None:
    settings = whole.settings
    assert settings.sender == Mailbox("hello@example.org", "Example Club")
    assert settings.provider == "sendgrid"
    assert settings.sendgrid.api_key == Secret("SENDGRID_API_KEY")
    assert settings.sendgrid.base_url == "https://api.eu.sendgrid.com"
    assert settings.smtp.password == Secret("SMTP_PASSWORD")
    assert (settings.smtp.port, settings.smtp.security) == (465, "tls")
    assert settings.outbox.path == "out/box"
    assert settings.state.branch == "mail-state"
    assert settings.state.key == Secret("CLUB_STATE_KEY")
    assert settings.guards.max_growth == 1.5
    assert settings.guards.max_failure_rate == 0.025
    assert settings.lateness.expires_after == timedelta(days=1, hours=12)
    assert settings.run.look_ahead == timedelta(hours=2)
    assert settings.quiet == Quiet(
        (21 * 60, 8 * 60), (5, 6), ((0, 12, 25), (2026, 11, 26)), timedelta(days=3), "send"
    )
    assert settings.frequency == Frequency(2, timedelta(days=7), "defer")
    assert settings.limits == Limits(
        5000,
        WarmUp(date(2026, 11, 1), (500, 1000, 2000), unlimited=True),
        (
            DomainCap("gmail.com", ("gmail.com",), 2000),
            DomainCap("microsoft", ("hotmail.com", "live.com", "outlook.com"), 1000),
            DomainCap("*", (), 4000),
        ),
    )
    assert settings.paused is True


def test_a_campaign_has_its_own_way_with_what_all_share(whole) -> None:
    """Key by key, or not at all."""
    receipt = whole.campaigns["first-mail"]
    assert (receipt.quiet, receipt.frequency, receipt.priority) == (None, None, 10)
    weekly = whole.campaigns["weekly"]
    common = whole.settings.quiet
    assert weekly.quiet == replace(common, hours=(12 * 60, 13 * 60 + 30), days=())
    assert weekly.frequency == Frequency(2, timedelta(days=7), "skip")
    assert whole.campaigns["drip"].quiet == common


def test_a_campaign_takes_from_the_settings_what_it_does_not_say(whole) -> None:
    campaign = whole.campaigns["first-mail"]
    assert campaign.pacing.batch_size == 10
    assert campaign.pacing.delay_seconds == 0.5
    assert campaign.guards.max_growth == 0.1
    assert campaign.guards.max_recipients == 1000
    assert campaign.lateness.expires_after == timedelta(weeks=2)
    assert campaign.lateness.on_missed == "send"
    other = whole.campaigns["2025/scheduled"]
    assert other.sender == Mailbox("hello@example.org", "Example Club")
    assert other.reply_to == "team@example.org"
    assert other.lateness.on_missed == "skip"
    assert other.unsubscribe.sendgrid_group == 123
    assert other.name == "2025/scheduled"


def test_unsubscribe_is_one_thing(whole) -> None:
    unsubscribe = whole.campaigns["first-mail"].unsubscribe
    assert unsubscribe.url == "https://example.org/board/u?t={{ token }}"
    assert unsubscribe.mailto == ""
    assert unsubscribe.sendgrid_group is None


def test_schedules(whole) -> None:
    campaigns = whole.campaigns
    assert campaigns["first-mail"].schedule == Immediate("Europe/London")
    assert campaigns["2025/scheduled"].schedule == Scheduled(
        wall("2025-10-20 09:00"), "recipient", "Asia/Kathmandu"
    )
    offset = campaigns["2025/offset"].schedule
    assert isinstance(offset, Scheduled)
    assert offset.at == wall("2025-10-20 03:15:30+00:00")
    assert campaigns["drip"].schedule == Drip(
        wall("2025-10-15 09:00"), "America/Chicago", "", "continuous"
    )
    assert campaigns["weekly"].schedule == Recurring(
        "0 9 * * MON",
        "Europe/London",
        "",
        wall("2025-11-01 00:00"),
        wall("2026-06-30 23:59:59"),
    )


def test_steps(whole) -> None:
    steps = whole.campaigns["drip"].steps
    assert [step.id for step in steps] == ["invite", "reminder", "last_call"]
    assert [step.delay for step in steps] == [Delay(), Delay(3), Delay(8, timedelta(hours=6))]
    assert [len(step.content.attachments) for step in steps] == [1, 0, 1]
    assert steps[1].variables == {"colour": "blue"}
    assert steps[2].only_if == "sent('invite') and not sent('reminder')"
    assert steps[2].content.subject == "Last call"
    assert (steps[1].place.line, steps[1].place.column) == (7, 5)
    assert [step.id for step in whole.campaigns["weekly"].steps] == ["main"]


def test_enclosures(whole) -> None:
    content = whole.campaigns["first-mail"].steps[0].content
    first, second, banner = content.attachments
    assert (first.path, first.filename) == ("campaigns/files/programme.pdf", "Our programme.pdf")
    assert first.content_type == "application/x-pdf"
    assert second.content_type == "application/pdf"
    assert (banner.cid, banner.content_type) == ("banner", "image/png")
    invitation = content.invitation
    assert invitation.start.isoformat() == "2025-10-25T18:00:00-04:00"
    assert invitation.end - invitation.start == timedelta(hours=2, minutes=30)
    assert invitation.method == "REQUEST"


def test_lists(whole) -> None:
    members = whole.lists["members"]
    assert members.source == FileSource(
        "campaigns/lists/data/members.tsv.gz", "tsv", True, "cp1252", "|"
    )
    assert members.columns == ColumnMap(
        "E-Mail", "Zone", "Left", "Bounced", "Agreed", {"firstName": "First Name"}
    )
    assert members.require_consent
    board = whole.lists["board"].source
    assert isinstance(board, InlineSource)
    assert board.contacts[1] == {
        "email": "bob@example.org",
        "since": "2019",
        "share": "0.5",
        "zip": "01234",
        "opted_out": "",
    }
    assert board.contacts[0]["vip"] == "true"
    assert board.lines == (4, 5)
    assert whole.lists["board"].columns.opted_out == "opted_out"


def test_templates(whole) -> None:
    hello = whole.templates["hello"]
    assert (hello.kind, hello.body_line, hello.body) == (
        "html",
        10,
        "<p>Hello {{ firstName }}</p>\n",
    )
    assert hello.text == "Hello {{ firstName }}\n"
    assert hello.requires == ("eventName", "firstName")
    assert hello.variables == {"colour": "red"}
    assert hello.attachments[0].path == "campaigns/files/logo.png"
    assert hello.ignores == (
        Ignore("missing-lang", Place("campaigns/templates/hello.html", 8, 17)),
    )
    ignored = whole.campaigns["first-mail"].ignores
    assert [(ignore.code, ignore.place.column) for ignore in ignored] == [
        ("night-send", 17),
        ("missing-lang", 29),
    ]
    assert whole.templates["news/weekly"].kind == "mjml"
    assert set(whole.templates) == {"hello", "news/weekly"}
    assert "layouts/inner/parts.html" in whole.partials
    assert whole.partials["hello.html"].split("\n")[hello.body_line - 1].startswith("<p>Hello")
    assert whole.suppressions == ("campaigns/suppressions/left.txt",)


def test_yaml_holds_no_surprises() -> None:
    workspace = load(WorkspaceFiles(VALID / "forms-of-yaml"))
    campaign = workspace.campaigns["traps"]
    assert campaign.name == "no"
    assert campaign.variables == {
        "yes": "on",
        "off": "no",
        "time": "10:30",
        "date": "2025-01-01",
        "octal": "0777",
        "under": "1_000",
        "hex": "0x1F",
        "nothing": None,
        "version": 1.1,
        "exponent": "1e3",
        "merge": "<<",
    }
    steps = workspace.campaigns["anchors"].steps
    assert [step.content.subject for step in steps] == ["A", "A", "A"]
    assert steps[1].variables == {"eventName": "Brews"}
    assert workspace.templates["t"].subject == "Zwölf 😀"
    assert workspace.templates["t"].body_line == 4


def _properties(schema: object, at: str = "") -> set[str]:
    """The names of all properties of a schema that is available today."""
    found: set[str] = set()
    if isinstance(schema, dict):
        for name, value in schema.get("properties", {}).items():
            if name not in FUTURE and isinstance(value, dict):
                found |= {name, *_properties(value)}
        for key, value in schema.items():
            if key == "$defs":
                for name, value_ in value.items():
                    found |= _properties(value_) if name not in FUTURE else set()
            elif key not in ("properties", "if"):
                found |= _properties(value)
    elif isinstance(schema, list):
        for item in schema:
            found |= _properties(item)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_valid_examples_use_every_key(kind: str) -> None:
    texts = "".join(
        path.read_text("utf-8")
        for path in Path(VALID / "every-key").rglob("*")
        if path.suffix in (".yaml", ".html")
    )
    names = _properties(json.loads(schema_text(kind)))
    assert names
    assert [name for name in sorted(names) if f"{name}:" not in texts] == []
