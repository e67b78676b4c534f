"""Suppressions in a plan and in a run: who is left out, since when, and what is held meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from runner.desk import Desk
from runner.errors import ProviderError
from runner.gathering import due, gather
from runner.model.feedback import PARTS, Cause, Feedback
from runner.model.ledger import BOOK, Claim, Pulled, Record
from runner.model.settings import SuppressionSettings, Unsubscribe
from runner.planning.book import Stamp, fold_book, released, suppressed
from runner.planning.planner import Horizon
from runner.planning.suppressing import freshness
from runner.survey import survey
from runner.testing import (
    FakeClock,
    MemoryLedger,
    MemorySnapshot,
    RecordingProvider,
    audience,
    fake_key,
)
from tests.builders import campaign, desk, run, utc

NOW = utc("2025-10-20 14:00")
PEOPLE = [f"p{n}@example.com" for n in range(5)]
STAMP = Stamp("r", NOW, "manual")
ASKED = SuppressionSettings(pull=("sendgrid",), line=12)


def told(cause: Cause, *emails: str, before: timedelta = timedelta()) -> list[Record]:
    times = {fake_key(email): int((NOW - before).timestamp()) for email in emails}
    return list(suppressed({cause: times}, STAMP))


def planned(at_desk: Desk, records: Sequence[Record]) -> list[str]:
    """Who is due, by the plan."""
    plan = survey(at_desk, MemoryLedger(list(records)).sync(), Horizon(NOW, NOW, NOW))
    (job,) = plan.jobs
    assert job.counts.total == len(PEOPLE)
    return [job.audience.emails[index] for index in job.queue.indices]


@pytest.mark.parametrize(
    "reason", ["manual", "invalid", "bounce", "unsubscribed", "spam", "erased"]
)
def test_who_is_suppressed_is_left_out_and_counted(reason: str) -> None:
    at_desk = desk([campaign()], audience(PEOPLE))
    ledger = MemoryLedger(told((reason, 0), PEOPLE[1], "stranger@example.com"))
    (job,) = survey(at_desk, ledger.sync(), Horizon(NOW, NOW, NOW)).jobs
    assert job.counts.excluded == {"suppressed": 1}
    assert job.suppressed == {reason: 1}
    assert (job.counts.due, job.counts.total) == (4, 5)
    assert list(job.audience.emails) == list(job.audience.fields["email"])
    assert PEOPLE[1] not in job.audience.emails
    assert list(job.audience.excluded.lines) == [3]


def test_the_strongest_reason_is_shown() -> None:
    at_desk = desk([campaign()], audience(PEOPLE))
    records = told(("spam", 0), PEOPLE[0]) + told(("bounce", 0), PEOPLE[0])
    (job,) = survey(at_desk, MemoryLedger(records).sync(), Horizon(NOW, NOW, NOW)).jobs
    assert job.suppressed == {"spam": 1}


def test_who_left_a_group_is_left_out_of_that_group_only() -> None:
    records = told(("group_unsubscribed", 7), PEOPLE[0])
    for group, expected in [(7, PEOPLE[1:]), (8, PEOPLE), (None, PEOPLE)]:
        leave = Unsubscribe(mailto="x@f3.example", sendgrid_group=group)
        at_desk = desk([campaign(unsubscribe=leave)], audience(PEOPLE))
        assert planned(at_desk, records) == expected


def test_who_is_released_is_mailed_again() -> None:
    at_desk = desk([campaign()], audience(PEOPLE))
    before = told(("spam", 0), *PEOPLE[:2], before=timedelta(hours=1))
    back = [*released({fake_key(PEOPLE[0]): int(NOW.timestamp())}, STAMP)]
    assert planned(at_desk, [*before, *back]) == [PEOPLE[0], *PEOPLE[2:]]
    assert planned(at_desk, [*back, *before]) == [PEOPLE[0], *PEOPLE[2:]]


def test_what_was_sent_stays_sent() -> None:
    """Who is suppressed after a mail counts as mailed in that job, and as suppressed in none."""
    at_desk, ledger, clock = desk([campaign()], audience(PEOPLE)), MemoryLedger(), FakeClock(NOW)
    assert run(at_desk, ledger, clock).sent == 5
    ledger.add_facts(told(("spam", 0), PEOPLE[0]), run="x", message="")
    (job,) = survey(at_desk, ledger.sync(), Horizon(NOW, NOW, NOW)).jobs
    assert (job.counts.sent, dict(job.counts.excluded), dict(job.suppressed)) == (5, {}, {})


def test_without_the_state_key_nobody_is_taken_for_another() -> None:
    at_desk = desk([campaign()], audience(PEOPLE))
    at_desk.blind = True
    assert len(planned(at_desk, told(("spam", 0), PEOPLE[0]))) == 5


def test_who_is_suppressed_during_a_run_is_not_in_its_next_slice() -> None:
    """The push of the next claim loses the race, and the plan is made anew."""
    ledger, once = MemoryLedger(), []

    def between(records: Sequence[Record]) -> None:
        claims = [record for record in records if isinstance(record, Claim)]
        if any(fake_key(PEOPLE[4]) in claim.keys for claim in claims) and not once:
            once.append(True)
            ledger.shared.extend(told(("unsubscribed", 0), PEOPLE[4]))

    ledger.before_append = between
    provider = RecordingProvider()
    one = campaign(pacing=replace(campaign().pacing, batch_size=1))
    result = run(desk([one], audience(PEOPLE)), ledger, FakeClock(NOW), provider)
    assert once
    assert result.races == 1
    claimed = {key for r in ledger.shared if isinstance(r, Claim) for key in [r.keys]}
    assert fake_key(PEOPLE[4]) not in b"".join(claimed)
    assert result.sent == 4


# -- stale -----------------------------------------------------------------------------------


def pulls(hours: float, *missing: str) -> list[Record]:
    at = NOW - timedelta(hours=hours)
    return [Pulled("r", at, tuple(p for p in PARTS["sendgrid"] if p not in missing), at)]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "sendgrid were never pulled whole"),
        (pulls(1, "sendgrid/groups"), "sendgrid were never pulled whole"),
        (pulls(24.1), "those of 2025-10-19 13:54 UTC, older than suppressions.max_age allows"),
    ],
)
def test_what_is_due_waits_for_fresh_suppressions(records: list[Record], message: str) -> None:
    at_desk = desk([campaign()], audience(PEOPLE), suppressions=ASKED)
    plan = survey(at_desk, MemoryLedger(records).sync(), Horizon(NOW, NOW, NOW))
    (hold,) = plan.every_hold
    assert (hold.code, hold.count, plan.due) == ("suppressions_stale", 5, 0)
    assert message in hold.message
    assert "sendoff suppressions pull" in hold.release
    assert "suppressions.max_age in sendoff.yaml:12" in hold.release
    assert plan.jobs[0].status == "held"
    result = run(at_desk, MemoryLedger(records), FakeClock(NOW))
    assert (result.sent, result.exit_code) == (0, 3)


@pytest.mark.parametrize(
    ("rules", "records"),
    [
        (ASKED, pulls(23.9)),
        (replace(ASKED, max_age=timedelta(days=30)), pulls(600)),
        (SuppressionSettings(), []),
        (ASKED, [*pulls(500), *pulls(2)]),
    ],
)
def test_fresh_or_unasked_for_nothing_is_held(
    rules: SuppressionSettings, records: list[Record]
) -> None:
    at_desk = desk([campaign()], audience(PEOPLE), suppressions=rules)
    plan = survey(at_desk, MemoryLedger(records).sync(), Horizon(NOW, NOW, NOW))
    assert (plan.every_hold, plan.due) == ((), 5)


def test_the_book_is_not_read_when_nothing_is_due() -> None:
    ledger = MemoryLedger()
    at_desk = desk([campaign()], audience(PEOPLE), suppressions=ASKED)
    run(replace_rules(at_desk), ledger, FakeClock(NOW))
    asked: list[str] = []

    class Watched(MemorySnapshot):
        def records(self, campaign: str) -> Iterator[Record]:
            asked.append(campaign)
            return super().records(campaign)

    survey(at_desk, Watched(tuple(ledger.shared)), Horizon(NOW, NOW, NOW), thorough=False)
    assert BOOK not in asked


def replace_rules(at_desk: Desk) -> Desk:
    settings = replace(at_desk.workspace.settings, suppressions=SuppressionSettings())
    return replace(at_desk, workspace=replace(at_desk.workspace, settings=settings))


def test_a_pull_by_a_clock_that_was_ahead_is_none() -> None:
    """It would say for years that everything is known, and nobody would ask again."""
    ahead = NOW + timedelta(days=365)
    lied = Pulled("q", ahead, PARTS["sendgrid"], ahead)
    before = Pulled("p", NOW, PARTS["sendgrid"], NOW - timedelta(hours=23))
    (one,) = freshness(fold_book([lied], NOW), ASKED, NOW)
    assert (one.stale, one.until) == (True, None)
    (one,) = freshness(fold_book([before, lied], NOW), ASKED, NOW)
    assert (one.stale, one.until) == (False, before.until)
    assert due(fold_book([before, lied], NOW), ASKED.sources, ASKED.every, NOW)
    at_desk = desk([campaign()], audience(PEOPLE), suppressions=ASKED)
    assert planned(at_desk, [lied]) == []
    assert planned(at_desk, [lied, before]) == PEOPLE


class _Source:
    """Tells one complaint, whenever it is asked."""

    name = "mailbox"

    def __init__(self, cause: Cause, times: dict[bytes, int]) -> None:
        self._told = {cause: times}

    def read(self, part: str, since: object, until: object) -> Feedback:
        return Feedback(self._told)


def test_a_release_by_a_clock_that_was_ahead_hides_no_complaint_after_it() -> None:
    ann, at_desk = fake_key(PEOPLE[0]), desk([campaign()], audience(PEOPLE))
    before = int((NOW - timedelta(hours=5)).timestamp())
    ahead = int((NOW + timedelta(days=1)).timestamp())
    ledger = MemoryLedger([*suppressed({("bounce", 0): {ann: before}}, STAMP)])
    ledger.add_facts([*released({ann: ahead}, STAMP)], run="x", message="")

    # the bounce that was released is told once more, and is no news
    gather(ledger, [_Source(("bounce", 0), {ann: before})], NOW, run="a")
    assert planned(at_desk, list(ledger.sync().records(BOOK))) == PEOPLE
    spam = _Source(("spam", 0), {ann: int((NOW - timedelta(minutes=1)).timestamp())})
    for number, later in enumerate((timedelta(), timedelta(days=2))):
        gather(ledger, [spam], NOW + later, run=f"b{number}")
        assert planned(at_desk, list(ledger.sync().records(BOOK))) == PEOPLE[1:]


def test_a_release_of_today_ends_what_was_told_before_it() -> None:
    ann = fake_key(PEOPLE[0])
    now = int(NOW.timestamp())
    ledger = MemoryLedger([*released({ann: now}, STAMP)])
    gathered = gather(ledger, [_Source(("spam", 0), {ann: now - 60})], NOW, run="a")
    assert gathered.added == 0


class _Service:
    """SendGrid, as it answers: what each part was asked since when."""

    name = "sendgrid"

    def __init__(self, *, down: bool = False) -> None:
        self.since: set[object] = set()
        self._down = down

    def read(self, part: str, since: object, until: object) -> Feedback:
        self.since.add(since)
        if self._down and part == "sendgrid/blocks":
            raise ProviderError("sendgrid: down")
        return Feedback()


def test_another_account_is_asked_from_the_beginning() -> None:
    """What the first account had told says nothing of the second's older suppressions."""
    ledger, every = MemoryLedger(), timedelta(hours=1)
    steps = [
        # account, hours later, a part cannot be read, asked since, stale then
        ("", 0, False, {None}, False),
        ("one", 0, True, {None}, False),
        ("one", 1, False, {None, NOW}, False),
        ("two", 1, True, {None}, True),
        ("two", 1, False, {None}, False),
        ("one", 2, False, {NOW + every}, False),
    ]
    for number, (account, hours, down, since, stale) in enumerate(steps):
        service, now = _Service(down=down), NOW + timedelta(hours=hours)
        accounts = {"sendgrid": account} if account else {}
        book = fold_book(ledger.sync().records(BOOK), now)
        assert due(book, ["sendgrid"], every, now, accounts), number
        gather(ledger, [service], now, run=f"r{number}", every=every, accounts=accounts)
        book = fold_book(ledger.sync().records(BOOK), now)
        assert service.since == since, number
        assert [one.stale for one in freshness(book, ASKED, now)] == [stale], number
