"""One query on a real PostgreSQL: what it may do, how long, and what is said when it fails."""

from __future__ import annotations

import datetime as dt
import io
import logging
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from runner.contacts.sources.fetchers import fetcher_of
from runner.contacts.sources.fetching import FetchError, Reach
from runner.model.settings import Secret
from runner.model.sources import SqlSource
from runner.testing import FakeClock
from runner.workspace import WorkspaceFiles
from tests.postgres.tls import TlsFront

if TYPE_CHECKING:
    from tests.postgres.database import Database

pytestmark = pytest.mark.postgres
SECRETS = ("geheim", "p1@example.com", "Name1", "/tmp/", "127.0.0.1")
"""A password, an address, a name, and where the server is: never said."""


def fetch(url: str, query: str, seconds: float = 30.0, sink: io.BytesIO | None = None) -> str:
    source = SqlSource(Secret("DATABASE_URL"), query, dt.timedelta(seconds=seconds))
    clock = FakeClock(dt.datetime(2025, 10, 20, 14, tzinfo=dt.UTC))
    reach = Reach({"DATABASE_URL": url}, clock, WorkspaceFiles(Path("/nowhere")))
    sink = sink or io.BytesIO()
    fetched = fetcher_of(source, reach).fetch(sink, {})
    assert fetched is not None
    return sink.getvalue().decode().replace("\r\n", "\n")


def refusal(url: str, query: str, seconds: float = 30.0) -> FetchError:
    """What is said when it fails; nothing of SECRETS, neither there nor in the log."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    logging.getLogger().addHandler(handler)
    try:
        with pytest.raises(FetchError) as caught:
            fetch(url, query, seconds)
    finally:
        logging.getLogger().removeHandler(handler)
    error = caught.value
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    said = f"{error.message} {error.hint} {error!r}"
    assert [secret for secret in SECRETS if secret in said + heard.getvalue()] == []
    return error


class TestReading:
    def test_rows_come_as_csv(self, database: Database) -> None:
        query = 'select email, first_name as "firstName" from members order by id limit 2;'
        assert fetch(database.url(), query) == (
            "email,firstName\np1@example.com,Name1\np2@example.com,Name2\n"
        )

    def test_types_are_text_as_csv_would_hold_it(self, database: Database) -> None:
        """Whatever zone the server is in, a time is given in UTC; no digit of a number is lost."""
        database.execute("alter role reader set timezone = 'America/Chicago'")
        query = """
            select true as t, 12345678901234567890.120::numeric as exact, 0.1::float8 as approx,
                   timestamptz '2025-10-20 09:00-05' as moment,
                   timestamp '2025-10-20 09:00' as wall, date '2024-02-29' as day,
                   null::text as gap, 'a%b:c' as mark,
                   '7d444840-9dc0-11d1-b245-5ffdce74fad2'::uuid as id, 'a'::char(3) as padded,
                   array_to_string(array['a', 'b'], ', ') as tags, '{"a": 1}'::jsonb ->> 'a' as j
        """
        assert fetch(database.url(), query).splitlines()[1] == (
            "true,12345678901234567890.120,0.1,2025-10-20T14:00:00+00:00,2025-10-20T09:00:00,"
            '2024-02-29,,a%b:c,7d444840-9dc0-11d1-b245-5ffdce74fad2,a  ,"a, b",1'
        )

    def test_a_database_without_an_encoding_is_read_as_utf8(self, database: Database) -> None:
        """Old ones are such; what is no UTF-8 in them is not guessed at."""
        database.execute("drop database if exists old")
        database.execute(
            "create database old encoding 'SQL_ASCII' template template0"
            " lc_collate 'C' lc_ctype 'C'"
        )
        url = database.url(database="old")
        assert fetch(url, "select 'Łódź' as city") == "city\nŁódź\n"
        assert refusal(url, "select E'\\xff'::text as city").hint

    def test_the_old_name_of_the_scheme_is_understood(self, database: Database) -> None:
        url = database.url().replace("postgresql://", "postgres://")
        assert fetch(url, "select 1 as one") == "one\n1\n"

    def test_another_driver_is_not_used(self, database: Database) -> None:
        """Others would run several statements, and leave the transaction that may only read."""
        url = database.url().replace("postgresql://", "postgresql+psycopg2://")
        assert fetch(url, "select 1 as one") == "one\n1\n"

    def test_a_row_that_comes_while_reading_is_not_seen(self, database: Database) -> None:
        """One moment: the whole list is as it was when reading began."""
        database.members(12_000)
        query = "select id from members where gate(id, 11_000) order by id"
        answers: list[str] = []
        with database.gate_shut():
            reader = threading.Thread(target=lambda: answers.append(fetch(database.url(), query)))
            reader.start()
            database.waiting()
            database.execute("delete from members where id > 11_100")
        reader.join()
        assert answers[0].count("\n") == 12_001


class TestWalls:
    def test_the_transaction_may_only_read(self, database: Database) -> None:
        query = (
            "select current_setting('transaction_read_only') as ro,"
            " current_setting('transaction_isolation') as iso,"
            " current_setting('statement_timeout') as most"
        )
        assert fetch(database.url(), query, 20).splitlines()[1] == "on,repeatable read,20s"

    @pytest.mark.parametrize(
        ("query", "state"),
        [
            ("select signed_up(id) from members", "25006"),
            ("select nextval('serial')", "25006"),
            ("insert into members values (-1, 'x', 'y') returning id", "42601"),
            ("with gone as (delete from members returning id) select * from gone", "0A000"),
            ("select 1; delete from members", "42601"),
            ("select 1; commit; delete from members", "42601"),
            ("select set_config('transaction_read_only', 'off', false), signed_up(9)", "25001"),
            ("select id, set_config('transaction_read_only', 'off', true) from members", "25001"),
            ("select email from members for update", "25006"),
        ],
    )
    def test_no_query_writes_even_as_the_owner(
        self, database: Database, query: str, state: str
    ) -> None:
        """Whatever validate would think of it, and with all rights."""
        database.execute("create sequence if not exists serial")
        error = refusal(database.url("postgres"), query)
        assert f"({state})" in error.message
        assert not error.transient
        assert database.execute("select count(*), min(id) from members") == [(5, 1)]

    def test_a_query_that_takes_too_long_is_cancelled_on_the_server(
        self, database: Database
    ) -> None:
        error = refusal(database.url(), "select pg_sleep(600)", 0.5)
        assert error.transient
        assert "took too long" in error.message or "longer than 0.5 seconds" in error.message
        left = "select count(*) from pg_stat_activity where usename = 'reader' and state = 'active'"
        for _ in range(1000):
            if database.execute(left) == [(0,)]:
                break
        else:
            pytest.fail("the query goes on")

    def test_the_time_counts_for_the_whole_list(self, database: Database) -> None:
        """Blocks that come one by one, each in time, are cut off all the same."""
        database.members(15_000)
        query = "select id, case when id % 5000 = 0 then pg_sleep(0.4) end from members"
        assert "longer than 0.9 seconds" in refusal(database.url(), query, 0.9).message

    def test_a_server_that_falls_silent_is_left(self, database: Database) -> None:
        """It neither answers nor hangs up, so no time-out of its own helps."""
        database.members(12_000)
        query = "select id from members where gate(id, 11_000) order by id"
        errors: list[FetchError] = []
        with database.gate_shut():
            reader = threading.Thread(
                target=lambda: errors.append(refusal(database.url(), query, 2.0))
            )
            reader.start()
            with database.frozen(database.waiting()):
                reader.join()
        assert errors[0].message == "the database took longer than 2 seconds"
        assert errors[0].transient

    def test_a_server_that_takes_the_call_and_says_nothing_is_left(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"postgresql://reader:geheim@127.0.0.1:{silent.getsockname()[1]}/x"
            error = refusal(url, "select 1", 2.0)
        assert error.transient


class TestFaults:
    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("select email from membres", 'relation "membres" does not exist (42P01)'),
            ("select mail from members", 'column "mail" does not exist (42703)'),
            ("select email form members", 'syntax error at or near "members" (42601)'),
            ("select lower(id) from members", "the database does not understand the query"),
            ("select * from pg_authid", "the user may not read what the query asks for"),
            ("select email::int from members", "a value made the query fail (22P02)"),
            ("select 1 / (id - 3) from members", "a value made the query fail (22012)"),
            ("select 'p1@example.com'::int", "a value made the query fail (22P02)"),
            ('select "p1@example.com" from members', "does not understand the query (42703)"),
            ("select date 'infinity'", "a value that cannot be read"),
            ("select date '0001-01-01 BC'", "a value that cannot be read"),
            (
                "select ('{\"a\": ' || repeat('9', 5000) || '}')::json",
                "a value that cannot be read",
            ),
            ("select xmlparse(content '<a/>')", "the database cannot do this: unsupported XML"),
            ("select array[email] from members", "the column 'array' holds an array or JSON"),
            ("select to_jsonb(members) from members", "the column 'to_jsonb' holds JSON"),
            ("select email::bytea from members", "the column 'email' holds bytes"),
            ("select from members", "the query gives no rows at all"),
            ("select email, email from members", "two columns 'email'"),
        ],
    )
    def test_a_query_that_fails_is_told_why(
        self, database: Database, query: str, message: str
    ) -> None:
        assert message in refusal(database.url(), query).message

    def test_a_wrong_password_is_told_as_such(self, database: Database) -> None:
        error = refusal(database.url(password="geheim-but-wrong"), "select 1")
        assert error.message == "the database refused the user or the password"
        assert not error.transient

    def test_a_connection_is_encrypted_and_the_server_is_who_it_says(
        self, database: Database, tmp_path: Path
    ) -> None:
        """Somebody else who answers at the database's address gets no password."""
        ours, others = trustme.CA(), trustme.CA()
        ours.cert_pem.write_to_path(tmp_path / "ours.pem")
        others.cert_pem.write_to_path(tmp_path / "others.pem")
        with TlsFront(ours.issue_cert("127.0.0.1"), database.port) as front:
            url = database.url(port=front.port) + f"?sslmode=verify-full&sslrootcert={tmp_path}"
            assert fetch(f"{url}/ours.pem", "select 1 as one") == "one\n1\n"
            error = refusal(f"{url}/others.pem", "select 1")
        assert error.message == "there is no secure connection to the database"

    @pytest.mark.parametrize("option", ["sslmod=verify-full", "sslmode=full", "connect=geheim"])
    def test_an_option_that_is_none_is_told_as_such(self, database: Database, option: str) -> None:
        error = refusal(f"{database.url()}?{option}", "select 1")
        assert error.message == "an option in the database's URL is not known"
        assert not error.transient

    def test_a_server_that_cannot_encrypt_is_told_as_such(self, database: Database) -> None:
        error = refusal(f"{database.url()}?sslmode=require", "select 1")
        assert error.message == "there is no secure connection to the database"

    def test_a_user_without_rights_is_told_as_such(self, database: Database) -> None:
        error = refusal(database.url("stranger"), "select email from members")
        assert "may not read" in error.message
        assert "grant it SELECT" in error.hint

    def test_a_database_that_is_not_there_is_told_as_such(self, database: Database) -> None:
        error = refusal(database.url(database="other"), "select 1")
        assert error.message == "there is no such database"

    def test_nobody_listening_is_told_as_such(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        error = refusal(f"postgresql://reader:geheim@127.0.0.1:{port}/x", "select 1")
        assert error.message == "no database is listening there"
        assert error.transient

    @pytest.mark.parametrize("how", ["terminated", "killed"])
    def test_a_connection_lost_in_the_middle_is_no_short_list(
        self, database: Database, how: str
    ) -> None:
        """Half of the rows have come; what arrived is not taken for the list."""
        database.members(12_000)
        query = "select id from members where gate(id, 11_000) order by id"
        errors: list[FetchError] = []
        with database.gate_shut():
            reader = threading.Thread(target=lambda: errors.append(refusal(database.url(), query)))
            reader.start()
            waiting = database.waiting()
            if how == "terminated":
                database.terminate(waiting)
            else:
                database.kill()
            reader.join()
        if how == "killed":
            database.start()
        assert errors[0].transient
