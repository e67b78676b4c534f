"""Only a bounce that is about the address itself says anything against it."""

from __future__ import annotations

import pytest

from runner.model.verdicts import verdict


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        ("5.1.1", "550 5.1.1 user unknown", "hard"),
        ("5.1.10", "550 5.1.10 recipient address has null MX", "hard"),
        ("5.2.1", "mailbox disabled", "hard"),
        ("4.2.2", "mailbox full", "soft"),
        ("4.4.7", "expired", "soft"),
        ("5.2.2", "552 5.2.2 over quota", "soft"),
        ("5.2.3", "too big", "soft"),
        ("5.1.8", "bad sender", "soft"),
        ("5.3.4", "too big", "soft"),
        ("5.4.1", "access denied", "soft"),
        ("5.5.0", "no", "soft"),
        ("5.6.0", "content", "soft"),
        ("5.7.1", "550 5.7.1 blocked for spam; user unknown", "soft"),
        ("5.7.26", "unauthenticated", "soft"),
        ("5.0.0", "smtp; 550-5.1.1 The account does not exist. Try 5.1.1.", "hard"),
        ("5.0.0", "550 blocked using a list, see 5.7.1.", "soft"),
        ("5.0.0", "550 No such user here", "hard"),
        ("5.0.0", "550 Requested action not taken", "unclear"),
        ("550", "550 5.2.2 mailbox is full", "soft"),
        ("", "550 Unrouteable address", "hard"),
        ("", "554 rejected", "unclear"),
        ("", "", "unclear"),
        ("", "connect to 5.1.1.9 refused", "unclear"),
        ("5.1.1", "x" * 10**6, "hard"),
        ("", "user " * 10**5, "unclear"),
    ],
)
def test_what_a_status_means(status: str, words: str, expected: str) -> None:
    assert verdict(status, words) == expected
