"""The state knows its format and its key, and never shows the key."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from runner.errors import StateCorrupt, StateKeyChanged
from runner.ledger.meta import check_meta, encode_meta, key_id, raised

CREATED = datetime(2025, 10, 1, 9, tzinfo=UTC)
KEY = "correct horse battery staple"


def test_the_fingerprint_is_stable_and_not_the_key() -> None:
    assert key_id(KEY) == "74c5adf6"  # openssl dgst -sha256 -hmac KEY
    assert key_id(KEY) != key_id(KEY + " ")


def test_a_new_meta_is_accepted() -> None:
    content = encode_meta(key_id(KEY), CREATED, 1)
    assert json.loads(content) == {
        "format": 1,
        "key_id": key_id(KEY),
        "created": "2025-10-01T09:00:00Z",
    }
    assert check_meta(content, key_id(KEY), "state/meta.json") == 1
    assert json.loads(encode_meta(key_id(KEY), CREATED)) == json.loads(content) | {"format": 3}


def test_a_format_is_raised_and_never_lowered() -> None:
    content = encode_meta(key_id(KEY), CREATED, 1)
    sealed = raised(content, 2, "state/meta.json")
    assert json.loads(sealed) == json.loads(content) | {"format": 2}
    assert check_meta(sealed, key_id(KEY), "state/meta.json") == 2
    newest = raised(sealed, 3, "state/meta.json")
    assert check_meta(newest, key_id(KEY), "state/meta.json") == 3
    assert raised(newest, 2, "state/meta.json") == newest


def test_another_key_stops_and_says_what_to_do() -> None:
    content = encode_meta(key_id(KEY), CREATED)
    with pytest.raises(StateKeyChanged, match="SENDOFF_STATE_KEY") as caught:
        check_meta(content, key_id("another"), "state/meta.json")
    assert "another\n" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b'{"format": 1, "key', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not an object"),
        (b"{}", "format is not"),
        (b'{"format": true, "key_id": "x"}', "format is not"),
        (b'{"format": "1", "key_id": "x"}', "format is not"),
        (b'{"format": 0, "key_id": "x"}', "format is not"),
        (b'{"format": 4, "key_id": "x"}', "written by a newer sendoff"),
        (b'{"format": 1}', "key_id is missing"),
        (b'{"format": 1, "key_id": 3}', "key_id is missing"),
    ],
)
def test_an_unreadable_meta_is_corrupt(content: bytes, message: str) -> None:
    with pytest.raises(StateCorrupt, match=rf"^state/meta\.json: .*{message}"):
        check_meta(content, "x", "state/meta.json")
