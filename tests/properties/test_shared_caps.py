"""Caps that all campaigns share hold whatever happens: many campaigns, runs, crashes and doubts.

What is looked at is what the provider was handed, so the ledger cannot excuse anything.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model.campaign import Drip, Immediate, Recurring, Scheduled
from runner.model.message import Capabilities, Outcome
from runner.model.plan import Spot
from runner.model.settings import DomainCap, Frequency, Lateness, Limits, Pacing, Quiet, WarmUp
from runner.planning.planner import Horizon
from runner.survey import survey
from runner.testing import FakeClock, MemoryLedger, RecordingProvider, audience, fake_key
from tests.builders import campaign, desk, run, step, utc

START = utc("2025-10-24 12:00")
HOUR = 3600
ZONES = ["", "America/Chicago", "Australia/Lord_Howe", "Asia/Kathmandu"]
DOMAINS = ["example.com", "example.org", "example.net", "f3.example"]
OUTCOMES = ["accepted"] * 7 + ["temporary", "ambiguous", "refused"]
PEOPLE = [f"p{n}@{DOMAINS[n % 4]}" for n in range(12)]
DOMAIN_OF = {fake_key(email): email.partition("@")[2] for email in PEOPLE}
ZONE_OF = {fake_key(email): ZONES[n % 3 if n % 2 else 3] for n, email in enumerate(PEOPLE)}
CLOCK = "Australia/Lord_Howe"

walls = st.integers(-30, 40).map(lambda h: datetime(2025, 10, 24, 12) + timedelta(hours=h))
schedules = st.one_of(
    st.builds(Immediate),
    st.builds(Scheduled, walls, st.sampled_from(["UTC", "recipient"])),
    st.builds(Drip, walls, st.just("UTC"), enrol=st.sampled_from(["at_start", "continuous"])),
    st.builds(Recurring, st.sampled_from(["0 */8 * * *", "30 9 * * *"]), st.just("UTC")),
)
pacings = st.builds(
    Pacing,
    delay_seconds=st.sampled_from([0, 0, 0.5, 90]),
    batch_size=st.integers(1, 5),
    max_per_hour=st.sampled_from([None, None, 3]),
)
latenesses = st.builds(
    Lateness,
    expires_after=st.sampled_from([timedelta(hours=1), timedelta(hours=24)]),
    on_missed=st.sampled_from(["hold", "send", "skip"]),
)
quiets = st.builds(
    Quiet,
    hours=st.sampled_from([None, (21 * 60, 8 * 60), (60, 150), (12 * 60, 13 * 60 + 30)]),
    days=st.sampled_from([(), (5, 6)]),
    dates=st.sampled_from([(), ((0, 10, 27),)]),
    max_deferral=st.sampled_from([timedelta(hours=3), timedelta(days=4)]),
    on_exceeded=st.sampled_from(["hold", "skip"]),
)
frequencies = st.builds(
    Frequency,
    max=st.integers(1, 3),
    per=st.sampled_from([timedelta(minutes=50), timedelta(hours=20), timedelta(days=7)]),
)
warm_ups = st.builds(
    WarmUp,
    start=st.sampled_from([date(2025, 10, 24), date(2025, 10, 26)]),
    volumes=st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple),
    unlimited=st.booleans(),
)
domain_caps = st.sampled_from(
    [
        (),
        (DomainCap("example.com", ("example.com",), 2),),
        (DomainCap("big", ("example.net", "example.org"), 3), DomainCap("*", (), 2)),
        (DomainCap("*", (), 4),),
    ]
)
limits = st.builds(
    Limits,
    max_per_hour=st.sampled_from([None, 2, 5]),
    warm_up=st.none() | warm_ups,
    domains=domain_caps,
)


class Killed(BaseException):
    """The process is gone."""


class Witness(RecordingProvider):
    """Writes down what it is handed before anything can go wrong, and then lets it go wrong."""

    def deliver(self, batches, deadline):
        for batch in batches:
            outcomes = []
            for i in range(len(batch)):
                outcome = self.answer(batch, i)
                if outcome is None or outcome.kind in ("accepted", "ambiguous"):
                    self.sent.append((batch.job_id, batch.keys[i], batch.send_at[i]))
                if outcome is None:
                    raise Killed
                outcomes.append(outcome)
            yield batch, outcomes


@st.composite
def offices(draw):
    """Campaigns that compete, with the settings they share."""
    frequency = draw(st.none() | frequencies)
    campaigns = []
    for number in range(draw(st.integers(1, 4))):
        schedule = draw(schedules)
        steps = [step("a"), step("b", 1)] if isinstance(schedule, Drip) else [step()]
        own = frequency
        if frequency is not None:
            own = replace(frequency, on_capped=draw(st.sampled_from(["skip", "defer"])))
        campaigns.append(
            campaign(
                schedule,
                id=f"c{number}",
                steps=steps,
                pacing=draw(pacings),
                lateness=draw(latenesses),
                quiet=draw(st.none() | quiets),
                frequency=own,
                priority=draw(st.integers(-1, 1)),
                list_name=draw(st.sampled_from(["people", "half"])),
            )
        )
    shared = {"limits": draw(limits), "frequency": frequency, "timezone": CLOCK}
    return campaigns, shared


def lists() -> dict[str, object]:
    where = [ZONE_OF[fake_key(email)] for email in PEOPLE]
    return {
        "people": audience(PEOPLE, timezones=where),
        "half": audience(PEOPLE[::2], timezones=where[::2]),
    }


@settings(max_examples=120, deadline=None)
@given(
    office=offices(),
    naps=st.lists(st.sampled_from([60, 1200, 3600, 9000, 40_000, 100_000]), min_size=3, max_size=9),
    ahead=st.sampled_from([0, 20, 60, 600]),
    schedules=st.booleans(),
    random=st.randoms(use_true_random=False),
)
def test_caps_hold_over_campaigns_runs_crashes_and_doubts(office, naps, ahead, schedules, random):
    campaigns, shared = office
    store, clock = MemoryLedger(), FakeClock(START)

    def answer(batch, i):
        clock.sleep(random.choice([0, 0, 0, 1, 20]))
        return None if random.random() < 0.04 else Outcome(random.choice(OUTCOMES), "because")

    able = Capabilities(schedule_ahead_seconds=72 * 3600 if schedules else 0)
    provider = Witness(capabilities=able, answer=answer)
    for number, nap in enumerate(naps):
        # a campaign whose file is gone counts as long as the ledger knows it
        there = [one for one in campaigns if random.random() < 0.85] or campaigns
        at_desk = desk(there, lists(), **shared)
        with suppress(Killed):
            run(
                at_desk,
                store,
                clock,
                provider,
                run_id=f"run{number:02d}",
                look_ahead=timedelta(minutes=ahead),
            )
        clock.sleep(nap)
        assert_every_contact_has_a_place(at_desk, store, clock)
    assert set(Counter((job, key) for job, key, _ in provider.sent).values()) <= {1}
    assert_within(shared, provider.sent)
    assert_not_quiet(campaigns, provider.sent)


def assert_every_contact_has_a_place(at_desk, store, clock):
    now = clock.now()
    horizon = Horizon(now, now + timedelta(hours=1), now + timedelta(days=3))
    for job in survey(at_desk, store.sync(), horizon).jobs:
        assert len(job.spots) == len(job.audience)
        assert job.counts.total >= len(job.audience)
        queued = list(job.queue.indices)
        assert len(set(queued)) == len(queued)
        assert all(job.spots[index] == Spot.DUE for index in queued)
        assert list(job.queue.times) == sorted(job.queue.times)


def assert_within(shared, sent):
    allowed = shared["limits"]
    times = [when for _, _, when in sent]
    if allowed.max_per_hour:
        assert_rolling(times, allowed.max_per_hour, HOUR)
    listed = {domain for cap in allowed.domains for domain in cap.domains}
    for cap in allowed.domains:
        counted = [
            when
            for _, key, when in sent
            if (DOMAIN_OF[key] in cap.domains if cap.domains else DOMAIN_OF[key] not in listed)
        ]
        assert_rolling(counted, cap.max_per_hour, HOUR)
    if allowed.warm_up:
        days = Counter(datetime.fromtimestamp(t, ZoneInfo(CLOCK)).date() for t in times)
        for day, count in days.items():
            volume = allowed.warm_up.volume(day)
            assert volume is None or count <= volume
    if shared["frequency"]:
        by_contact = defaultdict(list)
        for _, key, when in sent:
            by_contact[key].append(when)
        for when in by_contact.values():
            assert_rolling(when, shared["frequency"].max, shared["frequency"].per.total_seconds())


def assert_rolling(times: Iterable[int], cap: int, length: float) -> None:
    times = sorted(times)
    for index, time in enumerate(times):
        assert index + 1 - bisect_right(times, time - length) <= cap


def assert_not_quiet(campaigns, sent):
    by_id = {one.id: one for one in campaigns}
    for job, key, when in sent:
        one = by_id[job.partition("/")[0]]
        if one.quiet is not None:
            zone = ZoneInfo(ZONE_OF[key] or "UTC")
            assert not is_quiet(one.quiet, datetime.fromtimestamp(when, zone)), (job, when)


def is_quiet(quiet: Quiet, wall: datetime) -> bool:
    """What the clock on the wall says, and nothing cleverer."""
    if wall.weekday() in quiet.days or (0, wall.month, wall.day) in quiet.dates:
        return True
    if (wall.year, wall.month, wall.day) in quiet.dates:
        return True
    if quiet.hours is None:
        return False
    start, end = quiet.hours
    minute = wall.hour * 60 + wall.minute
    return start <= minute < end if start < end else minute >= start or minute < end
