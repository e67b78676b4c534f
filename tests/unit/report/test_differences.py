from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser

import pytest

from runner.errors import Problem
from runner.model.campaign import Campaign, Immediate, ListUse, Recurring, Scheduled
from runner.model.changes import Difference, Version
from runner.model.settings import (
    DomainCap,
    Frequency,
    Guards,
    Limits,
    Mailbox,
    OutboxSettings,
    Pacing,
    Settings,
    SmtpSettings,
    StateSettings,
    SuppressionSettings,
    WarmUp,
)
from runner.model.views import Face, Review
from runner.planning.comparing import compare
from runner.planning.outlook import occasions
from runner.planning.planner import Horizon
from runner.report import changes, differences, plan, planpage, review
from runner.report.markup import LIMIT
from runner.report.terminal import PLAIN
from runner.report.times import zone_of
from runner.survey import version
from runner.testing import FakeClock, MemoryLedger
from tests.builders import run
from tests.unit.report import cases
from tests.unit.report.golden import assert_golden

BASE = "4f2a9c01d7e8b6350000000000000000000000aa"
FACES = (
    Face("plain", "Ann, come along", "On Saturday", former=("Ann, come", "On Saturday")),
    Face("without firstName", "Friend, come along", "On Saturday", 2, ("Friend, come", "")),
)
PROBLEMS = (
    Problem("campaigns/hurry.yaml", 3, 9, "`status` cannot be 'actve'", "did you mean active?"),
    Problem("campaigns/templates/x.html", 7, 1, "no such name <b>"),
)


def difference(
    before: list[Campaign], after: list[Campaign], ledger: MemoryLedger | None = None
) -> tuple[Difference, Settings]:
    snapshot = (ledger or MemoryLedger()).sync()
    horizon = Horizon(cases.NOW, cases.NOW + timedelta(hours=1), cases.NOW + timedelta(days=7))
    desks = [cases.desk_of(*side) for side in (before, after)]
    sides = [version(desk, snapshot, horizon) for desk in desks]
    return compare(BASE, *sides), cases.settings_of(desks[1])


def seen_of(found: Difference, settings: Settings, **more: object) -> Review:
    calendar = sorted(
        occasions(found.after, zone_of(settings.timezone)), key=lambda one: (one.at, one.campaign)
    )
    faces = {("bros-and-brews-2025", "main"): FACES}
    return replace(Review(faces, 1000, tuple(calendar)), **more)


def everything() -> tuple[Difference, Settings, Review]:
    """One of each: new, changed under way, cancelled, removed, renamed, unchanged."""
    ledger = MemoryLedger()
    old = [
        cases.one_shot(),
        cases.countdown(),
        cases.welcome(),
        replace(cases.welcome(), id="farewell", name="Farewell"),
        cases.digest(),
    ]
    run(cases.desk_of(*old, count=50), ledger, FakeClock(cases.NOW - timedelta(hours=1)))
    moved = Scheduled(datetime(2025, 10, 21, 18), "America/Chicago")
    new = [
        replace(cases.one_shot(), schedule=moved, pacing=Pacing(delay_seconds=5)),
        cases.countdown(),
        replace(cases.welcome(), status="cancelled"),
        cases.digest(),
        replace(cases.one_shot(), id="new-one", name="A <new> one | *really*"),
    ]
    found, settings = difference(old, new, ledger)
    return found, settings, seen_of(found, settings, problems=PROBLEMS)


@pytest.mark.parametrize(
    ("format", "file"), [("text", "difference.txt"), ("markdown", "difference.md")]
)
def test_golden(format: str, file: str) -> None:
    found, settings, seen = everything()
    assert_golden(file, differences.FORMATS[format](found, seen, settings, PLAIN, ""))


def test_what_stands_in_the_way_comes_first() -> None:
    found, settings = difference([replace(cases.digest(), guards=Guards())], [cases.digest()])
    seen = seen_of(found, settings, problems=PROBLEMS)
    for name in ("text", "markdown", "html"):
        page = differences.FORMATS[name](found, seen, settings, PLAIN, "")
        signs = ("hurry.yaml", "set guards.max_recipients: 1234 in", "every Monday")
        places = [page.index(sign) for sign in signs]
        assert places == sorted(places)


def test_what_was_held_before_is_only_counted() -> None:
    found, settings = difference([cases.digest()], [cases.digest(), cases.welcome()])
    page = differences.text(found, Review(), settings)
    assert "1 thing held before this change too" in page
    assert "guards" not in page


def test_json_says_all_of_it() -> None:
    found, settings, seen = everything()
    record = json.loads(differences.as_json(found, seen, settings))
    kinds = {change["campaign"]: change["kind"] for change in record["changes"]}
    assert kinds == {
        "bros-and-brews-2025": "changed",
        "countdown": "unchanged",
        "farewell": "removed",
        "new-one": "new",
        "weekly-digest": "unchanged",
        "welcome": "cancelled",
    }
    job = next(j for j in record["jobs"] if j["job_id"] == "bros-and-brews-2025/main")
    assert job["cost"] == {"requests": 4, "runs": 4}
    assert sum(job["hours"]["counts"]) == job["later_count"] == 1234
    assert job["subjects"][0]["former"] == {"subject": "Ann, come", "preheader": "On Saturday"}
    first = record["problems"][0]
    assert (first["line"], first["severity"]) == (3, PROBLEMS[0].severity)
    assert sum(day["count"] for day in record["calendar"]) > 1234
    assert record["digest"] == found.digest


def test_a_merge_that_changes_nothing_says_so_in_every_format() -> None:
    found, settings = difference([cases.one_shot()], [cases.one_shot()])
    for name in ("text", "markdown", "html"):
        page = differences.FORMATS[name](found, Review(), settings, PLAIN, "")
        assert "Merging this changes nothing that is sent" in page
        assert "bros-and-brews-2025" in page


@pytest.mark.parametrize(
    ("change", "turn"),
    [
        ({"audience": ListUse("people", "contact.x == '1'")}, "list people → list people where co"),
        ({"schedule": Immediate()}, "Mon 20 Oct 2025 09:00 America/Chicago → as soon as it is mer"),
        (
            {"schedule": Recurring("0 9 * * MON", "recipient", until=datetime(2026, 6, 30))},
            "every Monday at 09:00 by each contact's own clock, until Tue 30 Jun 2026",
        ),
        ({"pacing": Pacing()}, "one every 2 s, at most 1,000 an hour, 1,000 in a batch → as fast"),
        ({"guards": Guards(max_recipients=9, max_growth=0.1)}, "none → at most 9 recipients, grow"),
        ({"sender": Mailbox("o@f3.example", "O")}, "F3 <hello@f3.example> → O <o@f3.example>"),
        ({"reply_to": "x@f3.example"}, "reply-to or unsubscribe"),
        ({"status": "paused"}, "active → paused"),
    ],
)
def test_what_changed_is_said_before_and_after(change: dict[str, object], turn: str) -> None:
    found, _ = difference([cases.one_shot()], [replace(cases.one_shot(), **change)])
    assert turn in " ".join(str(one) for one in changes.turns(found.changes[0]))


def test_a_drip_tells_its_steps() -> None:
    text = changes.schedule(cases.countdown())
    assert text == (
        "from Wed 15 Oct 2025 09:00 America/Chicago: invite at once, reminder after 3 days, "
        "last-call after 7 days if sent('reminder')"
    )


def test_a_renamed_campaign_is_told_apart_from_a_new_one() -> None:
    found, settings = difference([cases.welcome()], [replace(cases.welcome(), id="hello")])
    page = differences.text(found, Review(), settings)
    assert "It was welcome; under another name everyone would be mailed again." in page
    assert "What" not in page


def many(number: int) -> tuple[Difference, Settings, Review]:
    found, settings = difference(
        [], [replace(cases.one_shot(), id=f"c{n}", name="Ünïcode " * 20) for n in range(number)]
    )
    faces = {(f"c{n}", "main"): FACES for n in range(number)}
    problems = PROBLEMS * 200
    return found, settings, seen_of(found, settings, faces=faces, problems=problems)


def test_a_comment_is_never_too_long_and_says_what_it_leaves_out() -> None:
    found, settings, seen = many(120)
    text = differences.FORMATS["markdown"](found, seen, settings, PLAIN, "")
    assert len(text) <= LIMIT
    assert re.search(r"_\+\d+ more campaigns; see all with_", text)
    assert "+375 more" in text
    assert text.count("<details>") == text.count("</details>")
    assert "The next 30 days" in text


class Checked(HTMLParser):
    """Whether tags are closed in order, and what of a page could load or run anything."""

    VOID = frozenset({"meta", "br", "img", "input", "link", "hr", "path"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        assert "src" not in dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_holds_nothing_that_runs() -> None:
    found, settings, seen = everything()
    page = differences.FORMATS["html"](found, seen, settings, PLAIN, "a <note>")
    checked = Checked(page)
    assert checked.open == []
    assert not {"script", "img", "iframe", "object", "link"} & set(checked.tags)
    assert "A &lt;new&gt; one | *really*" in page
    assert "a &lt;note&gt;" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_the_page_of_a_plan_is_whole_too() -> None:
    at_desk = cases.desk_of(cases.one_shot(), cases.countdown(), cases.digest(), cases.welcome())
    plan = cases.plan_of(at_desk)
    page = planpage.html(plan, cases.settings_of(at_desk), note="No state yet.")
    assert Checked(page).open == []
    assert "set guards.max_recipients: 1234 in campaigns/weekly-digest.yaml" in page
    assert "No state yet." in page


@pytest.mark.parametrize(
    ("counts", "line"),
    [((), ""), ((0, 1, 1000), "·▁█"), ((5, 5), "██"), ((1, 2, 4, 8), "▁▂▄█")],
)
def test_a_sparkline_shows_the_least_as_something(counts: tuple[int, ...], line: str) -> None:
    assert review.sparkline(counts) == line


def test_wordings_are_said_once_each() -> None:
    assert list(review.subjects(FACES)) == [
        "“Ann, come” → “Ann, come along” (plain)",
        "“Friend, come” → “Friend, come along” (without firstName, and 2 more like it)",
    ]
    assert list(review.preheaders(FACES)) == [
        "“On Saturday” (plain)",
        "none → “On Saturday” (without firstName, and 2 more like it)",
    ]
    alike = [replace(face, former=None) for face in FACES]
    assert list(review.preheaders(alike)) == ["“On Saturday”"]


def settings_difference(**new: object) -> tuple[Difference, Settings]:
    """One campaign, the same on both sides, under other settings."""
    horizon = Horizon(cases.NOW, cases.NOW + timedelta(hours=1), cases.NOW + timedelta(days=7))
    desk, snapshot = cases.desk_of(cases.one_shot()), MemoryLedger().sync()
    before = version(desk, snapshot, horizon)
    assert before.settings is not None
    settings = replace(before.settings, **new)
    return compare(BASE, before, replace(before, settings=settings)), settings


SETTINGS_CHANGES = [
    (
        {"provider": "sendgrid"},
        "Provider",
        "outbox: mails are written to files, nobody gets one",
        "sendgrid, https://api.sendgrid.com",
    ),
    ({"provider": "smtp"}, "Provider", None, "smtp, 127.0.0.1:587"),
    ({"paused": True}, "Paused", "nothing", "everything"),
    (
        {
            "limits": Limits(
                5000,
                WarmUp(date(2026, 11, 1), (500, 1000), unlimited=True),
                (DomainCap("big", ("example.com",), 20),),
            )
        },
        "Limits",
        "none",
        (
            "5,000 an hour; warm-up from 2026-11-01: 500, 1,000 a day, then any number; "
            "20 an hour to big"
        ),
    ),
    (
        {"frequency": Frequency(2, timedelta(days=7))},
        "Frequency",
        "as often as campaigns want",
        "2 mails in 7 days to one contact, others not sent",
    ),
    (
        {"suppressions": SuppressionSettings(pull=("sendgrid",))},
        "Suppressions",
        "files only",
        "from sendgrid every 1 h, at most 1 day old",
    ),
    (
        {"state": StateSettings("git")},
        "Ledger",
        "directory state",
        "branch sendoff-state of origin",
    ),
]


@pytest.mark.parametrize(("new", "label", "old", "said"), SETTINGS_CHANGES)
def test_what_changes_for_all_campaigns_is_seen_everywhere(
    new: dict[str, object], label: str, old: str | None, said: str
) -> None:
    """Merging it changes no campaign, and yet how everybody is mailed."""
    found, settings = settings_difference(**new)
    headline = "Merging this changes no campaign, but the settings of all"
    for form in differences.FORMATS:
        shown = " ".join(differences.FORMATS[form](found, Review(), settings, PLAIN, "").split())
        plain = re.sub(r"<[^>]*>|\\(?=[^\w\s])", "", shown).replace("`", "")
        assert said in plain, (form, plain)
        assert old is None or old in plain
        if form != "json":
            assert headline in plain
    record = json.loads(differences.as_json(found, Review(), settings))
    assert [turn["what"] for turn in record["settings"]] == [label]
    assert [turn["new"] for turn in record["settings"]] == [said]


def test_what_is_set_for_another_provider_changes_nothing() -> None:
    found, settings = settings_difference(smtp=SmtpSettings(host="mail.example"))
    assert found.settings is None
    assert json.loads(differences.as_json(found, Review(), settings))["settings"] == []
    assert changes.headline(found) == "Merging this changes nothing that is sent"


def test_a_password_is_no_part_of_what_is_said() -> None:
    """Only that something about the provider changed, where its address did not."""
    found, settings = settings_difference(outbox=OutboxSettings("elsewhere"))
    shown = differences.text(found, Review(), settings)
    assert "Provider" in shown
    assert "credentials, connections, time-outs" in " ".join(shown.split())


def test_shared_caps_have_their_part_in_the_digest() -> None:
    """Another cap is another plan; where nothing is capped, the digest is what it always was."""
    plain = settings_difference()[0].digest
    digests = {settings_difference(limits=Limits(limit))[0].digest for limit in (1000, 2000)}
    assert len({plain, *digests}) == 3


def test_the_base_may_have_no_workspace() -> None:
    found, _ = difference([], [])
    desk = cases.desk_of(cases.one_shot())
    horizon = Horizon(cases.NOW, cases.NOW, cases.NOW + timedelta(days=7))
    after = version(desk, MemoryLedger().sync(), horizon)
    nothing = Version({}, {}, {}, found.before)
    assert compare(BASE, nothing, after).settings is None


def test_plans_name_the_caps_that_all_campaigns_share() -> None:
    found, settings = settings_difference(limits=Limits(5000))
    assert "5,000 an hour" in planpage.html(found.after, settings)
    assert "5,000 an hour" in differences.FORMATS["html"](found, Review(), settings, PLAIN, "")
    assert json.loads(plan.as_json(found.after, settings))["caps"] == ["5,000 an hour"]
    assert json.loads(differences.as_json(found, Review(), settings))["caps"] == ["5,000 an hour"]
