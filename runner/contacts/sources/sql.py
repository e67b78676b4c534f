"""A list from a database: one query, read whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ...dataclass import dataclass
from ...errors import InputError
from ...model.settings import Secret
from ...model.sources import Form, SqlSource
from ...ports import Clock
from .fetching import Fetched, FetchError, Reach

if TYPE_CHECKING:
    from .sql_connection import Reader

BLOCK_ROWS = 5000
"""How many rows are asked for at once, and held in memory: each time is a round trip."""

SQLITE = "sqlite:///"


def sql_fetcher(source: SqlSource, reach: Reach) -> SqlFetcher:
    """What reads ``source``.  Raises FetchError when its secret or its file is not here."""
    url = reach.value(source.url)
    file = _file(url.removeprefix(SQLITE), reach) if url.startswith(SQLITE) else None
    variable = source.url.env if isinstance(source.url, Secret) else ""
    return SqlFetcher(source, url, file, variable, reach.clock)


def _file(path: str, reach: Reach) -> Path:
    """Where an SQLite database is.  It lies in the workspace, whoever says where."""
    try:
        found = reach.files.locate(path)
    except InputError as error:
        raise FetchError(f"the database file: {error.problems[0].message}") from None
    if found is None:
        raise FetchError(f"the database file {path} does not exist")
    return found


@dataclass(frozen=True, slots=True)
class SqlFetcher:
    """Reads one query.

    ``url`` may hold a password, and stood in the environment ``variable``.  ``file``: the SQLite
    database, when it is one.
    """

    source: SqlSource
    url: str = field(repr=False)
    file: Path | None
    variable: str
    clock: Clock

    def fetch(self, sink: BinaryIO, known: Mapping[str, str]) -> Fetched | None:
        """See ``Fetcher``; a database cannot say whether a query would give the same again."""
        del known
        try:
            from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - an extra
        except ModuleNotFoundError:
            hint = "pip install 'sendoff[sql]', or 'sendoff[postgres]' for PostgreSQL"
            raise FetchError("lists from databases need SQLAlchemy", hint) from None
        from .sql_connection import reading  # noqa: PLC0415 - needs SQLAlchemy
        from .sql_faults import explain  # noqa: PLC0415
        from .sql_watch import TimeIsOver, Watch  # noqa: PLC0415

        seconds = self.source.timeout.total_seconds()
        watch = Watch(seconds, self.clock)
        try:
            with reading(self.file or self.url, self.variable, watch) as reader:
                rows = self._copy(reader, sink)
        except TimeIsOver:
            if self.clock.stopping:
                raise FetchError("the run is to end", transient=True) from None
            message = f"the database took longer than {seconds:g} seconds"
            raise FetchError(message, "raise `timeout`", transient=True) from None
        except SQLAlchemyError as error:
            raise explain(error) from None
        return Fetched(Form("csv"), rows)

    def _copy(self, reader: Reader, sink: BinaryIO) -> int:
        from .sql_text import NotText, RowWriter  # noqa: PLC0415

        with reader.select(self.source.query, BLOCK_ROWS) as selected:
            _check(selected.columns)
            writer = RowWriter(sink, selected.columns)
            try:
                for block in selected.blocks:
                    writer.write(block)
            except NotText as problem:
                raise FetchError(str(problem), problem.hint) from None
        return writer.rows


def _check(columns: Sequence[str]) -> None:
    if not columns:
        raise FetchError("the query gives no rows at all", "it must be a SELECT")
    twice = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    if twice:
        raise FetchError(f"the query gives two columns {twice[0]!r}", "name one of them with AS")
