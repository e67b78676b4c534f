"""The ledger folded: what is known of a job without and with its keys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model import dealing as of_dealing
from runner.model.keys import KeyColumn, KeySet
from runner.model.ledger import Claim, Closed, Receipt, Record, Resolution, Settled
from runner.overflow import Overflow
from runner.planning.history import JobHistory, fold
from runner.planning.ranges import expand_times, outcome_ranges, split_keys
from runner.testing import fake_key
from tests.builders import utc

NOW = utc("2025-10-20 14:00")
KINDS = ("sent", "in_doubt", "in_flight", "failed", "released")


class Sealed(bytes):
    """Packed keys that nobody may take apart."""

    def __getitem__(self, index: object) -> bytes:
        raise AssertionError("keys were taken apart")


def claim(number: int, keys: bytes, **more: object) -> Claim:
    values: dict[str, object] = {
        "id": f"c{number}",
        "campaign": "news",
        "step": "main",
        "occurrence": "",
        "run": "r",
        "at": NOW - timedelta(hours=5, minutes=-number),
        "lease_until": NOW - timedelta(hours=4),
        "provider": "sendgrid",
        "keys": keys,
        "times": ((int(NOW.timestamp()) - 18_000, 1, len(keys) // 8),),
        "total": 10,
    }
    return Claim(**{**values, **more})  # type: ignore[arg-type]


def receipt(number: int, *parts: Settled) -> Receipt:
    return Receipt(f"c{number}", "news", "r", NOW - timedelta(hours=4), parts)


def test_a_closed_job_tells_that_it_is_over_without_its_keys_being_taken_apart() -> None:
    """What decides whether a list must be read costs the same for ten and for ten million keys."""
    closed = Closed("news", "main", "", "r", NOW)
    settled = receipt(1, Settled("accepted", ((0, 2),)), Settled("refused", ((2, 1),), "no"))
    job = fold([claim(1, Sealed(bytes(24))), settled, closed], NOW).job("main")
    assert job.begun
    assert (job.closed, job.unsettled, len(job.released)) == (closed, 0, 0)
    assert job.last_send is not None


def test_a_job_with_nothing_claimed_is_not_begun() -> None:
    """Nothing claimed, or all of it given back: a job that has not begun."""
    assert not JobHistory().begun
    job = fold([claim(1, bytes(16)), receipt(1, Settled("temporary", ((0, 2),)))], NOW).job("main")
    assert (job.begun, job.claimed, len(job.released)) == (False, 0, 1)


def test_only_claims_of_the_last_hour_are_looked_at_for_the_hourly_cap() -> None:
    """A send time an hour ago or more does not count; a later one does, so does a future one."""
    epoch = int(NOW.timestamp())
    old = claim(1, bytes(range(16)), times=((epoch - 3601, 1, 2),))
    new = claim(2, bytes(range(16, 32)), times=((epoch - 3599, 7200, 2),))
    kept = [receipt(1, Settled("accepted", ((0, 2),))), receipt(2, Settled("accepted", ((0, 2),)))]
    assert fold([old, new, *kept], NOW).recent == [epoch - 3599, epoch + 3601]


# -- against a fold that does everything at once ---------------------------------------------------

_PARTS = ("accepted", "refused", "temporary", "ambiguous")


@st.composite
def ledgers(draw: st.DrawFn) -> list[Record]:
    """Claims over ten contacts, some settled, some resolved, some given back and claimed again."""
    records: list[Record] = []
    for number in range(draw(st.integers(1, 5))):
        chosen = draw(st.lists(st.integers(0, 9), min_size=1, max_size=6, unique=True))
        leased = NOW + timedelta(minutes=draw(st.sampled_from((-1, 1))))
        keys = b"".join(i.to_bytes(8) for i in chosen)
        provider = draw(st.sampled_from(("sendgrid", "outbox")))
        records.append(claim(number, keys, lease_until=leased, provider=provider))
        if draw(st.booleans()):
            kinds = [draw(st.sampled_from(_PARTS)) for _ in chosen]
            parts = (Settled(k, ((i, 1),), k) for i, k in enumerate(kinds))  # type: ignore[arg-type]
            records.append(receipt(number, *parts))
        if draw(st.booleans()):
            part = (draw(st.integers(0, len(chosen) - 1)), 1)
            verdict = draw(st.sampled_from(("sent", "not_sent")))
            at = NOW - timedelta(minutes=number)
            records.append(
                Resolution(f"c{number}", "news", at, (part,), verdict, "me")  # type: ignore[arg-type]
            )
    return draw(st.permutations(records))


def at_once(records: list[Record], resends: str) -> dict[str, set[bytes]]:
    """Each key under the first of KINDS that any claim gives it."""
    found: dict[bytes, set[str]] = {}
    for one in records:
        if isinstance(one, Claim):
            receipts = [r for r in records if isinstance(r, Receipt) and r.claim == one.id]
            resolved = [r for r in records if isinstance(r, Resolution) and r.claim == one.id]
            keys = split_keys(one.keys)
            for kind, (start, count), _ in outcome_ranges(one, receipts, resolved, NOW):
                again = kind == "in_doubt" and one.provider == resends
                for key in keys[start : start + count]:
                    found.setdefault(key, set()).add("released" if again else kind)
    answer: dict[str, set[bytes]] = {kind: set() for kind in KINDS}
    for key, kinds in found.items():
        answer[next(kind for kind in KINDS if kind in kinds)].add(key)
    return answer


@given(ledgers(), st.sampled_from(("", "outbox")), st.sampled_from((None, 0, 50)))
def test_what_is_folded_late_is_what_a_fold_at_once_gives(
    records: list[Record], resends: str, room: int | None
) -> None:
    """Every key is in exactly one place, and the short answers agree with the keys, wherever the
    keys lie meanwhile."""
    store = None if room is None else Overflow(room)
    job = fold(records, NOW, resends=resends, store=store).job("main")
    wanted = at_once(records, resends)
    assert {kind: set(getattr(job, kind)) for kind in KINDS} == wanted
    assert job.unsettled == len(wanted["in_doubt"]) + len(wanted["in_flight"])
    assert job.claimed == sum(map(len, wanted.values())) - len(wanted["released"])
    assert job.begun == bool(job.claimed)


@given(records=ledgers())
def test_the_order_in_which_records_are_found_says_nothing(records: list[Record]) -> None:
    """Claims and receipts may come in any order; the fold gives the same answer."""
    forward = fold(records, NOW).job("main")
    backward = fold(records[::-1], NOW, store=Overflow(0)).job("main")
    for kind in (*KINDS, "decided", "enrolled", "last_send", "content"):
        assert getattr(forward, kind) == getattr(backward, kind)


@pytest.mark.parametrize("times", [[], [5], [1, 2, 3, 9]])
def test_runs_of_times_come_out_as_they_went_in(times: list[int]) -> None:
    """A claim's times are one for each contact."""
    assert list(expand_times((t, 0, 1) for t in times)) == times


class TestManyKeys:
    """Keys by the hundred thousand are compared in parts; the answer is that of sets."""

    def test_a_mask_of_parts_is_the_mask_of_a_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(of_dealing, "_ROOM", 50)
        keys = [fake_key(f"p{n}@example.com") for n in range(1000)]
        mine, theirs = KeyColumn.of(keys), set(keys[::3]) | {fake_key("nobody@example.com")}
        packed = KeySet(b"".join(theirs))
        assert mine.among(packed) == bytes(key in theirs for key in keys)
        assert (set(packed), len(packed), keys[0] in packed) == (theirs, len(theirs), True)
        assert keys[1] not in packed

    def test_a_key_that_is_there_twice_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(of_dealing, "_ROOM", 50)
        keys = [fake_key(f"p{n}@example.com") for n in range(400)]
        assert KeyColumn(b"".join(keys)).as_set() == set(keys)
        assert KeyColumn(b"".join([*keys, keys[17]])).as_set() is None

    def test_a_key_in_two_claims_counts_once(self) -> None:
        """It cannot be, and if it is, `sendoff verify` says so; the numbers add up even then."""
        accepted = [receipt(n, Settled("accepted", ((0, 2),))) for n in (1, 2)]
        records = [claim(1, bytes(range(16))), claim(2, bytes(range(16))), *accepted]
        job = fold(records, NOW).job("main")
        assert (len(job.sent), job.claimed) == (2, 2)
