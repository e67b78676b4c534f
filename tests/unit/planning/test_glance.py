"""A glance at a campaign's records says what a fold of them says, or says nothing."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given

from runner.model.ledger import Closed, Glance, Planned, Record
from runner.model.ledger import Settled as Part
from runner.planning.glance import at_a_glance, glance
from runner.planning.history import fold
from tests.unit.planning.test_history import NOW, claim, ledgers, receipt

CLOSED = Closed("news", "main", "", "r", NOW, {"sent": 2})


def sight(minutes: int) -> Planned:
    at = NOW - timedelta(minutes=minutes)
    return Planned("news", "r", at, at, 7, "shape", f"schedule {minutes}")


def test_nothing_written_is_nothing_seen() -> None:
    """A campaign without records was neither planned nor begun."""
    assert glance(()) == Glance()
    assert at_a_glance(Glance()).planned is None


def test_first_and_newest_sight_are_both_kept() -> None:
    """In whatever order they were written."""
    for order in ((9, 5, 1), (1, 9, 5)):
        found = glance([sight(minutes) for minutes in order])
        assert found is not None
        assert (found.planned, found.rescheduled) == (sight(9), sight(1))


@given(records=ledgers())
def test_a_glance_agrees_with_the_fold(records: list[Record]) -> None:
    """Where a glance says anything, it says when the job began, that it is begun or over, and that
    nobody is in doubt, in flight or given back; where somebody is, it says nothing."""
    records = [*records, sight(3), CLOSED]
    folded, seen = fold(records, NOW), glance(records)
    job = folded.job("main")
    final = not (job.unsettled or job.released or job.decided)
    if seen is None:
        # to fold is always right: a resolution, or a second claim, may have changed nothing
        return
    assert final
    short = at_a_glance(seen)
    assert (short.planned, short.rescheduled) == (folded.planned, folded.rescheduled)
    mine = short.job("main")
    assert (mine.started_at, mine.closed, mine.begun) == (job.started_at, job.closed, job.begun)
    assert (mine.unsettled, len(mine.released), len(mine.decided)) == (0, 0, 0)


def test_what_is_settled_for_good_is_seen_without_keys() -> None:
    """Sent and refused are final; everything else is not."""
    final = receipt(1, Part("accepted", ((0, 1),)), Part("refused", ((1, 1),), "no"))
    assert glance([claim(1, bytes(range(16))), final]) is not None
    for kind in ("temporary", "ambiguous"):
        open_end = receipt(1, Part(kind, ((0, 2),)))  # type: ignore[arg-type]
        assert glance([claim(1, bytes(range(16))), open_end]) is None
    assert glance([claim(1, bytes(range(16)))]) is None
