"""Files of addresses: those of people, and those that services export."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.errors import InputError
from runner.events.files import read_file
from runner.model.feedback import Feedback
from runner.model.ledger import SuppressionReason
from runner.testing import fake_key

NOW = datetime(2025, 10, 20, 15, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


def key_of(address: str) -> bytes | None:
    return fake_key(address) if address.count("@") == 1 and " " not in address else None


def read(text: str, reason: SuppressionReason = "manual") -> Feedback:
    return read_file("old.csv", text.encode(), reason, key_of, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "a@example.com\nb@example.com\n",
        "\ufeffemail\r\na@example.com\r\nb@example.com",
        "# left\na@example.com  # last year\n\nb@example.com\n",
        "email,name\na@example.com,Ann\nb@example.com,Bob\n",
        '"Email Address";"Name"\n"a@example.com";"Ann; the first"\nb@example.com;Bob\n',
        "name\tEmail\nAnn\ta@example.com\n\nBob\tb@example.com\n",
        "name,email\nAnn,Ann <a@example.com>\nBob,b@example.com\n",
        "Ann <a@example.com>\nb@example.com\n",
        "email\na@example.com\nb@example.com\n",
    ],
)
def test_the_shapes_that_files_have(text: str) -> None:
    people = {fake_key("a@example.com"): EPOCH, fake_key("b@example.com"): EPOCH}
    assert read(text).told == {("manual", 0): people}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("email,created\na@example.com,1760000000\n", 1760000000),
        ("email,created\na@example.com,2025-10-09T08:53:20Z\n", 1760000000),
        ("Email Address,UNSUB_TIME\na@example.com,2025-10-09 08:53:20\n", 1760000000),
        ("email,created\na@example.com,some time ago\n", EPOCH),
        ("email,created\na@example.com,9999999999\n", EPOCH),
        ("email,created\na@example.com\n", EPOCH),
        ("email,created\na@example.com,1760000000\na@example.com,1750000000\n", 1760000000),
    ],
)
def test_the_time_that_is_given_counts(text: str, expected: int) -> None:
    found = read(text, "unsubscribed").told
    assert found == {("unsubscribed", 0): {fake_key("a@example.com"): expected}}


def test_exported_bounces_are_judged_like_pulled_ones() -> None:
    text = (
        "status,reason,email,created\n"
        "5.1.1,550 unknown,a@example.com,1760000000\n"
        "4.2.2,452 full,b@example.com,1760000000\n"
        '5.0.0,"550, no such user here",c@example.com,1760000000\n'
    )
    found = read(text, "bounce")
    assert set(found.told["bounce", 0]) == {fake_key("a@example.com"), fake_key("c@example.com")}
    assert found.counts == {"soft bounces": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a@example.com\nnobody\n", r"old\.csv:2:1: there is no valid address"),
        ("email,name\n,Ann\n", r"old\.csv:2:1: there is no valid address"),
        ("name,phone\nAnn,1\n", r"old\.csv:1:1: no column is called email"),
        ("a@example.com, b@example.com\n", r"old\.csv:1:1: no column is called email"),
        ("email\n" + "x\n" * 50, "and 30 more"),
        ("a\0b", "this is no file of text"),
    ],
)
def test_nobody_is_passed_over(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(text)
    assert "nobody" not in str(caught.value)


def test_other_encodings_are_refused_by_line() -> None:
    with pytest.raises(InputError, match=r"old\.csv:2:1: this is not UTF-8"):
        read_file("old.csv", "a@example.com\nJürgen".encode("latin-1"), "manual", key_of, NOW)


def test_nothing_in_it_is_nobody() -> None:
    assert read("") == read("email\n") == Feedback()
