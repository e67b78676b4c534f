from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from runner.errors import ProviderError
from runner.model.message import MessageBatch, Outcome
from runner.model.settings import Secret, SendgridSettings
from runner.providers.sendgrid import SendgridProvider
from runner.providers.sendgrid_batch import RECALL_BEFORE
from tests.servers.batches import NOW, SOON, batch
from tests.servers.clock import StillClock
from tests.servers.sendgrid import Fault, SendgridServer

CREATE = "POST /v3/user/scheduled_sends"
LOOK = "GET /v3/user/scheduled_sends/"
PATCH = "PATCH /v3/user/scheduled_sends/"
FAR = NOW + 3600


class Desk:
    def __init__(self, server: SendgridServer, clock: StillClock) -> None:
        self.server = server
        self.clock = clock
        settings = SendgridSettings(Secret("KEY"), server.url, 1, 5.0)
        self.provider = SendgridProvider(settings, {"KEY": server.key}, clock)

    def hand_over(self, handle: str, *, send_at: int = FAR, first: int = 0) -> None:
        sent: MessageBatch = replace(batch(["Ada"], first=first, send_at=send_at), handle=handle)
        ((_, outcomes),) = self.provider.deliver([sent], SOON)
        assert [outcome.kind for outcome in outcomes] == ["accepted"]

    def given(self) -> list[str]:
        """Method and path of every request about batches."""
        found = self.server.asked("")
        return [f"{r.method} {r.path}" for r in found if "scheduled_sends" in r.path]


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = StillClock()
    with SendgridServer(now=lambda: clock.now().timestamp()) as server:
        desk = Desk(server, clock)
        yield desk
        desk.provider.close()


def test_each_job_has_a_batch_of_its_own(desk: Desk) -> None:
    handles = [desk.provider.handle(f"spring/{n}") for n in range(3)]
    assert len(set(handles)) == 3
    assert "" not in handles


def test_only_the_batch_is_called_back(desk: Desk) -> None:
    one, two = desk.provider.handle("spring/a"), desk.provider.handle("spring/b")
    desk.hand_over(one)
    desk.hand_over(two, first=1)
    desk.hand_over("", first=2)
    assert desk.provider.recall(one)
    assert [mail.to for mail in desk.server.called_back] == ["c0@example.org"]
    assert [mail.to for mail in desk.server.delivered] == ["c1@example.org", "c2@example.org"]


def test_what_is_asked_for_in_time_is_called_back_by_the_strictest_service(desk: Desk) -> None:
    """All that the core may ask for, though every answer takes its time."""
    handle = desk.provider.handle("spring/main")
    desk.hand_over(handle, send_at=NOW + RECALL_BEFORE + 1)
    desk.server.misbehave(*[Fault("status", 503)] * 2, at=CREATE)
    assert desk.provider.recall(handle)
    assert desk.server.delivered == []


@pytest.mark.parametrize("kind", ["status", "reset", "close", "half", "garbage"])
def test_a_confirmation_that_was_lost_is_found(desk: Desk, kind: str) -> None:
    handle = desk.provider.handle("spring/main")
    desk.hand_over(handle)
    desk.server.misbehave(Fault(kind, processed=True), at=CREATE)  # type: ignore[arg-type]
    assert desk.provider.recall(handle)
    assert desk.given() == [CREATE, CREATE, f"{LOOK}{handle}"]


def test_calling_back_twice_is_calling_back_once(desk: Desk) -> None:
    handle = desk.provider.handle("spring/main")
    desk.hand_over(handle)
    assert desk.provider.recall(handle)
    assert desk.provider.recall(handle)
    assert len(desk.server.called_back) == 1


def test_a_batch_that_somebody_paused_is_cancelled(desk: Desk) -> None:
    handle = desk.provider.handle("spring/main")
    desk.hand_over(handle)
    desk.server.state.batches.create({"batch_id": handle, "status": "pause"}, [], NOW)
    assert desk.provider.recall(handle)
    assert desk.server.state.batches.status == {handle: "cancel"}
    desk.server.state.batches.update(handle, {"status": "pause"})
    desk.server.misbehave(Fault("status", 404), at=PATCH)
    assert not desk.provider.recall(handle)


def test_an_eleventh_batch_waits_until_another_is_over(desk: Desk) -> None:
    handles = [desk.provider.handle(f"spring/{n}") for n in range(11)]
    for number, handle in enumerate(handles):
        desk.hand_over(handle, first=number, send_at=FAR + 3600 * (number > 0))
    assert [desk.provider.recall(handle) for handle in handles] == [True] * 10 + [False]
    assert len(desk.server.called_back) == 10
    desk.clock.sleep(3601)
    assert desk.provider.recall(handles[10])
    assert len(desk.server.called_back) == 11


def test_a_refused_look_is_no_confirmation_whatever_it_holds(desk: Desk) -> None:
    handle = desk.provider.handle("spring/main")
    body = f'[{{"batch_id":"{handle}","status":"cancel"}}]'.encode()
    desk.server.misbehave(Fault("status", 400), at=CREATE)
    desk.server.misbehave(Fault("status", 403, body), at=LOOK)
    assert not desk.provider.recall(handle)


def test_a_batch_id_cannot_lead_elsewhere(desk: Desk) -> None:
    assert not desk.provider.recall("../scopes")
    assert desk.given() == [CREATE, f"{LOOK}..%2Fscopes"]


@pytest.mark.parametrize("answered", [True, False])
def test_nothing_more_goes_into_a_batch_that_may_be_cancelled(desk: Desk, answered: bool) -> None:
    """It would be taken, answered with 202, and thrown away: booked as sent and lost."""
    handle = desk.provider.handle("spring/main")
    if not answered:
        desk.server.misbehave(*[Fault("reset", processed=True)] * 3, at=CREATE)
    assert desk.provider.recall(handle) == answered
    sent = replace(batch(["Ada"], send_at=FAR), handle=handle)
    ((_, outcomes),) = desk.provider.deliver([sent], SOON)
    assert outcomes == [Outcome("temporary", "batch called back")]
    assert desk.server.requests == []
    desk.hand_over(desk.provider.handle("spring/main"))


@pytest.mark.parametrize("handle", ["nobody's", "", "../../v3/scopes", "a b?c#d"])
def test_an_unknown_batch_is_never_certain(desk: Desk, handle: str) -> None:
    assert not desk.provider.recall(handle)


@pytest.mark.parametrize("status", [200, 202, 401, 403, 404, 429, 500])
def test_only_a_confirmation_counts(desk: Desk, status: int) -> None:
    handle = desk.provider.handle("spring/main")
    desk.hand_over(handle)
    desk.server.misbehave(*[Fault("status", status)] * 3, at=CREATE)
    assert not desk.provider.recall(handle)
    assert len(desk.server.delivered) == 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b'[{"batch_id":"another","status":"cancel"}]', b"<html>"]
)
def test_an_answer_that_does_not_say_cancelled_is_no_confirmation(desk: Desk, body: bytes) -> None:
    handle = desk.provider.handle("spring/main")
    assert desk.provider.recall(handle)
    desk.server.misbehave(Fault("status", 200, body), at=LOOK)
    assert not desk.provider.recall(handle)


def test_a_confirmation_that_comes_too_late_does_not_count(desk: Desk) -> None:
    handle = desk.provider.handle("spring/main")
    desk.hand_over(handle, send_at=NOW + RECALL_BEFORE + 1)
    ask = desk.provider._open().ask

    def slowly(*request: str | bytes) -> object:
        desk.clock.sleep(241)
        return ask(*request)  # type: ignore[arg-type]

    desk.provider._open().ask = slowly  # type: ignore[assignment, method-assign]
    assert not desk.provider.recall(handle)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", 403),
        Fault("status", 404),
        Fault("status", 201, b"{}"),
        Fault("status", 201, b"[]"),
        Fault("status", 201, b'{"batch_id": 7}'),
        Fault("status", 201, b'{"batch_id": "a b"}'),
        Fault("status", 201, b"no JSON"),
    ],
)
def test_without_a_batch_id_there_is_no_handle(
    desk: Desk, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    desk.server.misbehave(fault, at="POST /v3/mail/batch")
    with caplog.at_level(logging.WARNING):
        assert desk.provider.handle("spring/main") == ""
    assert "cannot be called back" in caplog.text
    assert desk.provider.handle("spring/other") == ""
    assert len(desk.server.asked("POST /v3/mail/batch")) == 1
    desk.hand_over("")
    assert "batch_id" not in desk.server.requests[0].body.decode()


@pytest.mark.parametrize("kind", ["status", "reset", "garbage"])
def test_a_batch_id_is_asked_for_again_when_the_service_stumbles(desk: Desk, kind: str) -> None:
    desk.server.misbehave(*[Fault(kind)] * 2, at="POST /v3/mail/batch")  # type: ignore[list-item]
    assert desk.provider.handle("spring/main")
    assert sum(desk.clock.slept) <= 20


def test_a_run_does_not_wait_long_for_a_batch_id(desk: Desk) -> None:
    desk.server.misbehave(Fault("status", 429, seconds=60), at="POST /v3/mail/batch")
    assert desk.provider.handle("spring/main") == ""
    assert desk.clock.slept == []


def test_stopping_ends_the_patience(desk: Desk) -> None:
    desk.clock.stopped = True
    desk.server.misbehave(Fault("status", 500), at=CREATE)
    assert not desk.provider.recall("batch")
    assert desk.clock.slept == []


def test_a_missing_key_is_told_as_everywhere(desk: Desk) -> None:
    settings = SendgridSettings(Secret("KEY"), desk.server.url)
    provider = SendgridProvider(settings, {}, desk.clock)
    with pytest.raises(ProviderError, match="KEY is not set"):
        provider.recall("batch")
    with pytest.raises(ProviderError, match="KEY is not set"):
        provider.handle("spring/main")


def test_nothing_personal_and_no_key_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    words = b'{"errors":[{"message":"c0@example.org","field":null}]}'
    desk.server.misbehave(Fault("status", 403, words), at=CREATE)
    with caplog.at_level(logging.DEBUG):
        assert not desk.provider.recall("batch")
    assert "example.org" not in caplog.text
    assert "SG." not in caplog.text
