"""The rolling-hour cap and the delay hold whatever the order of runs, crashes and clocks."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model.campaign import Drip, Scheduled
from runner.model.message import Outcome
from runner.model.settings import Pacing
from runner.planning.pacing import HOUR, Pacer, span
from runner.planning.ranges import compress_times, expand_times
from runner.testing import FakeClock, MemoryLedger, RecordingProvider, audience
from tests.builders import campaign, desk, run, step, utc

START = utc("2025-10-20 12:00")
caps = st.integers(1, 7)
delays = st.sampled_from([0, 0.25, 1, 90, 1000])


def assert_paced(times: list[int], pacing: Pacing) -> None:
    times = sorted(times)
    if pacing.max_per_hour:
        for index, time in enumerate(times):
            in_the_hour = index + 1 - bisect_right(times, time - HOUR)
            assert in_the_hour <= pacing.max_per_hour
    for before, after in pairwise(times):
        # send times are whole seconds: a fraction may be cut off
        assert after - before > pacing.delay_seconds - 1


@given(
    caps,
    delays,
    st.lists(st.integers(0, 20_000), max_size=80),
    st.lists(st.integers(-4000, 3600), max_size=20),
)
def test_no_hour_holds_more_than_the_cap(cap, delay, earliest, recent):
    pacing = Pacing(delay_seconds=delay, max_per_hour=cap)
    # what the ledger holds obeyed the same rule
    before = [Pacer(pacing).take(time) for time in sorted(recent)[:1]]
    pacer = Pacer(pacing, before)
    times = [pacer.take(time) for time in sorted(earliest)]
    assert all(time >= wish for time, wish in zip(times, sorted(earliest), strict=True))
    assert times == sorted(times)
    assert_paced(before + times, pacing)


@given(caps, delays, st.integers(0, 60))
def test_the_span_is_what_the_pacer_takes(cap, delay, count):
    pacing = Pacing(delay_seconds=delay, max_per_hour=cap)
    pacer = Pacer(pacing)
    times = [pacer.take(0) for _ in range(count)]
    assert (times[-1] if times else 0) <= span(pacing, count) + HOUR


@given(st.lists(st.integers(0, 2_000_000_000)))
def test_times_survive_compression(times):
    assert list(expand_times(compress_times(times))) == times


def test_regular_times_compress_to_one_run():
    assert compress_times(range(100, 300, 2)) == ((100, 2, 100),)
    assert compress_times([7] * 1000) == ((7, 0, 1000),)


class Killed(BaseException):
    """The process is gone."""


@settings(max_examples=80, deadline=None)
@given(
    cap=st.integers(2, 6),
    delay=st.sampled_from([0, 30, 400]),
    batch=st.integers(1, 4),
    naps=st.lists(st.integers(60, 9000), min_size=4, max_size=12),
    ahead=st.sampled_from([0, 20, 60, 180]),
    drip=st.booleans(),
    random=st.randoms(use_true_random=False),
)
def test_the_cap_holds_across_runs_and_crashes(cap, delay, batch, naps, ahead, drip, random):
    pacing = Pacing(delay_seconds=delay, max_per_hour=cap, batch_size=batch)
    wall = START.replace(tzinfo=None)
    schedule = Drip(wall, "UTC") if drip else Scheduled(wall, "UTC")
    steps = [step("a"), step("b"), step("c")] if drip else [step()]
    one = campaign(schedule, steps=steps, pacing=pacing)
    office = desk([one], audience([f"p{n}@example.com" for n in range(9)]))
    store, clock = MemoryLedger(), FakeClock(START)

    def answer(sent, i):
        if random.random() < 0.04:
            raise Killed
        return Outcome(random.choice(["accepted", "accepted", "accepted", "temporary"]), "x")

    provider = RecordingProvider(answer=answer)
    for number, nap in enumerate(naps):
        with suppress(Killed):
            run(
                office,
                store,
                clock,
                provider,
                run_id=f"run{number:02d}",
                look_ahead=timedelta(minutes=ahead),
            )
        clock.sleep(nap)
    assert_paced([when for _, _, when in provider.sent], pacing)
