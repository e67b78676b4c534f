"""Every contact of a job is in exactly one place, whatever the campaign, list, ledger and clock.

Random histories are made by the real reconciler over a fake provider that misbehaves and a run
that is killed at random, so the ledgers are ones that can happen.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model.campaign import Drip, Immediate, Recurring, Scheduled
from runner.model.contacts import Excluded
from runner.model.message import Capabilities, Outcome
from runner.model.plan import Spot
from runner.model.settings import Guards, Lateness, Pacing
from runner.planning.planner import Horizon
from runner.survey import survey
from runner.testing import FakeClock, MemoryLedger, RecordingProvider, audience, fake_key
from tests.builders import campaign, desk, run, step, utc

START = utc("2025-10-20 12:00")
ZONES = ["", "America/Chicago", "Asia/Kathmandu", "Pacific/Auckland", "Australia/Lord_Howe"]
OUTCOMES = ["accepted"] * 6 + ["refused", "temporary", "ambiguous"]
walls = st.integers(-72, 200).map(lambda h: datetime(2025, 10, 20, 9) + timedelta(hours=h))
zones = st.sampled_from(["UTC", "America/Chicago", "Europe/London", "recipient"])
schedules = st.one_of(
    st.builds(Immediate),
    st.builds(Scheduled, walls, zones),
    st.builds(Drip, walls, zones, enrol=st.sampled_from(["at_start", "continuous"])),
    st.builds(Recurring, st.sampled_from(["0 9 * * *", "30 */6 * * *", "0 9 1 * MON"]), zones),
)
pacings = st.builds(
    Pacing,
    delay_seconds=st.sampled_from([0, 0.5, 2, 600]),
    batch_size=st.integers(1, 6),
    max_per_hour=st.sampled_from([None, 1, 3, 50]),
)
latenesses = st.builds(
    Lateness,
    expires_after=st.sampled_from([timedelta(minutes=30), timedelta(hours=24)]),
    on_missed=st.sampled_from(["hold", "send", "skip"]),
)


class Killed(BaseException):
    """The process is gone."""


@st.composite
def campaigns(draw):
    schedule = draw(schedules)
    steps = [step()]
    if isinstance(schedule, Drip):
        steps = [step("one"), step("two", draw(st.integers(0, 3)))]
        steps.append(step("three", 4, only_if=draw(st.sampled_from(["", "sent('two')", "false"]))))
    status = draw(st.sampled_from(["active"] * 4 + ["paused", "cancelled"]))
    guards = Guards(max_growth=draw(st.sampled_from([None, 0.1])))
    return campaign(
        schedule,
        steps=steps,
        status=status,
        pacing=draw(pacings),
        lateness=draw(latenesses),
        guards=guards,
    )


@st.composite
def lists(draw):
    numbers = draw(st.lists(st.integers(0, 15), unique=True, max_size=12))
    emails = [f"p{n}@example.com" for n in numbers]
    gone = draw(st.lists(st.integers(10, 25), max_size=4))
    reasons = [draw(st.sampled_from(["opted_out", "duplicate", "bounced"])) for _ in gone]
    left_out = Excluded(
        [fake_key(f"p{n}@example.com") for n in dict.fromkeys(gone)],
        reasons[: len(dict.fromkeys(gone))],
        list(range(len(dict.fromkeys(gone)))),
    )
    return audience(emails, timezones=[draw(st.sampled_from(ZONES)) for _ in emails],
                    excluded=left_out)


class Misbehaving:
    """Answers at random, and dies at random."""

    def __init__(self, random, clock, schedules):
        self.random, self.clock = random, clock
        self.provider = RecordingProvider(
            capabilities=Capabilities(schedule_ahead_seconds=72 * 3600 if schedules else 0),
            answer=self.answer,
        )

    def answer(self, batch, i):
        self.clock.sleep(self.random.choice([0, 0, 1, 40]))
        if self.random.random() < 0.05:
            raise Killed
        return Outcome(self.random.choice(OUTCOMES), "because")


@settings(max_examples=150, deadline=None)
@given(
    one=campaigns(),
    people=st.lists(lists(), min_size=1, max_size=4),
    random=st.randoms(use_true_random=False),
    schedules=st.booleans(),
)
def test_every_contact_is_in_one_place_and_nobody_is_mailed_twice(one, people, random, schedules):
    store, clock = MemoryLedger(), FakeClock(START)
    fake = Misbehaving(random, clock, schedules)
    for number, listed in enumerate(people * 2):
        office = desk([one], listed)
        try:
            run(office, store, clock, fake.provider, run_id=f"run{number:02d}")
        except Killed:
            pass
        clock.sleep(random.choice([60, 3600, 30 * 3600]))
        now = clock.now()
        plan = survey(
            office,
            store.sync().records,
            Horizon(now, now + timedelta(minutes=60), now + timedelta(days=2)),
        )
        for job in plan.jobs:
            assert_adds_up(job, listed, store)
    # "may have been sent" counts as sent here: nobody gets two
    assert Counter((job, key) for job, key, _ in fake.provider.sent).most_common(1)[0:1] in (
        [],
        [((fake.provider.sent or [("", b"", 0)])[0][:2], 1)],
    ) or max(Counter((job, key) for job, key, _ in fake.provider.sent).values()) == 1


def assert_adds_up(job, listed, store):
    counts = job.counts
    history_keys = {
        key
        for claim in store.claims
        if claim.job_id == job.job_id
        for key in (claim.keys[i : i + 8] for i in range(0, len(claim.keys), 8))
    }
    taken = counts.sent + counts.failed + counts.in_doubt + counts.in_flight
    assert taken <= len(history_keys)
    # once for everyone on the list now, once for those who were claimed and have left it
    on_list = set(listed.keys)
    claimed = sum(spot <= Spot.IN_FLIGHT for spot in job.spots)
    excluded_now = {
        k for k, r in zip(listed.excluded.keys, listed.excluded.reasons, strict=True)
        if r != "duplicate"
    }
    elsewhere = taken - claimed
    counted_as_claimed = excluded_now - on_list & history_keys
    total = counts.total
    rows = len(listed) + len(listed.excluded.keys)
    assert rows <= total + len(counted_as_claimed)
    assert total == (
        taken + counts.due + counts.later + counts.cancelled + sum(counts.excluded.values())
    )
    assert len(job.spots) == len(listed)
    assert 0 <= elsewhere <= len(history_keys - on_list)
    if not elsewhere:
        assert total == rows
    assert len(job.queue) <= counts.due
    assert len(set(job.queue.indices)) == len(job.queue)
