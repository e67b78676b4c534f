"""Every contact of a job is in exactly one place, whatever the campaign, list, ledger and clock.

Random histories are made by the real reconciler over a fake provider that misbehaves and a run
that is killed at random, so the ledgers are ones that can happen.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model.campaign import Drip, Immediate, Recurring, Scheduled
from runner.model.contacts import Excluded
from runner.model.message import Capabilities, Outcome
from runner.model.plan import Spot
from runner.model.settings import Guards, Lateness, Pacing
from runner.planning.history import fold
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
    gone = draw(st.lists(st.integers(8, 25), max_size=5))
    reasons = []
    for position, number in enumerate(gone):
        # an audience promises: whoever is excluded is not in it; further rows are duplicates
        again = number in numbers or number in gone[:position]
        words = ["duplicate"] if again else ["opted_out", "bounced", "suppressed"]
        reasons.append(draw(st.sampled_from(words)))
    left_out = Excluded(
        [fake_key(f"p{n}@example.com") for n in gone], reasons, list(range(len(gone)))
    )
    where = [draw(st.sampled_from(ZONES)) for _ in emails]
    return audience(emails, timezones=where, excluded=left_out)


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
        with suppress(Killed):
            run(office, store, clock, fake.provider, run_id=f"run{number:02d}")
        clock.sleep(random.choice([60, 3600, 30 * 3600]))
        now = clock.now()
        plan = survey(
            office,
            store.sync(),
            Horizon(now, now + timedelta(minutes=60), now + timedelta(days=2)),
        )
        for job in plan.jobs:
            assert_adds_up(job, listed, store, now)
    # an ambiguous message may have been sent, so it counts: nobody gets two
    sent = Counter((job, key) for job, key, _ in fake.provider.sent)
    assert set(sent.values()) <= {1}


def assert_adds_up(job, listed, store, now):
    counts = job.counts
    history = fold(store.sync().records(job.campaign.id), now).job(job.step.id, job.occurrence)
    taken = history.sent | history.failed.keys() | history.in_doubt | history.in_flight
    assert len(taken) == counts.claimed
    assert counts.total == (
        counts.sent + counts.failed + counts.in_doubt + counts.in_flight
        + counts.due + counts.later + counts.cancelled + sum(counts.excluded.values())
    )  # fmt: skip
    # every row once, and once everyone whom the ledger knows and the list does not any more
    people = set(listed.keys) | {
        key
        for key, reason in zip(listed.excluded.keys, listed.excluded.reasons, strict=True)
        if reason != "duplicate"
    }
    assert counts.total == len(listed) + len(listed.excluded.keys) + len(taken - people)
    assert len(job.spots) == len(listed)
    by_key = dict(zip(listed.keys, map(Spot, job.spots), strict=True))
    assert {key for key, spot in by_key.items() if spot <= Spot.IN_FLIGHT} == taken & set(by_key)
    # only the due are queued, each once, none of them claimed before
    queued = [listed.keys[i] for i in job.queue.indices]
    assert len(set(queued)) == len(queued)
    assert all(by_key[key] == Spot.DUE for key in queued)
    assert not taken & set(queued)
