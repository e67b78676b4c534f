"""Many rows are judged as few are."""

from __future__ import annotations

import pytest

from runner.contacts.persons import judge, verdict_of
from runner.model import dealing as of_dealing
from runner.model import packed as of_packed
from runner.model.keys import KeyColumn

DUPLICATE, SUPPRESSED = verdict_of("duplicate"), verdict_of("suppressed")
INVALID, OPTED_OUT = verdict_of("invalid_address"), verdict_of("opted_out")


@pytest.mark.parametrize("room", [1, 7, 100_000])
@pytest.mark.parametrize("piece", [1, 999, 100_000])
def test_rows_are_compared_in_parts_and_none_is_missed(
    monkeypatch: pytest.MonkeyPatch, room: int, piece: int
) -> None:
    """Whatever the size of a part: repeated keys, suppressed keys, bans and invalid rows."""
    monkeypatch.setattr(of_dealing, "_ROOM", room)
    monkeypatch.setattr(of_packed, "PIECE", piece)
    keys = [(n * 7919 % 5000).to_bytes(2).rjust(8, b"\x07")[::-1] for n in range(6000)]
    bans = bytearray(6000)
    bans[5001] = OPTED_OUT  # the second row of the person in row 1
    bans[3] = INVALID
    found = judge(KeyColumn.of(keys), bans, KeyColumn.of([keys[2], keys[1], b"elsewher"]))
    assert found[:6] == bytes([0, OPTED_OUT, SUPPRESSED, INVALID, 0, 0])
    # row 3 stands for nobody, so the later row with its key is the person's first
    assert found[5000:] == bytes([DUPLICATE if n != 3 else 0 for n in range(1000)])
