"""Mail: no value adds a header, a recipient, a part or a line to a message."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench
from tests.servers.sendgrid import SendgridServer
from tests.servers.smtp import SmtpServer

from .attack import CONTENT

BREAKS = ["\\r\\nBcc: evil@example.org", "\\nBcc: evil@example.org", "\\rBcc: evil@example.org",
          "\\x85Bcc: evil@example.org", "\\u2028Bcc: evil@example.org", "\\0Bcc: evil@example.org",
          "\\r\\n\\r\\n<script>", "\\r\\n.\\r\\nMAIL FROM:<evil@example.org>"]  # fmt: skip
INVITATION = "start: 2030-01-01 09:00, duration: 1h, timezone: UTC"
PLACES = {
    "subject": 'subject: "Hi{}"',
    "subject variable": 'subject: "{{{{{{{{ v }}}}}}}}"\nvariables: {{v: "Hi{}"}}',
    "from name": 'from: {{email: hello@f3.example, name: "F3{}"}}',
    "from address": 'from: {{email: "hello@f3.example{}"}}',
    "reply to": 'reply_to: "team@f3.example{}"',
    "file name": 'attachments: [{{path: files/a.txt, filename: "a{}.txt"}}]',
    "file type": 'attachments: [{{path: files/a.txt, type: "text/plain{}"}}]',
    "leave by link": 'unsubscribe: {{url: "https://f3.example/u{}"}}',
    "leave by mail": 'unsubscribe: {{mailto: "bye@f3.example{}"}}',
    "postal address": 'postal_address: "Main Street{}"',
    "invitation": 'invitation: {{summary: "Hi{}", ' + INVITATION + "}}",
    "place": 'invitation: {{summary: Hi, location: "x{}", ' + INVITATION + "}}",
    "organizer": 'invitation: {{summary: Hi, organizer: {{email: o@f3.example, name: "O{}"}}, '
    + INVITATION + "}}",
}  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path).workspace(people=1)
    bench.write("campaigns/files/a.txt", "a")
    bench.campaign()
    assert bench.sendoff("init").code == 0
    return bench


def is_sound(raw: bytes) -> None:
    message = message_from_bytes(raw, policy=default)
    assert message["Bcc"] is None
    assert message["Cc"] is None
    assert len(message.get_all("To")) == len(message.get_all("From")) == 1
    head = raw.partition(b"\r\n\r\n")[0]
    assert not any(line.lower().startswith((b"bcc:", b"mail from")) for line in head.split(b"\r\n"))
    for part in message.walk():
        assert part["Bcc"] is None
        assert not part.defects, part.defects
        if part.get_content_type() == "text/calendar":
            lines = re.split(r"\r\n|\r|\n", part.get_content())
            assert not [line for line in lines if line.lower().startswith("bcc")]


@pytest.mark.parametrize("place", PLACES)
def test_no_text_adds_a_line_to_a_message(bench: Bench, place: str) -> None:
    for number, text in enumerate(BREAKS):
        line = PLACES[place].format(text)
        bench.write(f"campaigns/c{number}.yaml", f"{CONTENT}template: hello\n{line}\n")
        said = bench.sendoff("validate")
        assert "this is a bug" not in said.err
        ran = bench.sendoff("run")
        assert "this is a bug" not in ran.err
        (bench.root / f"campaigns/c{number}.yaml").unlink()
    for path in (bench.root / "outbox").rglob("*.eml"):
        is_sound(path.read_bytes())


@pytest.mark.parametrize("text", BREAKS)
@pytest.mark.parametrize("column", ["email", "firstName"])
def test_nor_does_a_contact(bench: Bench, column: str, text: str) -> None:
    value = text.encode().decode("unicode_escape")
    row = {"email": "a@example.com", "firstName": "Ann"}
    row[column] += value
    bench.write(
        "campaigns/lists/people.csv",
        f'email,firstName\nb@example.com,Bob\n"{row["email"]}","{row["firstName"]}"\n',
    )
    bench.sendoff("run")
    for path in (bench.root / "outbox").rglob("*.eml"):
        is_sound(path.read_bytes())
        assert b"evil" not in path.read_bytes().partition(b"\r\n\r\n")[0]


def test_a_dot_on_a_line_of_its_own_ends_no_message(bench: Bench) -> None:
    bench.write(
        "campaigns/templates/hello.txt",
        "a\r\n.\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<evil@example.org>\r\nDATA\r\n"
        "{{ unsubscribe_url }} {{ postal_address }}",
    )
    with SmtpServer() as server:
        settings = (bench.root / "sendoff.yaml").read_text().replace("outbox", "smtp")
        settings += (
            f"providers: {{smtp: {{host: 127.0.0.1, port: {server.port}, security: none}}}}\n"
        )
        bench.write("sendoff.yaml", settings)
        assert bench.sendoff("run").code == 0
        assert [message.to for message in server.messages] == ["p0@example.com"]


@pytest.mark.parametrize(
    "value",
    [
        "{{ x }}",
        "-firstName-",
        "%firstName%",
        "{{{ x }}}",
        "[%x%]",
        "<%asm_group_unsubscribe_raw_url%>",
        "<%body%>",
    ],
)
def test_a_contact_is_no_substitution_tag(bench: Bench, value: str) -> None:
    """What SendGrid would replace in a message is not replaced because a contact is called so."""
    bench.write(
        "campaigns/lists/people.csv", f'email,firstName\na@example.com,"{value}"\nb@example.com,B\n'
    )
    with SendgridServer() as server:
        settings = (bench.root / "sendoff.yaml").read_text().replace("outbox", "sendgrid")
        settings += f'providers: {{sendgrid: {{base_url: "{server.url}"}}}}\n'
        bench.write("sendoff.yaml", settings)
        bench.sendoff("run", SENDGRID_API_KEY=server.key)
        for mail in server.delivered:
            if mail.to == "a@example.com":
                assert value in mail.subject
