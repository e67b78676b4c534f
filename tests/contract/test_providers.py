"""One suite for every provider: what the core may rely on, whoever carries the mail."""

from __future__ import annotations

import base64
import email
import email.policy
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest

from runner import providers
from runner.model.ledger import Claim
from runner.model.message import File, MessageBatch, Outcome, Parts, Verdict
from runner.model.settings import Mailbox, Secret, SendgridSettings, Settings, SmtpSettings
from runner.ports import Provider
from tests.servers.batches import NOW, PARTS, PAST, SOON, batch, key
from tests.servers.clock import NOON, StillClock
from tests.servers.sendgrid import Delivered, SendgridServer
from tests.servers.smtp import SmtpServer

NAMES = ["outbox", "smtp", "sendgrid"]

NAUGHTY = [
    "<script>alert(1)</script>",
    'O\'Brien "the" = & Co.',
    "-tag- {{ name }} %name% -s0123456789abcdef.0-",
    "\u202eright to left\u202c \u05d0\u05d1\u05d2",
    "\U0001f37b beer \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "Żółć ﷽ ㍿ ½",
    "x" * 3000,
    "=?utf-8?q?=0D=0ABcc:_a=40example.org?=",
    "  spaces  around  ",
    ".",
    "",
]


@dataclass(frozen=True)
class Mail:
    """What one recipient got, whoever carried it."""

    to: str
    sender: str
    reply_to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    files: tuple[tuple[str, str, bytes, str], ...]


@dataclass
class Bench:
    """A provider, its clock, and a look into the mailboxes."""

    name: str
    provider: Provider
    clock: StillClock
    received: Callable[[], list[Mail]]
    bends: Callable[[str], None]
    """Makes the server refuse this address."""

    def deliver(self, *batches: MessageBatch, deadline: datetime = SOON) -> list[Outcome]:
        sent = {id(b): outcomes for b, outcomes in self.provider.deliver(batches, deadline)}
        assert len(sent) == len(batches)
        return [outcome for b in batches for outcome in sent[id(b)]]


@pytest.fixture(params=NAMES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    maker = {"outbox": _outbox, "smtp": _smtp, "sendgrid": _sendgrid}[request.param]
    yield from maker(tmp_path)


def _settings(**changes: object) -> Settings:
    return replace(Settings(sender=Mailbox("hello@f3.example")), **changes)  # type: ignore[arg-type]


def _refuses_nobody(address: str) -> None:
    raise NotImplementedError(address)


def _outbox(root: Path) -> Iterator[Bench]:
    clock = StillClock()
    provider = providers.build(_settings(provider="outbox"), {}, root, clock)

    def received() -> list[Mail]:
        return [_parsed(path.read_bytes()) for path in sorted((root / "outbox").rglob("*.eml"))]

    yield Bench("outbox", provider, clock, received, _refuses_nobody)
    provider.close()


def _smtp(root: Path) -> Iterator[Bench]:
    clock = StillClock()
    with SmtpServer() as server:
        smtp = SmtpSettings(port=server.port, security="none", timeout_seconds=5)
        provider = providers.build(_settings(provider="smtp", smtp=smtp), {}, root, clock)
        yield Bench(
            "smtp",
            provider,
            clock,
            lambda: [_parsed(message.data) for message in server.messages],
            lambda address: server.answer_rcpt.update({address: f"550 5.1.1 no {address}"}),
        )
        provider.close()


def _sendgrid(root: Path) -> Iterator[Bench]:
    clock = StillClock()
    with SendgridServer(now=lambda: clock.now().timestamp()) as server:
        sendgrid = SendgridSettings(Secret("KEY"), server.url, timeout_seconds=5)
        settings = _settings(provider="sendgrid", sendgrid=sendgrid)
        provider = providers.build(settings, {"KEY": server.key}, root, clock)
        yield Bench(
            "sendgrid",
            provider,
            clock,
            lambda: [_from_sendgrid(mail) for mail in server.delivered],
            server.barred.add,
        )
        provider.close()


def _parsed(data: bytes) -> Mail:
    message = cast(EmailMessage, email.message_from_bytes(data, policy=email.policy.default))
    plain = message.get_body(("plain",))
    html = message.get_body(("html",))
    files = [part for part in message.walk() if part.get_content_disposition() is not None]
    return Mail(
        to=message["To"],
        sender=message["From"],
        reply_to=message["Reply-To"],
        subject=message["Subject"],
        text=_lines(plain.get_content()) if plain else "",
        html=_lines(html.get_content()) if html else "",
        headers=dict(message.items()),
        files=tuple(
            (
                part.get_filename() or "",
                part.get_content_type(),
                cast(bytes, part.get_payload(decode=True)),
                (part["Content-ID"] or "").strip("<>"),
            )
            for part in files
        ),
    )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _from_sendgrid(mail: Delivered) -> Mail:
    name = mail.sender.get("name")
    return Mail(
        to=mail.to,
        sender=f"{name} <{mail.sender['email']}>" if name else mail.sender["email"],
        reply_to=mail.reply_to,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        headers=mail.headers,
        files=tuple(
            (a["filename"], a["type"], base64.b64decode(a["content"]), a.get("content_id", ""))
            for a in mail.attachments
        ),
    )


def _all_accepted(outcomes: list[Outcome]) -> bool:
    return all(outcome.kind == "accepted" for outcome in outcomes)


def test_each_contact_gets_its_own_mail_once(bench: Bench) -> None:
    names = [f"Name {n}" for n in range(25)]
    bench.provider.check()
    assert _all_accepted(bench.deliver(batch(names)))
    mails = sorted(bench.received(), key=lambda mail: int(mail.to[1:].partition("@")[0]))
    assert [mail.to for mail in mails] == [f"c{n}@example.org" for n in range(25)]
    assert [mail.subject for mail in mails] == [f"Hello {name}!" for name in names]
    assert all(f"Dear {name}," in mail.text for name, mail in zip(names, mails, strict=True))
    assert all(f"Dear {name}," in mail.html for name, mail in zip(names, mails, strict=True))


def test_headers_are_right(bench: Bench) -> None:
    bench.deliver(batch(["Ada"]))
    (mail,) = bench.received()
    assert mail.sender == "F3 Nation <hello@f3.example>"
    assert mail.reply_to == "team@f3.example"
    link = "<https://example.org/u?t=tok0>, <mailto:leave@example.org>"
    assert mail.headers["List-Unsubscribe"] == link
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.headers["X-Sendoff-Job"] == "spring/main"


def test_a_long_unsubscribe_link_survives(bench: Bench) -> None:
    token = "t" * 700
    bench.deliver(batch(["Ada"], values=(["Ada"], ["Ada"], [token])))
    (mail,) = bench.received()
    assert token in mail.headers["List-Unsubscribe"]
    assert "=?" not in mail.headers["List-Unsubscribe"]


def test_unicode_everywhere(bench: Bench) -> None:
    sender = Mailbox("hello@bücher.example", "Bücher & Söhne, Verlag")
    bench.deliver(batch(["Jürgen 🍻 Müller-Lüdenscheidt zu Hohenstein-Übergrün"], sender=sender))
    (mail,) = bench.received()
    assert mail.subject == "Hello Jürgen 🍻 Müller-Lüdenscheidt zu Hohenstein-Übergrün!"
    assert "Dear Jürgen 🍻" in mail.text
    assert "hello@xn--bcher-kva.example" in mail.sender
    assert "Bücher & Söhne, Verlag" in mail.sender


@pytest.mark.parametrize("value", NAUGHTY, ids=range(len(NAUGHTY)))
def test_naughty_values_arrive_as_they_are(bench: Bench, value: str) -> None:
    assert _all_accepted(bench.deliver(batch([value, "Grace"])))
    mails = {mail.to: mail for mail in bench.received()}
    mail = mails["c0@example.org"]
    assert mail.subject == f"Hello {value}!"
    assert mail.text.startswith(f"Dear {value},\n")
    assert mails["c1@example.org"].subject == "Hello Grace!"
    assert "Bcc" not in mail.headers


def test_values_beyond_any_limit_of_a_request(bench: Bench) -> None:
    story = "Once upon a time in Łódź. " * 1000
    outcomes = bench.deliver(
        batch(["Ada", "Bob"], values=(["A", "B"], [story, "short"], ["1", "2"]))
    )
    assert _all_accepted(outcomes)
    mails = {mail.to: mail for mail in bench.received()}
    assert f"Dear {story}," in mails["c0@example.org"].html
    assert "Dear short," in mails["c1@example.org"].html


def test_files_go_along(bench: Bench) -> None:
    ics = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
    files = (
        File("logo.png", "image/png", b"\x89PNG\r\n\x1a\n\x00", cid="logo"),
        File("Menü.pdf", "application/pdf", bytes(range(256)) * 20),
        File("invite.ics", "text/calendar; method=REQUEST", ics),
    )
    bench.deliver(batch(["Ada"], files=files))
    (mail,) = bench.received()
    assert sorted(mail.files) == sorted(
        (file.filename, file.content_type.partition(";")[0], file.data, file.cid) for file in files
    )


def test_text_only_and_html_only(bench: Bench) -> None:
    only_text = Parts(subject=("Hi",), html=(), text=("plain ", 0))
    only_html = Parts(subject=("Hi",), html=("<p>", 1, "</p>"), text=())
    bench.deliver(batch(["Ada"], parts=only_text), batch(["Bob"], parts=only_html, first=1))
    mails = {mail.to: mail for mail in bench.received()}
    assert mails["c0@example.org"].text.strip() == "plain Ada"
    assert mails["c0@example.org"].html == ""
    assert mails["c1@example.org"].html.strip() == "<p>Bob</p>"
    assert mails["c1@example.org"].text == ""


@pytest.mark.parametrize("character", ["\r\n", "\n", "\r", "\x00", "\x85", "\u2028"])
def test_header_injection_is_refused_and_costs_nobody_else(bench: Bench, character: str) -> None:
    outcomes = bench.deliver(batch(["Ada", f"Eve{character}Bcc: x@example.org", "Grace"]))
    assert [outcome.kind for outcome in outcomes] == ["accepted", "refused", "accepted"]
    assert outcomes[1].reason == "control character in header"
    assert sorted(mail.to for mail in bench.received()) == ["c0@example.org", "c2@example.org"]


@pytest.mark.parametrize(
    "address",
    [
        "no-at-sign",
        "@example.org",
        "a@",
        "a b@example.org",
        "a@example.org>\r\nRCPT TO:<b@example.org",
        "a@example.org, b@example.org",
        "<a@example.org>",
        "a@exa mple.org",
        "a@-.example.org",
        "x" * 400 + "@example.org",
    ],
)
def test_bad_addresses_are_refused_before_any_server_sees_them(bench: Bench, address: str) -> None:
    outcomes = bench.deliver(batch(["Ada", "Eve"], emails=["c0@example.org", address]))
    assert [outcome.kind for outcome in outcomes] == ["accepted", "refused"]
    assert [mail.to for mail in bench.received()] == ["c0@example.org"]


def test_a_header_that_is_not_free_refuses_the_batch(bench: Bench) -> None:
    for name in ("Bcc", "content-type", "X\r\nY", "Ümlaut", "X Y", ""):
        parts = replace(PARTS, headers=((name, ("v",)),))
        outcomes = bench.deliver(batch(parts=parts))
        assert {outcome.kind for outcome in outcomes} == {"refused"}
    assert bench.received() == []


@pytest.mark.parametrize("bench", ["smtp", "sendgrid"], indirect=True)
def test_one_refused_address_costs_nobody_else(bench: Bench) -> None:
    bench.bends("c3@example.org")
    outcomes = bench.deliver(batch([f"N{n}" for n in range(8)]))
    assert [o.kind for o in outcomes] == ["accepted"] * 3 + ["refused"] + ["accepted"] * 4
    assert "example" not in outcomes[3].reason
    assert len(bench.received()) == 7


def test_after_the_deadline_nothing_is_begun(bench: Bench) -> None:
    outcomes = bench.deliver(batch(), deadline=PAST)
    assert outcomes == [Outcome("temporary", "not begun")] * 2
    assert bench.received() == []


def test_once_stopping_nothing_more_is_begun(bench: Bench) -> None:
    bench.clock.stopped = True
    outcomes = bench.deliver(batch(), batch(first=2))
    assert outcomes == [Outcome("temporary", "not begun")] * 4
    assert bench.received() == []


def test_stopping_half_way_settles_every_contact(bench: Bench) -> None:
    bench.clock.stop_after(4)
    batches = [batch([f"N{n}" for n in range(5)], first=5 * b) for b in range(6)]
    outcomes = bench.deliver(*batches)
    accepted = [o for o in outcomes if o.kind == "accepted"]
    rest = [o for o in outcomes if o.kind != "accepted"]
    assert len(outcomes) == 30
    assert 0 < len(accepted) == len(bench.received()) < 30
    assert set(rest) == {Outcome("temporary", "not begun")}


def test_batches_are_taken_lazily(bench: Bench) -> None:
    taken: list[int] = []

    def endless() -> Iterator[MessageBatch]:
        for number in range(1000):
            taken.append(number)
            yield batch(["Ada"], first=number)

    answers = bench.provider.deliver(endless(), SOON)
    next(iter(answers))
    answers.close()  # type: ignore[attr-defined]
    assert len(taken) < 20


def test_each_batch_comes_back_as_the_very_same_object(bench: Bench) -> None:
    batches = [batch(["Ada"], first=number) for number in range(9)]
    back = [b for b, _ in bench.provider.deliver(iter(batches), SOON)]
    assert {id(b) for b in back} == {id(b) for b in batches}


def test_nothing_personal_is_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        # aiosmtpd, the test's own server, logs the session: it is not what is tested.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        bench.deliver(batch(["Adalovelace"]))
    assert "example.org" not in caplog.text
    assert "Adalovelace" not in caplog.text
    assert "SG." not in caplog.text


def _claim(sent: MessageBatch) -> Claim:
    """The claim that the core has made for a batch."""
    last = datetime.fromtimestamp(max(*sent.send_at, NOW), UTC)
    return Claim(
        id=sent.claim_id,
        campaign=sent.campaign,
        step="main",
        occurrence="",
        run="run1",
        at=NOON,
        lease_until=last + timedelta(minutes=20),
        provider="whoever",
        keys=b"".join(sent.keys),
        times=tuple((at, 0, 1) for at in sent.send_at),
        total=len(sent),
        handle=sent.handle,
    )


def _evidence(bench: Bench, sent: MessageBatch) -> dict[int, Verdict]:
    contacts = list(zip(range(len(sent)), sent.emails, sent.keys, strict=True))
    return dict(bench.provider.evidence(_claim(sent), contacts))


def test_a_handle_is_given_by_those_who_can_call_back(bench: Bench) -> None:
    handle = bench.provider.handle("spring/main")
    assert bool(handle) == bool(bench.provider.capabilities.recall_before_seconds)


@pytest.mark.parametrize("handle", ["", "nobody's"])
def test_calling_back_what_nobody_handed_over_is_not_certain(bench: Bench, handle: str) -> None:
    assert not bench.provider.recall(handle)
    assert _all_accepted(bench.deliver(batch()))


@pytest.mark.parametrize("margin", [1, 3600])
def test_what_is_said_to_be_called_back_does_not_arrive(bench: Bench, margin: int) -> None:
    before = bench.provider.capabilities.recall_before_seconds
    later = NOW + before + margin
    sent = replace(
        batch(["Ada", "Bob"], send_at=later), handle=bench.provider.handle("spring/main")
    )
    bench.deliver(sent)
    called_back = bench.provider.recall(sent.handle)
    assert called_back == bool(before)
    assert len(bench.received()) == (0 if called_back else 2)


def test_what_has_gone_is_not_called_back(bench: Bench) -> None:
    sent = replace(batch(["Ada"]), handle=bench.provider.handle("spring/main"))
    bench.deliver(sent)
    bench.provider.recall(sent.handle)
    assert len(bench.received()) == 1


@pytest.mark.parametrize("hours", [0, 1, 24 * 40])
def test_evidence_never_errs(bench: Bench, hours: int) -> None:
    """What was taken is never said to be unsent, what never left is never said to be sent, and
    whoever cannot know says nothing."""
    went, stayed = batch(["Ada", "Bob"]), batch(["Cid"], first=2)
    bench.deliver(went)
    bench.clock.sleep(3600 * hours)
    told, other = _evidence(bench, went), _evidence(bench, stayed)
    assert set(told) <= {0, 1}
    assert set(told.values()) <= {"sent", "unknown"}
    assert set(other) <= {0}
    assert set(other.values()) <= {"not_sent", "unknown"}
    if not bench.provider.capabilities.evidence:
        assert (told, other) == ({}, {})
    elif hours == 1:
        assert (told, other) == ({0: "sent", 1: "sent"}, {0: "not_sent"})


def test_evidence_for_nobody_is_empty(bench: Bench) -> None:
    assert bench.provider.evidence(_claim(batch()), []) == {}


def test_an_empty_delivery(bench: Bench) -> None:
    assert bench.deliver() == []


def test_keys_are_what_identifies_a_contact() -> None:
    assert len({key(n) for n in range(1000)}) == 1000
