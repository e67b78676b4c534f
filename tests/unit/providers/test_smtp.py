from __future__ import annotations

import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from runner.errors import ProviderError
from runner.model.message import MessageBatch, Outcome, Parts
from runner.model.settings import Mailbox, Secret, SmtpSettings
from runner.providers.smtp import ATTEMPTS, SmtpProvider
from tests.servers.batches import SOON, batch
from tests.servers.clock import StillClock
from tests.servers.smtp import SmtpServer

SECRETS = {"USER": "postmaster", "PASSWORD": "hunter2-hunter2"}
LOGIN = {"username": Secret("USER"), "password": Secret("PASSWORD")}


@contextmanager
def _provider(
    server: SmtpServer, root: Path = Path("/nowhere"), **changes: object
) -> Iterator[SmtpProvider]:
    defaults: dict[str, object] = {
        "port": server.port,
        "security": "none",
        "timeout_seconds": 5.0,
        "connections": 1,
    }
    settings = SmtpSettings(**{**defaults, **changes})  # type: ignore[arg-type]
    provider = SmtpProvider(settings, SECRETS, root, StillClock())
    yield provider
    provider.close()


def _deliver(provider: SmtpProvider, *batches: MessageBatch) -> list[Outcome]:
    return [o for _, outcomes in provider.deliver(batches, SOON) for o in outcomes]


def _kinds(outcomes: list[Outcome]) -> list[str]:
    return [outcome.kind for outcome in outcomes]


@pytest.fixture(params=[True, False], ids=["pipelining", "one by one"])
def server(request: pytest.FixtureRequest) -> Iterator[SmtpServer]:
    with SmtpServer(pipelining=request.param) as running:
        yield running


def test_one_envelope_a_contact_over_one_connection(server: SmtpServer) -> None:
    with _provider(server) as provider:
        assert set(_kinds(_deliver(provider, batch(["A"] * 5), batch(["B"] * 5, first=5)))) == {
            "accepted"
        }
    assert [m.to for m in server.messages] == [f"c{n}@example.org" for n in range(10)]
    assert {m.sender for m in server.messages} == {"hello@f3.example"}
    assert server.connections == 1


def test_several_connections_share_a_batch(server: SmtpServer) -> None:
    with _provider(server, connections=3) as provider:
        outcomes = _deliver(provider, batch([f"N{n}" for n in range(60)]))
    assert set(_kinds(outcomes)) == {"accepted"}
    assert sorted(m.to for m in server.messages) == sorted(f"c{n}@example.org" for n in range(60))
    assert server.connections <= 3


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("550 5.1.1 c1@example.org unknown", Outcome("refused", "smtp 550 5.1.1")),
        ("550 no such user c1@example.org", Outcome("refused", "smtp 550")),
        ("451 4.7.1 greylisted c1@example.org", Outcome("temporary", "smtp 451 4.7.1")),
        ("452 4.2.2 mailbox full", Outcome("temporary", "smtp 452 4.2.2")),
    ],
)
@pytest.mark.parametrize("stage", ["answer_rcpt", "answer_data"])
def test_replies_concern_one_contact_only(
    server: SmtpServer, stage: str, reply: str, outcome: Outcome
) -> None:
    getattr(server, stage)["c1@example.org"] = reply
    with _provider(server) as provider:
        outcomes = _deliver(provider, batch(["A", "B", "C"]))
    # what is said of the address is believed of it; what is said of the mail is not
    dead = stage == "answer_rcpt" and outcome.kind == "refused"
    assert outcomes == [Outcome("accepted"), replace(outcome, dead=dead), Outcome("accepted")]
    assert [m.to for m in server.messages] == ["c0@example.org", "c2@example.org"]


@pytest.mark.parametrize(
    ("reply", "dead"),
    [
        ("550 5.1.1 unknown", True),
        ("550 5.2.1 mailbox disabled", True),
        ("550 <c0@example.org>: Recipient address rejected: User unknown", True),
        ("556 5.1.10 the domain takes no mail", True),
        ("550 5.7.1 relaying denied", False),
        ("554 <c0@example.org>: Relay access denied", False),
        ("550 5.1.8 sender rejected", False),
        ("552 5.2.2 mailbox full", False),
        ("550 no", False),
        ("450 5.1.1 unknown, or perhaps not", False),
        ("450 4.1.1 unknown for now", False),
    ],
)
@pytest.mark.parametrize("pipelining", [True, False])
def test_who_is_called_unknown_is_told_from_who_is_refused(
    reply: str, dead: bool, pipelining: bool
) -> None:
    with SmtpServer(pipelining=pipelining) as server:
        server.answer_rcpt["c0@example.org"] = reply
        with _provider(server) as provider:
            first, second = _deliver(provider, batch(["A", "B"]))
    assert (first.dead, second) == (dead, Outcome("accepted"))


def test_a_refused_sender_says_nothing_of_the_contacts() -> None:
    with SmtpServer() as server:
        server.answer_mail = "550 5.1.1 who is that"
        with _provider(server) as provider:
            outcomes = _deliver(provider, batch(["A", "B"]))
    assert [(one.kind, one.dead) for one in outcomes] == [("temporary", False)] * 2


def test_lost_before_the_data_is_tried_again(server: SmtpServer) -> None:
    server.drop_before_data.add("c1@example.org")
    with _provider(server) as provider:
        assert _kinds(_deliver(provider, batch(["A", "B", "C"]))) == ["accepted"] * 3
    assert [m.to for m in server.messages] == [f"c{n}@example.org" for n in range(3)]


@pytest.mark.parametrize("where", ["drop_in_data", "drop_after_dot"])
def test_lost_once_the_data_began_is_ambiguous_and_not_repeated(
    server: SmtpServer, where: str
) -> None:
    getattr(server, where).add("c1@example.org")
    with _provider(server) as provider:
        outcomes = _deliver(provider, batch(["A", "B", "C"]))
    assert _kinds(outcomes) == ["accepted", "ambiguous", "accepted"]
    assert outcomes[1].reason == "smtp connection lost after data"
    assert [m.to for m in server.messages].count("c1@example.org") <= 1


def test_silence_after_the_final_dot_is_ambiguous(server: SmtpServer) -> None:
    server.hang_after_dot.add("c0@example.org")
    with _provider(server, timeout_seconds=1.0) as provider:
        outcomes = _deliver(provider, batch(["A", "B"]))
    assert outcomes[0] == Outcome("ambiguous", "smtp timed out after data")
    assert outcomes[1].kind == "accepted"


def test_421_makes_a_new_connection(server: SmtpServer) -> None:
    server.answer_data["c0@example.org"] = "421 4.3.2 closing"
    server.drop_commands["MAIL"] = 1
    with _provider(server) as provider:
        outcomes = _deliver(provider, batch(["A", "B"]))
    assert outcomes == [Outcome("temporary", "smtp 421 4.3.2"), Outcome("accepted")]
    assert server.connections == 3


def test_a_server_that_always_says_421_is_given_up(server: SmtpServer) -> None:
    server.answer_mail = "421 4.3.2 too busy"
    with _provider(server) as provider:
        outcomes = _deliver(provider, batch([f"N{n}" for n in range(50)]))
    assert set(outcomes) == {Outcome("temporary", "smtp connection lost")}
    assert server.connections <= ATTEMPTS


def test_a_sender_that_is_refused_costs_no_contact(server: SmtpServer) -> None:
    server.answer_mail = "550 5.7.1 hello@f3.example may not"
    with _provider(server) as provider:
        outcomes = _deliver(provider, batch(["A", "B", "C"]))
    assert set(outcomes) == {Outcome("temporary", "smtp 550 5.7.1")}


def test_a_server_that_is_not_there(server: SmtpServer) -> None:
    server.stop()
    clock = StillClock()
    settings = SmtpSettings(port=server.port, security="none", connections=2)
    provider = SmtpProvider(settings, {}, Path(), clock)
    outcomes = [o for _, some in provider.deliver([batch(["A"] * 100)], SOON) for o in some]
    assert set(outcomes) == {Outcome("temporary", "smtp connection refused")}
    assert len(clock.slept) <= 2 * ATTEMPTS
    with pytest.raises(ProviderError, match="connection refused"):
        provider.check()


def test_a_server_that_goes_away_half_way(server: SmtpServer) -> None:
    def batches() -> Iterator[MessageBatch]:
        yield batch(["A", "B"])
        server.stop()
        yield batch(["C", "D"], first=2)

    with _provider(server) as provider:
        outcomes = [o for _, some in provider.deliver(batches(), SOON) for o in some]
    assert _kinds(outcomes) == ["accepted", "accepted", "temporary", "temporary"]


def test_a_rested_connection_that_died_is_replaced_without_a_loss(server: SmtpServer) -> None:
    with _provider(server) as provider:
        provider.check()
        server.drop_all()
        assert _kinds(_deliver(provider, batch(["A"]))) == ["accepted"]
    assert server.connections == 2


def test_a_server_that_talks_nonsense() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def talk() -> None:
            for _ in range(ATTEMPTS):
                connection, _address = listener.accept()
                with connection:
                    connection.sendall(b"\xff\x00 no SMTP here\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        settings = SmtpSettings(port=port, security="none", connections=1, timeout_seconds=5)
        provider = SmtpProvider(settings, {}, Path(), StillClock())
        outcomes = [o for _, some in provider.deliver([batch(["A", "B"])], SOON) for o in some]
        thread.join()
    assert _kinds(outcomes) == ["temporary"] * 2


def test_dots_at_the_start_of_lines_survive(server: SmtpServer) -> None:
    parts = Parts(("s",), (), ("...three\n.one\n", 0, "\n.\nend"))
    with _provider(server) as provider:
        _deliver(provider, batch(["x"], parts=parts, values=[[".\n..value"]]))
    body = server.messages[0].data.partition(b"\r\n\r\n")[2].replace(b"=\r\n", b"")
    text = body.replace(b"=2E", b".").decode()
    assert text == "...three\r\n.one\r\n.\r\n..value\r\n.\r\nend\r\n"


def test_the_message_ends_where_it_should(server: SmtpServer) -> None:
    with _provider(server) as provider:
        _deliver(provider, batch(["x"], parts=Parts(("s",), (), ("hi",)), values=[]))
    assert server.messages[0].data.endswith(b"\r\n\r\nhi\r\n")


class TestTls:
    @pytest.fixture(params=["starttls", "tls"])
    def secure(self, request: pytest.FixtureRequest) -> Iterator[SmtpServer]:
        with SmtpServer(tls=request.param, users={"postmaster": "hunter2-hunter2"}) as running:
            running.kind = request.param
            yield running

    def test_encrypted_and_authenticated(self, secure: SmtpServer, tmp_path: Path) -> None:
        assert secure.authority is not None
        secure.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        changes = {"host": "localhost", "security": secure.kind, "ca_file": "ca.pem", **LOGIN}
        with _provider(secure, tmp_path, **changes) as provider:
            provider.check()
            assert _kinds(_deliver(provider, batch(["A", "B"]))) == ["accepted"] * 2
        assert all(message.tls for message in secure.messages)
        assert secure.logins == ["postmaster"]

    def test_a_certificate_nobody_vouches_for(self, secure: SmtpServer) -> None:
        with _provider(secure, host="localhost", security=secure.kind) as provider:
            with pytest.raises(ProviderError, match="certificate not trusted"):
                provider.check()
            outcomes = _deliver(provider, batch(["A", "B"]))
        assert set(outcomes) == {Outcome("temporary", "tls certificate not trusted")}
        assert secure.messages == []

    def test_a_wrong_password_is_tried_once(self, secure: SmtpServer, tmp_path: Path) -> None:
        assert secure.authority is not None
        secure.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        settings = SmtpSettings(
            "localhost", secure.port, secure.kind, **LOGIN, ca_file="ca.pem", connections=1
        )
        wrong = {**SECRETS, "PASSWORD": "wrong-wrong"}
        provider = SmtpProvider(settings, wrong, tmp_path, StillClock())
        with pytest.raises(ProviderError, match=r"smtp 535 5\.7\.8$") as caught:
            provider.check()
        assert "wrong" not in str(caught.value)
        outcomes = _deliver(provider, batch(["A", "B", "C"]))
        assert set(outcomes) == {Outcome("temporary", "smtp 535 5.7.8")}
        assert secure.connections <= 4


def test_starttls_that_is_not_offered_sends_nothing(server: SmtpServer) -> None:
    with _provider(server, security="starttls") as provider:
        outcomes = _deliver(provider, batch(["A", "B"]))
    assert set(outcomes) == {Outcome("temporary", "smtp STARTTLS or AUTH not offered")}
    assert server.messages == []


def test_a_password_in_plain_text_goes_to_this_machine_only() -> None:
    with SmtpServer(users={"postmaster": "hunter2-hunter2"}) as local:
        with _provider(local, **LOGIN) as provider:
            assert _kinds(_deliver(provider, batch(["A"]))) == ["accepted"]
        with (
            _provider(local, host="smtp.example.org", **LOGIN) as provider,
            pytest.raises(ProviderError, match="plain text"),
        ):
            provider.check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"username": Secret("MISSING")}, "MISSING is not set"),
        ({"username": Secret("USER"), "password": Secret("MISSING")}, "MISSING is not set"),
        ({"security": "tls", "ca_file": "no-such.pem"}, r"cannot read ca_file no-such\.pem"),
    ],
)
def test_check_refuses_settings(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    settings = replace(SmtpSettings(security="none"), **changes)  # type: ignore[arg-type]
    with pytest.raises(ProviderError, match=message):
        SmtpProvider(settings, SECRETS, tmp_path, StillClock()).check()


def test_a_local_part_beyond_ascii_needs_a_server_that_takes_it() -> None:
    emails = ["a@example.org", "jürgen@example.org"]
    with SmtpServer() as old, _provider(old) as provider:
        outcomes = _deliver(provider, batch(["A", "B"], emails=emails))
        assert outcomes[1] == Outcome("refused", "smtp without SMTPUTF8")
        assert outcomes[0].kind == "accepted"
    with SmtpServer(smtputf8=True) as new, _provider(new) as provider:
        assert _kinds(_deliver(provider, batch(["A", "B"], emails=emails))) == ["accepted"] * 2
        assert new.messages[1].to == "jürgen@example.org"


def test_a_sender_beyond_ascii_is_refused_as_a_whole(server: SmtpServer) -> None:
    with _provider(server) as provider:
        outcomes = _deliver(provider, batch(["A"], sender=Mailbox("jürgen@f3.example")))
    assert _kinds(outcomes) == ["refused"]


def test_no_secret_shows() -> None:
    settings = SmtpSettings(security="none", **LOGIN)
    door = SmtpProvider(settings, SECRETS, Path(), StillClock())._door()
    assert "hunter2" not in repr(door)
    assert "hunter2" not in str(door)


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_whatever_goes_wrong_the_outcomes_are_true(seed: int, pipelining: bool) -> None:
    """Accepted: taken once.  Ambiguous: once or not.  All else: not taken."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    with SmtpServer(pipelining=pipelining) as server:
        for number in range(80):
            address = f"c{number}@example.org"
            fate = chance.choice(["well"] * 3 + ["rcpt", "data", "before", "during", "after"])
            if fate == "rcpt":
                server.answer_rcpt[address] = chance.choice(["550 5.1.1 no", "450 4.2.1 later"])
            elif fate == "data":
                server.answer_data[address] = chance.choice(["554 5.7.1 no", "421 4.3.2 bye"])
            elif fate == "before":
                server.drop_before_data.add(address)
            elif fate == "during":
                server.drop_in_data.add(address)
            elif fate == "after":
                server.drop_after_dot.add(address)
        with _provider(server, connections=3) as provider:
            batches = [batch(["A"] * 20, first=20 * n) for n in range(4)]
            outcomes = _deliver(provider, *batches)
    counts = Counter(message.to for message in server.messages)
    for number, outcome in enumerate(outcomes):
        times = counts[f"c{number}@example.org"]
        allowed = {"accepted": {1}, "ambiguous": {0, 1}}.get(outcome.kind, {0})
        assert times in allowed, (number, outcome)
    assert {outcome.kind for outcome in outcomes} == {
        "accepted",
        "refused",
        "temporary",
        "ambiguous",
    }


def test_an_answer_after_the_dot_that_says_nothing_is_ambiguous(server: SmtpServer) -> None:
    server.answer_data["c0@example.org"] = "354 go on"
    with _provider(server) as provider:
        outcomes = _deliver(provider, batch(["A", "B"]))
    assert outcomes[0] == Outcome("ambiguous", "smtp no clear answer after data")
    assert outcomes[1].kind == "accepted"


def test_a_message_the_server_finds_too_large_is_refused(server: SmtpServer) -> None:
    server.answer_mail = "552 5.3.4 message too big"
    with _provider(server) as provider:
        assert set(_deliver(provider, batch(["A", "B"]))) == {Outcome("refused", "smtp 552 5.3.4")}


def test_a_sender_that_has_to_wait_is_temporary(server: SmtpServer) -> None:
    server.answer_mail = "451 4.3.0 later"
    with _provider(server) as provider:
        assert set(_deliver(provider, batch(["A"]))) == {Outcome("temporary", "smtp 451 4.3.0")}


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        (b"554 5.3.2 no service for 192.0.2.1\r\n", "smtp 554 5.3.2"),
        (b"421 4.7.0 too many\r\n", "smtp 421 4.7.0"),
        (b"", "connection lost"),
    ],
)
def test_a_greeting_that_turns_away(greeting: bytes, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=greet)
        thread.start()
        settings = SmtpSettings(port=listener.getsockname()[1], security="none", timeout_seconds=5)
        with pytest.raises(ProviderError, match=f"{reason}$") as caught:
            SmtpProvider(settings, {}, Path(), StillClock()).check()
        thread.join()
    assert "192.0.2.1" not in str(caught.value)


def test_credentials_beyond_ascii_are_said_to_be_so() -> None:
    with SmtpServer(users={"postmaster": "x"}) as server:
        settings = SmtpSettings(port=server.port, security="none", **LOGIN)
        provider = SmtpProvider(settings, {**SECRETS, "PASSWORD": "pässword"}, Path(), StillClock())
        with pytest.raises(ProviderError, match="credentials not ASCII"):
            provider.check()
