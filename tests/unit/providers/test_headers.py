from __future__ import annotations

import email
import email.policy
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.model.settings import Mailbox
from runner.providers import headers
from runner.providers.refusal import Refusal

PRINTABLE = st.text(
    st.characters(
        exclude_categories=("Cc", "Cs", "Zl", "Zp"),
    ),
    max_size=300,
)


def _read(line: bytes, name: str) -> str:
    message = email.message_from_bytes(line + b"\r\nbody", policy=email.policy.default)
    assert list(message.keys()) == [name]
    assert message.get_payload() == "body"
    return str(message[name])


def _assert_wire(line: bytes) -> None:
    assert line.endswith(b"\r\n")
    lines = line[:-2].split(b"\r\n")
    assert all(len(one) <= headers.MAX_LINE for one in lines)
    assert all(one.startswith((b" ", b"\t")) for one in lines[1:])
    assert b"\n" not in line.replace(b"\r\n", b"")


@settings(deadline=None)
@given(PRINTABLE)
def test_a_subject_reads_back_as_it_was(subject: str) -> None:
    line = headers.unstructured("Subject", subject)
    _assert_wire(line)
    assert line.isascii()
    assert _read(line, "Subject") == subject


@settings(deadline=None)
@given(PRINTABLE)
def test_a_display_name_reads_back_and_adds_no_address(name: str) -> None:
    line = headers.mailbox("From", Mailbox("a@example.org", name))
    _assert_wire(line)
    # The parser's address lists put a blank between encoded-words, so they are read by hand.
    shown, address = parseaddr(line.decode().partition(": ")[2].replace("\r\n", ""))
    assert address == "a@example.org"
    assert str(make_header(decode_header(shown))).split() == name.split()


@settings(deadline=None)
@given(
    st.text(max_size=60), st.sampled_from(["\r", "\n", "\x00", "\x0b", "\x7f", "\x85", "\u2028"])
)
def test_no_control_character_gets_into_any_header(text: str, control: str) -> None:
    value = f"{text}{control}{text}"
    for attempt in (
        lambda: headers.unstructured("Subject", value),
        lambda: headers.extra_line("List-Unsubscribe", value),
        lambda: headers.extra_line("X-Any", value),
        lambda: headers.mailbox("From", Mailbox("a@example.org", value)),
    ):
        with pytest.raises(Refusal, match="control character in header"):
            attempt()


def test_an_unsubscribe_link_is_never_encoded_nor_broken() -> None:
    value = f"<https://example.org/u?t={'t' * 300}>, <mailto:leave@example.org?subject=x>"
    assert (
        headers.extra_line("List-Unsubscribe", value) == f"List-Unsubscribe: {value}\r\n".encode()
    )


def test_a_link_too_long_for_one_line_is_folded_between_links_only() -> None:
    links = [f"<https://example.org/{letter * 600}>" for letter in "ab"]
    line = headers.extra_line("List-Unsubscribe", ", ".join(links))
    assert line.split(b",\r\n ") == [
        b"List-Unsubscribe: " + links[0].encode(),
        links[1].encode() + b"\r\n",
    ]


def test_a_link_no_line_can_hold_is_refused() -> None:
    with pytest.raises(Refusal, match="header too long"):
        headers.extra_line("List-Unsubscribe", f"<https://example.org/{'a' * 1000}>")


def test_a_link_beyond_ascii_is_refused() -> None:
    with pytest.raises(Refusal, match="header not ASCII"):
        headers.extra_line("List-Unsubscribe", "<https://bücher.example/>")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ä", "a\r\nb", "Bcc", "SUBJECT", "x" * 80])
def test_names_that_are_not_free(name: str) -> None:
    with pytest.raises(Refusal, match="header not allowed"):
        headers.extra_name(name)


def test_text_that_looks_encoded_stays_text() -> None:
    line = headers.unstructured("Subject", "=?utf-8?q?=0D=0ABcc=3A_x?=")
    assert _read(line, "Subject") == "=?utf-8?q?=0D=0ABcc=3A_x?="


@pytest.mark.parametrize("count", [1, 10, 35, 36, 37, 40, 45, 46, 200])
def test_encoded_words_keep_to_75_octets_and_to_whole_characters(count: int) -> None:
    """What a mail program must be able to read (RFC 2047, 2 and 5)."""
    for text in ("é" * count, "a" + "\U0001f37b" * count, "\u05d0 " * count + "x"):
        line = headers.unstructured("Subject", text)
        for word in line[:-2].partition(b": ")[2].split(b"\r\n "):
            assert len(word) <= 75
            assert make_header(decode_header(word.decode()))
        assert max(map(len, line.split(b"\r\n"))) <= 76
        assert _read(line, "Subject") == text
