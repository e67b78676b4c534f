"""The run in the corners: what a review found, pinned."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import chain, repeat

import pytest

from runner.errors import InputError, Problem, ProviderError
from runner.model.campaign import Content, Drip, Recurring, Scheduled
from runner.model.ledger import Closed, Planned, Receipt, Resolution
from runner.model.message import Capabilities, Outcome
from runner.model.plan import Hold
from runner.model.result import RunResult
from runner.model.settings import Frequency, Guards, Lateness, Limits, Pacing, Quiet
from runner.planning.history import fold
from runner.planning.planner import Horizon
from runner.resolving import Decision, settle, unsettled
from runner.survey import survey
from runner.testing import (
    FakeClock,
    FixedAudiences,
    MemoryLedger,
    PlainTemplates,
    RecordingProvider,
    audience,
    fake_key,
)
from tests.builders import campaign, desk, run, step, utc

NOW = utc("2025-10-20 14:00")
WALL = NOW.replace(tzinfo=None)
PEOPLE = [f"p{n}@example.com" for n in range(10)]


def doubtful(*emails, job=""):
    """A provider that loses its answer for these people (in this job)."""
    keys = {fake_key(email) for email in emails}

    def answer(batch, i):
        lost = batch.keys[i] in keys and job in batch.job_id
        return Outcome("ambiguous", "time-out") if lost else Outcome("accepted")

    return RecordingProvider(answer=answer)


def say(store, clock, verdict, campaign_id="invite", kind="in_doubt"):
    """A person's word about all that is open."""
    found = unsettled(store.sync().records(campaign_id), kind, clock.now())
    store.add_facts(settle(found, verdict, Decision("Ann", clock.now())), run="x", message="")


class TestOneCampaignsFault:
    """What is wrong with one campaign holds it, and the others go on."""

    def test_a_template_that_does_not_compile(self):
        class Broken(PlainTemplates):
            def composer(self, campaign, step):
                if campaign.id == "a":
                    raise InputError([Problem("a.html", 3, 1, "does not compile")])
                return super().composer(campaign, step)

        office = desk([campaign(id="a"), campaign(id="b")], audience(PEOPLE), templates=Broken())
        result = run(office, MemoryLedger(), FakeClock(NOW))
        assert (result.sent, [(h.code, h.campaign) for h in result.held]) == (
            10,
            [("unreadable", "a")],
        )

    def test_a_condition_that_cannot_be_evaluated(self):
        steps = [step("one"), step("two", only_if="contact.nickname == 'x'")]
        drip = campaign(Drip(WALL, "UTC"), id="a", steps=steps)
        office = desk([drip, campaign(id="b")], audience(PEOPLE))
        store, clock = MemoryLedger(), FakeClock(NOW)
        run(office, store, clock)
        clock.sleep(60)
        result = run(office, store, clock, run_id="r2")
        assert [(h.code, h.campaign) for h in result.held] == [("unreadable", "a")]


class TestReceiptsAreKept:
    def test_what_was_sent_is_recorded_though_planning_breaks_afterwards(self):
        class Once(FixedAudiences):
            def read(self, contact_list, where=""):
                if len(self.reads) == 1:
                    raise OSError("the disk is gone")
                return super().read(contact_list, where)

        people = audience(PEOPLE)
        office = desk([campaign(pacing=Pacing(batch_size=100))], people)
        office.audiences = Once({"people": people})
        clock = FakeClock(NOW)

        def answer(batch, i):
            clock.stopping = True
            return Outcome("accepted")

        store = MemoryLedger()
        with pytest.raises(OSError, match="disk"):
            run(office, store, clock, RecordingProvider(answer=answer))
        assert [r for r in store.shared if isinstance(r, Receipt)]

    @pytest.mark.parametrize("keep", [0, 4])
    def test_what_a_provider_gives_no_answer_for_is_in_doubt(self, keep):
        class Forgets(RecordingProvider):
            def deliver(self, batches, deadline):
                for batch, answers in super().deliver(batches, deadline):
                    if keep:
                        yield batch, answers[:keep]

        result = run(
            desk([campaign()], audience(PEOPLE)), MemoryLedger(), FakeClock(NOW), Forgets()
        )
        assert (result.sent, result.in_doubt) == (keep, 10 - keep)


class TestDoubtStaysInSight:
    def test_when_the_campaign_is_moved_to_later(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        one = campaign(Scheduled(WALL, "UTC"))
        run(desk([one], audience(PEOPLE)), store, clock, doubtful(PEOPLE[0]))
        clock.sleep(3600)
        moved = replace(one, schedule=Scheduled(WALL + timedelta(days=7), "UTC"))
        result = run(desk([moved], audience(PEOPLE)), store, clock, run_id="r2")
        assert (result.doubt_before, result.exit_code) == (1, 4)

    def test_when_the_cron_expression_changes(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        daily = campaign(Recurring("0 15 * * *", "UTC"))
        run(desk([daily], audience(PEOPLE)), store, clock, doubtful(PEOPLE[0]))
        clock.sleep(2 * 3600)
        moved = replace(daily, schedule=Recurring("0 18 * * *", "UTC"))
        result = run(desk([moved], audience(PEOPLE)), store, clock, run_id="r3")
        assert (result.doubt_before, result.exit_code) == (1, 4)


class TestConditions:
    def weeks(self, condition, provider_of, days, before=lambda day, store, clock: None, **more):
        steps = [step("invite"), step("reminder", 3), step("last", 7, only_if=condition)]
        drip = campaign(Drip(WALL, "UTC"), steps=steps, **more)
        store, clock, sent = MemoryLedger(), FakeClock(NOW), []
        for day in range(days):
            clock.set(NOW + timedelta(days=day))
            before(day, store, clock)
            provider = provider_of(day)
            run(desk([drip], audience(PEOPLE)), store, clock, provider, run_id=f"r{day:02d}")
            sent += [(job, key) for job, key, _ in provider.sent]
        return sent, store

    @pytest.mark.parametrize("condition", ["sent('reminder')", "not sent('reminder')"])
    def test_whether_it_was_sent_is_not_guessed_while_that_is_in_doubt(self, condition):
        sent, store = self.weeks(condition, lambda day: doubtful(PEOPLE[0], job="reminder"), 9)
        assert ("invite/last", fake_key(PEOPLE[0])) not in sent
        last = fold(store.sync().records("invite"), NOW).job("last")
        assert last.closed is None

    def test_once_it_is_known_it_counts(self):
        def settled(day, store, clock):
            if day == 8:
                say(store, clock, "sent")

        sent, _ = self.weeks(
            "sent('reminder')", lambda day: doubtful(PEOPLE[0], job="reminder"), 10, settled,
            lateness=Lateness(expires_after=timedelta(days=3)),
        )  # fmt: skip
        assert sent.count(("invite/last", fake_key(PEOPLE[0]))) == 1

    def test_a_step_that_was_skipped_as_too_late_was_not_sent(self):
        """Nobody waits for what will never come."""
        steps = [step("a"), step("b", 1), step("c", 8, only_if="sent('b')")]
        skip = Lateness(on_missed="skip")
        drip = campaign(Drip(WALL, "UTC"), steps=steps, lateness=skip)
        store, clock = MemoryLedger(), FakeClock(NOW)
        office = desk([drip], audience(PEOPLE))
        run(office, store, clock)
        clock.set(NOW + timedelta(days=8))
        run(office, store, clock, run_id="r2")
        assert {r.step for r in store.shared if isinstance(r, Closed)} == {"a", "b", "c"}


class TestContinuous:
    def drip(self, **more):
        steps = [step("invite"), step("reminder", 3), step("last", 7)]
        return campaign(Drip(WALL, "UTC", enrol="continuous"), steps=steps, **more)

    @pytest.mark.parametrize("start", ["doubt", "empty"])
    @pytest.mark.parametrize("policy", ["hold", "send", "skip"])
    def test_who_joins_has_their_own_clock_whatever_happened_at_the_start(self, start, policy):
        store, clock, sent = MemoryLedger(), FakeClock(NOW), []
        drip = self.drip(lateness=Lateness(on_missed=policy))
        first = PEOPLE if start == "doubt" else []
        for day in range(20):
            clock.set(NOW + timedelta(days=day))
            people = audience([*first, *(["new@example.com"] if day >= 8 else [])])
            provider = doubtful(PEOPLE[0])
            run(desk([drip], people), store, clock, provider, run_id=f"r{day:02d}")
            sent += [
                (job, day) for job, key, _ in provider.sent if key == fake_key("new@example.com")
            ]
        assert sent == [("invite/invite", 8), ("invite/reminder", 11), ("invite/last", 15)]


class TestChanged:
    def test_what_is_retried_after_the_end_is_not_sent_in_new_words_unasked(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        refuse = RecordingProvider(
            answer=lambda b, i: Outcome("refused", "550") if i < 3 else Outcome("accepted")
        )
        run(desk([campaign()], audience(PEOPLE)), store, clock, refuse)
        say(store, clock, "not_sent", kind="failed")
        changed = campaign(steps=[replace(step(), content=Content(template="new"))])
        result = run(desk([changed], audience(PEOPLE)), store, clock, run_id="r2")
        assert (result.sent, [h.code for h in result.held]) == (0, ["changed"])

    def test_while_nobody_has_the_old_words_they_may_change(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        busy = RecordingProvider(answer=lambda b, i: Outcome("temporary", "429"))
        run(desk([campaign()], audience(PEOPLE)), store, clock, busy)
        changed = campaign(steps=[replace(step(), content=Content(template="new"))])
        result = run(desk([changed], audience(PEOPLE)), store, clock, run_id="r2")
        assert (result.sent, result.held) == (10, ())


class TestFairness:
    def test_a_slow_campaign_does_not_keep_the_others_waiting(self):
        """A provider that cannot schedule is given what is due first, whosever it is."""
        clock, given = FakeClock(NOW), []

        def answer(batch, i):
            if batch.job_id == "b/main":
                given.append((clock.now() - NOW).total_seconds())
            return Outcome("accepted")

        provider = RecordingProvider(capabilities=Capabilities(), answer=answer)
        many = audience([f"m{n}@example.com" for n in range(2000)])
        slow = campaign(id="a", list_name="many", pacing=Pacing(delay_seconds=2))
        office = desk([slow, campaign(id="b")], {"many": many, "people": audience(PEOPLE)})
        run(office, MemoryLedger(), clock, provider)
        assert len(given) == 10
        assert max(given) <= 60


class TestLateness:
    def test_a_steps_own_pace_does_not_make_the_next_ones_too_late(self):
        strict = Lateness(timedelta(hours=1), "skip")
        steps = [step("a"), step("b"), step("c")]
        drip = campaign(
            Drip(WALL, "UTC"), steps=steps, pacing=Pacing(max_per_hour=2), lateness=strict
        )
        office, store, clock = desk([drip], audience(PEOPLE)), MemoryLedger(), FakeClock(NOW)
        provider = RecordingProvider()
        for n in range(40):
            run(office, store, clock, provider, run_id=f"r{n:02d}", look_ahead=timedelta(0))
            clock.sleep(1800)
        assert len(provider.sent) == 30


class TestScheduleEdited:
    """What a new schedule would have fired before anybody saw it is not owed."""

    def days(self, schedules, store, count=6):
        """A run every six hours; ``schedules`` by the hour from which each stands."""
        clock, sent = FakeClock(NOW), []
        for hour in range(0, 24 * count, 6):
            clock.set(NOW + timedelta(hours=hour))
            current = max(since for since in schedules if since <= hour)
            office = desk([campaign(schedules[current])], audience(PEOPLE))
            provider = RecordingProvider()
            run(office, store, clock, provider, run_id=f"r{hour:04d}")
            sent += [job for job, _, _ in provider.sent]
        return sorted(set(sent))

    def test_only_what_fires_from_then_on_is_owed(self):
        """Seen on a Monday; daily since Wednesday 14:00."""
        schedules = {0: Recurring("0 9 * * FRI", "UTC"), 48: Recurring("0 9 * * *", "UTC")}
        assert self.days(schedules, MemoryLedger(), 4) == [
            "invite/main@2025-10-23T09:00",
            "invite/main@2025-10-24T09:00",
        ]

    def test_a_later_end_owes_nothing_of_the_time_between(self):
        ended = Recurring("0 9 * * *", "UTC", until=utc("2025-10-21 23:00").replace(tzinfo=None))
        schedules = {0: ended, 90: replace(ended, until=None)}
        assert self.days(schedules, MemoryLedger(), 5) == [
            "invite/main@2025-10-21T09:00",
            "invite/main@2025-10-24T09:00",
            "invite/main@2025-10-25T09:00",
        ]

    def test_back_to_what_it_was_counts_as_an_edit_too(self):
        daily, weekly = Recurring("0 9 * * *", "UTC"), Recurring("0 9 * * MON", "UTC")
        schedules = {0: daily, 24: weekly, 96: daily}
        assert self.days(schedules, MemoryLedger(), 5) == [
            "invite/main@2025-10-21T09:00",
            "invite/main@2025-10-25T09:00",
        ]

    def test_a_ledger_that_does_not_know_the_schedule_keeps_its_anchor(self):
        """A state of the first version: nothing is lost by upgrading."""
        store = MemoryLedger()
        old = Planned("invite", "r0", NOW, NOW, 10)
        store.add_facts([old], run="r0", message="")
        assert len(self.days({0: Recurring("0 15 * * *", "UTC")}, store, 2)) == 2
        sights = [r for r in store.shared if isinstance(r, Planned)]
        assert [r.anchor for r in sights] == [NOW, NOW]
        assert [bool(r.schedule) for r in sights] == [False, True]

    def test_the_plan_of_a_pull_request_says_the_same(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        weekly = campaign(Recurring("0 9 * * FRI", "UTC"))
        run(desk([weekly], audience(PEOPLE)), store, clock)
        clock.set(NOW + timedelta(days=2))
        daily = replace(weekly, schedule=Recurring("0 13 * * *", "UTC"))
        now = clock.now()
        plan = survey(desk([daily], audience(PEOPLE)), store.sync(), Horizon(now, now, now))
        assert plan.jobs == ()


class TestTriedAgain:
    def test_a_retry_of_the_first_step_brings_the_later_ones(self):
        """The later step was over when the first one's failure was mended."""
        bad = fake_key(PEOPLE[0])
        steps = [step("invite"), step("reminder", 1)]
        late = Lateness(on_missed="send")
        office = desk([campaign(Drip(WALL, "UTC"), steps=steps, lateness=late)], audience(PEOPLE))
        store, clock, sent = MemoryLedger(), FakeClock(NOW), []

        def answer(batch, i):
            refused = batch.keys[i] == bad and clock.now() < NOW + timedelta(days=3)
            return Outcome("refused", "http 400") if refused else Outcome("accepted")

        for day in range(6):
            clock.set(NOW + timedelta(days=day))
            if day == 4:
                say(store, clock, "not_sent", kind="failed")
            provider = RecordingProvider(answer=answer)
            run(office, store, clock, provider, run_id=f"r{day}")
            sent += [job for job, key, _ in provider.sent if key == bad and day > 2]
        assert sent == ["invite/invite", "invite/reminder"]


class TestGuardsAtTheEdges:
    def test_from_nobody_to_many_is_growth(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        at = Scheduled(WALL + timedelta(hours=2), "UTC")
        later = campaign(at, guards=Guards(max_growth=0.1))
        run(desk([later], audience([])), store, clock)
        clock.sleep(3 * 3600)
        result = run(desk([later], audience(PEOPLE)), store, clock, run_id="r2")
        assert (result.sent, [hold.code for hold in result.held]) == (0, ["max_growth"])
        opened = replace(later, guards=Guards(max_growth=10.01))
        assert run(desk([opened], audience(PEOPLE)), store, clock, run_id="r3").sent == 10

    def test_a_continuous_drip_that_starts_too_late_is_held_not_skipped_for_ever(self):
        store, clock = MemoryLedger(), FakeClock(NOW + timedelta(days=3))
        drip = campaign(
            Drip(WALL, "UTC", enrol="continuous"),
            steps=[step("a")],
            lateness=Lateness(on_missed="skip"),
        )
        result = run(desk([drip], audience(PEOPLE)), store, clock)
        assert [hold.code for hold in result.held] == ["missed"]
        assert "start_at" in result.held[0].release
        sent = replace(drip, lateness=Lateness(on_missed="send"))
        assert run(desk([sent], audience(PEOPLE)), store, clock, run_id="r2").sent == 10


class TestForgottenSteps:
    def test_doubt_about_a_step_that_was_removed_is_shown(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        drip = campaign(Drip(WALL, "UTC"), steps=[step("a"), step("b", 9)])
        run(desk([drip], audience(PEOPLE)), store, clock, doubtful(PEOPLE[0]))
        clock.sleep(3600)
        without = replace(drip, steps=(step("b", 9),))
        result = run(desk([without], audience(PEOPLE)), store, clock, run_id="r2")
        shown = [(hold.code, hold.job_id, hold.count) for hold in result.held]
        assert ("forgotten", "invite/a", 1) in shown


class TestTheHourlyCap:
    def test_a_slow_provider_counts_from_when_it_was_done(self):
        """Mails planned for one moment left over half an hour: the next hour begins then."""
        clock, store, times = FakeClock(NOW), MemoryLedger(), []

        def slow(batch, i):
            clock.sleep(300)
            times.append(clock.now())
            return Outcome("accepted")

        many = audience([f"p{n}@example.com" for n in range(20)])
        hourly = campaign(Scheduled(WALL, "UTC"), pacing=Pacing(max_per_hour=5, batch_size=5))
        for number in range(40):
            clock.set(max(clock.now(), NOW + timedelta(minutes=15 * number)))
            provider = RecordingProvider(Capabilities(), answer=slow)
            run(desk([hourly], many), store, clock, provider, run_id=f"r{number:02d}")
        assert len(times) == 20
        hour = timedelta(hours=1)
        assert max(sum(t <= other < t + hour for other in times) for t in times) <= 5


class TestPlanAndRunAgree:
    def test_on_who_goes_first_when_a_paused_campaign_has_been_due_for_days(self):
        """The caps look as far back as somebody has been waiting, and nobody waits for a campaign
        that does not send."""
        often = Frequency(max=9, per=timedelta(days=1))
        shared = {"limits": Limits(max_per_hour=4), "frequency": often}
        old = campaign(Scheduled(WALL - timedelta(days=3), "UTC"), id="old", frequency=often)
        clock, store = FakeClock(NOW - timedelta(days=3)), MemoryLedger()
        for number in range(3):
            run(desk([old], audience(PEOPLE), **shared), store, clock, run_id=f"r{number}")
            clock.sleep(3600)
        paused = campaign(
            Scheduled(WALL - timedelta(days=3), "UTC"), id="c", status="paused", frequency=often
        )
        a, b = (campaign(Scheduled(WALL, "UTC"), id=name, frequency=often) for name in "ab")
        office = desk([old, a, b, paused], audience(PEOPLE), **shared)
        horizon = Horizon(NOW, NOW + timedelta(hours=2), NOW + timedelta(days=1))

        def order(plan):
            return {
                job.job_id: (list(job.queue.indices), list(job.queue.times))
                for job in plan.jobs
                if len(job.queue)
            }

        planned, carried_out = (
            order(survey(office, store.sync(), horizon, thorough=thorough))
            for thorough in (True, False)
        )
        assert len(planned) == 2
        assert planned == carried_out


class TestTheExitCode:
    def test_a_lost_race_does_not_hide_what_waits_for_a_person(self):
        one = RunResult("r", 0, 0, 0, 0, 0, 0, (), (), (), races=8, lost_race=True)
        assert one.exit_code == 6
        assert replace(one, doubt_before=1).exit_code == 4
        assert replace(one, held=(Hold("missed", "a", "a/main", "", ""),)).exit_code == 3


class TestCalledBack:
    def test_it_is_recorded_though_the_provider_turns_out_unusable(self):
        """Its mails are gone from the provider: they must not look sent."""

        class Unusable(RecordingProvider):
            def check(self):
                raise ProviderError("no key")

        able = Capabilities(schedule_ahead_seconds=72 * 3600, recall_before_seconds=600)
        store, clock = MemoryLedger(), FakeClock(NOW)
        slow = campaign(Scheduled(WALL, "UTC"), pacing=Pacing(delay_seconds=300))
        run(desk([slow], audience(PEOPLE)), store, clock, RecordingProvider(able))
        cancelled = desk([replace(slow, status="cancelled"), campaign(id="b")], audience(PEOPLE))
        with pytest.raises(ProviderError):
            run(cancelled, store, clock, Unusable(able), run_id="r2")
        assert any(isinstance(r, Resolution) for r in store.shared)


class TestSlowProviders:
    """Mails leave later than planned: what they are late for is looked at again."""

    @staticmethod
    def leaving(clock, seconds, *, ahead=0):
        """A provider that takes so many seconds for each mail, and when each of them left."""
        left = []

        def answer(batch, i):
            clock.sleep(next(seconds))
            left.append(int(clock.now().timestamp()))
            return Outcome("accepted")

        able = Capabilities(schedule_ahead_seconds=ahead)
        return RecordingProvider(capabilities=able, answer=answer), left

    @pytest.mark.parametrize("ahead", [0, 72 * 3600])
    def test_nobody_is_mailed_long_after_the_quiet_time_has_begun(self, ahead):
        """Those who are left get it in the morning, and are not late then."""
        clock, store = FakeClock(NOW), MemoryLedger()
        provider, left = self.leaving(clock, repeat(10), ahead=ahead)
        night = Quiet(hours=(14 * 60 + 30, 20 * 60))
        lateness = Lateness(timedelta(hours=1), "hold")
        one = campaign(
            Scheduled(WALL, "UTC"), quiet=night, pacing=Pacing(batch_size=5), lateness=lateness
        )
        at_desk = desk([one], audience([f"p{n}@example.com" for n in range(400)]))
        found = run(at_desk, store, clock, provider, budget=timedelta(hours=5))
        begins = int(NOW.timestamp()) + 1800
        assert begins - 60 < max(left) < begins + 60
        assert (found.sent, found.later, found.held) == (len(left), 400 - len(left), ())
        clock.set(NOW + timedelta(hours=6))
        run(at_desk, store, clock, provider, run_id="evening", budget=timedelta(hours=5))
        assert len(left) == 400

    def test_an_hour_that_began_late_ends_late(self):
        """A server that is slow for almost an hour and then quick gets no second hour at once."""
        clock, store = FakeClock(NOW), MemoryLedger()
        provider, left = self.leaving(clock, chain(repeat(11, 290), repeat(0)))
        at_desk = desk(
            [campaign(pacing=Pacing(batch_size=10))],
            audience([f"p{n}@example.com" for n in range(900)]),
            limits=Limits(max_per_hour=300),
        )
        run(at_desk, store, clock, provider, budget=timedelta(hours=6))
        assert len(left) == 900
        # what leaves up to five minutes late may be counted with the hour before
        early = zip(left, left[300:], strict=False)
        assert min(late - first for first, late in early) > 3600 - 2 * 300
