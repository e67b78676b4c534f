from __future__ import annotations

import logging
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from runner.errors import ProviderError
from runner.model.message import File, MessageBatch, Outcome
from runner.model.settings import Mailbox, Secret, SendgridSettings
from runner.providers.sendgrid import SendgridProvider
from runner.providers.sendgrid_delivery import ATTEMPTS
from tests.servers.batches import SOON, batch
from tests.servers.clock import StillClock
from tests.servers.proxy import ConnectProxy
from tests.servers.sendgrid import Fault, SendgridServer, seeded_faults

KEY = "SG.test-key.not-a-secret"


class Desk:
    """A server, a provider that posts to it, and the clock of both."""

    def __init__(self, server: SendgridServer, clock: StillClock) -> None:
        self.server = server
        self.clock = clock
        self.provider = self.provider_with()

    def provider_with(
        self, *, key: str = KEY, timeout: float = 5.0, concurrency: int = 1
    ) -> SendgridProvider:
        settings = SendgridSettings(Secret("KEY"), self.server.url, concurrency, timeout)
        return SendgridProvider(settings, {"KEY": key}, self.clock)

    def deliver(self, *batches: MessageBatch) -> list[Outcome]:
        by_id = {id(b): some for b, some in self.provider.deliver(batches, SOON)}
        return [outcome for b in batches for outcome in by_id[id(b)]]

    def to(self) -> list[str]:
        return [mail.to for mail in self.server.delivered]


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = StillClock()
    with SendgridServer(key=KEY, now=lambda: clock.now().timestamp()) as server:
        desk = Desk(server, clock)
        yield desk
        desk.provider.close()


def _kinds(outcomes: list[Outcome]) -> list[str]:
    return [outcome.kind for outcome in outcomes]


def _names(count: int) -> list[str]:
    return [f"N{n}" for n in range(count)]


def test_2500_contacts_are_three_requests(desk: Desk) -> None:
    batches = [batch(_names(n), first=1000 * b) for b, n in enumerate([1000, 1000, 500])]
    outcomes = desk.deliver(*batches)
    assert set(_kinds(outcomes)) == {"accepted"}
    assert len(desk.server.requests) == 3
    assert sorted(desk.to()) == sorted(f"c{n}@example.org" for n in range(2500))
    assert {mail.subject for mail in desk.server.delivered} == {f"Hello N{n}!" for n in range(1000)}


def test_a_receipt_refers_to_the_request(desk: Desk) -> None:
    outcomes = desk.deliver(batch(["A", "B"]), batch(["C"], first=2))
    refs = {mail.to: mail.message_id for mail in desk.server.delivered}
    assert [o.ref for o in outcomes] == [refs[f"c{n}@example.org"] for n in range(3)]


def test_connections_are_kept(desk: Desk) -> None:
    desk.deliver(*(batch(["A"], first=n) for n in range(8)))
    assert desk.server.state.connections == 1


def test_as_many_at_once_as_the_settings_say(desk: Desk) -> None:
    desk.provider = desk.provider_with(concurrency=3)
    desk.server.misbehave(*[Fault("slow", seconds=0.05)] * 12)
    desk.deliver(*(batch(["A"], first=n) for n in range(12)))
    assert desk.server.state.most_active == 3
    assert len(desk.to()) == 12


def test_the_next_batch_is_made_ready_while_requests_wait(desk: Desk) -> None:
    """One more than is on its way is taken, and it is not posted before its turn."""
    taken: list[int] = []

    def batches() -> Iterator[MessageBatch]:
        for number in range(8):
            taken.append(number)
            yield batch(["A"], first=number)

    desk.provider = desk.provider_with(concurrency=2)
    desk.server.misbehave(*[Fault("slow", seconds=0.05)] * 8)
    answers = desk.provider.deliver(batches(), SOON)
    next(answers)
    assert 3 <= len(taken) <= 4
    assert len(list(answers)) == 7
    assert desk.server.state.most_active == 2


def test_what_is_posted_names_the_client_and_the_key(desk: Desk) -> None:
    desk.deliver(batch(["A"]))
    headers = desk.server.requests[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["user-agent"].startswith("sendgrid/")
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [429, 503])
def test_a_request_that_surely_sent_nothing_is_repeated(desk: Desk, status: int) -> None:
    desk.server.misbehave(Fault("status", status), Fault("status", status))
    assert _kinds(desk.deliver(batch(_names(3)))) == ["accepted"] * 3
    assert len(desk.to()) == 3
    assert len(desk.clock.slept) == 2


def test_the_rate_limit_is_waited_for(desk: Desk) -> None:
    desk.server.misbehave(Fault("status", 429, seconds=40))
    assert _kinds(desk.deliver(batch(["A"]))) == ["accepted"]
    assert 40 <= sum(desk.clock.slept) < 43


def test_a_rate_limit_beyond_the_deadline_is_not_waited_for(desk: Desk) -> None:
    desk.server.misbehave(Fault("status", 429, seconds=3600))
    assert desk.deliver(batch(["A"])) == [Outcome("temporary", "http 429")]
    assert desk.clock.slept == []


def test_back_off_grows_and_ends(desk: Desk) -> None:
    desk.server.misbehave(*[Fault("status", 503)] * 50)
    outcomes = desk.deliver(batch(["A", "B"]), batch(["C"], first=2))
    assert set(outcomes) == {Outcome("temporary", "http 503")}
    assert len(desk.server.requests) == ATTEMPTS
    assert desk.clock.slept[4] > 2 * desk.clock.slept[0]


MAY_HAVE_BEEN_SENT = [
    ("status", 500, "http 500"),
    ("status", 502, "http 502"),
    ("status", 504, "http 504"),
    ("reset", 0, "connection lost"),
    ("close", 0, "connection lost"),
    ("half", 0, "half an answer"),
    ("garbage", 0, "no HTTP answer"),
    ("hang", 0, "no answer in time"),
    ("drip", 0, "no answer in time"),
]


@pytest.mark.parametrize("processed", [True, False])
@pytest.mark.parametrize(("kind", "status", "reason"), MAY_HAVE_BEEN_SENT)
def test_what_may_have_been_sent_is_never_repeated(
    desk: Desk, kind: str, status: int, reason: str, processed: bool
) -> None:
    desk.provider = desk.provider_with(timeout=1.0 if kind in ("hang", "drip") else 10.0)
    desk.server.misbehave(Fault(kind, status, processed=processed))  # type: ignore[arg-type]
    outcomes = desk.deliver(batch(["A", "B"]), batch(["C"], first=2))
    assert outcomes[:2] == [Outcome("ambiguous", reason)] * 2
    assert outcomes[2].kind == "accepted"
    assert sorted(desk.to()) == [f"c{n}@example.org" for n in ((0, 1, 2) if processed else (2,))]


def test_a_server_that_is_not_there(desk: Desk) -> None:
    desk.server.__exit__()
    outcomes = desk.deliver(batch(["A", "B"]), batch(["C"], first=2))
    assert set(outcomes) == {Outcome("temporary", "connection refused")}
    assert len(desk.clock.slept) == ATTEMPTS - 1


def test_an_answer_that_came_before_everything_was_written(desk: Desk) -> None:
    files = (File("big.bin", "application/octet-stream", bytes(20_000_000)),)
    desk.server.misbehave(Fault("refuse_unread", 403))
    outcomes = desk.deliver(batch(["A"], files=files))
    assert outcomes[0] in (
        Outcome("temporary", "http 403"),
        # Where the reset overtakes the answer, nobody knows.
        Outcome("ambiguous", "connection lost while writing"),
    )
    assert desk.to() == []


def test_the_culprit_is_named_and_the_others_get_theirs(desk: Desk) -> None:
    desk.server.barred |= {"c3@example.org", "c7@example.org"}
    outcomes = desk.deliver(batch(_names(1000)))
    refused = [n for n, outcome in enumerate(outcomes) if outcome.kind == "refused"]
    assert refused == [3, 7]
    assert {outcomes[n].reason for n in refused} == {"http 400 to"}
    assert len(desk.to()) == 998
    assert len(desk.server.requests) == 2


def test_culprits_nobody_names_are_found_by_halving(desk: Desk) -> None:
    desk.server.barred |= {"c3@example.org", "c700@example.org"}
    desk.server.misbehave(*[Fault("null_field")] * 60)
    outcomes = desk.deliver(batch(_names(1000)))
    assert [n for n, outcome in enumerate(outcomes) if outcome.kind == "refused"] == [3, 700]
    assert len(desk.to()) == len(set(desk.to())) == 998
    assert len(desk.server.requests) <= 4 * 10


def test_a_message_that_is_wrong_for_everybody_is_refused_at_once(desk: Desk) -> None:
    outcomes = desk.deliver(batch(_names(100), sender=Mailbox("hello@localhost")))
    assert set(outcomes) == {Outcome("refused", "http 400 from")}
    assert len(desk.server.requests) == 1


def test_a_wrong_key_sends_nothing_and_stops(desk: Desk) -> None:
    desk.provider = desk.provider_with(key="SG.other")
    outcomes = desk.deliver(*(batch(_names(3), first=3 * n) for n in range(5)))
    assert set(outcomes) == {Outcome("temporary", "http 401")}
    assert len(desk.server.requests) == 1


def test_a_request_too_large_is_split_before_it_is_posted(desk: Desk) -> None:
    story = "x" * 9_000
    count = 1000
    files = (File("big.bin", "application/octet-stream", bytes(17_000_000)),)
    values = [["A"] * count, [story] * count, ["t"] * count]
    outcomes = desk.deliver(batch(["A"] * count, values=values, files=files))
    assert set(_kinds(outcomes)) == {"accepted"}
    assert sorted(desk.to()) == sorted(f"c{n}@example.org" for n in range(count))
    assert all(len(request.body) < 30_000_000 for request in desk.server.requests)
    assert all(request.status == 202 for request in desk.server.requests)


def test_a_message_too_large_for_one_is_refused_unposted(desk: Desk) -> None:
    files = (File("big.bin", "application/octet-stream", bytes(24_000_000)),)
    outcomes = desk.deliver(batch(["A", "B"], files=files))
    assert outcomes == [Outcome("refused", "message too large")] * 2
    assert desk.server.requests == []


def test_413_splits_the_request(desk: Desk) -> None:
    desk.server.misbehave(Fault("status", 413))
    assert _kinds(desk.deliver(batch(_names(4)))) == ["accepted"] * 4
    assert [len(r.body) > 0 for r in desk.server.requests] == [True] * 3


def test_the_send_time_goes_along(desk: Desk) -> None:
    at = int(desk.clock.now().timestamp()) + 1800
    desk.deliver(batch(["A"], send_at=at), batch(["B"], first=1))
    assert [mail.send_at for mail in desk.server.delivered] == [at, None]


def test_an_idle_connection_the_server_closed_is_not_trusted(desk: Desk) -> None:
    desk.deliver(batch(["A"]))
    desk.server.drop_all()
    assert _kinds(desk.deliver(batch(["B"], first=1))) == ["accepted"]
    assert desk.server.state.connections == 2


def test_a_connection_idle_for_long_is_not_used(desk: Desk) -> None:
    desk.deliver(batch(["A"]))
    desk.clock.sleep(60)
    desk.deliver(batch(["B"], first=1))
    assert desk.server.state.connections == 2


def test_a_stop_ends_the_waiting(desk: Desk) -> None:
    desk.server.misbehave(*[Fault("status", 503)] * 50)
    desk.clock.stop_after(4)
    outcomes = desk.deliver(batch(["A"]), batch(["B"], first=1))
    assert {outcome.kind for outcome in outcomes} == {"temporary"}
    assert len(desk.server.requests) < ATTEMPTS


@pytest.mark.parametrize(
    ("environ", "url", "message"),
    [
        ({}, "https://api.sendgrid.com", "KEY is not set"),
        ({"KEY": ""}, "https://api.sendgrid.com", "KEY is not set"),
        ({"KEY": "SG.a b"}, "https://api.sendgrid.com", "does not hold an API key"),
        ({"KEY": "SG.a\n"}, "https://api.sendgrid.com", "does not hold an API key"),
        ({"KEY": "SG.ä"}, "https://api.sendgrid.com", "does not hold an API key"),
        ({"KEY": KEY}, "http://api.sendgrid.com", "base_url"),
        ({"KEY": KEY}, "http://127.0.0.1.example.org", "base_url"),
        ({"KEY": KEY}, "ftp://localhost", "base_url"),
        ({"KEY": KEY}, "https://user:password@example.org", "base_url"),
        ({"KEY": KEY}, "https://example.org/?a=b", "base_url"),
        ({"KEY": KEY}, "https://", "base_url"),
        ({"KEY": KEY}, "https://[::1", "base_url"),
        ({"KEY": KEY}, "https://example.org:port", "base_url"),
        ({"KEY": KEY}, "api.sendgrid.com", "base_url"),
    ],
)
def test_check_refuses(environ: dict[str, str], url: str, message: str) -> None:
    provider = SendgridProvider(SendgridSettings(Secret("KEY"), url), environ, StillClock())
    with pytest.raises(ProviderError, match=message) as caught:
        provider.check()
    assert "SG." not in str(caught.value)
    assert "password" not in str(caught.value)
    taken: list[MessageBatch] = []
    with pytest.raises(ProviderError, match=message):
        list(provider.deliver((taken.append(b) or b for b in [batch()]), SOON))
    assert taken == []


@pytest.mark.parametrize(
    "url", ["https://api.eu.sendgrid.com", "https://api.sendgrid.com/", "http://[::1]:8080"]
)
def test_check_takes(url: str) -> None:
    settings = SendgridSettings(Secret("KEY"), url)
    SendgridProvider(settings, {"KEY": KEY}, StillClock()).check()


def test_the_client_that_logs_keys_is_kept_quiet(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        desk.server.misbehave(Fault("status", 500, b'{"errors":[{"message":"c0@example.org"}]}'))
        desk.deliver(batch(["A"]))
        assert not logging.getLogger("python_http_client.client").isEnabledFor(logging.INFO)
    assert caplog.text == ""


class TestTls:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> trustme.CA:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        return authority

    @pytest.fixture
    def secure(self, authority: trustme.CA) -> Iterator[Desk]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        clock = StillClock()
        now: Callable[[], float] = lambda: clock.now().timestamp()  # noqa: E731 - read at need
        with SendgridServer(key=KEY, now=now, tls=context) as server:
            desk = Desk(server, clock)
            yield desk
            desk.provider.close()

    def test_over_tls_with_connections_kept(
        self, secure: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert (
            _kinds(secure.deliver(*(batch(["A"], first=n) for n in range(5)))) == ["accepted"] * 5
        )
        assert secure.server.state.connections == 1

    def test_a_certificate_nobody_vouches_for(self, secure: Desk) -> None:
        assert set(secure.deliver(batch(["A"]))) == {
            Outcome("temporary", "tls certificate not trusted")
        }

    def test_through_a_proxy(
        self, secure: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with ConnectProxy() as proxy:
            environ = {"KEY": KEY, "HTTPS_PROXY": f"http://user:pass%21@127.0.0.1:{proxy.port}"}
            settings = SendgridSettings(Secret("KEY"), secure.server.url)
            secure.provider = SendgridProvider(settings, environ, secure.clock)
            assert _kinds(secure.deliver(batch(["A"]))) == ["accepted"]
            secure.provider.close()
        assert proxy.asked == [secure.server.url.removeprefix("https://")]
        assert proxy.authorisations == ["Basic dXNlcjpwYXNzIQ=="]

    def test_a_proxy_that_says_no_sends_nothing(self, secure: Desk) -> None:
        with ConnectProxy(status="407 Proxy Authentication Required") as proxy:
            environ = {"KEY": KEY, "https_proxy": f"127.0.0.1:{proxy.port}"}
            settings = SendgridSettings(Secret("KEY"), secure.server.url)
            secure.provider = SendgridProvider(settings, environ, secure.clock)
            assert set(secure.deliver(batch(["A"]))) == {Outcome("temporary", "connection failed")}


def test_threads_do_not_mix_up_their_answers(desk: Desk) -> None:
    desk.provider = desk.provider_with(concurrency=4)
    desk.server.barred |= {f"c{n}@example.org" for n in range(0, 200, 7)}
    outcomes = desk.deliver(*(batch(_names(10), first=10 * n) for n in range(20)))
    assert [n for n, o in enumerate(outcomes) if o.kind == "refused"] == list(range(0, 200, 7))
    assert threading.active_count() < 30


@pytest.mark.parametrize("seed", range(12))
def test_whatever_goes_wrong_the_outcomes_are_true(seed: int) -> None:
    """Accepted: delivered once.  Ambiguous: once or not.  All else: not delivered."""
    clock = StillClock()
    faults = seeded_faults(seed, rate=0.4)
    with SendgridServer(key=KEY, now=lambda: clock.now().timestamp(), faults=faults) as server:
        desk = Desk(server, clock)
        desk.provider = desk.provider_with(timeout=0.15, concurrency=3)
        server.barred |= {f"c{n}@example.org" for n in range(0, 120, 11)}
        outcomes = desk.deliver(*(batch(_names(10), first=10 * n) for n in range(12)))
        desk.provider.close()
    counts = Counter(desk.to())
    for number, outcome in enumerate(outcomes):
        times = counts[f"c{number}@example.org"]
        allowed = {"accepted": {1}, "ambiguous": {0, 1}}.get(outcome.kind, {0})
        assert times in allowed, (number, outcome)
    assert len({outcome.kind for outcome in outcomes}) > 1
