"""Several commands in one write: what is answered decides, whatever the server does with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.model.message import File, MessageBatch, Outcome
from runner.model.settings import SmtpSettings
from runner.providers.smtp import SmtpProvider
from tests.servers.batches import SOON, batch
from tests.servers.clock import StillClock
from tests.servers.talker import Talker


@contextmanager
def _provider(port: int, timeout: float = 5.0) -> Iterator[SmtpProvider]:
    settings = SmtpSettings(port=port, security="none", connections=1, timeout_seconds=timeout)
    provider = SmtpProvider(settings, {}, Path(), StillClock())
    yield provider
    provider.close()


def _deliver(provider: SmtpProvider, *batches: MessageBatch) -> list[Outcome]:
    return [o for _, outcomes in provider.deliver(batches, SOON) for o in outcomes]


def _send(talker: Talker, count: int = 3, timeout: float = 5.0) -> list[Outcome]:
    with _provider(talker.port, timeout) as provider:
        return _deliver(provider, batch([f"N{n}" for n in range(count)]))


ACCEPTED = Outcome("accepted")


def test_an_envelope_comes_in_one_piece_where_that_is_offered() -> None:
    """MAIL, RCPT and DATA are read at once, and no message comes along with the next envelope."""
    with Talker() as talker:
        assert _send(talker) == [ACCEPTED] * 3
    groups = [group for group in talker.read if b"MAIL" in group]
    assert [group.count(b"\r\n") for group in groups] == [3] * 3
    assert all(group.startswith(b"MAIL") for group in groups)
    assert talker.taken == [f"c{n}@example.org" for n in range(3)]


def test_one_command_at_a_time_where_it_is_not_offered() -> None:
    """A server that says nothing of PIPELINING never gets a command before it has answered."""
    with Talker(offers=()) as talker:
        assert _send(talker) == [ACCEPTED] * 3
    commands = [read for read in talker.read if re.match(rb"MAIL|RCPT|DATA", read)]
    assert len(commands) == 9
    assert all(command.count(b"\r\n") == 1 for command in commands)


@pytest.mark.parametrize("pace", ["one segment", "byte by byte"])
def test_answers_may_come_in_any_pieces(pace: str) -> None:
    """TCP knows no messages: how answers are cut changes nothing."""
    with Talker(bytewise=pace == "byte by byte") as talker:
        talker.answers["RCPT c1@example.org"] = "550-5.1.1 no\r\n550-such\r\n550 user"
        outcomes = _send(talker)
    assert outcomes == [ACCEPTED, Outcome("refused", "smtp 550 5.1.1", dead=True), ACCEPTED]
    assert talker.taken == ["c0@example.org", "c2@example.org"]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("550 5.1.1 no such user", Outcome("refused", "smtp 550 5.1.1", dead=True)),
        ("450 4.2.1 later", Outcome("temporary", "smtp 450 4.2.1")),
    ],
)
@pytest.mark.parametrize("data", ["503 5.5.1 no recipients", "354 go on"])
@pytest.mark.parametrize("dot", ["554 5.5.1 no valid recipients", "250 2.0.0 taken"])
def test_one_refused_recipient_costs_nobody_else(
    reply: str, outcome: Outcome, data: str, dot: str
) -> None:
    """Whether the server refuses DATA then or goes on: the message is kept, the line goes on."""
    with Talker() as talker:
        talker.answers["RCPT c1@example.org"] = reply
        talker.answers["DATA c1@example.org"] = data
        talker.answers["DOT c1@example.org"] = dot
        assert _send(talker) == [ACCEPTED, outcome, ACCEPTED]
    assert talker.connections == 1
    assert talker.bodies["c1@example.org"] in ([], [b""])
    assert talker.taken == ["c0@example.org", "c2@example.org"]


def test_a_refused_sender_with_an_accepted_recipient_is_never_sent_a_dot() -> None:
    """A server that answers 354 all the same would deliver an empty mail: the line is cut."""
    with Talker() as talker:
        talker.answers["MAIL"] = "451 4.3.0 not now"
        talker.answers["DATA c0@example.org"] = "354 go on"
        assert _send(talker, 1) == [Outcome("temporary", "smtp 451 4.3.0")]
    assert talker.bodies["c0@example.org"] == []


@pytest.mark.parametrize("stage", ["MAIL", "RCPT c0@example.org", "DATA c0@example.org"])
def test_421_amid_the_answers_means_a_new_connection(stage: str) -> None:
    """Nothing was sent, so it is tried again; and the server is still trusted to pipeline."""
    with Talker() as talker:
        talker.once[stage] = "421 4.3.2 closing"
        assert _send(talker) == [ACCEPTED] * 3
    assert talker.connections == 2
    assert talker.taken == [f"c{n}@example.org" for n in range(3)]
    assert all(read.count(b"\r\n") == 3 for read in talker.read if read.startswith(b"MAIL"))


@pytest.mark.parametrize("answered", [0, 1, 2])
def test_hanging_up_amid_the_answers_loses_nothing(answered: int) -> None:
    """Gone after MAIL's answer, or RCPT's, but before DATA's: sent again, each mail once."""
    with Talker() as talker:
        talker.hang_up_after = answered
        assert _send(talker) == [ACCEPTED] * 3
    assert talker.connections == 2
    assert talker.taken == [f"c{n}@example.org" for n in range(3)]


def test_a_server_that_lies_about_it_is_asked_one_by_one() -> None:
    """It drops what comes along with a command: one time-out later nothing is sent along."""
    with Talker(forgetful=True) as talker:
        assert _send(talker, timeout=0.5) == [ACCEPTED] * 3
    assert talker.connections == 2
    assert talker.taken == [f"c{n}@example.org" for n in range(3)]


def test_more_answers_than_questions_are_not_believed() -> None:
    """An answer too many would be taken for the next one's: the message is not begun."""
    with Talker() as talker:
        talker.once["DATA c0@example.org"] = "354 go on\r\n250 2.0.0 taken"
        assert _send(talker, 2) == [ACCEPTED] * 2
    assert talker.connections == 2
    assert talker.taken == ["c0@example.org", "c1@example.org"]


@pytest.mark.parametrize("garbage", ["what?", "999 no such code", "250-never\r\nends"])
def test_an_answer_that_is_none_ends_the_connection(garbage: str) -> None:
    """Before the message nothing was sent: it goes over another connection."""
    with Talker() as talker:
        talker.once["RCPT c0@example.org"] = garbage
        assert _send(talker, 2) == [ACCEPTED] * 2
    assert talker.connections == 2
    assert talker.taken == ["c0@example.org", "c1@example.org"]


@pytest.mark.parametrize(
    ("dot", "outcome"),
    [
        ("250-2.0.0 ok\r\n250 queued", ACCEPTED),
        ("554 5.7.1 spam", Outcome("refused", "smtp 554 5.7.1")),
        ("421 4.3.2 bye", Outcome("temporary", "smtp 421 4.3.2")),
        ("354 go on", Outcome("ambiguous", "smtp no clear answer after data")),
        ("what?", Outcome("ambiguous", "smtp no clear answer after data")),
    ],
)
def test_the_answer_to_the_message_decides(dot: str, outcome: Outcome) -> None:
    """And it concerns that message only."""
    with Talker() as talker:
        talker.answers["DOT c0@example.org"] = dot
        assert _send(talker, 2) == [outcome, ACCEPTED]


def test_an_answer_that_drips_for_ever_is_not_waited_for() -> None:
    """A byte now and then keeps each read in time; the whole reply is not."""
    with Talker() as talker:
        talker.drips["DOT c0@example.org"] = b"250-a\r\n"
        outcomes = _send(talker, 2, timeout=0.5)
    assert outcomes == [Outcome("ambiguous", "smtp timed out after data"), ACCEPTED]


def test_a_message_that_is_taken_in_sips_is_given_up() -> None:
    """Each write makes some way in time, the message as a whole does not: it is in doubt."""
    file = File("big.bin", "application/octet-stream", bytes(12_000_000))
    with Talker(sips=True) as talker, _provider(talker.port, 0.2) as provider:
        outcomes = _deliver(provider, batch(["A"], files=(file,)))
    assert outcomes == [Outcome("ambiguous", "smtp timed out after data")]
