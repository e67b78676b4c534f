from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from runner.model.ledger import Claim
from runner.model.message import MessageBatch, Verdict
from runner.model.settings import Secret, SendgridSettings
from runner.providers.sendgrid import SendgridProvider
from runner.providers.sendgrid_log import Inquiry, witness
from tests.servers.batches import NOW, SOON, batch, key
from tests.servers.clock import NOON, StillClock
from tests.servers.sendgrid import Fault, SendgridServer, seeded_faults

LEASE = timedelta(minutes=20)
SEARCH, LOOK = "POST /v3/logs", "GET /v3/logs/"


def claim_of(sent: MessageBatch) -> Claim:
    """The claim that a run at noon makes for a batch."""
    last = max([NOON, *(datetime.fromtimestamp(at, UTC) for at in sent.send_at)])
    return Claim(
        id=sent.claim_id,
        campaign="spring",
        step="main",
        occurrence="",
        run="run1",
        at=NOON,
        lease_until=last + LEASE,
        provider="sendgrid",
        keys=b"".join(sent.keys),
        times=tuple((at, 0, 1) for at in sent.send_at),
        total=len(sent),
    )


class Desk:
    def __init__(self, server: SendgridServer, clock: StillClock) -> None:
        self.server = server
        self.clock = clock
        settings = SendgridSettings(Secret("KEY"), server.url, 1, 5.0)
        self.provider = SendgridProvider(settings, {"KEY": server.key}, clock)

    def send(self, sent: MessageBatch) -> None:
        list(self.provider.deliver([sent], SOON))

    def verdicts(
        self, sent: MessageBatch, emails: Sequence[str] | None = None
    ) -> dict[int, Verdict]:
        contacts = list(zip(range(len(sent)), emails or sent.emails, sent.keys, strict=True))
        return dict(self.provider.evidence(claim_of(sent), contacts))

    def wait(self, **time: float) -> None:
        self.clock.sleep(timedelta(**time).total_seconds())

    @property
    def questions(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.server.asked(SEARCH)]


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = StillClock()
    with SendgridServer(now=lambda: clock.now().timestamp()) as server:
        desk = Desk(server, clock)
        yield desk
        desk.provider.close()


def test_what_the_log_shows_was_sent_and_the_rest_was_not(desk: Desk) -> None:
    sent = batch(["Ada", "Bob", "Cid"])
    desk.server.barred.add("c1@example.org")
    desk.send(sent)
    desk.wait(hours=1)
    assert desk.verdicts(sent) == {0: "sent", 1: "not_sent", 2: "sent"}


def test_a_mail_of_another_claim_proves_nothing(desk: Desk) -> None:
    desk.send(batch(["Ada"], claim_id="run0-1"))
    desk.wait(hours=1)
    assert desk.verdicts(batch(["Ada"], claim_id="run1-1")) == {0: "not_sent"}


def test_a_mail_of_the_same_claim_to_another_contact_proves_nothing(desk: Desk) -> None:
    """Two contacts of one address (plus and dot forms apart) are not what this is about: the key
    in the mail has to be the contact's own."""
    desk.send(batch(["Ada"], first=7, emails=["c0@example.org"]))
    desk.wait(hours=1)
    assert desk.verdicts(batch(["Ada"])) == {0: "not_sent"}


@pytest.mark.parametrize(
    ("waited", "verdict"),
    [
        (timedelta(0), "unknown"),
        (LEASE + timedelta(minutes=15) - timedelta(seconds=1), "unknown"),
        (LEASE + timedelta(minutes=15), "not_sent"),
        (timedelta(days=29), "not_sent"),
        (timedelta(days=29, seconds=1), "unknown"),
    ],
)
def test_not_sent_is_said_only_while_the_log_is_complete(
    desk: Desk, waited: timedelta, verdict: Verdict
) -> None:
    desk.clock.sleep(waited.total_seconds())
    assert desk.verdicts(batch(["Ada"])) == {0: verdict}


def test_mail_for_later_is_waited_for(desk: Desk) -> None:
    sent = batch(["Ada"], send_at=NOW + 7200)
    desk.send(sent)
    for _ in range(2):
        desk.wait(hours=1)
        assert desk.verdicts(sent) == {0: "unknown"}
    desk.wait(minutes=2)
    assert desk.verdicts(sent) == {0: "sent"}


def test_a_log_that_lags_is_not_believed_too_early(desk: Desk) -> None:
    desk.server.log_lag = 30 * 60.0
    sent = batch(["Ada"])
    desk.send(sent)
    for _ in range(12):
        desk.wait(minutes=5)
        assert desk.verdicts(sent)[0] != "not_sent"
    assert desk.verdicts(sent) == {0: "sent"}


def test_what_was_called_back_was_not_sent(desk: Desk) -> None:
    handle = desk.provider.handle("spring/main")
    sent = replace(batch(["Ada"], send_at=NOW + 3600), handle=handle)
    desk.send(sent)
    assert desk.provider.recall(handle)
    desk.wait(hours=2)
    assert desk.verdicts(sent) == {0: "not_sent"}


@pytest.mark.parametrize("listed", ["Ada.L@example.org", "ada.l@example.org", "Ada.L@EXAMPLE.org"])
def test_the_case_of_an_address_hides_no_mail(desk: Desk, listed: str) -> None:
    sent = batch(["Ada"], emails=[listed])
    desk.send(sent)
    lower = [replace(mail, to=mail.to.lower()) for mail in desk.server.state.delivered]
    desk.wait(hours=1)
    assert desk.verdicts(sent) == {0: "sent"}
    desk.server.state.delivered[:] = lower
    assert desk.verdicts(sent) == {0: "sent"}


@pytest.mark.parametrize("address", ["no-at-sign", "jürgen@example.org", "a\\b@example.org", ""])
def test_what_cannot_be_asked_for_stays_unknown(desk: Desk, address: str) -> None:
    desk.wait(hours=1)
    assert desk.verdicts(batch(["Ada"]), [address]) == {0: "unknown"}
    assert desk.questions == []


def test_an_apostrophe_can_be_asked_for(desk: Desk) -> None:
    sent = batch(["Pat"], emails=["pat.o'brien@example.org"])
    desk.send(sent)
    desk.wait(hours=1)
    assert desk.verdicts(sent) == {0: "sent"}


def test_the_question(desk: Desk) -> None:
    desk.wait(hours=1)
    desk.verdicts(batch(["Ada"]))
    assert desk.questions == [
        {
            "query": 'to_email = "c0@example.org"'
            ' AND sg_message_id_created_at >= TIMESTAMP "2025-10-20T11:55:00Z"'
            ' AND sg_message_id_created_at <= TIMESTAMP "2025-10-20T12:35:00Z"',
            "limit": 1000,
        }
    ]


def test_a_full_answer_may_hide_what_is_looked_for(desk: Desk) -> None:
    sent = batch(["Ada"], claim_id="run0-1")
    desk.send(sent)
    (mail,) = desk.server.state.delivered
    desk.server.state.delivered[:] = [
        replace(mail, sg_message_id=f"m{n}", custom_args={"shop": "order"}) for n in range(999)
    ]
    desk.wait(hours=1)
    looked = batch(["Ada"])
    assert desk.verdicts(looked) == {0: "not_sent"}
    desk.server.state.delivered.append(replace(mail, sg_message_id="m999"))
    assert desk.verdicts(looked) == {0: "unknown"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"messages": null}',
        b'{"messages": ["c0@example.org"]}',
        b"<html>",
    ],
)
def test_an_answer_without_a_list_settles_nothing(
    desk: Desk, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    desk.wait(hours=1)
    desk.server.misbehave(Fault("status", 200, body), at=SEARCH)
    with caplog.at_level(logging.WARNING):
        assert desk.verdicts(batch(["Ada", "Bob"])) == {}
    assert "no answer from the Email Logs" in caplog.text
    assert "example.org" not in caplog.text


@pytest.mark.parametrize(
    "row",
    [
        {"to_email": "c0@example.org"},
        {"sg_message_id": 7, "to_email": "c0@example.org"},
        {"sg_message_id": "m1", "to_email": "somebody.else@example.org"},
        {"sg_message_id": "m1"},
    ],
)
def test_a_row_that_does_not_fit_the_question_makes_it_unclear(
    desk: Desk, row: dict[str, object]
) -> None:
    desk.wait(hours=1)
    body = json.dumps({"messages": [row]}).encode()
    desk.server.misbehave(Fault("status", 200, body), at=SEARCH)
    assert desk.verdicts(batch(["Ada"])) == {0: "unknown"}


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_mail_that_cannot_be_looked_at_makes_it_unclear(desk: Desk, status: int) -> None:
    desk.send(batch(["Ada"], claim_id="run0-1"))
    desk.wait(hours=1)
    desk.server.misbehave(Fault("status", status), at=LOOK)
    assert desk.verdicts(batch(["Ada"])) == {0: "unknown"}


def test_a_refused_look_is_no_witness_whatever_it_holds(desk: Desk) -> None:
    desk.send(batch(["Ada"], claim_id="run0-1"))
    desk.wait(hours=1)
    for marks in ({"shop": "order"}, MINE):
        body = json.dumps({"custom_args": marks}).encode()
        desk.server.misbehave(Fault("status", 404, body), at=LOOK)
        assert desk.verdicts(batch(["Ada"])) == {0: "unknown"}


def test_a_mail_to_somebody_else_in_the_answer_makes_it_unclear(desk: Desk) -> None:
    """If the log does not do what it was asked, its silence proves nothing."""
    desk.send(batch(["Bob"], first=1, claim_id="run0-1"))
    (mail,) = desk.server.delivered
    desk.wait(hours=1)
    row = {"sg_message_id": mail.sg_message_id, "to_email": mail.to}
    desk.server.misbehave(Fault("status", 200, json.dumps({"messages": [row]}).encode()), at=SEARCH)
    assert desk.verdicts(batch(["Ada"])) == {0: "unknown"}


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_ends_the_questions(desk: Desk, status: int) -> None:
    sent = batch(["Ada", "Bob", "Cid"])
    desk.send(sent)
    desk.wait(hours=1)
    assert desk.verdicts(batch(["Ada"])) == {0: "sent"}
    desk.server.misbehave(Fault("status", status), at=SEARCH)
    assert desk.verdicts(sent) == {}
    assert desk.verdicts(sent) == {}
    assert len(desk.questions) == 2


def test_what_was_found_before_the_log_fell_silent_stands(desk: Desk) -> None:
    sent = batch(["Ada", "Bob"])
    desk.send(sent)
    desk.wait(hours=1)
    second = f"{LOOK}{desk.server.delivered[1].sg_message_id}"
    desk.server.misbehave(*[Fault("status", 503)] * 8, at=second)
    assert desk.verdicts(sent) == {0: "sent"}


def test_a_rate_limit_is_honoured(desk: Desk) -> None:
    sent = batch(["Ada"])
    desk.send(sent)
    desk.wait(hours=1)
    before = len(desk.clock.slept)
    desk.server.misbehave(Fault("status", 429, seconds=42), at=SEARCH)
    desk.server.misbehave(Fault("status", 429, seconds=17), at=LOOK)
    assert desk.verdicts(sent) == {0: "sent"}
    first, second = desk.clock.slept[before:]
    assert 42 <= first < 44
    assert 17 <= second < 19


@pytest.mark.parametrize("kind", ["status", "reset", "close", "half", "garbage"])
@pytest.mark.parametrize("at", [SEARCH, LOOK])
def test_looking_is_harmless_and_tried_again(desk: Desk, kind: str, at: str) -> None:
    sent = batch(["Ada"])
    desk.send(sent)
    desk.wait(hours=1)
    desk.server.misbehave(*[Fault(kind)] * 3, at=at)  # type: ignore[list-item]
    assert desk.verdicts(sent) == {0: "sent"}


MINE = {"sendoff_claim": "run1-1", "sendoff_key": key(0).hex()}


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"custom_args": MINE}, "went"),
        ({"custom_args": MINE, "status": "bounced"}, "went"),
        ({"custom_args": MINE, "events": [{"event": "dropped"}]}, "went"),
        ({"custom_args": MINE, "events": [{"event": "cancel_drop"}]}, "dropped"),
        ({"events": [{"event": "processed", "custom_args": MINE}]}, "went"),
        ({"custom_args": MINE | {"sendoff_claim": "run1-2"}}, "other"),
        ({"custom_args": MINE | {"sendoff_key": key(1).hex()}}, "other"),
        ({"custom_args": {"sendoff_claim": "run1-1"}}, "other"),
        ({"custom_args": {"shop": "order"}, "events": None}, "other"),
        ({"custom_args": {}}, "unclear"),
        ({"custom_args": None, "events": [7]}, "unclear"),
        ({}, "unclear"),
        ([], "unclear"),
        (None, "unclear"),
    ],
)
def test_what_one_mail_says(details: object, said: str) -> None:
    assert witness(details, "run1-1", key(0)) == said


def test_a_lease_that_ends_before_the_last_mail_does_not_make_the_log_complete() -> None:
    claim = replace(claim_of(batch(["Ada"], send_at=NOW + 7200)), lease_until=NOON)
    assert not Inquiry.about(claim, NOON + timedelta(hours=2)).complete
    assert Inquiry.about(claim, NOON + timedelta(hours=2, minutes=15)).complete


@pytest.mark.parametrize("seed", range(12))
def test_the_log_is_right_about_every_mail_in_doubt(desk: Desk, seed: int) -> None:
    """Whatever went wrong while sending, the evidence afterwards is the truth."""
    faults = seeded_faults(seed, 0.7)
    harmless = ("hang", "slow", "refuse_unread")  # they only take time
    desk.server.misbehave(
        *(fault for fault in islice(faults, 60) if fault is None or fault.kind not in harmless)
    )
    batches = [
        batch([f"N{n}" for n in range(3)], first=3 * b, claim_id=f"run1-{b}") for b in range(12)
    ]
    doubtful = [
        (sent, index)
        for sent, outcomes in desk.provider.deliver(batches, SOON)
        for index, outcome in enumerate(outcomes)
        if outcome.kind == "ambiguous"
    ]
    assert doubtful
    desk.wait(hours=1)
    got = {mail.to for mail in desk.server.delivered}
    for sent, index in doubtful:
        truth = "sent" if sent.emails[index] in got else "not_sent"
        assert desk.verdicts(sent)[index] == truth


def test_the_time_looked_at_holds_every_time_of_the_claim() -> None:
    claim = claim_of(batch(["Ada"], send_at=NOW + 3 * 86_400))
    inquiry = Inquiry.about(claim, NOON)
    assert inquiry.since < claim.at
    assert inquiry.until > claim.lease_until
    assert not inquiry.complete
