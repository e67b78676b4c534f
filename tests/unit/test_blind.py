"""Without the state key a plan guesses who of a list is known, and counts right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import blind, overflow
from runner.blind import stand_in
from runner.model import packed
from runner.model.ledger import Claim, Receipt, Settled
from runner.planning.history import fold
from runner.testing import audience, fake_key
from tests.builders import utc

NOW = utc("2025-10-20 14:00")
people = st.lists(st.integers(0, 30), min_size=1, max_size=12, unique=True)


def records(number: int, known: list[int], kind: str) -> list[Claim | Receipt]:
    keys = b"".join(fake_key(f"{one}@example.com") for one in known)
    claim = Claim(
        campaign="news",
        step=f"s{number}",
        occurrence="",
        run="r",
        at=NOW,
        id=f"c{number}",
        lease_until=NOW + timedelta(minutes=1),
        provider="outbox",
        keys=keys,
        times=((int(NOW.timestamp()), 0, len(known)),),
        total=len(known),
    )
    part = Settled(kind=kind, ranges=((0, len(known)),), reason="x" if kind == "refused" else "")
    return [claim, Receipt(f"c{number}", "news", "r", NOW, (part,))]


@given(
    st.lists(st.tuples(people, st.sampled_from(["accepted", "refused"])), max_size=4),
    st.integers(0, 40),
    st.sampled_from([8, 64, 4 << 20]),
)
def test_whom_the_ledger_knows_come_first_and_once(
    jobs: list[tuple[list[int], str]], size: int, room: int
) -> None:
    """However many there are, and wherever their keys lie."""
    written = [one for number, job in enumerate(jobs) for one in records(number, *job)]
    known = {fake_key(f"{person}@example.com") for job, _ in jobs for person in job}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overflow.Overflow.__init__, "__defaults__", (room,))
        for module in (packed, blind):
            patch.setattr(module, "PIECE", 3)
        listed = audience([f"p{number}@example.com" for number in range(size)])
        found = list(stand_in(listed, fold(written, NOW)).keys)
    assert len(found) == len(set(found)) == size
    assert set(found[: len(known)]) <= known
    assert not known & set(found[len(known) :])
