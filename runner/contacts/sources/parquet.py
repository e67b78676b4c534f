"""Parquet files, a batch of rows at a time; every value becomes the text that a CSV would hold."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import InputError, Problem
from ...model.campaign import Place
from ...model.contacts import FileSource
from .table import BLOCK_ROWS, Block, Table

MOST_ROWS = 100_000_000
"""A few bytes can say that there are any number of rows."""


@contextmanager
def open_parquet(source: FileSource, path: Path, place: Place) -> Iterator[Table]:
    """A Parquet file as a table; a row's line is its number.

    Raises InputError where it is none, or has a column of lists or objects.
    """
    arrow, parquet = _packages(place)
    try:
        with parquet.ParquetFile(path, pre_buffer=False, memory_map=False) as file:
            if file.metadata.num_rows > MOST_ROWS:
                raise InputError([_problem(source, f"more than {MOST_ROWS:,} rows")])
            header = tuple(name.strip() for name in file.schema_arrow.names)
            _refuse_nested(source, file.schema_arrow, arrow)
            yield Table(source.path, header, 1, _blocks(source, file, arrow))
    except arrow.ArrowException:
        # its own words may hold a value
        hint = "copy it again, or write it anew"
        raise InputError([_problem(source, "not a sound Parquet file", hint)]) from None
    except OSError as error:
        why = error.strerror or "not a sound Parquet file"
        raise InputError([_problem(source, f"cannot be read: {why}")]) from None


def _packages(place: Place) -> tuple[Any, Any]:
    try:
        import pyarrow  # noqa: PLC0415 - an extra, and 150 ms
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        message = "Parquet takes a package that is not installed"
        hint = 'pip install "sendoff[parquet]"'
        raise InputError([Problem(place.path, place.line, place.column, message, hint)]) from None
    return pyarrow, parquet


def _problem(source: FileSource, message: str, hint: str = "", line: int = 0) -> Problem:
    return Problem(source.path, line, 0, message, hint)


def _refuse_nested(source: FileSource, schema: Any, arrow: Any) -> None:
    nested = [field.name for field in schema if arrow.types.is_nested(field.type)]
    hint = "write text, numbers or dates, one value a column"
    problems = [
        _problem(source, f'the column "{name}" holds lists or objects', hint)
        for name in nested
        if "@" not in name
    ]
    if nested:
        raise InputError(problems or [_problem(source, "a column holds lists or objects", hint)])


def _blocks(source: FileSource, file: Any, arrow: Any) -> Iterator[Block]:
    start = 1
    for batch in file.iter_batches(batch_size=BLOCK_ROWS, use_threads=False):
        columns = [_texts(source, column, arrow, start) for column in batch.columns]
        yield Block(range(start, start + batch.num_rows), columns)
        start += batch.num_rows


def _texts(source: FileSource, column: Any, arrow: Any, start: int) -> list[str]:
    """The column's values as text; nothing where there is none."""
    from pyarrow import compute  # noqa: PLC0415 - see _packages

    if arrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    text = compute.fill_null(column.cast(arrow.large_string()), "")
    longest = compute.max(compute.binary_length(text)).as_py() or 0
    if longest > csv.field_size_limit():
        message = f"a value longer than {csv.field_size_limit():,} bytes"
        raise InputError([_problem(source, message, line=start)])
    values: list[str] = text.to_pylist()
    return values
