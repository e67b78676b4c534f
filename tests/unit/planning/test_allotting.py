"""Who goes first, who waits and who gets nothing, where campaigns compete."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from runner.model.campaign import Immediate, Scheduled
from runner.model.plan import Spot
from runner.model.settings import DomainCap, Frequency, Lateness, Limits, Pacing, Quiet, WarmUp
from runner.planning.domains import NONE, Domains
from runner.planning.planner import Horizon
from runner.survey import survey
from runner.testing import FakeClock, MemoryLedger, RecordingProvider, audience, fake_key
from tests.builders import campaign, desk, run, utc

NOW = utc("2025-10-20 12:00")
NOON = datetime(2025, 10, 20, 12)
FOUR = audience([f"p{n}@{'example.com' if n % 2 else 'example.org'}" for n in range(4)])
ONCE = Frequency(1, timedelta(days=1))


def one(id, hour=12, **more):
    more.setdefault("lateness", Lateness(timedelta(hours=24), "hold"))
    return campaign(Scheduled(datetime(2025, 10, 20, hour), "UTC"), id=id, **more)


def plan(campaigns, *, store=None, now=NOW, ahead=1.0, people=FOUR, **shared):
    horizon = Horizon(now, now + timedelta(hours=ahead), now + timedelta(days=9))
    at_desk = desk(campaigns, people, **shared)
    return survey(at_desk, (store or MemoryLedger()).sync(), horizon)


def times(job):
    waits = zip(job.spots, job.times, strict=True)
    return [
        datetime.fromtimestamp(t, UTC).strftime("%d %H:%M") if Spot(s).waits else Spot(s).reason
        for s, t in waits
    ]


def test_the_higher_priority_goes_first():
    low, high = plan([one("a"), one("b", priority=1)], limits=Limits(max_per_hour=4)).jobs
    assert times(high) == ["20 12:00"] * 4
    assert times(low) == ["20 13:00"] * 4


def test_among_equals_who_has_waited_longest():
    later, earlier = plan([one("a", 11), one("b", 10)], limits=Limits(max_per_hour=4)).jobs
    assert times(earlier) == ["20 12:00"] * 4
    assert times(later) == ["20 13:00"] * 4


def test_priority_takes_no_place_from_whoever_is_due_before():
    low, high = plan([one("a"), one("b", 13, priority=9)], limits=Limits(max_per_hour=3)).jobs
    assert times(low) == ["20 12:00"] * 3 + ["20 14:00"]
    assert sorted(times(high)) == ["20 13:00"] * 3 + ["20 14:00"]


def test_a_run_that_looks_an_hour_ahead_decides_as_a_plan_of_weeks():
    """Nothing that is due later changes what was given before it."""
    campaigns = [one("a", 12), one("b", 13, priority=5), one("c", 14, priority=9)]
    shared = {"limits": Limits(max_per_hour=3), "frequency": Frequency(2, timedelta(hours=2))}
    everything = plan([replace(c, frequency=shared["frequency"]) for c in campaigns], **shared)
    until = int((NOW + timedelta(hours=1)).timestamp())
    now_due = survey(
        desk([replace(c, frequency=shared["frequency"]) for c in campaigns], FOUR, **shared),
        MemoryLedger().sync(),
        Horizon(NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=1)),
        thorough=False,
    )
    queued = {
        job.job_id: list(zip(job.queue.indices, job.queue.times, strict=True))
        for job in everything.jobs
    }
    assert sum(map(len, queued.values())) > 3
    for job in now_due.jobs:
        assert list(zip(job.queue.indices, job.queue.times, strict=True)) == queued[job.job_id]
        assert all(time <= until for time in job.queue.times)


def test_another_campaigns_mails_in_the_ledger_count():
    """Also when its file is gone, and when nobody knows whether they were sent."""
    for doubtful in (False, True):
        store, clock = MemoryLedger(), FakeClock(NOW)
        run(desk([one("gone")], FOUR), store, clock, RecordingProvider())
        if doubtful:
            store.shared = [r for r in store.shared if type(r).__name__ != "Receipt"]
        soon = NOW + timedelta(minutes=30)
        (job,) = plan([one("b", 11)], store=store, now=soon, limits=Limits(max_per_hour=4)).jobs
        first = min(job.times)
        assert first >= int(NOW.timestamp()) + 3600


def test_a_capped_contact_is_skipped_or_waits():
    store = MemoryLedger()
    run(desk([one("first")], FOUR), store, FakeClock(NOW), RecordingProvider())
    for action, expected in (("skip", "frequency_cap"), ("defer", "21 12:00")):
        own = replace(ONCE, on_capped=action)
        second = one("second", 13, frequency=own)
        (job,) = plan([second], store=store, now=NOW + timedelta(hours=1), frequency=own).jobs
        assert times(job) == [expected] * 4
        assert job.counts.total == 4
        assert job.finished == (action == "skip")


def test_who_is_to_be_skipped_is_decided_when_the_time_has_come():
    """Before, the plan shows it and the job stays open."""
    own = replace(ONCE, on_capped="skip")
    first, second = plan(
        [one("a", 13, frequency=own), one("b", 14, frequency=own)], frequency=own
    ).jobs
    assert times(first) == ["20 13:00"] * 4
    assert second.counts.excluded == {"frequency_cap": 4}
    assert (second.status, second.finished) == ("scheduled", False)


def test_the_higher_priority_wins_a_contact():
    own = replace(ONCE, on_capped="skip")
    low, high = plan(
        [one("a", frequency=own), one("b", frequency=own, priority=1)], frequency=own
    ).jobs
    assert times(high) == ["20 12:00"] * 4
    assert times(low) == ["frequency_cap"] * 4


def test_a_campaign_whose_cap_is_off_is_mailed_and_counts_for_others():
    own = replace(ONCE, on_capped="skip")
    free, capped = plan([one("a", priority=1), one("b", frequency=own)], frequency=own).jobs
    assert times(free) == ["20 12:00"] * 4
    assert times(capped) == ["frequency_cap"] * 4


def test_who_was_skipped_is_not_held_for_being_late():
    store, clock = MemoryLedger(), FakeClock(NOW)
    own = Frequency(1, timedelta(days=7), "skip")
    run(desk([one("first")], FOUR), store, clock, RecordingProvider())
    second = one("second", 13, frequency=own)
    late = NOW + timedelta(days=3)
    (job,) = plan([second], store=store, now=late, frequency=own).jobs
    assert times(job) == ["frequency_cap"] * 4
    assert job.holds == ()


def test_who_was_skipped_stays_skipped_while_the_job_goes_on():
    """Though the time within which mails count is over before the job is."""
    store, own = MemoryLedger(), Frequency(1, timedelta(hours=2), "skip")
    run(desk([one("first")], audience(FOUR.emails[:2])), store, FakeClock(NOW), RecordingProvider())
    slow = one("slow", 13, frequency=own, pacing=Pacing(delay_seconds=7200))
    later = NOW + timedelta(hours=3)
    for now in (NOW + timedelta(hours=1), later):
        (job,) = plan([slow], store=store, now=now, frequency=own).jobs
        assert times(job)[:2] == ["frequency_cap"] * 2
    assert times(job)[2:] == ["20 15:00", "20 17:00"]


def test_a_warm_up_takes_days_and_is_not_late():
    table = WarmUp(NOON.date(), (1, 2, 4))
    (job,) = plan([one("a")], limits=Limits(warm_up=table)).jobs
    assert times(job) == ["20 12:00", "21 00:00", "21 00:00", "22 00:00"]
    assert job.last_send == utc("2025-10-22 00:00")
    # two days later, with nothing sent yet: the caps would have taken as long
    (job,) = plan([one("a")], now=NOW + timedelta(days=2), limits=Limits(warm_up=table)).jobs
    assert Spot.MISSED not in job.spots
    (job,) = plan([one("a")], now=NOW + timedelta(days=4), limits=Limits(warm_up=table)).jobs
    assert times(job) == ["20 12:00"] * 4
    assert [hold.code for hold in job.holds] == ["missed"]


COM = DomainCap("example.com", ("example.com",), 1)
REST = DomainCap("*", (), 1)


def test_a_full_domain_does_not_keep_the_others_waiting():
    (job,) = plan([one("a")], limits=Limits(domains=(COM,))).jobs
    assert times(job) == ["20 12:00", "20 12:00", "20 12:00", "20 13:00"]
    (job,) = plan([one("a")], limits=Limits(domains=(COM, REST))).jobs
    assert times(job) == ["20 12:00", "20 12:00", "20 13:00", "20 13:00"]


def test_claims_say_who_counts_for_which_domain():
    store, soon = MemoryLedger(), NOW + timedelta(minutes=10)
    limits = Limits(domains=(replace(COM, max_per_hour=2),))
    run(desk([one("a")], FOUR, limits=limits), store, FakeClock(NOW), RecordingProvider())
    (claim,) = store.claims
    first = claim.keys[:8] == fake_key(FOUR.emails[1])
    assert claim.domains == {"example.com": bytes([0b0011 if first else 0b1100])}
    two_more = audience(["new@example.com", "new@example.org"])
    (job,) = plan([one("b", 11)], store=store, now=soon, people=two_more, limits=limits).jobs
    assert times(job) == ["20 13:00", "20 12:10"]


def test_a_claim_that_does_not_say_counts_for_every_domain():
    """It was made before there was this cap, or by an older version."""
    store, soon = MemoryLedger(), NOW + timedelta(minutes=10)
    run(desk([one("a")], FOUR), store, FakeClock(NOW), RecordingProvider())
    two_more = audience(["new@example.com", "new@example.org"])
    limits = Limits(domains=(replace(COM, max_per_hour=4), replace(REST, max_per_hour=4)))
    (job,) = plan([one("b", 11)], store=store, now=soon, people=two_more, limits=limits).jobs
    assert times(job) == ["20 13:00", "20 13:00"]


@pytest.mark.parametrize("count", [1, 7, 8, 9, 1000])
def test_marks_tell_everybody_apart(count):
    caps = Domains((COM, DomainCap("two", ("a.example", "b.example"), 1), REST))
    numbers = bytes(n % 3 for n in range(count))
    counted = dict(caps.counted(caps.marks(numbers), count))
    for number in range(3):
        assert counted[number] == bytes(n == number for n in numbers)
    assert caps.column(["x@B.example".lower(), "x@example.net"]) == bytes([1, 2])
    assert Domains((COM,)).column(["x@example.net"]) == bytes([NONE])


def test_the_plan_of_one_campaign_knows_its_rivals():
    """Alone on the desk it still waits behind the others."""
    limits = Limits(max_per_hour=4)
    whole = desk([one("a"), one("b", priority=1)], FOUR, limits=limits)
    horizon = Horizon(NOW, NOW + timedelta(hours=1), NOW + timedelta(days=1))
    found = survey(whole.only("a"), MemoryLedger().sync(), horizon)
    (job,) = found.jobs
    assert times(job) == ["20 13:00"] * 4
    assert list(found.first_seen) == ["a"]


def test_its_own_pace_and_the_common_cap_together():
    paced = one("a", pacing=Pacing(delay_seconds=60))
    free, slow = plan([one("b"), paced], limits=Limits(max_per_hour=6)).jobs
    assert times(free) == ["20 12:00"] * 4
    assert times(slow) == ["20 12:00", "20 12:01", "20 13:00", "20 13:01"]


def test_a_domain_keeps_count_while_others_wait_for_the_morning():
    """Who comes to his turn in the quiet time must not make the domain's cap forget the hour."""
    cap = DomainCap("example.com", ("example.com",), 8)
    night = Quiet(hours=(12 * 60 + 30, 20 * 60))
    hushed = one("a", pacing=Pacing(1860), priority=1, quiet=night, list_name="a")
    other = one("b", pacing=Pacing(400), list_name="b")
    lists = {name: audience([f"{name}{n}@example.com" for n in range(20)]) for name in ("a", "b")}
    jobs = plan([hushed, other], people=lists, limits=Limits(domains=(cap,))).jobs
    sends = sorted(time for job in jobs for time in job.times)
    assert len(sends) == 40
    assert all(late - early >= 3600 for early, late in zip(sends, sends[8:], strict=False))


@pytest.mark.parametrize("pause", [False, True])
def test_a_plan_is_as_patient_with_the_late_as_the_run(pause):
    """What is over, paused or not due yet is not waited for: only the plan looks at it at all."""
    store, lists = MemoryLedger(), {"big": audience([f"b{n}@example.com" for n in range(50)])}
    lists["people"] = FOUR
    old = one("old", 11, list_name="big")
    run(desk([old], lists), store, FakeClock(NOW), RecordingProvider())
    if pause:
        old = campaign(Immediate(), id="paused", list_name="big", status="paused")
    now = NOW + timedelta(days=3)
    next_week = campaign(Scheduled(NOON + timedelta(days=9), "UTC"), id="next", list_name="big")
    hour = Lateness(timedelta(hours=1), "hold")
    late = campaign(Scheduled(NOON + timedelta(days=3, hours=-5), "UTC"), id="late", lateness=hour)
    at_desk = desk([old, late, next_week], lists, limits=Limits(max_per_hour=5))
    for thorough in (True, False):
        found = survey(at_desk, store.sync(), Horizon(now, now, now), thorough=thorough)
        (job,) = (job for job in found.jobs if job.campaign.id == "late")
        assert [hold.code for hold in job.holds] == ["missed"]
