"""What became of a claim, contact by contact, as ranges; its keys and times folded up and out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from ..model.contacts import KEY_BYTES
from ..model.ledger import Claim, Range, Receipt, Resolution


def outcome_ranges(
    claim: Claim, receipts: list[Receipt], resolutions: list[Resolution], now: datetime
) -> list[tuple[str, Range, str]]:
    """What became of a claim: (``sent|failed|in_doubt|in_flight|released``, range, reason).

    Covers the claim's contacts exactly once.
    """
    count = sum(number for _, _, number in claim.times)  # its keys may lie elsewhere
    pending = "in_flight" if claim.lease_until > now else "in_doubt"
    if not receipts and not resolutions:
        return [(pending, (0, count), "no receipt")]
    if len(receipts) == 1 and not resolutions:
        ranges = [
            (_KINDS[part.kind], r, part.reason) for part in receipts[0].parts for r in part.ranges
        ]
        if sum(length for _, (_, length), _ in ranges) == count:
            return ranges
    return _painted(count, pending, receipts, resolutions)


_KINDS = {
    "accepted": "sent",
    "refused": "failed",
    "temporary": "released",
    "ambiguous": "in_doubt",
}


def _painted(
    count: int, pending: str, receipts: list[Receipt], resolutions: list[Resolution]
) -> list[tuple[str, Range, str]]:
    """Receipts painted over the claim, resolutions over the receipts, in order of time."""
    state: list[tuple[str, str]] = [(pending, "no receipt")] * count
    for receipt in sorted(receipts, key=lambda r: r.at):
        for part in receipt.parts:
            for start, length in part.ranges:
                state[start : start + length] = [(_KINDS[part.kind], part.reason)] * length
    for resolution in sorted(resolutions, key=lambda r: r.at):
        kind = "sent" if resolution.verdict == "sent" else "released"
        for start, length in resolution.ranges:
            state[start : start + length] = [(kind, resolution.evidence)] * length
    return list(_runs(state))


def _runs(state: list[tuple[str, str]]) -> Iterator[tuple[str, Range, str]]:
    start = 0
    for index in range(1, len(state) + 1):
        if index == len(state) or state[index] != state[start]:
            yield state[start][0], (start, index - start), state[start][1]
            start = index


def split_keys(packed: bytes) -> list[bytes]:
    """Concatenated contact keys, taken apart."""
    return [packed[i : i + KEY_BYTES] for i in range(0, len(packed), KEY_BYTES)]


def expand_times(times: Iterable[tuple[int, int, int]]) -> Iterator[int]:
    """Runs of (first, step, count), one time per contact."""
    for first, step, count in times:
        for index in range(count):
            yield first + step * index


def compress_times(times: Iterable[int]) -> tuple[tuple[int, int, int], ...]:
    """The inverse of ``expand_times``: greedy runs with a constant step."""
    runs: list[tuple[int, int, int]] = []
    for time in times:
        if runs:
            first, step, count = runs[-1]
            if count == 1 or time == first + step * count:
                runs[-1] = (first, time - first if count == 1 else step, count + 1)
                continue
        runs.append((time, 0, 1))
    return tuple(runs)


def compress_ranges(positions: Iterable[int]) -> Iterator[Range]:
    """Ascending positions as (start, count) ranges."""
    start = count = 0
    for position in positions:
        if count and position == start + count:
            count += 1
            continue
        if count:
            yield start, count
        start, count = position, 1
    if count:
        yield start, count
