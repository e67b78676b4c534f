"""What SendGrid can do afterwards: call back what waits, and tell what became of the doubtful."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench, GitBench
from tests.servers.sendgrid import Fault, SendgridServer

START = datetime(2025, 10, 20, 13, 30, tzinfo=UTC)
AT_NINE = "{send: scheduled, at: 2025-10-20 09:00, timezone: America/Chicago}"
"""Half an hour after START."""


class Hand:
    """A bench, the server it sends through, and the time of both."""

    def __init__(self, bench: Bench, server: SendgridServer) -> None:
        self.bench = bench
        self.server = server
        self.now = START
        server.now = self.time
        bench.environ["SENDGRID_API_KEY"] = server.key

    def time(self) -> float:
        return self.now.timestamp()

    def workspace(self, *, more: str = "", backend: str = "files", people: int = 6) -> None:
        providers = f'providers: {{sendgrid: {{base_url: "{self.server.url}"}}}}\n{more}'
        self.bench.workspace(provider="sendgrid", backend=backend, more=providers, people=people)

    def sendoff(self, *args: str):
        return self.bench.sendoff(*args, "--now", self.now.isoformat())

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def job(self) -> dict[str, int]:
        (job,) = self.sendoff("status", "--json").json["jobs"]
        return {name: value for name, value in job.items() if name.endswith("_count")}

    def got(self) -> Counter[str]:
        """How many mails each contact gets, the ones called back left out."""
        return Counter(mail.to for mail in self.server.delivered)


@pytest.fixture
def server() -> Iterator[SendgridServer]:
    with SendgridServer() as server:
        yield server


@pytest.fixture
def hand(tmp_path: Path, server: SendgridServer) -> Hand:
    return Hand(Bench(tmp_path), server)


class TestCalledBack:
    @pytest.fixture
    def hand(self, tmp_path: Path, server: SendgridServer) -> Hand:
        return Hand(GitBench.make(tmp_path), server)

    def handed_over(self, hand: Hand, more: str = "") -> None:
        hand.workspace(backend="git", more=more)
        hand.bench.campaign(schedule=AT_NINE)
        hand.bench.merge()
        assert hand.sendoff("init").code == 0
        ran = hand.sendoff("run", "--json")
        assert (ran.code, ran.json["sent"]) == (0, 6), ran.err
        assert len(hand.server.delivered) == 6

    def cancel(self, hand: Hand, *, merge: bool = True) -> None:
        assert hand.sendoff("cancel", "hello").code == 0
        if merge:
            hand.bench.merge("Cancel hello")

    def test_a_merged_cancellation_calls_back_what_waits(self, hand):
        self.handed_over(hand)
        hand.wait(minutes=5)
        self.cancel(hand)
        ran = hand.sendoff("run", "--json")
        assert ran.code == 0, ran.err
        assert hand.server.delivered == []
        assert sorted(mail.to for mail in hand.server.called_back) == [
            f"p{n}@example.com" for n in range(6)
        ]
        counts = hand.job()
        assert (counts["sent_count"], counts["cancelled_count"]) == (0, 6)
        hand.wait(hours=2)
        assert hand.sendoff("run", "--json").code == 0
        assert hand.server.delivered == []
        assert len(hand.server.asked("POST /v3/user/scheduled_sends")) == 1

    def test_all_claims_of_a_job_are_one_batch(self, hand):
        self.handed_over(hand, more="pacing: {batch_size: 2}")
        assert len(hand.server.requests) == 3
        assert len({mail.batch_id for mail in hand.server.delivered}) == 1
        self.cancel(hand)
        assert hand.sendoff("run").code == 0
        assert (hand.job()["cancelled_count"], hand.server.delivered) == (6, [])
        assert len(hand.server.asked("POST /v3/user/scheduled_sends")) == 1

    def test_what_is_in_doubt_is_called_back_and_in_doubt_no_longer(self, hand):
        hand.server.misbehave(Fault("status", 500, processed=True))
        hand.workspace(backend="git")
        hand.bench.campaign(schedule=AT_NINE)
        hand.bench.merge()
        hand.sendoff("init")
        assert hand.sendoff("run", "--json").json["in_doubt"] == 6
        self.cancel(hand)
        ran = hand.sendoff("run", "--json")
        assert (ran.code, ran.json["in_doubt_before"]) == (0, 0), ran.out
        assert hand.server.delivered == []
        assert "Nothing is in doubt" in hand.sendoff("resolve").out

    def test_an_unmerged_cancellation_calls_nothing_back(self, hand):
        self.handed_over(hand)
        self.cancel(hand, merge=False)
        assert hand.sendoff("run").code == 0
        assert len(hand.server.delivered) == 6
        assert hand.job()["sent_count"] == 6

    def test_what_is_too_near_goes_and_stays_sent(self, hand):
        self.handed_over(hand, more="pacing: {delay_seconds: 300}")
        hand.wait(minutes=20)  # 10 minutes before the first: 0 and 5 minutes later is too near
        self.cancel(hand)
        assert hand.sendoff("run").code == 0
        counts = hand.job()
        assert (counts["sent_count"], counts["cancelled_count"]) == (2, 4)
        # p1 is 15 minutes ahead: SendGrid throws it away as well, though it promised nothing to
        # the second.  It stays booked as sent: nobody is mailed on the ground of a hope.
        assert set(hand.got()) <= {"p0@example.com", "p1@example.com"}

    def test_a_service_that_says_no_is_asked_again_by_the_next_run(self, hand, caplog):
        self.handed_over(hand)
        self.cancel(hand)
        hand.server.misbehave(Fault("status", 403), at="POST /v3/user/scheduled_sends")
        assert hand.sendoff("run").code == 3
        assert "not certain that a batch was called back (http 403)" in caplog.text
        assert hand.job()["sent_count"] == 6
        hand.wait(minutes=5)
        assert hand.sendoff("run").code == 0
        assert (hand.job()["cancelled_count"], hand.server.delivered) == (6, [])

    def test_a_campaign_taken_up_again_sends_each_one_mail(self, hand):
        self.handed_over(hand)
        self.cancel(hand)
        assert hand.sendoff("run").code == 0
        hand.bench.campaign(schedule=AT_NINE)
        hand.bench.merge("Take it up again")
        hand.wait(minutes=5)
        assert hand.sendoff("run", "--json").json["sent"] == 6
        assert hand.got() == {f"p{n}@example.com": 1 for n in range(6)}

    def test_without_a_batch_id_sending_goes_on(self, hand):
        hand.server.misbehave(Fault("status", 403), at="POST /v3/mail/batch")
        self.handed_over(hand)
        self.cancel(hand)
        assert hand.sendoff("run").code == 0
        assert len(hand.server.delivered) == 6
        assert hand.job()["sent_count"] == 6


class TestEvidence:
    def started(self, hand: Hand, more: str = "pacing: {batch_size: 3}") -> None:
        hand.workspace(more=more)
        hand.bench.campaign()
        assert hand.sendoff("init").code == 0

    def test_what_the_log_shows_is_sent_and_what_it_cannot_miss_is_not(self, hand):
        self.started(hand)
        hand.server.misbehave(Fault("status", 500, processed=True), Fault("status", 500))
        ran = hand.sendoff("run", "--json")
        assert (ran.code, ran.json["sent"], ran.json["in_doubt"]) == (4, 0, 6), ran.out
        taken = set(hand.got())
        assert len(taken) == 3

        hand.wait(hours=1)
        asked = hand.sendoff("resolve", "--by", "Ann")
        assert asked.code == 0, asked.out + asked.err
        assert "3 mails settled as sent." in asked.out
        assert "3 mails settled as not sent" in asked.out
        assert hand.sendoff("run", "--json").json["sent"] == 3
        assert hand.got() == {f"p{n}@example.com": 1 for n in range(6)}
        assert hand.job()["sent_count"] == 6
        assert "example.com" not in "".join(
            path.read_text() for path in (hand.bench.root / "state").rglob("*.json*")
        )

    def test_too_early_nothing_is_said_to_be_unsent(self, hand):
        self.started(hand)
        hand.server.misbehave(Fault("status", 500, processed=True), Fault("status", 500))
        hand.sendoff("run")
        hand.wait(minutes=10)
        asked = hand.sendoff("resolve")
        assert asked.code == 4
        assert "3 mails settled as sent." in asked.out
        assert "not sent:" not in asked.out
        hand.wait(hours=1)
        assert "3 mails settled as not sent" in hand.sendoff("resolve").out

    def test_a_log_that_may_not_be_read_settles_nothing(self, hand, caplog):
        self.started(hand)
        hand.server.misbehave(*[Fault("status", 500, processed=True)] * 2)
        hand.sendoff("run")
        hand.wait(hours=1)
        hand.server.misbehave(Fault("status", 403), at="POST /v3/logs")
        asked = hand.sendoff("resolve")
        assert asked.code == 4
        assert "no answer from the Email Logs (http 403)" in caplog.text
        assert len(hand.server.asked("POST /v3/logs")) == 1
        assert hand.job()["in_doubt_count"] == 6

    @pytest.mark.parametrize("processed", [True, False])
    def test_a_run_that_was_killed_while_it_waited_for_the_answer(self, hand, processed):
        self.started(hand, more="")
        hand.server.misbehave(Fault("hang", processed=processed))
        child = subprocess.Popen(
            [
                *(sys.executable, "-m", "runner", "--root", str(hand.bench.root)),
                *("run", "--now", hand.now.isoformat()),
            ],
            env={**os.environ, **hand.bench.environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert hand.server.hanging.wait(60)
        child.kill()
        child.wait()
        hand.wait(hours=1)
        assert hand.sendoff("run", "--json").json["sent"] == 0
        assert hand.sendoff("resolve", "--by", "Ann").code == 0
        hand.sendoff("run")
        assert hand.got() == {f"p{n}@example.com": 1 for n in range(6)}
        assert hand.job()["sent_count"] == 6
