"""The judge can say no: quick, and part of the ordinary tests."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.acceptance.bench import Said

from .child import Orders
from .kills import Kill, matching, named, randoms, some
from .oracle import Books, Verdict, adds_up, judge, unclaimed
from .table import BEGIN, END, markdown, publish, rows
from .world import GONE, SETUPS, Setup, address, contact_key

PEOPLE = [address(number) for number in range(3)]


def claim(
    *emails: str, name: str = "c1", run: str = "r1", provider: str = "smtp"
) -> dict[str, Any]:
    keys = b"".join(bytes.fromhex(contact_key(email)) for email in emails)
    packed = base64.b64encode(keys).decode()
    return {"type": "claim", "id": name, "run": run, "provider": provider, "keys": packed}


def receipt(*kinds: str, name: str = "c1") -> dict[str, Any]:
    parts = [{"kind": kind, "ranges": [[n, 1]]} for n, kind in enumerate(kinds)]
    return {"type": "receipt", "claim": name, "parts": parts}


@dataclass
class Told:
    """A world that is only told of."""

    lines: list[dict[str, Any]]
    sent: Counter[str]
    jobs: list[dict[str, Any]] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)

    def records(self) -> list[dict[str, Any]]:
        return self.lines

    def mails(self) -> Counter[str]:
        return self.sent

    def audience(self) -> list[str]:
        return PEOPLE

    def plan(self) -> Said:
        import json

        return Said(0, json.dumps({"jobs": self.jobs}), "")


def job(**places: int) -> dict[str, Any]:
    names = ("sent", "failed", "in_doubt", "in_flight", "cancelled", "due", "later")
    counts = {f"{name}_count": places.get(name, 0) for name in names}
    return {
        **counts,
        "excluded": {},
        "total_contacts": sum(counts.values()),
        "job_id": "hello/main",
    }


def said(code: int = 0, in_doubt: int = 0, failed: int = 0) -> Said:
    return Said(
        code,
        f'{{"in_doubt": {in_doubt}, "in_doubt_before": 0, "failed": {failed}, "later": 0}}',
        "",
    )


def verdict(world: Told, last: Said) -> Verdict:
    return judge(world, last)  # type: ignore[arg-type]


class TestVerdicts:
    def test_all_is_well(self):
        world = Told(
            [claim(*PEOPLE), receipt(*["accepted"] * 3)], Counter(PEOPLE), [job(sent=3)], {"r1"}
        )
        found = verdict(world, said())
        assert found.clean, found
        assert (found.mailed, found.in_doubt) == (3, 0)

    def test_two_mails_are_twice(self):
        world = Told(
            [claim(*PEOPLE), receipt(*["accepted"] * 3)],
            Counter([*PEOPLE, PEOPLE[1]]),
            [job(sent=3)],
        )
        assert verdict(world, said()).twice == (PEOPLE[1],)

    @pytest.mark.parametrize("first", [None, "ambiguous", "accepted"])
    def test_a_second_claim_of_what_may_have_been_sent_is_twice(self, first):
        lines = [claim(PEOPLE[0]), claim(*PEOPLE, name="c2")]
        lines += [receipt(first)] if first else []
        lines += [receipt(*["accepted"] * 3, name="c2")]
        world = Told(lines, Counter(PEOPLE), [job(sent=3)])
        assert verdict(world, said()).twice == (PEOPLE[0],)

    def test_what_was_given_back_may_be_claimed_again(self):
        lines = [claim(PEOPLE[0]), receipt("temporary"), claim(*PEOPLE, name="c2")]
        lines += [receipt(*["accepted"] * 3, name="c2")]
        assert verdict(Told(lines, Counter(PEOPLE), [job(sent=3)]), said()).clean

    def test_called_sent_and_never_seen_is_lost(self):
        world = Told(
            [claim(*PEOPLE), receipt(*["accepted"] * 3)], Counter(PEOPLE[:2]), [job(sent=3)]
        )
        assert verdict(world, said()).lost == (PEOPLE[2],)

    def test_never_claimed_is_lost(self):
        world = Told(
            [claim(*PEOPLE[:2]), receipt("accepted", "accepted")],
            Counter(PEOPLE[:2]),
            [job(sent=2)],
        )
        assert verdict(world, said()).lost == (PEOPLE[2],)

    def test_given_back_and_forgotten_is_lost(self):
        world = Told([claim(*PEOPLE), receipt(*["temporary"] * 3)], Counter(), [job()])
        assert verdict(world, said()).lost == tuple(PEOPLE)

    def test_doubt_is_counted_whether_or_not_it_was_mailed(self):
        world = Told([claim(*PEOPLE)], Counter(PEOPLE[:1]), [job(in_doubt=3)])
        found = verdict(world, said(4, in_doubt=3))
        assert found.clean, found
        assert (found.in_doubt, found.doubt_mailed) == (3, 1)

    def test_doubt_must_be_told_and_be_loud(self):
        world = Told([claim(*PEOPLE)], Counter(), [job(in_doubt=3)])
        assert any("ended with 0" in text for text in verdict(world, said(0, in_doubt=3)).wrong)
        assert any("tells of 0" in text for text in verdict(world, said(4)).wrong)

    def test_doubt_left_by_a_run_that_ended_in_order_is_wrong(self):
        world = Told([claim(*PEOPLE)], Counter(), [job(in_doubt=3)], {"r1"})
        wrong = verdict(world, said(4, in_doubt=3)).wrong
        assert any("in order" in text for text in wrong)

    def test_whoever_opted_out_or_was_never_claimed_must_not_be_mailed(self):
        world = Told([claim(*PEOPLE[:2])], Counter([*PEOPLE, *GONE]), [job(in_doubt=2)])
        text = str(verdict(world, said(4, in_doubt=2)))
        assert GONE[0] in text
        assert f"{PEOPLE[2]} was mailed without a claim" in text
        assert f"{PEOPLE[2]} was mailed without a claim" in unclaimed(world)  # type: ignore[arg-type]

    def test_a_plan_that_says_something_else_is_wrong(self):
        world = Told([claim(*PEOPLE), receipt(*["accepted"] * 3)], Counter(PEOPLE), [job(sent=2)])
        assert verdict(world, said()).wrong

    def test_numbers_that_do_not_add_up_are_wrong(self):
        assert list(adds_up([{**job(sent=3), "total_contacts": 4}]))

    def test_the_outbox_sends_again_what_is_open(self):
        first = claim(*PEOPLE, provider="outbox")
        second = claim(*PEOPLE, name="c2", provider="outbox")
        books = Books.read([first, second, receipt(*["accepted"] * 3, name="c2")])
        assert {books.fate(email) for email in PEOPLE} == {"sent"}
        assert {Books.read([first]).fate(email) for email in PEOPLE} == {"owed"}


class TestCases:
    STEPS = ("store:sync:before", "git:push:before", "git:push:during", "git:push:after") * 3

    def test_what_changes_something_is_struck_each_time(self):
        kills = list(named(Setup("git", "smtp"), self.STEPS))
        pushes = [k for k in kills if k.step == "git:push:during"]
        assert {(k.nth, k.how) for k in pushes} == {
            (n, how) for n in (1, 2, 3) for how in ("kill", "tree")
        }

    def test_a_name_finds_its_case_again(self):
        kills = [*named(SETUPS[4], self.STEPS), *randoms(SETUPS[4], 5)]
        assert len({k.name for k in kills}) == len(kills)
        assert all(matching(kills, k.name) == [k] for k in kills)
        assert matching(kills, "*/random#*") == kills[-5:]

    def test_some_are_the_same_for_a_seed_and_of_every_row(self):
        kills = [*named(SETUPS[4], self.STEPS), *randoms(SETUPS[4], 5)]
        assert some(kills, 8, "7") == some(kills, 8, "7")
        assert {k.row for k in some(kills, 8, "7")} == {k.row for k in kills}

    def test_orders_survive_the_command_line(self):
        import json

        orders = Orders("git:push:during", 2, "tree", 0.5)
        assert Orders(**json.loads(orders.encode())) == orders


class TestTable:
    def test_a_kill_that_came_too_late_does_not_count(self):
        kill = Kill(SETUPS[0], "random", 1)
        found = rows([(kill.row, Verdict(40, 40)), (kill.row, Verdict(40, 40, struck=False))])
        assert [len(row.verdicts) for row in found] == [1]

    def test_sums(self):
        one = Verdict(40, 39, twice=("a",), lost=("b", "c"), in_doubt=5, doubt_mailed=4)
        text = markdown(rows([("a fault", one), ("another", one)]))
        assert "| a fault | 1 | 40 | 1 | 2 | 5 | 4 |" in text
        assert "| **all** | 2 | 80 | 2 | 4 | 10 | 8 |" in text

    def test_publishing_touches_only_what_is_between_the_marks(self, tmp_path):
        page = tmp_path / "faults.md"
        page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
        publish(page, "new\n")
        assert page.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
        page.write_text("no marks")
        with pytest.raises(ValueError, match="chaos:begin"):
            publish(page, "new\n")
