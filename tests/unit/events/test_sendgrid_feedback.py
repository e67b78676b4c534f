"""SendGrid is asked for every kind, page by page, and what is not whole is not taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.errors import ProviderError
from runner.events.sendgrid import OVERLAP, SendgridFeedback
from runner.gathering import gather
from runner.model.feedback import PARTS
from runner.model.ledger import Pulled
from runner.model.settings import Secret, SendgridSettings
from runner.planning.book import fold_book
from runner.providers.sendgrid import SendgridProvider
from runner.testing import FakeClock, MemoryLedger, fake_key
from tests.servers.sendgrid_suppressions import SuppressionServer

NOW = datetime(2025, 10, 20, 14, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.fixture
def server() -> Iterator[SuppressionServer]:
    with SuppressionServer() as found:
        found.now = lambda: EPOCH
        yield found


class Asker:
    """A source that asks ``server``, and its clock."""

    def __init__(self, server: SuppressionServer, key: str = "") -> None:
        self.clock = FakeClock(NOW)
        settings = SendgridSettings(Secret("K"), server.url, timeout_seconds=5)
        self.provider = SendgridProvider(settings, {"K": key or server.key}, self.clock)
        self.source = SendgridFeedback(
            self.provider.ask,
            lambda email: fake_key(email) if "@" in email else None,
            self.clock,
            NOW + timedelta(minutes=10),
        )

    def read(self, part: str, since: datetime | None = None) -> Any:
        return self.source.read(f"sendgrid/{part}", since, NOW)


@pytest.fixture
def asker(server: SuppressionServer) -> Iterator[Asker]:
    found = Asker(server)
    yield found
    found.provider.close()


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"email": f"p{number}@example.com", "created": EPOCH - number, **more}


def keys(*numbers: int) -> dict[bytes, int]:
    return {fake_key(f"p{n}@example.com"): EPOCH - n for n in numbers}


def test_each_kind_has_its_reason(server: SuppressionServer, asker: Asker) -> None:
    server.lists["bounces"] = [
        row(1, status="5.1.1", reason="550 5.1.1 no such user"),
        row(2, status="4.2.2", reason="452 full"),
        row(3, status="5.7.1", reason="550 5.7.1 policy"),
        row(4, status="", reason="554 rejected"),
    ]
    for number, kind in enumerate(("blocks", "invalid_emails", "spam_reports", "unsubscribes"), 5):
        server.lists[kind] = [row(number), {"email": "no address", "created": EPOCH}]
    server.lists["groups"] = [
        {"email": "p9@example.com", "group_id": 7, "group_name": "News", "created_at": EPOCH - 9},
        {"email": "p9@example.com", "group_id": 8, "group_name": "Ads", "created_at": EPOCH - 9},
    ]
    assert asker.read("bounces").told == {("bounce", 0): keys(1, 4)}
    assert asker.read("bounces").counts == {"soft bounces": 2}
    assert asker.read("blocks").told == {}
    assert asker.read("blocks").counts == {"blocks": 2}
    assert asker.read("invalid_emails").told == {("invalid", 0): keys(6)}
    assert asker.read("invalid_emails").counts == {"no addresses": 1}
    assert asker.read("spam_reports").told == {("spam", 0): keys(7)}
    assert asker.read("unsubscribes").told == {("unsubscribed", 0): keys(8)}
    left = {("group_unsubscribed", 7): keys(9), ("group_unsubscribed", 8): keys(9)}
    assert asker.read("groups").told == left


@pytest.mark.parametrize("size", [0, 1, 499, 500, 501, 998, 999, 1000, 1499])
def test_every_page_is_read(server: SuppressionServer, asker: Asker, size: int) -> None:
    server.lists["spam_reports"] = [row(n) for n in range(size)]
    told = asker.read("spam_reports").told
    assert told == ({("spam", 0): keys(*range(size))} if size else {})


@pytest.mark.parametrize("size", [0, 1, 499, 500, 501, 2000])
def test_a_list_that_knows_no_pages_is_read_once(
    server: SuppressionServer, asker: Asker, size: int
) -> None:
    """Twilio documents no pages for group unsubscribes: whether there are any is found out."""
    server.paged_groups = False
    server.lists["groups"] = [
        {"email": f"p{n}@example.com", "group_id": 7, "created_at": EPOCH - n} for n in range(size)
    ]
    told = asker.read("groups").told
    assert told == ({("group_unsubscribed", 7): keys(*range(size))} if size else {})
    assert len(server.queries("groups")) <= 2


def test_only_what_is_new_is_asked_for_and_a_day_more(
    server: SuppressionServer, asker: Asker
) -> None:
    """What appears late is not lost; what was counted before is not counted again."""
    since = NOW - timedelta(hours=1)
    server.lists["bounces"] = [
        row(60, status="5.1.1"),
        row(7200, status="5.1.1"),
        row(7201, status="4.2.2"),
        row(61, status="4.2.2"),
        row(10**6, status="5.1.1"),
    ]
    found = asker.read("bounces", since)
    assert found.told == {("bounce", 0): keys(60, 7200)}
    assert found.counts == {"soft bounces": 1}
    (query,) = server.queries("bounces")
    assert int(query["start_time"]) == int((since - OVERLAP).timestamp())
    assert int(query["end_time"]) == EPOCH


def test_entries_that_are_taken_away_while_it_is_paged_hide_no_others(
    server: SuppressionServer, asker: Asker
) -> None:
    """The list closes up, and what was on the next page would be passed over."""
    server.lists["bounces"] = [row(n, status="5.1.1") for n in range(1200)]

    def take_away() -> None:
        del server.lists["bounces"][:50]

    server.faults["bounces"].extend([None, take_away])
    found = asker.read("bounces").told["bounce", 0]
    assert found.keys() >= keys(*range(50, 1200)).keys()


def test_a_list_that_never_stands_still_is_not_taken_for_whole(
    server: SuppressionServer, asker: Asker
) -> None:
    server.lists["bounces"] = [row(n, status="5.1.1") for n in range(3000)]

    def take_away() -> None:
        del server.lists["bounces"][:10]

    server.faults["bounces"].extend([take_away] * 50)
    with pytest.raises(ProviderError, match="the list changes while it is read"):
        asker.read("bounces")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_that_passes_is_waited_for(
    server: SuppressionServer, asker: Asker, status: int
) -> None:
    server.lists["bounces"] = [row(n, status="5.1.1") for n in range(600)]
    server.faults["bounces"].extend([status, None, status, "cut"])
    assert len(asker.read("bounces").told["bounce", 0]) == 600
    assert asker.clock.now() > NOW


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ([503] * 9, "http 503"),
        ([401], r"http 401: may the key in K read this\?"),
        ([404], "http 404"),
        (["garbage"], "no JSON"),
        (["cut"] * 9, "half an answer"),
        ([None, 503, 503, 503], "http 503"),
    ],
)
def test_what_broke_half_way_is_not_taken(
    server: SuppressionServer, asker: Asker, faults: list[Any], message: str
) -> None:
    server.lists["bounces"] = [row(n, status="5.1.1") for n in range(600)]
    server.faults["bounces"].extend(faults)
    with pytest.raises(ProviderError, match=message) as caught:
        asker.read("bounces")
    assert "example.com" not in str(caught.value)


@pytest.mark.parametrize(
    "bad", [{"email": "p1@example.com"}, {"created": 3}, {"email": "x@example.com", "created": "3"}]
)
def test_entries_that_cannot_be_understood_are_not_passed_over(
    server: SuppressionServer, asker: Asker, bad: dict[str, Any]
) -> None:
    server.answer = lambda kind, query: (200, [row(1), bad])  # type: ignore[method-assign]
    with pytest.raises(ProviderError, match="an entry without email or time"):
        asker.read("spam_reports")


def test_there_is_a_deadline(server: SuppressionServer, asker: Asker) -> None:
    server.lists["bounces"] = [row(n, status="5.1.1") for n in range(2000)]
    late: Callable[[], None] = lambda: asker.clock.sleep(900)  # noqa: E731 - a fault is a function
    server.faults["bounces"].extend([None, late])
    with pytest.raises(ProviderError, match="no time for all of it"):
        asker.read("bounces")
    assert len(server.queries("bounces")) == 2


# -- gathered ------------------------------------------------------------------------------------


def test_a_part_that_fails_keeps_the_others(server: SuppressionServer, asker: Asker) -> None:
    """It is asked again from where it was, and the others from where they are."""
    server.lists["bounces"] = [row(1, status="5.1.1")]
    server.lists["spam_reports"] = [row(2)]
    server.faults["bounces"].extend([404])
    ledger = MemoryLedger()
    found = gather(ledger, [asker.source], NOW, run="r")
    assert (found.added, len(found.problems)) == (1, 1)
    (pulled,) = (record for record in ledger.shared if isinstance(record, Pulled))
    assert set(pulled.sources) == set(PARTS["sendgrid"]) - {"sendgrid/bounces"}
    server.asked.clear()
    later = NOW + timedelta(minutes=30)
    found = gather(ledger, [asker.source], later, run="s", every=timedelta(hours=1))
    assert (found.added, [kind for kind, _ in server.asked]) == (1, ["bounces"])
    assert "start_time" not in server.queries("bounces")[0]
    book = fold_book(ledger.shared)
    assert book.active == {("bounce", 0): keys(1).keys(), ("spam", 0): keys(2).keys()}


def test_nothing_is_asked_before_it_is_time(server: SuppressionServer, asker: Asker) -> None:
    ledger = MemoryLedger()
    gather(ledger, [asker.source], NOW, run="r", every=timedelta(hours=1))
    server.asked.clear()
    gather(ledger, [asker.source], NOW + timedelta(minutes=59), run="s", every=timedelta(hours=1))
    assert not server.asked
    gather(ledger, [asker.source], NOW + timedelta(minutes=60), run="t", every=timedelta(hours=1))
    assert len(server.asked) == 6


def test_pulling_twice_writes_it_once(server: SuppressionServer, asker: Asker) -> None:
    server.lists["bounces"] = [row(n, status="5.1.1") for n in range(30)]
    ledger = MemoryLedger()
    assert gather(ledger, [asker.source], NOW, run="r").added == 30
    assert gather(ledger, [asker.source], NOW, run="s").added == 0
    assert sum(isinstance(record, Pulled) for record in ledger.shared) == len(ledger.shared) - 1


def test_an_event_of_the_future_is_of_now(server: SuppressionServer, asker: Asker) -> None:
    """A service whose clock is ahead must not make a contact unreleasable."""
    server.paged_groups = False
    server.lists["groups"] = [
        {"email": "p1@example.com", "group_id": 7, "created_at": EPOCH + 10**6}
    ]
    told = asker.read("groups").told
    assert told == {("group_unsubscribed", 7): {fake_key("p1@example.com"): EPOCH}}
