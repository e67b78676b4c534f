"""Records as lines: stable, exact both ways, strict."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import StateCorrupt
from runner.ledger.records import _FIELDS, _SETTLED, decode, encode
from runner.model.ledger import (
    Claim,
    Closed,
    Planned,
    Pulled,
    Receipt,
    Record,
    Released,
    Resolution,
    Settled,
    Suppressed,
)

AT = datetime(2025, 10, 20, 14, 0, 3, tzinfo=UTC)
TWO = bytes.fromhex("0123456789abcdef" * 2)
CLAIM = Claim(
    id="c1",
    campaign="spring/invite",
    step="main",
    occurrence="",
    run="20251020T140003Z-7f",
    at=AT,
    lease_until=AT + timedelta(minutes=30),
    provider="smtp",
    keys=bytes.fromhex("0123456789abcdef" * 2),
    times=((1760968800, 2, 2),),
    total=500,
)
RECEIPT = Receipt(
    claim="c1",
    campaign="spring/invite",
    run="20251020T140003Z-7f",
    at=AT,
    parts=(
        Settled("accepted", ((0, 1), (2, 1)), ref="m-1"),
        Settled("refused", ((1, 1),), reason="smtp 550 5.1.1"),
    ),
)

GOLDEN: list[tuple[Record, str]] = [
    (
        Planned("news", "r1", AT, AT - timedelta(days=1), 7),
        (
            '{"anchor":"2025-10-19T14:00:03Z","at":"2025-10-20T14:00:03Z","campaign":"news",'
            '"run":"r1","total":7,"type":"planned"}'
        ),
    ),
    (
        CLAIM,
        (
            '{"at":"2025-10-20T14:00:03Z","campaign":"spring/invite","id":"c1",'
            '"keys":"ASNFZ4mrze8BI0VniavN7w==","lease_until":"2025-10-20T14:30:03Z",'
            '"provider":"smtp","revision":1,"run":"20251020T140003Z-7f","step":"main",'
            '"times":[[1760968800,2,2]],"total":500,"type":"claim"}'
        ),
    ),
    (
        replace(CLAIM, domains={"example.com": b"\x02"}),
        (
            '{"at":"2025-10-20T14:00:03Z","campaign":"spring/invite",'
            '"domains":{"example.com":"Ag=="},"id":"c1",'
            '"keys":"ASNFZ4mrze8BI0VniavN7w==","lease_until":"2025-10-20T14:30:03Z",'
            '"provider":"smtp","revision":1,"run":"20251020T140003Z-7f","step":"main",'
            '"times":[[1760968800,2,2]],"total":500,"type":"claim"}'
        ),
    ),
    (
        replace(CLAIM, occurrence="2025-10-20", content="d1", commit="abc", enrolled=AT),
        (
            '{"at":"2025-10-20T14:00:03Z","campaign":"spring/invite","commit":"abc","content":"d1",'
            '"enrolled":"2025-10-20T14:00:03Z","id":"c1",'
            '"keys":"ASNFZ4mrze8BI0VniavN7w==","lease_until":"2025-10-20T14:30:03Z",'
            '"occurrence":"2025-10-20","provider":"smtp","revision":1,"run":"20251020T140003Z-7f",'
            '"step":"main","times":[[1760968800,2,2]],"total":500,"type":"claim"}'
        ),
    ),
    (
        RECEIPT,
        (
            '{"at":"2025-10-20T14:00:03Z","campaign":"spring/invite","claim":"c1","parts":'
            '[{"kind":"accepted","ranges":[[0,1],[2,1]],"ref":"m-1"},'
            '{"kind":"refused","ranges":[[1,1]],"reason":"smtp 550 5.1.1"}],'
            '"run":"20251020T140003Z-7f","type":"receipt"}'
        ),
    ),
    (
        Closed("news", "main", "", "r1", AT, {"sent": 2, "failed": 0}),
        (
            '{"at":"2025-10-20T14:00:03Z","campaign":"news","counts":{"failed":0,"sent":2},'
            '"run":"r1","step":"main","type":"closed"}'
        ),
    ),
    (
        Closed("news", "main", "", "r1", AT),
        '{"at":"2025-10-20T14:00:03Z","campaign":"news","run":"r1","step":"main","type":"closed"}',
    ),
    (
        Resolution("c1", "news", AT, ((0, 2), (5, 1)), "not_sent", "Zoë", "log\nline"),
        (
            '{"at":"2025-10-20T14:00:03Z","by":"Zoë","campaign":"news","claim":"c1",'
            '"evidence":"log\\nline","ranges":[[0,2],[5,1]],"type":"resolution",'
            '"verdict":"not_sent"}'
        ),
    ),
    (
        Suppressed(
            "r1", AT, "sendgrid/groups", "group_unsubscribed", TWO, AT, b"\0\x81\1", 7, "Zoë"
        ),
        (
            '{"at":"2025-10-20T14:00:03Z","by":"Zoë","group":7,'
            '"keys":"ASNFZ4mrze8BI0VniavN7w==","later":"AIEB","reason":"group_unsubscribed",'
            '"run":"r1","since":"2025-10-20T14:00:03Z","source":"sendgrid/groups",'
            '"type":"suppressed"}'
        ),
    ),
    (
        Released("r1", AT, "manual", TWO, AT),
        (
            '{"at":"2025-10-20T14:00:03Z","keys":"ASNFZ4mrze8BI0VniavN7w==","run":"r1",'
            '"since":"2025-10-20T14:00:03Z","source":"manual","type":"released"}'
        ),
    ),
    (
        Pulled("r1", AT, ("sendgrid/blocks", "mailbox"), AT, {"blocked": 3}),
        (
            '{"at":"2025-10-20T14:00:03Z","counts":{"blocked":3},"run":"r1",'
            '"sources":["sendgrid/blocks","mailbox"],"type":"pulled","until":"2025-10-20T14:00:03Z"}'
        ),
    ),
]


@pytest.mark.parametrize(("record", "line"), GOLDEN)
def test_a_record_has_this_one_form(record: Record, line: str) -> None:
    assert encode(record) == line
    assert decode(line, "x:1") == record


@pytest.mark.parametrize("kind", [*_FIELDS, Settled])
def test_no_field_of_the_model_is_forgotten(kind: type) -> None:
    written = _FIELDS.get(kind, _SETTLED)
    assert {field.name for field in fields(kind)} == set(written)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
MAYBE = st.one_of(st.just(""), TEXT)
TIME = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0))
COUNT = st.integers(0, 10**7)
NUMBER = st.integers(-(2**40), 2**40)


@st.composite
def claims(draw: Any) -> Claim:
    counts = draw(st.lists(st.integers(1, 20), min_size=1, max_size=4))
    size = 8 * sum(counts)
    return Claim(
        *(draw(TEXT), draw(TEXT), draw(TEXT), draw(MAYBE), draw(TEXT), draw(TIME), draw(TIME)),
        draw(TEXT),
        draw(st.binary(min_size=size, max_size=size)),
        tuple((draw(NUMBER), draw(NUMBER), count) for count in counts),
        draw(COUNT),
        draw(MAYBE),
        draw(COUNT),
        draw(MAYBE),
        draw(st.one_of(st.none(), TIME)),
        draw(MAYBE),
    )


@st.composite
def receipts(draw: Any) -> Receipt:
    counts = draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    starts = [sum(counts[:i]) for i in range(len(counts))]
    ranges = draw(st.permutations(list(zip(starts, counts, strict=True))))
    cut = draw(st.integers(1, len(ranges)))
    kinds = st.sampled_from(["accepted", "refused", "temporary", "ambiguous"])
    groups = [group for group in (ranges[:cut], ranges[cut:]) if group]
    parts = tuple(Settled(draw(kinds), tuple(g), draw(MAYBE), draw(MAYBE)) for g in groups)
    return Receipt(draw(TEXT), draw(TEXT), draw(TEXT), draw(TIME), parts)


PLANNED = st.builds(Planned, TEXT, TEXT, TIME, TIME, COUNT)
CLOSED = st.builds(Closed, TEXT, TEXT, MAYBE, TEXT, TIME, st.dictionaries(TEXT, COUNT, max_size=3))
RESOLUTIONS = st.builds(
    Resolution,
    TEXT,
    TEXT,
    TIME,
    st.sampled_from([((0, 1),), ((3, 4), (0, 3)), ((7, 1), (2, 2))]),
    st.sampled_from(["sent", "not_sent"]),
    TEXT,
    MAYBE,
)
RECORDS = st.one_of(PLANNED, claims(), receipts(), CLOSED, RESOLUTIONS)


@given(RECORDS)
def test_any_record_comes_back_as_it_was(record: Record) -> None:
    line = encode(record)
    assert "\n" not in line
    assert decode(line.encode("utf-8").decode("utf-8"), "x:1") == record
    assert encode(decode(line, "x:1")) == line


@given(RECORDS, st.data())
def test_a_line_that_was_cut_off_is_never_taken_for_a_record(record: Record, data: Any) -> None:
    line = encode(record)
    cut = data.draw(st.integers(0, len(line) - 1))
    with pytest.raises(StateCorrupt, match=r"^some/file:7: "):
        decode(line[:cut], "some/file:7")


def test_times_are_written_in_utc_without_fractions() -> None:
    eastern = timezone(timedelta(hours=-4))
    at = datetime(2025, 10, 20, 10, 0, 3, 999_999, tzinfo=eastern)
    line = encode(replace(RECEIPT, at=at))
    assert decode(line, "x:1") == RECEIPT


def test_a_lone_surrogate_in_a_reason_does_not_cost_the_receipt() -> None:
    record = replace(RECEIPT, parts=(Settled("refused", ((0, 3),), reason="bad \udcff"),))
    read = decode(encode(record).encode("utf-8").decode("utf-8"), "x:1")
    assert isinstance(read, Receipt)
    assert read.parts[0].reason == "bad \\udcff"


BROKEN: list[tuple[Record, dict[str, Any], str]] = [
    (CLAIM, {"type": "promise"}, "unknown record type.*newer sendoff"),
    (CLAIM, {"type": 3}, "unknown record type"),
    (CLAIM, {"type": None}, "unknown record type"),
    (CLAIM, {"colour": "red"}, "unknown field.*newer sendoff"),
    (CLAIM, {"id": None}, "id: is not a text"),
    (CLAIM, {"id": ""}, "id: is not a text"),
    (CLAIM, {"keys": "ASNFZ4mr"}, "keys: is not a whole number of 8-byte"),
    (CLAIM, {"keys": "ASNFZ4mrze8BI0VniavN7w"}, "keys: is not base64"),
    (CLAIM, {"keys": "ASNFZ4mrze8BI0Vni\navN7w=="}, "keys: is not base64"),
    (CLAIM, {"keys": ""}, "keys: is not base64"),
    (CLAIM, {"times": [[1760968800, 2, 3]]}, "times are given for 3 contacts, keys for 2"),
    (CLAIM, {"times": [[1, 0, 1]]}, "times are given for 1 contacts, keys for 2"),
    (CLAIM, {"times": [[1, 0, 0], [1, 0, 2]]}, "times: .*above 0"),
    (CLAIM, {"times": [[1, 2]]}, "times: needs 3"),
    (CLAIM, {"times": [[1.0, 0, 2]]}, "times: is not a whole number"),
    (CLAIM, {"times": []}, "times: is not a list"),
    (CLAIM, {"total": True}, "total: is not a whole number"),
    (CLAIM, {"total": -1}, "total: is negative"),
    (CLAIM, {"at": "2025-10-20 14:00:03Z"}, "at: is not a time"),
    (CLAIM, {"at": "2025-10-20T14:00:03+00:00"}, "at: is not a time"),
    (CLAIM, {"at": "2025-02-30T14:00:03Z"}, "at: is not a time that exists"),
    (CLAIM, {"at": "٢025-02-03T14:00:03Z"}, "at: is not a time"),
    (RECEIPT, {"parts": [{"kind": "accepted", "ranges": [[0, 2], [1, 2]]}]}, "1 is settled twice"),
    (RECEIPT, {"parts": [{"kind": "accepted", "ranges": [[0, 1], [2, 1]]}]}, "1 to 1 are not set"),
    (RECEIPT, {"parts": [{"kind": "accepted", "ranges": [[1, 2]]}]}, "0 to 0 are not settled"),
    (RECEIPT, {"parts": [{"kind": "accepted", "ranges": [[-1, 2]]}]}, "-1 is settled twice"),
    (RECEIPT, {"parts": [{"kind": "lost", "ranges": [[0, 2]]}]}, "kind: is none of .*newer"),
    (RECEIPT, {"parts": [{"kind": ["accepted"], "ranges": [[0, 2]]}]}, "kind: is none of"),
    (RECEIPT, {"parts": [{"kind": "accepted"}]}, "the field ranges is missing"),
    (RECEIPT, {"parts": [3]}, "parts: is not an object"),
    (RECEIPT, {"parts": {}}, "parts: is not a list"),
]


@pytest.mark.parametrize(("record", "change", "message"), BROKEN)
def test_what_contradicts_the_format_is_refused(
    record: Record, change: dict[str, Any], message: str
) -> None:
    line = json.dumps({**json.loads(encode(record)), **change})
    with pytest.raises(StateCorrupt, match=rf"^a/b\.jsonl:3: .*{message}"):
        decode(line, "a/b.jsonl:3")


@pytest.mark.parametrize("name", sorted(json.loads(GOLDEN[1][1])))
def test_every_field_that_is_written_is_needed(name: str) -> None:
    values = json.loads(GOLDEN[1][1])
    del values[name]
    with pytest.raises(StateCorrupt):
        decode(json.dumps(values), "x:1")


@pytest.mark.parametrize(
    "line",
    ["", "null", "[]", "3", "{}", '{"type":', "\x00", "[" * 100_000, "NaN", '{"total":NaN}'],
)
def test_what_is_no_record_is_refused(line: str) -> None:
    with pytest.raises(StateCorrupt, match=r"^x:1: "):
        decode(line, "x:1")


def test_a_field_given_twice_is_refused() -> None:
    with pytest.raises(StateCorrupt, match="given twice"):
        decode(GOLDEN[0][1].replace('"total":7', '"total":7,"total":8'), "x:1")


@pytest.mark.parametrize(
    "record",
    [
        replace(CLAIM, keys=b"1234567"),
        replace(CLAIM, keys=b"", times=()),
        replace(CLAIM, times=((0, 0, 1),)),
        replace(CLAIM, id=""),
        replace(CLAIM, at=AT.replace(tzinfo=None)),
        replace(RECEIPT, parts=()),
        Resolution("c1", "news", AT, ((0, 2), (1, 1)), "sent", "me"),
        Suppressed("r1", AT, "manual", "manual", b"", AT),
        Suppressed("r1", AT, "manual", "manual", TWO[:-1], AT),
        Suppressed("r1", AT, "manual", "manual", TWO, AT, b"\0"),
        Suppressed("r1", AT, "manual", "manual", TWO, AT, b"\0\0\0"),
        Suppressed("r1", AT, "manual", "manual", TWO, AT, b"\0\0\x80"),
        Suppressed("r1", AT, "manual", "group_unsubscribed", TWO, AT),
        Suppressed("r1", AT, "manual", "bounce", TWO, AT, group=7),
        Released("r1", AT, "manual", TWO, AT, b"\0"),
    ],
)
def test_nothing_is_written_that_could_not_be_read(record: Record) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode(record)
