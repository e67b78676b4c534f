"""`sendoff run` with a list in PostgreSQL: whatever happens to the server, nobody is mailed from
half a list, and nobody twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.bench import GitBench, Said
from tests.servers.sendgrid import SendgridServer

if TYPE_CHECKING:
    from tests.postgres.database import Database

pytestmark = pytest.mark.postgres
AT = ("--now", "2025-10-20T14:00:00Z")
LATER = ("--now", "2025-10-20T17:30:00Z")
MANY = 100_000
LIST = """\
source: {{type: sql, url: "env:DATABASE_URL", path: people.sql, timeout: {timeout}}}
columns: {{email: email, firstName: first_name}}
{more}
"""
QUERY = "select email, first_name from members where gate(id, {gate}) order by id\n"


class World:
    """A merged campaign to a list in the database, and the SendGrid that it goes through."""

    def __init__(self, bench: GitBench, database: Database, sendgrid: SendgridServer) -> None:
        self.bench, self.database, self.sendgrid = bench, database, sendgrid
        bench.environ |= {
            "SENDGRID_API_KEY": sendgrid.key,
            "DATABASE_URL": database.url(),
            "SENDOFF_CACHE": str(bench.root.parent / "cache"),
        }

    def merge(self, *, schedule: str = "{send: immediate}", **options: object) -> None:
        providers = f'providers: {{sendgrid: {{base_url: "{self.sendgrid.url}"}}}}'
        more = f"{providers}\n{options.get('settings', '')}"
        self.bench.workspace(provider="sendgrid", backend="git", more=more)
        self.bench.campaign(schedule=schedule)
        self.list(**options)
        self.bench.merge("Approve the campaign")
        assert self.bench.sendoff("init", *AT).code == 0

    def list(self, *, gate: int = 0, timeout: str = "60s", more: str = "", **_: object) -> None:
        self.bench.write("campaigns/lists/people.yaml", LIST.format(timeout=timeout, more=more))
        self.bench.write("campaigns/lists/people.sql", QUERY.format(gate=gate))

    def begin(self, at: tuple[str, ...] = AT) -> subprocess.Popen[str]:
        """`sendoff run`, as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "runner", "--root", self.bench.root, "run", "--json", *at],
            env={**os.environ, **self.bench.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *at: str) -> Said:
        return self.bench.sendoff("run", "--json", *(at or AT))

    def broken_off(self) -> Said:
        """A run, later, whose query is ended in the middle of its read."""
        with self.database.gate_shut():
            run = self.begin(LATER)
            self.database.terminate(self.database.waiting())
            return ended(run)

    def mailed(self) -> list[str]:
        return [mail.to for mail in self.sendgrid.delivered]

    def nothing_happened(self) -> None:
        """Not a mail, not a request for one, and no claim."""
        assert self.mailed() == []
        assert self.sendgrid.requests == []
        assert [r["type"] for r in self.bench.ledger() if r["type"] in ("claim", "receipt")] == []


@pytest.fixture
def world(tmp_path: Path, database: Database) -> Iterator[World]:
    with SendgridServer() as sendgrid:
        yield World(GitBench.make(tmp_path), database, sendgrid)


def ended(process: subprocess.Popen[str]) -> Said:
    out, err = process.communicate(timeout=120)
    return Said(process.returncode, out, err)


def hold(said: Said) -> dict[str, str]:
    """The one hold of a run that sent nothing."""
    assert said.code == 3, said.err
    assert (said.json["exit_code"], said.json["sent"]) == (3, 0)
    (found,) = said.json["held"]
    for secret in ("geheim", "@example.com", "postgresql://"):
        assert secret not in said.out + said.err
    return found


class TestInTheMiddleOfARead:
    @pytest.mark.parametrize("how", ["terminated", "killed"])
    def test_100000_contacts_are_held_then_each_is_mailed_once(
        self, world: World, how: str
    ) -> None:
        """Most rows have arrived when the connection, or the whole server, is gone."""
        world.database.members(MANY)
        world.merge(gate=MANY - 500)
        with world.database.gate_shut():
            run = world.begin()
            waiting = world.database.waiting()
            if how == "terminated":
                world.database.terminate(waiting)
            else:
                world.database.kill()
            held = hold(ended(run))
        assert "the list people could not be fetched" in held["message"]
        assert "there is no copy of it" in held["message"]
        world.nothing_happened()
        if how == "killed":
            down = hold(world.run())
            assert "no database is listening there" in down["message"]
            world.database.start()

        ran = world.run()
        assert (ran.code, ran.json["sent"]) == (0, MANY), ran.err
        assert sorted(world.mailed()) == sorted(f"p{n}@example.com" for n in range(1, MANY + 1))
        assert world.run().json["sent"] == 0
        assert len(world.mailed()) == MANY

    def test_the_copy_of_before_stays_whole(self, world: World) -> None:
        """What was half read replaces nothing: the line that is named then sends to the copy."""
        world.database.members(12_000)
        world.merge(gate=11_000, schedule="{send: scheduled, at: '2025-10-20T18:00:00Z'}")
        assert world.run().code == 0
        world.database.members(11_990)
        held = hold(world.broken_off())
        assert "the copy at hand is 3h old" in held["message"]
        assert (
            "set refresh.on_error: use_cached in campaigns/lists/people.yaml:1" in held["release"]
        )
        world.nothing_happened()

        world.list(gate=11_000, more="refresh: {on_error: use_cached}")
        world.bench.merge("Use the copy")
        ran = world.broken_off()
        assert (ran.code, ran.json["sent"]) == (0, 12_000), ran.out + ran.err
        assert len(set(world.mailed())) == len(world.mailed()) == 12_000


class TestWhatHolds:
    def test_a_wrong_password(self, world: World) -> None:
        world.merge()
        world.bench.environ["DATABASE_URL"] = world.database.url(password="geheim-no-more")
        held = hold(world.run())
        assert "refused the user or the password" in held["message"]
        world.nothing_happened()

    def test_a_table_that_is_gone(self, world: World) -> None:
        world.merge()
        world.database.execute("alter table members rename to people")
        try:
            held = hold(world.run())
        finally:
            world.database.execute("alter table people rename to members")
        assert 'relation "members" does not exist' in held["message"]
        world.nothing_happened()

    def test_a_query_that_takes_too_long(self, world: World) -> None:
        world.merge(gate=3, timeout="1s")
        with world.database.gate_shut():
            held = hold(world.run())
        assert "took too long" in held["message"] or "longer than 1 second" in held["message"]
        world.nothing_happened()

    def test_a_secret_that_is_not_set(self, world: World) -> None:
        world.merge()
        del world.bench.environ["DATABASE_URL"]
        held = hold(world.run())
        assert "DATABASE_URL is not set here" in held["message"]
        world.nothing_happened()

    def test_a_table_that_is_empty(self, world: World) -> None:
        """No rows are no reason to think that there is nobody to mail."""
        world.merge()
        world.database.members(0)
        held = hold(world.run())
        assert "it came back empty" in held["message"]
        assert "allow_empty: true" in held["release"]
        world.nothing_happened()

    def test_a_list_that_shrank(self, world: World) -> None:
        """It was fetched whole, and is a third of what was approved: the guard holds it."""
        world.database.members(90)
        at = "{send: scheduled, at: '2025-10-20T18:00:00Z'}"
        world.merge(
            schedule=at, settings="guards: {max_shrink: 30%}", more="refresh: {max_age: 0s}"
        )
        assert world.run().code == 0
        world.database.members(30)
        held = hold(world.run(*LATER))
        assert held["code"] == "max_shrink"
        assert "max_shrink" in held["release"]
        world.nothing_happened()
        world.database.members(85)
        assert world.run(*LATER).json["sent"] == 85


def test_validate_needs_no_database(world: World) -> None:
    """On a pull request there is no secret, and nothing is red for that."""
    world.merge()
    del world.bench.environ["DATABASE_URL"]
    said = world.bench.sendoff("validate")
    assert said.code == 0, said.out + said.err
