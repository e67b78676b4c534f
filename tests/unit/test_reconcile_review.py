"""The run in the corners: what a review found, pinned."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from runner.errors import InputError, Problem
from runner.model.campaign import Content, Drip, Recurring, Scheduled
from runner.model.ledger import Closed, Receipt
from runner.model.message import Capabilities, Outcome
from runner.model.settings import Lateness, Pacing
from runner.planning.history import fold
from runner.resolving import Decision, settle, unsettled
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
