"""The whole conversation over a real workspace: whatever is answered, what comes out is sound."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runner.errors import UsageError
from runner.report.page import Page
from runner.report.terminal import PLAIN
from runner.wizard.dialogue import hold
from runner.wizard.draft import Decision
from runner.wizard.questions import Question, Refused, Show, Tell
from runner.wizard.script import script
from runner.wizard.site import SiteInsight
from runner.wizard.yamltext import campaign_yaml
from runner.workspace import WorkspaceFiles, load
from tests.unit.wizard.ground import insight, make
from tests.unit.wizard.test_dialogue import Script

HI = "{{ firstName|default('you', true) }}: & <b>"
SUBJECTS = ["Hi", HI, "a: b # c", "{{ nobody }}", "x" * 90]
FALLBACKS = {
    "list": "people",
    "where": "",
    "what": "write it here",
    "subject": "Hello",
    "preheader": "",
    "body": "Hello.",
    "timezone": "UTC",
    "at": "2026-01-01 09:00",
    "start_at": "2026-01-01 09:00",
    "cron": "0 9 * * MON",
    "monthday": "1",
    "clock": "09:00",
    "delay": "99d",
    "until": "",
    "only_if": "",
}
ANSWERS: dict[str, list[str]] = {
    "list": ["people", "2025", "nobody", "broken", "1", "9"],
    "where": ["", "contact.region == 'Europe'", "contact.nope", "contact.firstName", "((", "1"],
    "what": ["event", "notes/2", "broken", "write it here", "1", "2", "3", "4"],
    "subject": ["", *SUBJECTS],
    "preheader": ["", *SUBJECTS],
    "body": ["Hi\n\nyou & I", "<p>x</p>", "{{ firstName }", "  a\n   b", "- a\n\t- b", "{{ zzz }}"],
    "variable": ["Bros & Brews", "[a, 'b: c', 3]", "{a: [1, true]}", "2025", "[a", "null", "é 😀"],
    "send": ["immediate", "scheduled", "drip", "recurring", "d"],
    "timezone": ["UTC", "America/Chicago", "recipient", "chicago", "Europe/Lnodon"],
    "fallback_timezone": ["Europe/London", "recipient"],
    "at": ["2026-03-08 02:30", "2025-10-01 09:00", "2026-01-01T09:00:30+05:30", "2026-02-30 09:00"],
    "start_at": ["2025-11-02 01:30", "2025-10-17 08:59", "2026-01-01 09:00Z", "tomorrow"],
    "enrol": ["at_start", "continuous"],
    "delay": ["0", "3", "3d", "1d12h", "90m", "2w", "soon", "", "99999d"],
    "id": ["", "1", "a_b-c", "x y", "event"],
    "only_if": ["", "sent('1')", "sent('event')", "contact.firstName", "contact.x", "opened('1')"],
    "often": ["daily", "weekdays", "weekly", "monthly", "cron"],
    "weekday": ["mon", "Sunday"],
    "monthday": ["1", "28", "31"],
    "clock": ["9:05", "00:00", "24:00"],
    "cron": ["*/5 * * * *", "0 9 29 2 *", "0 9 31 2 *", "@daily", "0 18 * * FRI#1", "x"],
    "until": ["", "2026-06-30", "2026-06-30 12:00", "2025-10-17", "2026-6-30"],
    "name": ["A name", "é: 😀 # x", "2025", "null", "..."],
    "file": ["", "a", "old", "OLD", "bad", "lists/x", "2026/x", "a.b", "../x", "x.", "y.yaml"],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def known(root: Path) -> SiteInsight:
    return insight(root)


def topic(question: Question[Any]) -> str:
    """What a question is about: steps of a drip and variables have questions of their own."""
    key = question.key.partition(":")[0]
    return question.key.partition(":")[2] if key.isdigit() else key


def refusal(question: Question[Any], answer: str) -> Refused | None:
    try:
        question.parse(answer)
    except Refused as refused:
        return refused
    return None


def reply(question: Question[Any], draw: Any) -> Any:
    """An answer that is taken, after up to four that may not be."""
    key = topic(question)
    if key in ("more", "keep") or question.key.endswith(":keep"):
        candidates = ["yes", "no"]
    elif key == "write":
        candidates = ["yes"]
    else:
        candidates = ANSWERS[key.partition(":")[0]]
    tried = draw(st.lists(st.sampled_from(candidates), min_size=1, max_size=4))
    last = [question.default, FALLBACKS.get(key, ""), "no", "draft-name"]
    for text in [*tried, *last]:
        answer = text or question.default
        if not answer and not question.nothing:
            continue
        refused = refusal(question, answer)
        if refused is None:
            return question.parse(answer)
        for suggestion in refused.suggestions:
            # what is suggested is not refused for the same reason again
            again = refusal(question, suggestion)
            assert again is None or again.message != refused.message
    raise AssertionError(f"{question.key}: nothing is taken")


def converse(known: SiteInsight, draw: Any) -> Decision | None:
    """A conversation with drawn answers; None for one that never ends."""
    flow, answer = script(known), None
    for _ in range(150):
        try:
            turn = flow.send(answer)
        except StopIteration as end:
            decision: Decision = end.value
            return decision
        answer = None
        if isinstance(turn, Question):
            assert turn.help
            assert turn.text
            answer = reply(turn, draw)
        elif isinstance(turn, Tell):
            page = Page(PLAIN)
            turn.paint(page)
            assert "@example.com" not in str(page)
        else:
            assert isinstance(turn, Show)
    return None


@settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_answers_make_a_campaign_that_loads(root: Path, known: SiteInsight, data: Any) -> None:
    decision = converse(known, data.draw)
    if decision is None:
        return
    assert decision.write
    draft = decision.draft
    path = root / draft.path
    assert not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(campaign_yaml(draft), encoding="utf-8")
    try:
        workspace = load(WorkspaceFiles(root))
    finally:
        path.unlink()
        if path.parent.name != "campaigns":
            shutil.rmtree(path.parent)
    mine = [p for p in workspace.problems if p.path == draft.path and p.severity == "error"]
    assert not mine, campaign_yaml(draft)
    campaign = workspace.campaigns[draft.file]
    assert campaign.audience.name == draft.list
    assert campaign.name == draft.name
    assert dict(campaign.variables) == dict(draft.variables)
    assert type(campaign.schedule).__name__.lower() == draft.when.send


LONG = (
    *("people", "contact.region == 'Africa'", "event", "Bros", "The Inn", "Own subject"),
    *("drip", "recipient", "Europe/London", "2025-10-20 09:00", "continuous", "first"),
    *("yes", "3d", "write it here", "Subject", "Preview", "Text", ".", "second", "sent('first')"),
    *("yes", "7d", "notes/2", "[a, b]", "News", "third", "", "no", "Name", "file", "yes"),
)


@pytest.mark.parametrize("place", [n for n in range(1, len(LONG)) if LONG[n] != "."])
def test_back_and_again_changes_nothing(known: SiteInsight, place: int) -> None:
    """At every question: go back, keep the answer that was given, go on."""
    straight = hold(lambda: script(known), Script(*LONG), PLAIN)
    bent = (*LONG[:place], "<", "", *LONG[place:])
    assert hold(lambda: script(known), Script(*bent), PLAIN) == straight
    assert straight.write


def test_all_the_way_back_and_another_way_forward(known: SiteInsight) -> None:
    back = ["<"] * (len(LONG) - 2)
    other = ("2025", "", "write it here", "S", "", "T", ".", "immediate", "N", "f", "yes")
    decision = hold(lambda: script(known), Script(*LONG[:-1], *back, *other), PLAIN)
    assert decision.draft == hold(lambda: script(known), Script(*other), PLAIN).draft
    assert decision.draft.list == "2025"


def test_a_broken_template_is_told_and_another_asked_for(known: SiteInsight) -> None:
    console = Script("people", "", "broken", "", "event", "B", "I", "", "immediate", "", "", "yes")
    decision = hold(lambda: script(known), console, PLAIN)
    assert decision.draft.mail.template == "event"
    assert "This cannot be sent as it is:" in console.shown


def test_a_variable_is_asked_for_once_in_a_drip(known: SiteInsight) -> None:
    answers = ("people", "", "event", "B", "I", "", "drip", "", "2026-01-01 09:00", "", "")
    more = ("yes", "3d", "event", "", "again", "", "no", "", "", "yes")
    console = Script(*answers, *more)
    decision = hold(lambda: script(known), console, PLAIN)
    assert decision.draft.variables == {"eventName": "B", "venue": "I"}
    assert console.shown.count("eventName? (event needs it)") == 1


def test_a_ledger_that_cannot_be_reached_is_no_obstacle(root: Path) -> None:
    console = Script("people", "", "event", "B", "I", "", "immediate", "", "", "yes")
    decision = hold(lambda: script(insight(root, reachable=False)), console, PLAIN)
    assert decision.write
    said = " ".join(console.shown.split())
    assert "Planned as if nothing was ever sent, for the ledger: the remote does not" in said


def test_another_file_name_is_planned_under_that_name(known: SiteInsight) -> None:
    answers = ("people", "", "event", "B", "I", "", "immediate", "", "first", "<", "second", "yes")
    console = Script(*answers)
    assert hold(lambda: script(known), console, PLAIN).draft.file == "second"
    assert console.shown.count("first/main") == console.shown.count("second/main") == 1


def test_what_validate_would_say_is_said_before_the_last_yes(known: SiteInsight) -> None:
    console = Script("people", "", "event", "B", "I", "", "immediate", "", "loud", "yes")
    assert hold(lambda: script(known), console, PLAIN).write
    before, _, after = console.shown.partition("Write campaigns/loud.yaml?")
    assert not after.strip()
    assert "✗ campaigns/templates/event.html:7: Loud is shouting (whisper)" in before
    assert "`sendoff validate` refuses it" in before


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (("people", "2025", "nobody", "broken"), "there are no lists yet"),
        (("people", "2025"), "nobody on any list may be mailed"),
    ],
)
def test_without_anybody_there_is_nothing_to_ask(
    tmp_path: Path, gone: tuple[str, ...], said: str
) -> None:
    make(tmp_path)
    (tmp_path / "campaigns/old.yaml").unlink()
    for name in gone:
        (tmp_path / f"campaigns/lists/{name}.yaml").unlink()
    with pytest.raises(UsageError, match=said):
        hold(lambda: script(insight(tmp_path)), Script(), PLAIN)
