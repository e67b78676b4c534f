"""A connection on which a query can do nothing but read, and not for ever.

Each database has its own walls; how they stand is in docs/lists.md.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...dataclass import dataclass
from .fetching import FetchError
from .sql_faults import UNREADABLE
from .sql_watch import Watch

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import URL, Connection, CursorResult, Engine, Row

CONNECT_SECONDS = 10
_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
"""What a bare name in a URL means."""

_EXAMPLE = "like postgresql://USER:PASSWORD@HOST/DATABASE; write an @ in a password as %40"

_READ_ONLY = {
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
_LOGGERS = ("psycopg", "sqlalchemy.pool", "sqlalchemy.engine")


@contextmanager
def reading(place: str | Path, variable: str, limit: Watch) -> Iterator[Reader]:
    """A connection to an SQLite file or to a URL, in a read-only transaction.

    The URL may hold a password and is in no message: ``variable`` says where it stood.  Whoever
    still waits for the database when ``limit`` is over gets TimeIsOver.  Raises FetchError, and
    what SQLAlchemy and drivers raise.
    """
    from sqlalchemy import event  # noqa: PLC0415 - an extra

    seconds = limit.seconds
    engine = _sqlite(place) if isinstance(place, Path) else _server(place, variable, seconds)
    cursors: list[Any] = []
    event.listen(engine, "before_cursor_execute", lambda _, cursor, *__: cursors.append(cursor))
    try:
        with limit as watch, _quiet():
            # before SQLAlchemy asks for the server's version: it may fall silent there
            event.listen(engine, "connect", watch.bind, insert=True)
            with engine.connect() as connection:
                yield Reader(_walled(connection, seconds), watch)
    finally:
        # SQLAlchemy leaves them open when the connection breaks
        for cursor in cursors:
            with suppress(Exception):
                cursor.close()
        engine.dispose()


@dataclass(frozen=True, slots=True)
class Reader:
    """What can be done with such a connection."""

    connection: Connection
    watch: Watch

    @contextmanager
    def select(self, query: str, rows: int) -> Iterator[Selected]:
        """A query's columns, and its rows as they come, ``rows`` at a time.

        Only that many are in memory.  No part of ``query`` is taken for a parameter.
        """
        options = {"no_parameters": True, "stream_results": True}
        with _stumbling():
            result = self.connection.exec_driver_sql(query, execution_options=options)
        with closing(result):
            columns = tuple(result.keys()) if result.returns_rows else ()
            yield Selected(columns, self._blocks(result, rows))

    def _blocks(self, result: CursorResult[Any], rows: int) -> Iterator[Sequence[Row[Any]]]:
        # both: how many the cursor asks for, and how many come out at a time
        blocks = result.yield_per(rows).partitions(rows)
        while True:
            with _stumbling():
                block = next(blocks, None)
            self.watch.check()
            if block is None:
                return
            yield block


@contextmanager
def _stumbling() -> Iterator[None]:
    """A driver that stumbles over a value tells it: FetchError does not."""
    try:
        yield
    except (ValueError, ArithmeticError, LookupError, TypeError):
        raise FetchError(*UNREADABLE) from None


@dataclass(frozen=True, slots=True)
class Selected:
    """What a query gives: no columns when it gives no rows at all, as an UPDATE does not."""

    columns: tuple[str, ...]
    blocks: Iterator[Sequence[Sequence[Any]]]


def _sqlite(file: Path) -> Engine:
    import sqlite3  # noqa: PLC0415 - few lists are in a database

    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    def connect() -> sqlite3.Connection:
        # the watch interrupts from its own thread
        where = f"file:{quote(str(file))}?mode=ro{'&immutable=1' if _is_at_rest(file) else ''}"
        return sqlite3.connect(where, uri=True, check_same_thread=False)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)


def _is_at_rest(file: Path) -> bool:
    """Whether this is a database in WAL mode that nobody has open.

    Reading one writes two files beside it, unless SQLite is told that it does not change.
    """
    with file.open("rb") as stream:
        header = stream.read(20)
    return header[18:20] == b"\x02\x02" and not file.with_name(f"{file.name}-wal").exists()


def _authorizer() -> Callable[..., int]:
    """Allows to read this one file: no ATTACH of another one, no PRAGMA, no extension."""
    import sqlite3  # noqa: PLC0415

    allowed = {
        *(sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE),
        sqlite3.SQLITE_TRANSACTION,
    }

    def decide(action: int, _: str | None, name: str | None, *__: str | None) -> int:
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_DENY if name == "load_extension" else sqlite3.SQLITE_OK
        return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY

    return decide


def _server(text: str, variable: str, seconds: float) -> Engine:
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    url = _parsed(text, variable)
    options = _options(url, seconds)
    name = url.get_backend_name()
    try:
        return create_engine(url, poolclass=NullPool, hide_parameters=True, **options)
    except ModuleNotFoundError as error:
        hint = f"pip install {_distribution(name, error.name or '')}"
        raise FetchError(f"the driver for {name} is not installed", hint) from None
    except (NoSuchModuleError, ArgumentError, TypeError, ValueError):
        message = f"what {variable} holds is no URL of a database that SQLAlchemy knows"
        raise FetchError(message, _EXAMPLE) from None


def _parsed(text: str, variable: str) -> URL:
    from sqlalchemy.engine import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise FetchError(f"what {variable} holds is not a database URL", _EXAMPLE) from None
    if re.fullmatch(r"postgres(ql)?(\+\w+)?", url.drivername):
        # other drivers would take several statements for a query
        return url.set(drivername="postgresql+psycopg")
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _options(url: URL, seconds: float) -> dict[str, Any]:
    """What a driver is told beside the URL: above all, not to wait for ever."""
    connecting = max(2, min(CONNECT_SECONDS, int(seconds)))
    if url.drivername == "postgresql+psycopg":
        arguments: dict[str, Any] = {
            "connect_timeout": connecting,
            "application_name": "sendoff",
            "client_encoding": "utf8",
            # a pooler between us and the database does not know prepared statements
            "prepare_threshold": None,
        }
        return {"connect_args": arguments, "use_native_hstore": False}
    if url.drivername.endswith("+pymysql"):
        # it shows no socket to the watch
        return {"connect_args": {"connect_timeout": connecting, "read_timeout": seconds}}
    return {}


def _distribution(backend: str, module: str) -> str:
    if backend == "postgresql" and module.startswith("psycopg"):
        return "'sendoff[postgres]'"
    return module.lower() or f"a driver for {backend}"


def _walled(plain: Connection, seconds: float) -> Connection:
    """The connection with what its database has against writing and against endless queries."""
    name = plain.dialect.name
    if name == "sqlite":
        driver: Any = plain.connection.driver_connection
        driver.set_authorizer(_authorizer())
    if name == "postgresql":
        connection = plain.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        milliseconds = max(1, int(seconds * 1000))
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
        # else the machine's zone would decide what a time looks like
        connection.exec_driver_sql("SET LOCAL timezone = 'UTC'")
        return connection
    if name in _READ_ONLY:
        plain.exec_driver_sql(_READ_ONLY[name])
        plain.commit()
    return plain


@contextmanager
def _quiet() -> Iterator[None]:
    """Drivers log what went wrong, with where they were connected to: not here."""
    levels = [(log := logging.getLogger(name), log.level) for name in _LOGGERS]
    for log, _ in levels:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in levels:
            log.setLevel(level)
