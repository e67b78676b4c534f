from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from runner.model.campaign import Content, Drip, ListUse, Place, Recurring, Scheduled
from runner.model.contacts import ColumnMap
from runner.model.settings import Guards, Mailbox, Pacing
from runner.planning.comparing import compare
from runner.planning.planner import Horizon
from runner.survey import version
from runner.testing import FakeClock, MemoryLedger, audience
from tests.builders import campaign, desk, run, step, utc

NOW = utc("2025-10-20 14:00")
PEOPLE = audience([f"p{n}@example.com" for n in range(10)])
WALL = NOW.replace(tzinfo=None)


def difference(before, after, store=None, now=NOW, **settings):
    ledger = (store or MemoryLedger()).sync()
    horizon = Horizon(now, now + timedelta(hours=1), now + timedelta(days=7))
    sides = [version(desk(side, PEOPLE, **settings), ledger, horizon) for side in (before, after)]
    return compare("abc123", *sides)


def only(found):
    assert len(found.changes) == 1
    return found.changes[0]


def test_a_new_campaign_says_how_many_it_mails():
    change = only(difference([], [campaign()]))
    assert (change.kind, change.to_go, change.path) == ("new", 10, "campaigns/invite.yaml")


def test_nothing_changed_is_said_in_one_word():
    change = only(difference([campaign()], [campaign()]))
    assert (change.kind, change.aspects) == ("unchanged", ())


@pytest.mark.parametrize(
    ("change", "aspects"),
    [
        ({"audience": ListUse("people", "contact.x == '1'")}, ("who",)),
        ({"schedule": Scheduled(WALL, "UTC")}, ("when",)),
        ({"pacing": Pacing(delay_seconds=9)}, ("pacing",)),
        ({"guards": Guards(max_recipients=9)}, ("guards",)),
        ({"sender": Mailbox("other@f3.example")}, ("sender",)),
        ({"status": "paused"}, ("status",)),
        ({"steps": (replace(step(), content=Content(template="new")),)}, ("what",)),
        ({"steps": (replace(step(), only_if="true"),)}, ("when",)),
        (
            {"pacing": Pacing(delay_seconds=9), "schedule": Scheduled(WALL, "UTC")},
            ("when", "pacing"),
        ),
    ],
)
def test_which_aspect_changed(change, aspects):
    found = only(difference([campaign()], [replace(campaign(), **change)]))
    assert (found.kind, found.aspects) == ("changed", aspects)


def test_where_a_file_stands_is_no_change():
    moved = replace(campaign(), place=Place("campaigns/invite.yaml", 7, 1))
    assert only(difference([campaign()], [moved])).kind == "unchanged"


def test_a_changed_list_definition_changes_who():
    before, after = desk([campaign()], PEOPLE), desk([campaign()], PEOPLE)
    old = after.workspace.lists["people"]
    other = replace(old, columns=ColumnMap("Mail"))
    after = replace(after, workspace=replace(after.workspace, lists={"people": other}))
    horizon = Horizon(NOW, NOW, NOW)
    sides = [version(side, MemoryLedger().sync(), horizon) for side in (before, after)]
    assert only(compare("abc", *sides)).aspects == ("who",)


def test_cancelled_and_removed():
    found = difference([campaign()], [campaign(status="cancelled")])
    assert (only(found).kind, only(found).to_go) == ("cancelled", 0)
    assert only(difference([campaign()], [])).kind == "removed"


def test_how_many_have_had_the_old_version_of_a_drip_under_way():
    drip = campaign(Drip(WALL, "UTC"), steps=[step("one"), step("two", 3)])
    store, clock = MemoryLedger(), FakeClock(NOW)
    run(desk([drip], PEOPLE), store, clock)
    clock.sleep(3600)
    changed = replace(
        drip, steps=(drip.steps[0], replace(drip.steps[1], content=Content(template="new")))
    )
    found = only(difference([drip], [changed], store, clock.now()))
    assert (found.kind, found.steps, found.had_old, found.to_go) == ("changed", ("two",), 10, 10)


class TestRename:
    def test_it_is_recognised_and_held_if_something_was_sent(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        run(desk([campaign(id="old")], PEOPLE), store, clock)
        found = difference([campaign(id="old")], [campaign(id="new")], store, clock.now())
        assert (only(found).kind, only(found).former) == ("renamed", "old")
        assert [hold.code for hold in found.after.every_hold] == ["renamed"]

    def test_before_anything_was_sent_it_is_only_said(self):
        found = difference([campaign(id="old")], [campaign(id="new")])
        assert only(found).kind == "renamed"
        assert found.after.every_hold == ()


class TestDigest:
    def test_it_is_the_same_an_hour_later_and_another_for_another_plan(self):
        one = campaign(Scheduled(WALL + timedelta(days=3), "UTC"))
        first = difference([], [one])
        later = difference([], [one], now=NOW + timedelta(hours=1))
        other = difference([], [replace(one, guards=Guards(max_recipients=1))])
        assert first.digest == later.digest != other.digest


@pytest.mark.parametrize(
    "one",
    [
        campaign(),
        campaign(Recurring("0 9 * * *", "UTC", start_at=WALL)),
        campaign(Drip(WALL, "UTC"), steps=[step("a"), step("b", 3)]),
    ],
)
def test_the_same_plan_looked_at_later_has_the_same_name(one):
    first = difference([], [one])
    later = difference([], [one], now=NOW + timedelta(hours=20))
    assert first.digest == later.digest


@pytest.mark.parametrize(
    "other",
    [
        campaign(Recurring("0 10 * * *", "UTC", start_at=WALL)),
        campaign(Recurring("0 9 * * *", "UTC", start_at=WALL), pacing=Pacing(delay_seconds=1)),
        campaign(Recurring("0 9 * * *", "UTC", start_at=WALL), status="paused"),
        campaign(Recurring("0 9 * * *", "UTC", start_at=WALL), id="another"),
    ],
)
def test_another_plan_has_another_name(other):
    one = campaign(Recurring("0 9 * * *", "UTC", start_at=WALL))
    assert difference([], [one]).digest != difference([], [other]).digest
