"""Every contradiction in a ledger is found, and nothing that is as it should be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from runner.model.ledger import Claim, Entry, Range, Receipt, Record, Resolution, Settled
from runner.planning.auditing import Audit, audit

AT = datetime(2025, 10, 20, 14, tzinfo=UTC)
LATER = AT + timedelta(days=1)


def claim(name: str, keys: str = "abc", **more: object) -> Claim:
    made = Claim(
        id=name,
        campaign="news",
        step="main",
        occurrence="",
        run="r",
        at=AT,
        lease_until=AT + timedelta(minutes=30),
        provider="smtp",
        keys=b"".join(key.encode() * 8 for key in keys),
        times=((1760968800, 0, len(keys)),),
        total=len(keys),
    )
    return replace(made, **more)  # type: ignore[arg-type]  # fields by name


def receipt(name: str, *kinds: tuple[str, Range]) -> Receipt:
    parts = tuple(Settled(kind, (part,)) for kind, part in kinds or (("accepted", (0, 3)),))  # type: ignore[arg-type]  # kinds of receipts
    return Receipt(name, "news", "r", AT, parts)


def resolved(name: str, verdict: str, *ranges: Range) -> Resolution:
    return Resolution(name, "news", AT, ranges, verdict, "Ann")  # type: ignore[arg-type]  # a verdict


def look(*records: Record, resends: tuple[str, ...] = ()) -> Audit:
    return audit((Entry("f", n, r) for n, r in enumerate(records, start=1)), LATER, resends)


def found(*records: Record, resends: tuple[str, ...] = ()) -> list[tuple[int, str]]:
    return [(problem.line, problem.code) for problem in look(*records, resends=resends).problems]


SOUND: dict[str, tuple[Record, ...]] = {
    "nothing": (),
    "in doubt": (claim("1"),),
    "settled": (claim("1"), receipt("1")),
    "receipt first": (receipt("1"), claim("1")),
    "two jobs": (claim("1"), claim("2", step="other"), claim("3", occurrence="x")),
    "handed back and tried again": (
        claim("1"),
        receipt("1", ("accepted", (0, 1)), ("temporary", (1, 2))),
        claim("2", "bc"),
    ),
    "said not to be sent, and tried again": (
        claim("1"),
        receipt("1", ("ambiguous", (0, 3))),
        resolved("1", "not_sent", (0, 3)),
        claim("2"),
    ),
    "failed, and tried again": (
        claim("1"),
        receipt("1", ("refused", (0, 3))),
        resolved("1", "not_sent", (0, 3)),
        claim("2"),
    ),
    "the same id in another campaign": (claim("1"), claim("1", campaign="other")),
}


@pytest.mark.parametrize("name", sorted(SOUND))
def test_nothing_is_found_where_nothing_is_wrong(name: str) -> None:
    assert found(*SOUND[name]) == []


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ((receipt("9"),), [(1, "orphan")]),
        ((resolved("9", "sent", (0, 1)),), [(1, "orphan")]),
        ((claim("1"), claim("1", "xyz")), [(2, "twice")]),
        ((claim("1"), receipt("1"), receipt("1")), [(3, "twice")]),
        ((claim("1", "ab"), receipt("1")), [(2, "range")]),
        ((claim("1", "abcd"), receipt("1")), [(2, "range")]),
        ((claim("1"), resolved("1", "sent", (2, 2))), [(2, "range")]),
        ((claim("1", lease_until=AT - timedelta(1)),), [(1, "times")]),
        ((claim("1"), claim("2", "cde")), [(2, "double")]),
        ((claim("1", "aba"),), [(1, "double")]),
        ((claim("1"), receipt("1", ("refused", (0, 3))), claim("2")), [(3, "double")]),
        ((claim("1"), receipt("1"), claim("2", "xay"), receipt("2")), [(3, "double")]),
        ((claim("1"), resolved("1", "sent", (0, 3)), claim("2", "a")), [(3, "double")]),
    ],
)
def test_each_contradiction_is_found(
    records: tuple[Record, ...], expected: list[tuple[int, str]]
) -> None:
    assert found(*records) == expected


def test_all_are_found_at_once() -> None:
    records = (claim("1"), claim("2", "a"), receipt("9"), receipt("1"), receipt("1"))
    assert sorted(found(*records)) == [(2, "double"), (3, "orphan"), (5, "twice")]


def test_a_provider_that_cannot_mail_twice_may_be_asked_again() -> None:
    records = (claim("1", provider="outbox"), claim("2", provider="outbox"), receipt("2"))
    assert found(*records) == [(2, "double")]
    assert found(*records, resends=("outbox",)) == []
    sent = (claim("1", provider="outbox"), receipt("1"), claim("2", provider="outbox"))
    assert found(*sent, resends=("outbox",)) == []  # in doubt with an idempotent provider
    both = (*sent, receipt("2"))
    assert found(*both, resends=("outbox",)) == [(3, "double")]


def test_a_receipt_before_its_claim_is_a_clock_that_jumped() -> None:
    early = replace(receipt("1"), at=AT - timedelta(seconds=1))
    (problem,) = look(claim("1"), early).problems
    assert (problem.code, problem.severity) == ("times", "warning")


def test_doubles_are_counted_and_nobody_is_named() -> None:
    (problem,) = look(claim("1", "abcd"), claim("2", "xbcd")).problems
    assert problem.message.startswith("3 contacts of news/main had been claimed before, at f:1,")
    assert (b"b" * 8).hex() not in problem.message


def test_what_became_of_the_mails_is_counted() -> None:
    one = receipt("1", ("accepted", (0, 1)), ("refused", (1, 1)), ("temporary", (2, 1)))
    result = look(
        claim("1"), one, claim("2", "c"), claim("3", "x", lease_until=LATER + timedelta(1))
    )
    assert (result.campaigns, result.claims) == (1, 3)
    kinds = ("sent", "failed", "released", "in_doubt", "in_flight")
    assert result.outcomes == dict.fromkeys(kinds, 1)
