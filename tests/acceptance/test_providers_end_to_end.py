"""The same campaign through a real SMTP server and through a strict SendGrid on loopback."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench
from tests.servers.sendgrid import SendgridServer
from tests.servers.smtp import SmtpServer

NOW = datetime(2025, 10, 20, 13, 30, tzinfo=UTC)
NINE = int(datetime(2025, 10, 20, 14, 0, tzinfo=UTC).timestamp())
AT = ("--now", NOW.isoformat())
SCHEDULE = "{send: scheduled, at: 2025-10-20 09:00, timezone: America/Chicago}"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class TestSendgrid:
    def through(self, bench: Bench, server: SendgridServer, people: int, more: str = "") -> Bench:
        providers = f'providers: {{sendgrid: {{base_url: "{server.url}"}}}}\n{more}'
        bench.workspace(provider="sendgrid", more=providers, people=people)
        bench.campaign(schedule=SCHEDULE)
        bench.environ["SENDGRID_API_KEY"] = server.key
        assert bench.sendoff("init", *AT).code == 0
        return bench

    def test_2500_contacts_once_each_in_three_requests(self, bench):
        with SendgridServer(now=NOW.timestamp) as server:
            self.through(bench, server, 2500, "pacing: {delay_seconds: 1}")
            ran = bench.sendoff("run", "--json", *AT)
            assert (ran.code, ran.json["sent"]) == (0, 2500), ran.err
            again = bench.sendoff("run", "--json", *AT)
            assert (again.code, again.json["sent"]) == (0, 0)

            sent = [request for request in server.requests if request.path == "/v3/mail/send"]
            assert [request.status for request in sent] == [202, 202, 202]
            delivered = server.delivered
        assert Counter(mail.to for mail in delivered) == {
            f"p{n}@example.com": 1 for n in range(2500)
        }
        for mail in delivered:
            number = int(mail.to.partition("@")[0][1:])
            assert mail.subject == f"Hello Name{number}"
            assert f"Dear Name{number}, see you at" in mail.html
            assert f"Dear Name{number}, see you at" in mail.text
            # one second apart, from nine o'clock in Chicago on
            assert mail.send_at == NINE + number
            assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert "@example.com" not in json.dumps(mail.custom_args)
        tokens = {mail.headers["List-Unsubscribe"] for mail in delivered}
        assert len(tokens) == 2500

    def test_a_body_too_personal_for_substitutions_goes_alone(self, bench):
        with SendgridServer(now=NOW.timestamp) as server:
            self.through(bench, server, 3)
            long = "x" * 11_000
            bench.write(
                "campaigns/lists/people.csv",
                f"email,firstName\na@example.com,{long}\nb@example.com,B\nc@example.com,C\n",
            )
            assert bench.sendoff("run", "--json", *AT).json["sent"] == 3
            assert {mail.subject for mail in server.delivered} >= {"Hello B", "Hello C"}
            assert any(long in mail.html for mail in server.delivered)

    def test_a_wrong_key_is_loud_and_nothing_is_lost(self, bench):
        with SendgridServer(now=NOW.timestamp) as server:
            self.through(bench, server, 5)
            refused = bench.sendoff("run", "--json", *AT, SENDGRID_API_KEY="SG.wrong-key-entirely")
            assert (refused.code, refused.json["sent"], refused.json["later"]) == (4, 0, 5)
            assert "wrong-key" not in refused.out + refused.err
            assert bench.sendoff("run", "--json", *AT).json["sent"] == 5

    def test_one_bad_address_of_many_costs_only_itself(self, bench):
        with SendgridServer(now=NOW.timestamp) as server:
            self.through(bench, server, 50)
            server.barred.add("p7@example.com")
            ran = bench.sendoff("run", "--json", *AT)
            assert (ran.code, ran.json["sent"], ran.json["failed"]) == (4, 49, 1)
            assert "p7@example.com" not in {mail.to for mail in server.delivered}


class TestSmtp:
    def through(self, bench: Bench, server: SmtpServer, people: int = 40, more: str = "") -> Bench:
        smtp = f"host: 127.0.0.1, port: {server.port}, security: none{more}"
        bench.workspace(provider="smtp", more=f"providers: {{smtp: {{{smtp}}}}}", people=people)
        bench.campaign()
        assert bench.sendoff("init", *AT).code == 0
        return bench

    def test_everyone_once_personalised(self, bench):
        with SmtpServer() as server:
            self.through(bench, server)
            ran = bench.sendoff("run", "--json", *AT)
            assert (ran.code, ran.json["sent"]) == (0, 40), ran.err
            assert bench.sendoff("run", "--json", *AT).json["sent"] == 0
            received = server.messages
        assert Counter(mail.to for mail in received) == {f"p{n}@example.com": 1 for n in range(40)}
        for mail in received:
            message = message_from_bytes(mail.data, policy=default)
            number = mail.to.partition("@")[0][1:]
            assert message["Subject"] == f"Hello Name{number}"
            assert message["To"] == mail.to
            assert message["Reply-To"] == "team@f3.example"
            assert message["List-Unsubscribe"].startswith("<https://f3.example/u?t=")
            html = message.get_body(("html",)).get_content()
            assert f"Dear Name{number}, see you at" in html
            assert 'style="color: #123456;"' in html
            assert f"Dear Name{number}" in message.get_body(("plain",)).get_content()

    def test_refusals_are_per_recipient(self, bench):
        with SmtpServer() as server:
            self.through(bench, server)
            server.answer_rcpt["p3@example.com"] = "550 5.1.1 p3@example.com is unknown"
            server.answer_rcpt["p4@example.com"] = "451 4.7.1 try later"
            ran = bench.sendoff("run", "--json", *AT)
            assert (ran.json["sent"], ran.json["failed"], ran.json["later"]) == (38, 1, 1)
            assert ran.code == 4
            del server.answer_rcpt["p4@example.com"]
            assert bench.sendoff("run", "--json", *AT).json["sent"] == 1
            assert len(server.messages) == 39
        assert "p3@example.com" not in ran.out + ran.err
        ledger = "".join(p.read_text() for p in (bench.root / "state").rglob("*.jsonl"))
        assert "550 5.1.1" in ledger
        assert "example.com" not in ledger

    def test_whom_the_server_does_not_know_no_campaign_mails_again(self, bench):
        with SmtpServer() as server:
            self.through(bench, server, 20)
            server.answer_rcpt["p3@example.com"] = "550 5.1.1 p3@example.com is unknown"
            ran = bench.sendoff("run", *AT)
            assert ran.code == 4
            assert "1 mail could not be sent: the mail server says that nobody has" in ran.out
            told = bench.sendoff("suppressions", "--format", "json", *AT).json
            assert [(one["reason"], one["contacts"]) for one in told["reasons"]] == [("bounce", 1)]
            assert "bounce" in bench.sendoff("why", "p3@example.com", *AT).out
            bench.campaign("second")
            server.answer_rcpt.clear()
            again = bench.sendoff("run", "--json", *AT)
            assert (again.code, again.json["sent"]) == (0, 19), again.err
            assert Counter(mail.to for mail in server.messages)["p3@example.com"] == 0
            undo = bench.sendoff("suppress", "--undo", "p3@example.com", *AT)
            assert undo.code == 0
            bench.campaign("third")
            assert bench.sendoff("run", "--json", *AT).json["sent"] == 20
        assert "p3@" not in ran.out + ran.err + "".join(
            path.read_text() for path in (bench.root / "state").rglob("*.jsonl")
        )
