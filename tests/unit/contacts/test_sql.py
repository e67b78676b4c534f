"""Lists from databases, on SQLite: what becomes of a row, a type, a query and a fault."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import sqlite3
import threading
import tracemalloc
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contacts.sources.fetchers import fetcher_of
from runner.contacts.sources.fetching import FetchError, Reach, SecretMissing
from runner.contacts.sources.sql_text import NotText, RowWriter
from runner.contacts.sources.sql_watch import TimeIsOver, Watch
from runner.model.settings import Secret
from runner.model.sources import SqlSource
from runner.testing import FakeClock
from runner.workspace import WorkspaceFiles

ADDRESS = "ann@x.example"
CLOCK = FakeClock(dt.datetime(2025, 10, 20, 14, tzinfo=dt.UTC))
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with one member; its path is one that a careless URL would break."""
    root = tmp_path / "a space?and#more%41"
    root.mkdir()
    with_table(root / "people.db", "create table members (email text, n int, picture blob)")
    return root


def with_table(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.execute("insert into members values (?, 1, x'00ff')", (ADDRESS,))
    connection.commit()
    connection.close()


def fetch(
    root: Path, query: str, *, url: str | Secret = "sqlite:///people.db", seconds: float = 60.0
) -> str:
    """The CSV that a query gives."""
    environ = {"DATABASE_URL": "sqlite:///people.db", "OUT": "sqlite:////etc/passwd"}
    source = SqlSource(url, query, dt.timedelta(seconds=seconds))
    reach = Reach(environ, CLOCK, WorkspaceFiles(root))
    sink = io.BytesIO()
    fetched = fetcher_of(source, reach).fetch(sink, {})
    assert fetched is not None
    assert fetched.form.format == "csv"
    text = sink.getvalue().decode().replace("\r\n", "\n")
    assert fetched.rows == text.count("\n") - 1
    return text


def refusal(root: Path, query: str, **options: object) -> FetchError:
    """What is said of a query that cannot be read; never the address that is in the table."""
    before = {path.name: path.read_bytes() for path in root.iterdir()}
    with pytest.raises(FetchError) as caught:
        fetch(root, query, **options)  # type: ignore[arg-type]  # as the test gives them
    error = caught.value
    assert ADDRESS not in f"{error.message} {error.hint} {error!r}"
    assert error.__cause__ is None
    assert {path.name: path.read_bytes() for path in root.iterdir()} == before
    return error


class TestRows:
    def test_the_rows_of_a_query_are_a_csv_file(self, workspace: Path) -> None:
        """Names from the query; NULL is empty; what looks like a parameter is text."""
        query = 'select email, n as "member no", null as gap, \'a%b:c,"d"\' as mark from members'
        assert fetch(workspace, query) == (
            f'email,member no,gap,mark\n{ADDRESS},1,,"a%b:c,""d"""\n'
        )

    def test_the_environment_may_name_the_file(self, workspace: Path) -> None:
        assert fetch(workspace, "select n from members", url=Secret("DATABASE_URL")) == "n\n1\n"

    @pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\r\nb", '"', ",", " a ", "\r", "\n\n", ""])
    def test_any_text_comes_back_as_it_was(self, text: str) -> None:
        """No value can end a row, or begin another."""
        sink = io.BytesIO()
        RowWriter(sink, ["email"]).write([(text,), (text,)])
        with io.StringIO(sink.getvalue().decode(), newline="") as written:
            assert list(csv.reader(written, strict=True)) == [["email"], [text], [text]]

    @given(
        st.lists(
            st.tuples(
                st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | _TEXTS,
                _TEXTS,
            )
        )
    )
    def test_what_is_written_is_read_as_it_was(self, rows: list[tuple[object, str]]) -> None:
        """As many rows as there were, and every text as it was, whatever stands beside it."""
        sink = io.BytesIO()
        RowWriter(sink, ["extra", "email"]).write(rows)
        with io.StringIO(sink.getvalue().decode(), newline="") as written:
            read = list(csv.reader(written, strict=True))
        assert [row[1] for row in read] == ["email", *(text for _, text in rows)]
        assert {len(row) for row in read} == {2}

    def test_reading_leaves_nothing_beside_the_file(self, workspace: Path) -> None:
        """A database in WAL mode would get two files, which git would show as new."""
        connection = sqlite3.connect(workspace / "people.db")
        connection.execute("pragma journal_mode = wal")
        connection.close()
        assert fetch(workspace, "select n from members") == "n\n1\n"
        assert [path.name for path in workspace.iterdir()] == ["people.db"]

    def test_what_another_program_has_just_written_is_seen(self, workspace: Path) -> None:
        """It has the database open in WAL mode: the row is not yet in the file itself."""
        connection = sqlite3.connect(workspace / "people.db")
        connection.execute("pragma journal_mode = wal")
        connection.execute("insert into members values ('b@x.example', 2, null)")
        connection.commit()
        assert fetch(workspace, "select n from members") == "n\n1\n2\n"
        connection.close()

    def test_a_query_without_rows_has_its_header(self, workspace: Path) -> None:
        assert fetch(workspace, "select email from members where n = 2;") == "email\n"

    def test_a_row_of_nothing_is_no_blank_line(self, workspace: Path) -> None:
        """A blank line would be no row at all."""
        assert fetch(workspace, "select null as email from members") == 'email\n""\n'

    def test_memory_does_not_grow_with_the_rows(self, workspace: Path) -> None:
        """Five times as many rows, written to nowhere, take less than twice the memory."""
        peaks = []
        for rows in (5_000, 25_000):
            query = (
                f"with recursive t(n) as (select 1 union all select n + 1 from t where n < {rows})"  # noqa: S608 - a number
                " select n, 'p' || n || '@x.example' as email from t"
            )
            source = SqlSource("sqlite:///people.db", query)
            fetcher = fetcher_of(source, Reach({}, CLOCK, WorkspaceFiles(workspace)))
            fetcher.fetch(Nowhere(), {})  # what is imported and remembered counts for none of them
            tracemalloc.start()
            nowhere = Nowhere()
            fetched = fetcher.fetch(nowhere, {})
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert fetched is not None
            assert fetched.rows == rows
            assert nowhere.writes == 1 + rows // 5_000
        assert peaks[1] < 2 * peaks[0]


class Nowhere(io.RawIOBase):
    writes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:  # type: ignore[override]  # any buffer
        self.writes += 1
        return len(data)  # type: ignore[arg-type]  # any buffer


class TestTypes:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, ""),
            ("Łódź", "Łódź"),
            (True, "true"),
            (False, "false"),
            (-7, "-7"),
            (0.1, "0.1"),
            (Decimal("1.50"), "1.50"),
            (Decimal("1E+3"), "1000"),
            (Decimal("0.0000001"), "0.0000001"),
            (dt.date(2024, 5, 1), "2024-05-01"),
            (dt.time(9, 30), "09:30:00"),
            (dt.datetime(2024, 5, 1, 9, 30), "2024-05-01T09:30:00"),
            (dt.datetime(2024, 5, 1, 9, 30, tzinfo=dt.UTC), "2024-05-01T09:30:00+00:00"),
            (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
            (type("Name", (str,), {})("a driver's own"), "a driver's own"),
        ],
    )
    def test_a_value_is_the_text_that_csv_would_hold(self, value: object, text: str) -> None:
        sink = io.BytesIO()
        writer = RowWriter(sink, ["a", "b"])
        writer.write([(value, "end")])
        assert sink.getvalue().decode() == f"a,b\r\n{text},end\r\n"

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (b"\x00", "bytes"),
            (["x"], "an array or JSON"),
            ({"secret": ADDRESS}, "JSON"),
            (dt.timedelta(days=1), "a value of the type timedelta"),
        ],
    )
    def test_what_has_no_one_text_is_refused_by_its_column(self, value: object, words: str) -> None:
        writer = RowWriter(io.BytesIO(), ["email", "extra"])
        with pytest.raises(NotText) as caught:
            writer.write([(ADDRESS, value)])
        assert str(caught.value) == f"the column 'extra' holds {words}"


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("select email from membres", "no such table: membres"),
            ("select mail from members", "no such column: mail"),
            ("selec email", 'near "selec": syntax error'),
            ("select email, n as email from members", "two columns 'email'"),
            ("select picture from members", "the column 'picture' holds bytes"),
            ("select cast(x'ff' as text) as t", "not UTF-8"),
            (f"select '{ADDRESS}' from {'x' * 200}", "does not understand the query$"),  # noqa: S608
            (f"select \"a\" || nope('{ADDRESS}') from members", "no such function: nope"),  # noqa: S608
        ],
    )
    def test_a_query_that_fails_is_told_why(
        self, workspace: Path, query: str, message: str
    ) -> None:
        assert re.search(message, refusal(workspace, query).message)

    @pytest.mark.parametrize(
        "query",
        [
            "insert into members values ('x', 2, null)",
            "insert into members values ('x', 2, null) returning email",
            "update members set n = 2",
            "delete from members",
            "drop table members",
            "create table other (n)",
            "pragma query_only = 0",
            "attach database '/tmp/other.db' as other",
            "vacuum into '/tmp/other.db'",
            "select load_extension('x')",
            "select 1; delete from members",
        ],
    )
    def test_nothing_but_reading_one_file_is_possible(self, workspace: Path, query: str) -> None:
        """Whatever validate thinks of a query: the file is opened for reading, and the rest of
        SQL is shut."""
        refusal(workspace, query)

    def test_an_endless_query_ends(self, workspace: Path) -> None:
        query = "with recursive t(n) as (select 1 union all select n from t) select n from t"
        error = refusal(workspace, f"{query} where n = 2", seconds=0.2)
        assert error.message == "the database took longer than 0.2 seconds"
        assert error.transient

    def test_a_run_that_must_end_does_not_wait(self, workspace: Path) -> None:
        """As after SIGTERM: nothing was claimed, so nothing is lost by letting go."""
        query = "with recursive t(n) as (select 1 union all select n from t) select n from t"
        clock = FakeClock(CLOCK.now())
        clock.stopping = True
        reach = Reach({}, clock, WorkspaceFiles(workspace))
        fetcher = fetcher_of(SqlSource("sqlite:///people.db", f"{query} where n = 2"), reach)
        with pytest.raises(FetchError, match="the run is to end"):
            fetcher.fetch(io.BytesIO(), {})

    def test_what_is_no_database_is_refused(self, workspace: Path) -> None:
        (workspace / "people.csv").write_text("email\n" + f"{ADDRESS}\n" * 300)
        error = refusal(workspace, "select * from members", url="sqlite:///people.csv")
        assert error.message == "the file is not an SQLite database"

    @pytest.mark.parametrize("name", ["none.db", "../outside.db", "link.db"])
    def test_a_file_that_is_not_in_the_workspace_is_not_opened(
        self, workspace: Path, name: str
    ) -> None:
        outside = workspace.parent / "outside.db"
        with_table(outside, "create table members (email text, n int, picture blob)")
        (workspace / "link.db").symlink_to(outside)
        refusal(workspace, "select email from members", url=f"sqlite:///{name}")

    def test_nor_when_the_environment_says_so(self, workspace: Path) -> None:
        assert "absolute path" in refusal(workspace, "select 1", url=Secret("OUT")).message

    def test_a_secret_that_is_missing_is_named(self, workspace: Path) -> None:
        error = refusal(workspace, "select 1", url=Secret("NOT_SET"))
        assert isinstance(error, SecretMissing)
        assert "NOT_SET" in error.message


class TestAddresses:
    """What a database URL may be; none of these reaches a server, and none is repeated."""

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("u:geheim@db.example/x", "what DATABASE_URL holds is not a database URL"),
            ("postgresql://u:geheim@db.example:port/x", "is not a database URL"),
            ("wat://u:geheim@db.example/x", "is no URL of a database that SQLAlchemy knows"),
            ("sqlite+aiosqlite://u:geheim@/x", "DATABASE_URL|driver"),
            ("oracle://u:geheim@db.example/x", "the driver for oracle is not installed"),
        ],
    )
    def test_a_url_that_cannot_be_used_is_not_shown(
        self, tmp_path: Path, url: str, message: str
    ) -> None:
        source = SqlSource(Secret("DATABASE_URL"), "select 1")
        reach = Reach({"DATABASE_URL": url}, CLOCK, WorkspaceFiles(tmp_path))
        fetcher = fetcher_of(source, reach)
        with pytest.raises(FetchError, match=message) as caught:
            fetcher.fetch(io.BytesIO(), {})
        shown = f"{caught.value.message} {caught.value.hint} {fetcher!r} {reach!r}"
        assert "geheim" not in shown
        assert "db.example" not in shown


class TestWatch:
    def test_a_connection_that_comes_too_late_is_cut_all_the_same(self) -> None:
        cut = threading.Event()

        class Late:
            def interrupt(self) -> None:
                cut.set()

        def come_late() -> None:
            with Watch(0, CLOCK) as watch:
                while not watch.is_over:
                    pass
                watch.bind(Late())
                assert cut.wait(30)

        with pytest.raises(TimeIsOver):
            come_late()

    def test_what_went_wrong_in_time_stays_what_it_was(self) -> None:
        with pytest.raises(KeyError), Watch(60, CLOCK):
            raise KeyError
