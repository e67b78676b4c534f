"""Whom a mail server says to be nobody, and when that is believed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runner.model.campaign import Immediate
from runner.model.ledger import BOOK, Suppressed
from runner.model.message import Outcome
from runner.planning.ranges import split_keys
from runner.testing import FakeClock, MemoryLedger, RecordingProvider, audience, fake_key
from tests.builders import campaign, desk, run, utc

NOW = utc("2025-10-20 14:00")
DEAD = Outcome("refused", "smtp 550 5.1.1", dead=True)
OTHER = Outcome("refused", "smtp 550 5.7.1")
TAKEN = Outcome("accepted")


def server(*dead: str, other: Sequence[str] = ()) -> RecordingProvider:
    """Calls some addresses unknown, and refuses others."""
    return RecordingProvider(
        answer=lambda batch, i: (
            DEAD if batch.emails[i] in dead else OTHER if batch.emails[i] in other else TAKEN
        )
    )


def books(store: MemoryLedger) -> list[Suppressed]:
    return [one for one in store.sync().records(BOOK) if isinstance(one, Suppressed)]


def test_a_dead_address_is_suppressed_for_every_campaign() -> None:
    people = [f"p{n}@example.com" for n in range(5)]
    store, clock, provider = MemoryLedger(), FakeClock(NOW), server(people[2], other=[people[3]])
    first = run(desk([campaign()], audience(people)), store, clock, provider)
    assert (first.sent, first.failed, first.bounced, first.bounces_doubted) == (3, 2, 1, 0)
    (record,) = books(store)
    assert (record.reason, record.keys, record.since) == ("bounce", fake_key(people[2]), NOW)
    assert record.source == provider.name

    clock.sleep(60)
    second = run(
        desk([campaign(), campaign(id="next")], audience(people)),
        store,
        clock,
        RecordingProvider(),
        run_id="20251020T150000Z-bbbbbb",
    )
    assert (second.sent, second.bounced) == (4, 0)
    (new,) = [job for job in second.plan if job.campaign.id == "next"]
    assert dict(new.counts.excluded) == {"suppressed": 1}


def test_what_is_written_of_it_goes_along_with_the_receipt_and_costs_no_race() -> None:
    """Several slices: the next claim lies on what this run itself wrote of its contacts."""
    people = [f"p{n}@example.com" for n in range(3000)]
    store, provider = MemoryLedger(), server(people[0], people[1500], people[2999])
    result = run(desk([campaign()], audience(people)), store, FakeClock(NOW), provider)
    assert (result.sent, result.failed, result.bounced, result.races) == (2997, 3, 3, 0)
    told = b"".join(record.keys for record in books(store))
    assert sorted(split_keys(told)) == sorted(fake_key(people[n]) for n in (0, 1500, 2999))


@pytest.mark.parametrize(
    ("dead", "alive", "believed"),
    [(10, 0, 10), (11, 0, 0), (11, 11, 11), (20, 19, 0), (0, 5, 0)],
)
def test_a_server_that_knows_hardly_anyone_is_not_believed(
    dead: int, alive: int, believed: int
) -> None:
    gone = [f"d{n}@Example.com" for n in range(dead)]
    people = [*gone, *(f"a{n}@example.COM" for n in range(alive)), "x@example.org"]
    store = MemoryLedger()
    result = run(desk([campaign()], audience(people)), store, FakeClock(NOW), server(*gone))
    assert (result.bounced, result.bounces_doubted) == (believed, dead - believed)
    assert sum(len(record.keys) for record in books(store)) == 8 * believed
    assert result.failed == dead


def test_one_domain_with_a_fault_costs_the_others_nothing() -> None:
    gone = [f"d{n}@example.com" for n in range(30)]
    people = [*gone, "dead@example.org", "alive@example.org"]
    store = MemoryLedger()
    result = run(
        desk([campaign(Immediate())], audience(people)),
        store,
        FakeClock(NOW),
        server(*gone, "dead@example.org"),
    )
    assert (result.bounced, result.bounces_doubted) == (1, 30)
    assert [record.keys for record in books(store)] == [fake_key("dead@example.org")]
