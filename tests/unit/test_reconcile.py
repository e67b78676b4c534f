"""The run over fakes that keep the ports' promises."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from runner.delivery import receipt
from runner.errors import InputError, Problem, RaceLost, StateUnreachable
from runner.model.campaign import Content, Drip, Immediate, Place, Recurring, Scheduled
from runner.model.ledger import Claim, Closed, Planned, Receipt
from runner.model.message import Capabilities, Outcome
from runner.model.settings import Guards, Lateness, Pacing
from runner.planning.planner import Horizon
from runner.reconcile import Reconciler, RunOptions
from runner.resolving import Decision, ask_provider, settle, unsettled
from runner.survey import survey
from runner.testing import (
    FakeClock,
    MemoryLedger,
    PlainTemplates,
    RecordingProvider,
    Silent,
    audience,
    fake_key,
)
from tests.builders import campaign, desk, run, step, utc

NOW = utc("2025-10-20 14:00")
PEOPLE = [f"p{n}@example.com" for n in range(10)]
ONCE = dict.fromkeys(map(fake_key, PEOPLE), 1)


def at_nine(**more):
    return Scheduled(utc("2025-10-20 14:00").replace(tzinfo=None), "UTC", **more)


class TestOnce:
    def test_everyone_once_and_a_second_run_sends_nothing(self):
        store, provider, clock = MemoryLedger(), RecordingProvider(), FakeClock(NOW)
        office = desk([campaign()], audience(PEOPLE))

        first = run(office, store, clock, provider)
        second = run(office, store, clock, provider, run_id="20251020T141500Z-bbbbbb")

        assert (first.sent, first.exit_code) == (10, 0)
        assert (second.sent, second.exit_code) == (0, 0)
        assert Counter(key for _, key, _ in provider.sent) == dict.fromkeys(
            map(fake_key, PEOPLE), 1
        )

    def test_claims_are_in_the_ledger_before_the_provider_hears_of_them(self):
        store = MemoryLedger()
        seen = []
        provider = RecordingProvider(
            answer=lambda batch, i: (
                seen.append(batch.claim_id in {c.id for c in store.claims}) or Outcome("accepted")
            )
        )
        run(desk([campaign()], audience(PEOPLE)), store, FakeClock(NOW), provider)
        assert seen == [True] * 10

    def test_a_finished_job_is_closed_and_its_list_not_read_again(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        office = desk([campaign()], audience(PEOPLE))
        run(office, store, clock)
        assert [r.counts["sent"] for r in store.shared if isinstance(r, Closed)] == [10]

        again = desk([campaign()], audience([*PEOPLE, "late@example.com"]))
        clock.sleep(3600)
        result = run(again, store, clock, run_id="20251020T150000Z-bbbbbb")
        assert again.audiences.reads == []
        assert result.exit_code == 0

    def test_who_was_skipped_did_not_join_later(self):
        """A job that is over still tells why whom it knew got nothing."""
        store, clock = MemoryLedger(), FakeClock(NOW)
        condition = "contact.email in ('p1@example.com', 'p2@example.com')"
        one = campaign(steps=[step("main", only_if=condition)])
        run(desk([one], audience(PEOPLE)), store, clock)

        clock.sleep(3600)
        now = clock.now()
        later = desk([one], audience([*PEOPLE[:9], "new@example.com", "newer@example.com"]))
        (job,) = survey(later, store.sync(), Horizon(now, now, now)).jobs
        assert job.closed
        assert (job.counts.sent, job.counts.total) == (2, 11)
        # of nine who got nothing, eight were skipped when there were ten people
        assert job.counts.excluded == {"only_if": 8, "joined_later": 1}

        smaller = desk([one], audience(PEOPLE[:6]))
        (job,) = survey(smaller, store.sync(), Horizon(now, now, now)).jobs
        assert job.counts.excluded == {"only_if": 4}

    def test_who_is_claimed_without_a_receipt_is_left_alone_then_in_doubt(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        office = desk([campaign()], audience(PEOPLE))

        class Killed(BaseException):
            pass

        def die(batch, i):
            raise Killed

        with pytest.raises(Killed):
            run(office, store, clock, RecordingProvider(answer=die))
        assert len(store.claims) == 1

        during = run(office, store, clock, run_id="20251020T140100Z-bbbbbb")
        assert (during.sent, during.exit_code) == (0, 0)

        clock.sleep(3600)
        after = run(office, store, clock, run_id="20251020T150000Z-cccccc")
        assert (after.sent, after.doubt_before, after.exit_code) == (0, 10, 4)


class TestOutcomes:
    def test_refused_is_failed_and_never_tried_again(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        office = desk([campaign()], audience(PEOPLE))
        bad = RecordingProvider(
            answer=lambda b, i: Outcome("refused", "smtp 550") if i == 3 else Outcome("accepted")
        )
        first = run(office, store, clock, bad)
        assert (first.sent, first.failed, first.exit_code) == (9, 1, 4)
        again = run(office, store, clock, run_id="20251020T141500Z-bbbbbb")
        assert (again.sent, again.failed, again.exit_code) == (0, 0, 0)

    def test_temporary_is_due_again_in_the_next_run_only(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        office = desk([campaign()], audience(PEOPLE))
        busy = RecordingProvider(answer=lambda b, i: Outcome("temporary", "http 429"))
        first = run(office, store, clock, busy)
        assert (first.sent, first.released, first.later, first.exit_code) == (0, 10, 10, 4)
        assert len(busy.batches) == 1

        second = run(office, store, clock, run_id="20251020T141500Z-bbbbbb")
        assert (second.sent, second.exit_code) == (10, 0)

    def test_ambiguous_is_in_doubt_and_loud(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        office = desk([campaign()], audience(PEOPLE))
        lost = RecordingProvider(answer=lambda b, i: Outcome("ambiguous", "http 500"))
        result = run(office, store, clock, lost)
        assert (result.in_doubt, result.exit_code) == (10, 4)
        again = run(office, store, clock, run_id="20251020T141500Z-bbbbbb")
        assert (again.sent, again.doubt_before, again.exit_code) == (0, 10, 4)

    def test_one_contact_that_cannot_be_rendered_does_not_cost_the_others(self):
        store = MemoryLedger()
        office = desk(
            [campaign()],
            audience(PEOPLE),
            templates=PlainTemplates(frozenset({PEOPLE[0], PEOPLE[4]})),
        )
        result = run(office, store, FakeClock(NOW))
        assert (result.sent, result.failed) == (8, 2)
        parts = next(r for r in store.shared if isinstance(r, Receipt)).parts
        assert {(p.kind, p.ranges) for p in parts} == {
            ("refused", ((0, 1), (4, 1))),
            ("accepted", ((1, 3), (5, 5))),
        }

    def test_too_many_failures_stop_the_job(self):
        store = MemoryLedger()
        people = audience([f"p{n}@example.com" for n in range(100)])
        slow = campaign(guards=Guards(max_failure_rate=0.05), pacing=Pacing(batch_size=10))
        refuse = RecordingProvider(answer=lambda b, i: Outcome("refused", "smtp 550"))
        result = run(desk([slow], people), store, FakeClock(NOW), refuse)
        assert result.failed == 10
        assert [hold.code for hold in result.held] == ["max_failure_rate"]


class TestState:
    def test_a_lost_race_throws_the_claim_away_and_plans_anew(self):
        store, provider = MemoryLedger(), RecordingProvider()
        rival = MemoryLedger(shared=store.shared)
        office = desk([campaign()], audience(PEOPLE))

        def lose_once(records):
            store.before_append = lambda records: None
            run(office, rival, FakeClock(NOW), provider, run_id="20251020T135959Z-rival1")

        store.before_append = lose_once
        result = run(office, store, FakeClock(NOW), provider)
        assert (result.sent, result.exit_code) == (0, 6)
        assert Counter(key for _, key, _ in provider.sent).most_common(1)[0][1] == 1

    def test_nothing_is_sent_when_the_claim_cannot_be_written(self):
        def full(records):
            raise StateUnreachable("no space left on device")

        store, provider = MemoryLedger(before_append=full), RecordingProvider()
        result = run(desk([campaign()], audience(PEOPLE)), store, FakeClock(NOW), provider)
        assert provider.sent == []
        assert result.exit_code == 5

    def test_endless_races_end(self):
        def lose(records):
            if any(isinstance(record, Claim) for record in records):
                raise RaceLost("again")

        store, provider = MemoryLedger(before_append=lose), RecordingProvider()
        result = run(desk([campaign()], audience(PEOPLE)), store, FakeClock(NOW), provider)
        assert (result.exit_code, provider.sent) == (6, [])

    def test_first_sight_is_recorded_with_the_size_of_the_audience(self):
        store = MemoryLedger()
        later = campaign(Scheduled(utc("2026-01-01 09:00").replace(tzinfo=None), "UTC"))
        run(desk([later], audience(PEOPLE)), store, FakeClock(NOW))
        assert [(r.total, r.at) for r in store.shared if isinstance(r, Planned)] == [(10, NOW)]

    def test_nothing_due_reads_no_list_and_writes_nothing(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        later = campaign(Scheduled(utc("2026-01-01 09:00").replace(tzinfo=None), "UTC"))
        office = desk([later], audience(PEOPLE))
        run(office, store, clock)
        office.audiences.reads.clear()
        appends = store.appends
        run(office, store, clock, run_id="20251020T141500Z-bbbbbb")
        assert (office.audiences.reads, store.appends) == ([], appends)

    def test_a_list_that_cannot_be_read_holds_its_campaign_and_no_other(self):
        office = desk(
            [campaign(id="a", list_name="gone"), campaign(id="b")], {"people": audience(PEOPLE)}
        )
        result = run(office, MemoryLedger(), FakeClock(NOW))
        assert (result.sent, result.exit_code) == (10, 3)
        assert [(h.code, h.campaign) for h in result.held] == [("unreadable", "a")]


class TestTime:
    def test_scheduled_is_not_sent_before_its_time_but_handed_over_ahead(self):
        store, clock, provider = (
            MemoryLedger(),
            FakeClock(NOW - timedelta(hours=2)),
            RecordingProvider(),
        )
        office = desk([campaign(at_nine())], audience(PEOPLE))
        assert run(office, store, clock, provider).sent == 0
        clock.set(NOW - timedelta(minutes=30))
        run(office, store, clock, provider, run_id="20251020T133000Z-bbbbbb")
        assert {when for _, _, when in provider.sent} == {int(NOW.timestamp())}

    def test_a_provider_that_cannot_schedule_gets_each_mail_when_it_is_due(self):
        store, clock = MemoryLedger(), FakeClock(NOW - timedelta(minutes=5))
        handed = []
        provider = RecordingProvider(
            capabilities=Capabilities(),
            answer=lambda b, i: handed.append((clock.now(), b.send_at[i])) or Outcome("accepted"),
        )
        paced = campaign(at_nine(), pacing=Pacing(delay_seconds=2))
        result = run(desk([paced], audience(PEOPLE)), store, clock, provider)
        assert result.sent == 10
        assert [int(now.timestamp()) for now, _ in handed] == [when for _, when in handed]
        assert [(when - int(NOW.timestamp())) for _, when in handed] == list(range(0, 20, 2))

    def test_what_the_budget_does_not_allow_is_the_next_runs(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        slow = RecordingProvider(
            capabilities=Capabilities(),
            answer=lambda b, i: clock.sleep(60) or Outcome("accepted"),
        )
        office = desk([campaign(pacing=Pacing(batch_size=1))], audience(PEOPLE))
        first = run(office, store, clock, slow, budget=timedelta(minutes=3))
        assert 0 < first.sent < 10
        assert first.sent + first.later == 10
        assert first.exit_code == 0
        while run(office, store, clock, slow, run_id=f"r{clock.now()}").later:
            pass
        assert Counter(k for _, k, _ in slow.sent) == ONCE

    def test_a_stop_settles_what_was_sent(self):
        store, clock = MemoryLedger(), FakeClock(NOW)

        def answer(batch, i):
            clock.stopping = True
            return Outcome("accepted")

        office = desk([campaign(pacing=Pacing(batch_size=2))], audience(PEOPLE))
        result = run(office, store, clock, RecordingProvider(answer=answer))
        assert (result.sent, result.exit_code) == (2, 130)
        clock.stopping = False
        assert run(office, store, clock, run_id="20251020T141500Z-bbbbbb").sent == 8

    def test_missed_is_held_not_sent(self):
        clock = FakeClock(NOW + timedelta(hours=25))
        result = run(desk([campaign(at_nine())], audience(PEOPLE)), MemoryLedger(), clock)
        assert (result.sent, result.exit_code) == (0, 3)
        assert [(h.code, h.count) for h in result.held] == [("missed", 10)]

    @pytest.mark.parametrize(("policy", "sent"), [("send", 10), ("skip", 0)])
    def test_other_policies_for_what_was_missed(self, policy, sent):
        clock = FakeClock(NOW + timedelta(hours=25))
        late = campaign(at_nine(), lateness=Lateness(on_missed=policy))
        result = run(desk([late], audience(PEOPLE)), MemoryLedger(), clock)
        assert (result.sent, result.exit_code) == (sent, 0)

    def test_the_hourly_cap_holds_across_runs(self):
        store, clock, provider = MemoryLedger(), FakeClock(NOW), RecordingProvider()
        office = desk([campaign(pacing=Pacing(max_per_hour=3, batch_size=2))], audience(PEOPLE))
        for n in range(30):
            run(office, store, clock, provider, run_id=f"run{n:02d}", look_ahead=timedelta(0))
            clock.sleep(7 * 60)
        times = sorted(when for _, _, when in provider.sent)
        assert len(times) == 10
        assert all(b - a >= 3600 for a, b in zip(times, times[3:], strict=False))


class TestDrip:
    def drip(self, **more):
        steps = [step("invite"), step("reminder", 3), step("last", 7, only_if="sent('reminder')")]
        schedule = Drip(utc("2025-10-20 09:00").replace(tzinfo=None), "America/Chicago", **more)
        return campaign(schedule, id="drip", steps=steps)

    def days(self, office, days):
        store, provider = MemoryLedger(), RecordingProvider()
        clock = FakeClock(NOW)
        for day in range(days):
            clock.set(NOW + timedelta(days=day, hours=1))
            run(
                office if not callable(office) else office(day),
                store,
                clock,
                provider,
                run_id=f"run{day:02d}",
            )
        return Counter(job for job, _, _ in provider.sent), store

    def test_each_step_once_on_its_day(self):
        sent, _ = self.days(desk([self.drip()], audience(PEOPLE)), 10)
        assert sent == {"drip/invite": 10, "drip/reminder": 10, "drip/last": 10}

    def test_at_start_who_joins_later_gets_nothing(self):
        def office(day):
            return desk([self.drip()], audience(PEOPLE + (["new@example.com"] if day else [])))

        sent, _ = self.days(office, 10)
        assert sent == {"drip/invite": 10, "drip/reminder": 10, "drip/last": 10}

    def test_continuous_gives_late_joiners_their_own_clock(self):
        def office(day):
            people = PEOPLE + (["new@example.com"] if day >= 5 else [])
            return desk([self.drip(enrol="continuous")], audience(people))

        sent, store = self.days(office, 15)
        assert sent == {"drip/invite": 11, "drip/reminder": 11, "drip/last": 11}
        new = fake_key("new@example.com")
        days = {c.step: (c.at - NOW).days for c in store.claims if new in c.keys}
        assert days == {"invite": 5, "reminder": 8, "last": 12}

    def test_who_leaves_the_list_gets_no_further_step(self):
        def office(day):
            return desk([self.drip()], audience(PEOPLE if day < 2 else PEOPLE[1:]))

        sent, _ = self.days(office, 10)
        assert sent == {"drip/invite": 10, "drip/reminder": 9, "drip/last": 9}


class TestRecurring:
    def test_each_occurrence_once_and_none_from_before_it_was_seen(self):
        weekly = campaign(Recurring("0 9 * * MON", "Europe/London"), id="digest")
        store, provider, clock = MemoryLedger(), RecordingProvider(), FakeClock(NOW)
        office = desk([weekly], audience(PEOPLE))
        for hour in range(0, 24 * 22, 6):
            clock.set(NOW + timedelta(hours=hour))
            run(office, store, clock, provider, run_id=f"run{hour:04d}")
        sent = Counter((job, key) for job, key, _ in provider.sent)
        assert set(sent.values()) == {1}
        assert sorted({job for job, _ in sent}) == [
            "digest/main@2025-10-27T09:00",
            "digest/main@2025-11-03T09:00",
            "digest/main@2025-11-10T09:00",
        ]

    def test_of_what_is_over_only_the_newest_are_looked_at(self):
        daily = campaign(Recurring("0 9 * * *", "UTC"), id="daily")
        store, clock = MemoryLedger(), FakeClock(NOW)
        office = desk([daily], audience(PEOPLE))
        for day in range(12):
            clock.set(NOW + timedelta(days=day))
            run(office, store, clock, run_id=f"run{day:02d}")
        now = clock.now()
        few = survey(office, store.sync(), Horizon(now, now, now))
        every = survey(office, store.sync(), Horizon(now, now, now, closed_shown=99))
        assert (len(few.jobs), len(every.jobs)) == (5, 11)
        assert few.jobs == every.jobs[-5:]

    def test_an_occurrence_of_years_ago_is_not_owed(self):
        weekly = campaign(
            Recurring("0 9 * * MON", "UTC", start_at=utc("2020-01-01 00:00").replace(tzinfo=None)),
        )
        result = run(desk([weekly], audience(PEOPLE)), MemoryLedger(), FakeClock(NOW))
        assert (result.sent, result.held, result.exit_code) == (0, (), 0)


class TestRename:
    def after_a_run(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        run(desk([campaign(id="old")], audience(PEOPLE)), store, clock)
        clock.sleep(60)
        return store, clock

    def test_a_renamed_file_does_not_mail_everyone_again(self):
        store, clock = self.after_a_run()
        result = run(desk([campaign(id="new")], audience(PEOPLE)), store, clock, run_id="r2")
        assert (result.sent, [hold.code for hold in result.held]) == (0, ["renamed"])
        assert "id: old" in result.held[0].release

    def test_an_explicit_id_says_which_it_is(self):
        store, clock = self.after_a_run()
        place = Place("campaigns/new-file.yaml", 1, 1)
        same = replace(campaign(id="old"), place=place)
        assert run(desk([same], audience(PEOPLE)), store, clock, run_id="r2").sent == 0
        anew = replace(campaign(id="new"), place=place)
        assert run(desk([anew], audience(PEOPLE)), store, clock, run_id="r3").sent == 10

    def test_a_twin_beside_the_old_one_is_no_rename(self):
        store, clock = self.after_a_run()
        both = desk([campaign(id="old"), campaign(id="twin")], audience(PEOPLE))
        assert run(both, store, clock, run_id="r2").sent == 10


class TestGates:
    def codes(self, result):
        return [hold.code for hold in result.held]

    def test_over_max_recipients_nothing_goes(self):
        big = campaign(guards=Guards(max_recipients=9))
        provider = RecordingProvider()
        result = run(desk([big], audience(PEOPLE)), MemoryLedger(), FakeClock(NOW), provider)
        assert (self.codes(result), provider.sent, result.exit_code) == (["max_recipients"], [], 3)
        assert "guards.max_recipients: 10" in result.held[0].release

    def test_an_empty_audience_holds(self):
        result = run(desk([campaign()], audience([])), MemoryLedger(), FakeClock(NOW))
        assert (self.codes(result), result.exit_code) == (["empty_audience"], 3)

    @pytest.mark.parametrize(
        ("then", "code"),
        [(PEOPLE * 1 + ["a@example.com"] * 1, "max_growth"), (PEOPLE[:5], "max_shrink")],
    )
    def test_growth_and_shrinkage_against_what_was_planned(self, then, code):
        guarded = campaign(at_nine(), guards=Guards(max_growth=0.05, max_shrink=0.3))
        store, clock = MemoryLedger(), FakeClock(NOW - timedelta(days=2))
        run(desk([guarded], audience(PEOPLE)), store, clock)
        clock.set(NOW)
        provider = RecordingProvider()
        result = run(desk([guarded], audience(then)), store, clock, provider, run_id="later")
        assert (self.codes(result), provider.sent) == ([code], [])

    def test_changed_content_holds_until_the_revision_is_raised(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        slow = Pacing(max_per_hour=5)
        run(desk([campaign(pacing=slow)], audience(PEOPLE)), store, clock, look_ahead=timedelta(0))
        clock.sleep(4000)
        changed = campaign(pacing=slow, steps=[replace(step(), content=Content(template="new"))])
        held = run(desk([changed], audience(PEOPLE)), store, clock, run_id="r2")
        assert (self.codes(held), held.sent) == (["changed"], 0)
        raised = replace(changed, revision=2)
        assert run(desk([raised], audience(PEOPLE)), store, clock, run_id="r3").sent == 5

    @pytest.mark.parametrize("how", ["campaign", "workspace"])
    def test_paused_sends_nothing_and_is_not_a_hold(self, how):
        one = campaign(Immediate(), status="paused" if how == "campaign" else "active")
        office = desk([one], audience(PEOPLE), paused=how == "workspace")
        result = run(office, MemoryLedger(), FakeClock(NOW))
        assert (result.sent, result.exit_code) == (0, 0)


class Changing:
    """Desks whose approved state changes at the n-th look."""

    def __init__(self, *desks):
        self.current = desks[0]
        self.later = list(desks[1:])

    def newest(self):
        if self.later:
            self.current = self.later.pop(0)
        return self.current


class TestApprovalChanges:
    def slow(self, status="active"):
        return campaign(status=status, pacing=Pacing(batch_size=1))

    def test_a_cancel_is_seen_at_the_next_slice(self):
        people = audience(PEOPLE)
        before, after = desk([self.slow()], people), desk([self.slow("cancelled")], people)
        store, provider = MemoryLedger(), RecordingProvider()
        options = RunOptions("run1", timedelta(minutes=10), timedelta(minutes=60))
        result = Reconciler(
            Changing(before, after), store, provider, FakeClock(NOW), Silent(), options
        ).run()
        # the first slice is one batch of one; the second look sees the cancel
        assert (result.sent, len(provider.sent), result.exit_code) == (1, 1, 0)

    def test_what_cannot_be_read_any_more_stops_the_run(self):
        class Broken(Changing):
            def newest(self):
                raise InputError([Problem("sendoff.yaml", 1, 1, "is broken")])

        store, provider = MemoryLedger(), RecordingProvider()
        options = RunOptions("run1", timedelta(minutes=10), timedelta(minutes=60))
        result = Reconciler(
            Broken(desk([self.slow()], audience(PEOPLE))),
            store,
            provider,
            FakeClock(NOW),
            Silent(),
            options,
        ).run()
        assert (result.sent, result.exit_code) == (1, 3)
        assert "is broken" in result.stopped


class TestRecall:
    ABLE = Capabilities(schedule_ahead_seconds=72 * 3600, recall_before_seconds=600)

    def test_mails_scheduled_for_later_are_called_back_when_the_campaign_is_cancelled(self):
        paced = at_nine()
        one = campaign(paced, pacing=Pacing(delay_seconds=300))
        store, provider = MemoryLedger(), RecordingProvider(capabilities=self.ABLE)
        clock = FakeClock(NOW)
        people = audience(PEOPLE)
        first = run(desk([one], people), store, clock, provider)
        assert first.sent == 10  # handed over, the last for 45 minutes later
        clock.sleep(600)
        cancelled = replace(one, status="cancelled")
        result = run(desk([cancelled], people), store, clock, provider, run_id="r2")
        # those up to twenty minutes past nine are gone or too near: 0, 5, 10, 15 and 20
        assert (result.recalled, provider.recalled) == (5, ["handle:invite/main"])
        again = run(desk([cancelled], people), store, clock, provider, run_id="r3")
        assert (again.recalled, len(provider.recalled)) == (0, 1)
        now = clock.now()
        plan = survey(desk([cancelled], people), store.sync(), Horizon(now, now, now))
        assert (plan.jobs[0].counts.sent, plan.jobs[0].counts.cancelled) == (5, 5)

    def test_what_the_provider_does_not_confirm_stays_sent(self):
        class Late(RecordingProvider):
            def recall(self, handle):
                return False

        one = campaign(at_nine(), pacing=Pacing(delay_seconds=300))
        store, provider, clock = MemoryLedger(), Late(capabilities=self.ABLE), FakeClock(NOW)
        run(desk([one], audience(PEOPLE)), store, clock, provider)
        cancelled = desk([replace(one, status="cancelled")], audience(PEOPLE))
        result = run(cancelled, store, clock, provider, run_id="r2")
        assert (result.recalled, result.exit_code) == (0, 3)
        # of ten mails five minutes apart, seven are more than ten minutes ahead
        assert [(h.code, h.count) for h in result.held] == [("not_recalled", 7)]


class TestDoubt:
    def killed(self, **more):
        store, clock = MemoryLedger(), FakeClock(NOW)
        office = desk([campaign()], audience(PEOPLE))
        office.resends = more.get("resends", "")

        class Killed(BaseException):
            pass

        def die(batch, i):
            raise Killed

        with pytest.raises(Killed):
            run(office, store, clock, RecordingProvider(answer=die))
        clock.sleep(3600)
        return office, store, clock

    def test_a_provider_that_cannot_mail_twice_is_given_it_again(self):
        office, store, clock = self.killed(resends="recording")
        result = run(office, store, clock, run_id="r2")
        assert (result.sent, result.doubt_before, result.exit_code) == (10, 0, 0)

    @pytest.mark.parametrize(("verdict", "sent"), [("sent", 0), ("not_sent", 10)])
    def test_a_persons_word_settles_it(self, verdict, sent):
        office, store, clock = self.killed()
        found = unsettled(store.sync().records("invite"), "in_doubt", clock.now())
        assert [one.count for one in found] == [10]
        # a week later: what is made due again is not too late for it
        clock.sleep(7 * 86400)
        store.add_facts(
            settle(found, verdict, Decision("Ann", clock.now())), run="resolve", message=""
        )
        result = run(office, store, clock, run_id="r2")
        assert (result.sent, result.exit_code) == (sent, 0)

    def test_the_providers_evidence_settles_what_it_is_sure_of(self):
        office, store, clock = self.killed()
        keys = {fake_key(email): email for email in PEOPLE}
        provider = RecordingProvider(
            verdicts={fake_key(PEOPLE[0]): "sent", fake_key(PEOPLE[1]): "not_sent"}
        )
        found = unsettled(store.sync().records("invite"), "in_doubt", clock.now())
        facts = ask_provider(found, provider, keys, Decision("Ann", clock.now()))
        assert [(f.verdict, f.ranges) for f in facts] == [
            ("sent", ((0, 1),)),
            ("not_sent", ((1, 1),)),
        ]
        store.add_facts(facts, run="resolve", message="")
        result = run(office, store, clock, run_id="r2")
        assert (result.sent, result.doubt_before) == (1, 8)

    def test_failed_ones_are_tried_again_when_someone_says_so(self):
        store, clock = MemoryLedger(), FakeClock(NOW)
        office = desk([campaign()], audience(PEOPLE))
        bad = RecordingProvider(
            answer=lambda b, i: Outcome("refused", "smtp 550") if i < 3 else Outcome("accepted")
        )
        run(office, store, clock, bad)
        clock.sleep(5 * 86400)
        found = unsettled(store.sync().records("invite"), "failed", clock.now())
        assert sum(one.count for one in found) == 3
        facts = settle(found, "not_sent", Decision("Ann", clock.now(), "retry"))
        store.add_facts(facts, run="retry", message="")
        result = run(office, store, clock, run_id="r2")
        assert (result.sent, result.exit_code) == (3, 0)


class TestBugs:
    def test_a_provider_that_breaks_leaves_doubt_and_loses_nothing(self):
        """What was settled before is recorded, what it had in hand is in doubt, and it is loud."""

        class Breaks(RecordingProvider):
            def deliver(self, batches, deadline):
                for number, (batch, answers) in enumerate(super().deliver(batches, deadline)):
                    if number == 1:
                        raise ZeroDivisionError
                    yield batch, answers

        store, clock = MemoryLedger(), FakeClock(NOW)
        office = desk([campaign(pacing=Pacing(batch_size=1))], audience(PEOPLE))
        with pytest.raises(ZeroDivisionError):
            run(office, store, clock, Breaks())
        clock.sleep(3600)
        now = clock.now()
        plan = survey(office, store.sync(), Horizon(now, now, now))
        counts = plan.jobs[0].counts
        # slices of 1, 4 …: one sent, then one sent and one in its hands; the rest never went
        assert (counts.sent, counts.in_doubt, counts.due) == (2, 1, 7)


class TestReceipts:
    def claim(self, count):
        store = MemoryLedger()
        run(
            desk([campaign()], audience([f"p{n}@example.com" for n in range(count)])),
            store,
            FakeClock(NOW),
        )
        return store.claims[0]

    def test_the_ledger_keeps_the_names_of_requests_and_not_of_each_message(self):
        claim = self.claim(100)
        each = receipt(claim, [Outcome("accepted", ref=f"{n}.eml") for n in range(100)], NOW)
        assert [(p.ranges, p.ref) for p in each.parts] == [(((0, 100),), "")]
        halves = receipt(claim, [Outcome("accepted", ref="ab"[n // 50]) for n in range(100)], NOW)
        assert [(p.ranges, p.ref) for p in halves.parts] == [
            (((0, 50),), "a"),
            (((50, 50),), "b"),
        ]
