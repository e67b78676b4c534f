"""The planner over columns decides as the plain one did, contact by contact."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.planning.account import Account
from runner.planning.history import fold
from runner.planning.planner import CampaignInputs, Horizon, draft, plan_campaign
from runner.survey import _conditions
from runner.testing import FakeClock, MemoryLedger
from tests.builders import desk, run
from tests.properties import former_planner
from tests.properties.test_numbers_add_up import START, Killed, Misbehaving, campaigns, lists


@settings(max_examples=150, deadline=None)
@given(
    one=campaigns(),
    people=st.lists(lists(), min_size=1, max_size=3),
    random=st.randoms(use_true_random=False),
    schedules=st.booleans(),
    look_ahead=st.sampled_from([0, 1, 30]),
    paused=st.booleans(),
)
def test_without_shared_caps_it_plans_as_before(one, people, random, schedules, look_ahead, paused):
    """Spots, times, queue and what is stopped are the same, after any history of runs."""
    store, clock = MemoryLedger(), FakeClock(START)
    fake = Misbehaving(random, clock, schedules)
    for number, listed in enumerate(people * 2):
        with suppress(Killed):
            run(desk([one], listed), store, clock, fake.provider, run_id=f"run{number:02d}")
        clock.sleep(random.choice([60, 3600, 30 * 3600]))
        now = clock.now()
        horizon = Horizon(
            now, now + timedelta(hours=look_ahead), now + timedelta(days=3), paused=paused
        )
        campaign = replace(one, status=random.choice([one.status, "active", "cancelled"]))
        history = fold(store.sync().records(one.id), now)
        inputs = CampaignInputs(campaign, history, listed, _conditions(campaign))
        assert_same(inputs, horizon)


def assert_same(inputs, horizon):
    plans = plan_campaign(inputs, horizon)
    drafted = draft(inputs, horizon, Account()).jobs
    before = former_planner.plan(inputs, horizon)
    assert len(plans) == len(before)
    for job, made, former in zip(plans, drafted, before, strict=True):
        assert list(job.spots) == former.spots
        waiting = former_planner.waiting
        assert waiting(job.spots, job.times) == waiting(former.spots, former.times)
        queue = list(zip(job.queue.indices, job.queue.times, strict=True))
        assert queue == former.queue
        assert made.stopped == former.stopped
        if queue:
            assert job.queue.late == former.late
