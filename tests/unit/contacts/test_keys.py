"""A contact key is the beginning of an HMAC: known answers, and the fast way agrees."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contacts import contact_key, key_maker
from runner.contacts.keys import Keyer


def test_the_key_is_what_rfc_4231_says() -> None:
    """Test case 2 of RFC 4231, cut to 8 bytes: state written today stays readable."""
    key = contact_key(b"Jefe", "what do ya want for nothing?")
    assert key == bytes.fromhex("5bdcc146bf60754e")


@pytest.mark.parametrize("length", [0, 1, 32, 63, 64, 65, 200])
def test_secrets_of_any_length_are_keyed_as_hmac_does(length: int) -> None:
    secret = bytes(range(200))[:length]
    expected = hmac.new(secret, b"ann@example.org", hashlib.sha256).digest()[:8]
    assert key_maker(secret)("ann@example.org") == expected


@given(st.binary(max_size=130), st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_the_fast_way_gives_the_same_keys(secret: bytes, texts: list[str]) -> None:
    expected = [contact_key(secret, text) for text in texts]
    assert list(map(key_maker(secret), texts)) == expected
    assert Keyer(secret).pack(text.encode() for text in texts) == b"".join(expected)


def test_another_secret_gives_another_key() -> None:
    assert contact_key(b"one", "ann@example.org") != contact_key(b"two", "ann@example.org")
