from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model.message import File, MessageBatch, Parts
from runner.model.settings import Mailbox
from runner.providers.mime import Writer
from runner.providers.refusal import Refusal
from tests.servers.batches import NOW, PARTS, batch

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=200)


def _message(sent: MessageBatch, index: int = 0) -> tuple[bytes, EmailMessage]:
    data = Writer(sent, NOW).message(index)
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    for part in parsed.walk():
        assert part.defects == []
    return data, cast(EmailMessage, parsed)


def _assert_wire(data: bytes) -> None:
    assert data.isascii()
    lines = data.split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")


def _content(part: EmailMessage | None) -> str:
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@settings(deadline=None)
@given(st.lists(TEXT, min_size=2, max_size=5), st.lists(TEXT, min_size=4, max_size=4))
def test_any_text_with_any_values_reads_back(constant: list[str], values: list[str]) -> None:
    segments = [piece for n, text in enumerate(constant) for piece in (text, n % 4)]
    parts = Parts(("s",), tuple(segments), (values[0], *reversed(segments)))
    sent = batch(["x"], parts=parts, values=[[value] for value in values])
    data, message = _message(sent)
    _assert_wire(data)
    # Exactly: the line end before a boundary belongs to the boundary.
    for kind, segments in (("html", parts.html), ("plain", parts.text)):
        assert _content(message.get_body((kind,))) == sent.content.fill(segments, 0)


@settings(deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=4))
def test_lines_of_text_keep_to_76_columns(texts: list[str]) -> None:
    parts = Parts(("s",), tuple(p for n, t in enumerate(texts) for p in (t, n)), ())
    data = Writer(batch(["x"], parts=parts, values=[[t] for t in texts]), NOW).message(0)
    body = data.partition(b"\r\n\r\n")[2]
    assert max(map(len, body.split(b"\r\n"))) <= 76


DOTTED = st.lists(
    st.sampled_from([".", "..", "\n", "a", "=", " ", "é", ".\n.", "x" * 75]), max_size=9
)


@settings(deadline=None)
@given(st.lists(DOTTED.map("".join), min_size=1, max_size=5), st.lists(TEXT, max_size=3))
def test_as_data_carries_it_nothing_but_leading_dots_is_added(
    texts: list[str], more: list[str]
) -> None:
    """A server that undoes what RFC 5321 (4.5.2) has clients do gets the very same message."""
    texts += more
    segments = tuple(p for n, t in enumerate(texts) for p in (t, n, n))
    parts = Parts(("s",), segments, (0, *segments), headers=((".X", (0,)), ("..Y", ("v",))))
    values = [[text, "plain"] for text in texts]
    values[0] = ["a", "b"]
    sent = batch(["x", "y"], parts=parts, values=values)
    for index in range(2):
        wire = Writer(sent, NOW, for_smtp=True).message(index)
        assert wire.endswith(b"\r\n.\r\n")
        lines = wire.removesuffix(b".\r\n").split(b"\r\n")
        assert b"." not in lines
        undone = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)
        assert undone == Writer(sent, NOW).message(index)


@pytest.mark.parametrize("value", ["", "a", "a\n", "\n", "a\nb", ".", "ü", "=", "x" * 73, "\r"])
def test_one_odd_value_changes_nothing_for_the_others(value: str) -> None:
    """Plain columns are encoded at one glance; a value that is not plain takes the others along."""
    parts = Parts(("s",), ("<p>", 0, "</p>", 1), ())
    sent = batch(["x"] * 3, parts=parts, values=[["Ada", value, "Bob"], ["1", "2", "3"]])
    for index, shown in enumerate(["Ada", value, "Bob"]):
        _, message = _message(sent, index)
        text = f"<p>{shown}</p>{index + 1}"
        content = _content(message.get_body(("html",))).removesuffix("\n")
        assert content == text.replace("\r", "\n")


def test_the_shape_of_a_message_with_everything() -> None:
    files = (
        File("logo.png", "image/png", b"png", cid="logo"),
        File("a.pdf", "application/pdf", b"pdf"),
        File("invite.ics", "text/calendar", b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n"),
    )
    _, message = _message(batch(["Ada"], files=files))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/calendar",
        "application/pdf",
        "text/calendar",
    ]
    related = list(message.walk())[3]
    assert related["Content-Type"].params["type"] == "text/html"
    calendar = list(message.walk())[6]
    assert calendar["Content-Type"].params["method"] == "REQUEST"
    attached = list(message.walk())[8]
    assert attached.get_filename() == "invite.ics"
    assert attached.get_content_disposition() == "attachment"


def test_a_plain_message_has_no_more_parts_than_it_needs() -> None:
    _, both = _message(batch(["Ada"]))
    assert [p.get_content_type() for p in both.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    _, one = _message(batch(["Ada"], parts=replace(PARTS, html=())))
    assert one.get_content_type() == "text/plain"


def test_the_message_id_belongs_to_the_send_key() -> None:
    first = _message(batch(["Ada", "Bob"]))[1]["Message-ID"]
    again = _message(batch(["Someone else", "Bob"], claim_id="another"))[1]["Message-ID"]
    other = _message(batch(["Ada", "Bob"]), 1)[1]["Message-ID"]
    later = _message(batch(["Ada", "Bob"], occurrence="2025-10-27"))[1]["Message-ID"]
    assert first == again
    assert len({first, other, later}) == 3
    assert first.endswith("@f3.example>")
    assert "c0" not in first


def test_the_date_is_the_send_time_but_never_before_now() -> None:
    _, soon = _message(batch(["Ada"], send_at=NOW + 3600))
    _, late = _message(batch(["Ada"], send_at=0))
    assert soon["Date"] == "Mon, 20 Oct 2025 13:00:00 +0000"
    assert late["Date"] == "Mon, 20 Oct 2025 12:00:00 +0000"


def test_a_batch_is_written_the_same_every_time() -> None:
    assert Writer(batch(), NOW).message(1) == Writer(batch(), NOW).message(1)


@pytest.mark.parametrize(
    ("filename", "kind", "shown"),
    [
        ('we"ird\\.txt', "text/plain", "text/plain"),
        ("Übersicht 2025.pdf", "application/pdf", "application/pdf"),
        ("x.bin", "nonsense", "application/octet-stream"),
        ("x.bin", "text/html\r\nX: y", "application/octet-stream"),
        ("x.txt", "Text/Plain; charset=utf-8", "text/plain"),
        ("x" * 200 + ".txt", "text/plain", "text/plain"),
    ],
)
def test_files_keep_name_and_bytes(filename: str, kind: str, shown: str) -> None:
    data, message = _message(batch(["Ada"], files=(File(filename, kind, bytes(range(256))),)))
    _assert_wire(data)
    part = list(message.walk())[-1]
    assert part.get_filename() == filename
    assert part.get_content_type() == shown
    assert part.get_payload(decode=True) == bytes(range(256))


@pytest.mark.parametrize(
    "file",
    [File("a\r\nX: y", "text/plain", b"x"), File("a", "image/png", b"x", cid="a>\r\nX: y")],
)
def test_a_file_cannot_bring_headers_along(file: File) -> None:
    with pytest.raises(Refusal):
        Writer(batch(files=(file,)), NOW)


def test_a_sender_that_is_none_refuses_the_batch() -> None:
    with pytest.raises(Refusal, match="bad address"):
        Writer(batch(sender=Mailbox("nobody")), NOW)


def test_a_local_part_beyond_ascii_stands_as_it_is() -> None:
    data = Writer(batch(["Ada"], emails=["jürgen@example.org"]), NOW).message(0)
    assert "To: jürgen@example.org\r\n".encode() in data


@pytest.mark.parametrize("count", range(70, 82))
def test_a_piece_that_just_fills_a_line_leaves_room_for_its_break(count: int) -> None:
    text = "a" * (count - 1) + " "
    parts = Parts(("s",), (text, 0, text), ())
    data, message = _message(batch(["x"], parts=parts, values=[[text]]))
    assert max(map(len, data.split(b"\r\n\r\n", 1)[1].split(b"\r\n"))) <= 76
    assert not [line for line in data.split(b"\r\n") if line.endswith(b" ")]
    assert _content(message.get_body(("html",))).removesuffix("\n") == text * 3
