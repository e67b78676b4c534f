"""When a fetched list is fetched, and what is used when it cannot be."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from runner.contacts import ContactLists, FetchedLists, ListCache, Reach
from runner.errors import Problem
from runner.model.campaign import Place
from runner.model.contacts import ColumnMap, ContactList
from runner.model.settings import Secret
from runner.model.sources import HttpSource, ObjectSource, Refresh
from tests.servers.clock import NOON, StillClock
from tests.servers.web import WebServer, chunked, plain, tagged

from .shelf import PLACE, SECRET, Shelf, problems_of

KEY = b"k" * 32
OLD = b"email,name\nann@example.org,Ann\nbob@example.org,Bob\n"
NEW = b"email,name\nann@example.org,Ann\ncid@example.org,Cid\ndee@example.org,Dee\n"
HOURS = timedelta(hours=1)
USE = Refresh(24 * HOURS, "use_cached", 72 * HOURS)
HOLD = Refresh(24 * HOURS)
DOWN = plain(b"", status="503 Down")


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({"/m.csv": plain(OLD)}) as running:
        yield running


class Room:
    """Runs that follow each other, with one cache and one clock."""

    def __init__(self, shelf: Shelf, server: WebServer) -> None:
        self.shelf, self.server, self.clock = shelf, server, StillClock()
        self.directory = shelf.root / "cache"
        self.cache: ListCache | None = ListCache(self.directory, KEY)
        self.environ: dict[str, str] = {}
        self.until: datetime | None = None
        self.list = ContactList(
            "members",
            HttpSource(server.url("/m.csv"), allow_private=True),
            ColumnMap(),
            place=PLACE,
            refresh=HOLD,
            refresh_place=Place(PLACE.path, 7, 1),
        )

    def run(self, when: str = "stale") -> ContactLists:
        reach = Reach(self.environ, self.clock, self.shelf, until=self.until)
        fetched = FetchedLists(reach, self.cache, when)  # type: ignore[arg-type]
        return ContactLists(self.shelf, SECRET, fetched=fetched)

    def emails(self, when: str = "stale") -> list[str]:
        return [email.partition("@")[0] for email in self.run(when).read(self.list).emails]

    def refusal(self, when: str = "stale") -> Problem:
        return problems_of(lambda: self.run(when).read(self.list))[0]

    def later(self, hours: float) -> None:
        self.clock.sleep(hours * 3600)

    def files(self) -> list[str]:
        return sorted(path.suffix for path in self.directory.iterdir())


@pytest.fixture
def room(shelf: Shelf, server: WebServer) -> Room:
    return Room(shelf, server)


def test_a_list_is_fetched_once_in_a_run(room: Room) -> None:
    lists = room.run()
    assert lists.columns(room.list) == {"email", "timezone", "name"}
    assert len(lists.read(room.list)) == 2
    assert len(room.server.asked) == 1


def test_a_copy_is_used_until_it_is_too_old(room: Room) -> None:
    assert room.emails() == ["ann", "bob"]
    room.server.answers["/m.csv"] = plain(NEW)
    room.later(23)
    assert room.emails() == ["ann", "bob"]
    room.later(1)
    assert room.emails() == ["ann", "cid", "dee"]
    assert len(room.server.asked) == 2


def test_what_has_not_changed_is_young_again(room: Room) -> None:
    room.server.answers["/m.csv"] = tagged(OLD, '"1"')
    room.emails()
    room.later(25)
    assert room.emails() == ["ann", "bob"]
    room.later(23)
    assert room.emails() == ["ann", "bob"]
    assert [headers.get("if-none-match") for _, headers in room.server.asked] == [None, '"1"']


BROKEN = {
    "down": (DOWN, "the server answered 503"),
    "cut": (plain(NEW, length=len(NEW) + 1), "it was cut off"),
    "cut in a chunk": (chunked(NEW, end=b""), "it was cut off"),
    "empty": (plain(b""), "it gave nothing at all"),
    "without rows": (plain(b"email,name\n"), "it came back empty"),
    "another table": (plain(b"id,name\n1,Ann\n"), 'there is no column "email"'),
    "a ragged row": (plain(NEW + b"eve@example.org\n"), "1 field where the header has 2"),
    "half a row": (plain(NEW + b'"eve@exam'), "a quote that this record opens is never closed"),
    "no text": (plain(b"email,name\nx\0y,z\n"), "a NUL byte"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_failing_refresh_never_shrinks_an_audience(room: Room, name: str) -> None:
    """It holds, says the line that releases it, and leaves the copy as it was."""
    room.emails()
    answer, why = BROKEN[name]
    room.server.answers["/m.csv"] = answer
    room.later(26)
    problem = room.refusal()
    assert problem.code == "list_refresh"
    assert why in problem.message
    assert problem.message.endswith("the copy at hand is 26h old")
    assert "set refresh.on_error: use_cached in campaigns/lists/members.yaml:7" in problem.hint
    room.list = replace(room.list, refresh=USE)
    assert room.emails() == ["ann", "bob"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_first_fetch_that_fails_leaves_nothing(room: Room, name: str) -> None:
    room.server.answers["/m.csv"], why = BROKEN[name]
    room.list = replace(room.list, refresh=USE)
    problem = room.refusal()
    assert why in problem.message
    assert problem.message.endswith("there is no copy of it")
    assert room.files() == [".lock"]


def test_an_old_copy_is_used_with_a_warning(room: Room) -> None:
    room.emails()
    room.list = replace(room.list, refresh=USE)
    room.server.answers["/m.csv"] = DOWN
    room.later(30)
    (warning,) = room.run().warnings(room.list)
    assert (warning.code, warning.severity, warning.line) == ("list_stale", "warning", 7)
    assert "is a copy 30h old" in warning.message
    assert "503" in warning.message


def test_a_copy_may_be_too_old_to_be_used(room: Room) -> None:
    room.emails()
    room.list = replace(room.list, refresh=USE)
    room.server.answers["/m.csv"] = DOWN
    room.later(73)
    problem = room.refusal()
    assert "the copy at hand is 3d old, and refresh.max_stale is 3d" in problem.message
    assert "set refresh.max_stale: 4d in campaigns/lists/members.yaml:7" in problem.hint


def test_an_empty_list_may_be_meant(room: Room) -> None:
    room.server.answers["/m.csv"] = plain(b"email,name\n")
    room.list = replace(room.list, allow_empty=True)
    assert room.emails() == []


def test_another_definition_is_another_copy(room: Room) -> None:
    """Also when all that changed is what stands in the environment."""
    room.emails()
    room.server.answers["/n.csv"] = plain(NEW)
    room.environ["LIST_URL"] = room.server.url("/m.csv")
    room.list = replace(room.list, source=HttpSource(Secret("LIST_URL"), allow_private=True))
    assert room.emails() == ["ann", "bob"]
    room.environ["LIST_URL"] = room.server.url("/n.csv")
    assert room.emails() == ["ann", "cid", "dee"]


def test_another_accounts_token_has_no_copies(room: Room) -> None:
    """The same address may give each account a list of its own."""
    source = HttpSource(
        room.server.url("/m.csv"),
        headers={"Authorization": Secret("CRM_TOKEN")},
        allow_private=True,
    )
    room.list = replace(room.list, source=source, refresh=USE)
    room.environ["CRM_TOKEN"] = "Bearer one"
    assert room.emails() == room.emails() == ["ann", "bob"]
    assert len(room.server.asked) == 1
    room.environ["CRM_TOKEN"] = "Bearer two"
    room.server.answers["/m.csv"] = plain(NEW)
    assert room.emails() == ["ann", "cid", "dee"]
    room.server.answers["/m.csv"] = DOWN
    room.environ["CRM_TOKEN"] = "Bearer three"
    assert room.refusal().code == "list_refresh"
    kept = b"".join(path.read_bytes() + path.name.encode() for path in room.directory.iterdir())
    assert b"Bearer" not in kept

    del room.environ["CRM_TOKEN"]
    for when in ("stale", "never"):
        problem = room.refusal(when)
        assert (problem.code, "CRM_TOKEN is not set here" in problem.message) == (
            "list_unread",
            True,
        )


def test_a_copy_in_object_storage_belongs_to_who_asked_for_it(room: Room) -> None:
    """Which account ``options`` name is part of what a copy is called."""
    source = ObjectSource("s3://b/m.csv", options={"key": Secret("KEY"), "region": "x"})
    names = set()
    for value in ("one", "two"):
        reach = Reach({"KEY": value}, room.clock, room.shelf)
        names.add(FetchedLists(reach, room.cache)._definition(source))
    assert len(names) == 2


def test_the_future_is_not_fresh(room: Room) -> None:
    """A copy that is said to be younger than now was written by a clock that was wrong."""
    room.later(100)
    room.emails()
    room.clock = StillClock(NOON)
    room.emails()
    assert len(room.server.asked) == 2


@pytest.mark.parametrize("suffix", [".data", ".entry"])
def test_a_copy_that_was_changed_is_fetched_again(room: Room, suffix: str) -> None:
    room.emails()
    for change in (
        lambda raw: raw[:-1],
        lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
        lambda raw: b"",
    ):
        (path,) = room.directory.glob(f"*{suffix}")
        path.write_bytes(change(path.read_bytes()))
        before = len(room.server.asked)
        assert room.emails() == ["ann", "bob"]
        assert len(room.server.asked) == before + 1


def test_another_key_has_no_copies(room: Room) -> None:
    room.emails()
    room.cache = ListCache(room.directory, b"q" * 32)
    room.emails()
    assert len(room.server.asked) == 2


def test_the_cache_is_its_owners_and_tells_nothing(room: Room) -> None:
    room.emails()
    room.later(25)
    room.emails()
    assert room.files() == [".data", ".entry", ".lock"]
    assert room.directory.stat().st_mode & 0o777 == 0o700
    for path in room.directory.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert b"example" not in path.read_bytes() + path.name.encode()


def test_without_a_key_nothing_is_kept(room: Room) -> None:
    room.cache = None
    assert room.emails() == room.emails() == ["ann", "bob"]
    assert len(room.server.asked) == 2
    assert not room.directory.exists()


def test_where_nothing_may_be_fetched_a_copy_will_do(room: Room) -> None:
    """``validate`` must not be red because a server is down."""
    problem = room.refusal("never")
    assert (problem.code, room.server.asked) == ("list_unread", [])
    room.emails()
    room.later(1000)
    assert room.emails("never") == ["ann", "bob"]
    (warning,) = room.run("never").warnings(room.list)
    assert "a run fetches it anew" in warning.message
    assert len(room.server.asked) == 1


def test_a_missing_secret_is_no_failure_of_the_server(room: Room) -> None:
    room.list = replace(room.list, source=HttpSource(Secret("LIST_URL"), allow_private=True))
    problem = room.refusal()
    assert problem.code == "list_unread"
    assert "LIST_URL is not set here" in problem.message


def test_asking_for_it_fetches_young_copies_too(room: Room) -> None:
    room.emails()
    room.server.answers["/m.csv"] = plain(NEW)
    assert room.emails("always") == ["ann", "cid", "dee"]
    room.list = replace(room.list, refresh=USE)
    room.server.answers["/m.csv"] = DOWN
    assert "503" in room.refusal("always").message


def test_two_runs_do_not_fetch_at_once(room: Room) -> None:
    """The second waits for the first, and no longer than the list's time-out."""
    assert room.cache is not None
    room.emails()
    (lock,) = room.directory.glob("*.lock")
    room.later(25)
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "another run is fetching it" in room.refusal().message
    assert sum(room.clock.slept) == pytest.approx(25 * 3600 + 60, abs=1)
    assert room.emails() == ["ann", "bob"]


def test_copies_that_nobody_asks_for_go(room: Room) -> None:
    room.emails()
    room.later(24 * 31)
    room.list = replace(room.list, source=HttpSource(room.server.url("/n.csv"), allow_private=True))
    room.server.answers["/n.csv"] = plain(NEW)
    room.emails()
    assert room.files() == [".data", ".entry", ".lock"]


def test_a_disk_that_refuses_is_named(room: Room) -> None:
    Path(room.directory).write_text("a file, no directory")
    problem = room.refusal()
    assert "the cache of lists cannot be written" in problem.message
    assert "SENDOFF_CACHE" in problem.hint


def test_a_disk_that_refuses_does_not_redden_a_check_of_files(room: Room) -> None:
    Path(room.directory).write_text("a file, no directory")
    assert room.refusal("never").code == "list_unread"


MONTHS = Refresh(24 * HOURS, "use_cached", 90 * 24 * HOURS)


def test_a_copy_is_not_swept_away_by_its_own_refresh(room: Room) -> None:
    """However old: it is what a failed refresh falls back on, run after run."""
    room.list = replace(room.list, refresh=MONTHS)
    room.emails()
    room.server.answers["/m.csv"] = DOWN
    room.later(40 * 24)
    assert room.emails() == ["ann", "bob"]
    assert room.emails() == ["ann", "bob"]


def test_an_old_copy_that_has_not_changed_is_young_again(room: Room) -> None:
    room.server.answers["/m.csv"] = tagged(OLD, '"1"')
    room.emails()
    room.later(40 * 24)
    assert room.emails() == ["ann", "bob"]
    room.server.answers["/m.csv"] = DOWN
    assert room.emails() == ["ann", "bob"]


def test_when_the_time_for_fetching_is_over_copies_will_do_and_nothing_else(room: Room) -> None:
    room.until = room.clock.now()
    problem = room.refusal()
    assert problem.code == "list_refresh"
    assert "no time was left for it" in problem.message
    assert "raise run.budget" in problem.hint
    assert room.server.asked == []
    room.until += timedelta(seconds=9)
    assert room.emails() == ["ann", "bob"]
    room.later(23)
    assert room.emails() == ["ann", "bob"]
    assert len(room.server.asked) == 1


def test_a_list_may_not_take_longer_than_there_is_time_for_all(room: Room) -> None:
    room.until = room.clock.now() + timedelta(seconds=9)
    room.server.answers["/m.csv"] = DOWN

    class Slow(StillClock):
        """A look at the clock takes two seconds."""

        def now(self) -> datetime:
            self.sleep(2)
            return super().now()

    room.clock = Slow()
    assert "raise run.budget" in room.refusal().hint
    assert room.clock.slept.count(2) < 20
