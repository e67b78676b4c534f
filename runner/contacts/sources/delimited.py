"""Delimited text files, read strictly: what is not clearly a table is an error."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import InputError, Problem
from ...model.campaign import Place
from ...model.contacts import FileSource
from ...ports import Files
from .. import frames
from ..findings import Findings
from .decoding import encoding_of, faults
from .raw import Limits, OnDisk, RawFile, open_bytes
from .records import Ragged, Records
from .table import Block, Table

_DELIMITERS = {"csv": ",", "tsv": "\t"}


@contextmanager
def open_delimited(
    source: FileSource, files: Files, place: Place, limits: Limits | None = None
) -> Iterator[Table]:
    """A CSV or TSV file of the workspace, plain or gzip-compressed, as a table."""
    path = locate(source, files, place)
    with read_delimited(RawFile(source, OnDisk(path), limits or Limits()), place) as table:
        yield table


def locate(source: FileSource, files: Files, place: Place) -> Path:
    """Where the file is.  Raises InputError when there is none."""
    path = files.locate(source.path)
    if path is None:
        raise InputError([_missing(source, place)])
    # A pipe or a device would be waited for without end.
    if not path.is_file():
        irregular = Problem(source.path, 0, 0, "not a regular file")
        raise InputError([irregular if path.exists() else _missing(source, place)])
    return path


@contextmanager
def read_delimited(raw: RawFile, place: Place) -> Iterator[Table]:
    """CSV or TSV, wherever its bytes lie, as a table; ``place`` is where the list speaks of it."""
    source = raw.source
    encoding = encoding_of(source, place)
    delimiter = _delimiter(source, place)
    findings = Findings()
    with faults(raw, findings), open_bytes(raw) as data:
        records = Records(data, encoding, delimiter, frames.reader_for(raw.stored.size()))
        header = _header(records, source.path, codecs.BOM_UTF8.decode(encoding, "replace"))
        blocks = _blocks(records, source.path, len(header), findings)
        yield Table(source.path, header, 1, blocks)


def _missing(source: FileSource, place: Place) -> Problem:
    message = f"the contact file {source.path} does not exist"
    return Problem(place.path, place.line, place.column, message)


def _delimiter(source: FileSource, place: Place) -> str:
    delimiter = source.delimiter or _DELIMITERS[source.format]
    if len(delimiter) != 1 or delimiter in '"\r\n' or delimiter.isalnum():
        message = "the delimiter must be one character, and no letter, digit, quote or line break"
        raise InputError([Problem(place.path, place.line, place.column, message)])
    return delimiter


def _header(records: Records, path: str, foreign_bom: str) -> tuple[str, ...]:
    """The first record, white space around the names taken off."""
    try:
        row = records.header()
    except csv.Error as error:
        raise InputError([_unquoted(path, 1, error)]) from None
    problem = ("", "")
    if row is None:
        problem = ("the file is empty", "its first line must name the columns")
    elif not any(map(str.strip, row)):
        problem = ("the first line is blank", "it must name the columns")
    elif foreign_bom and row[0].startswith(foreign_bom):
        problem = ("the file is UTF-8", "remove the list's `encoding`")
    elif row[0].startswith("sep="):
        problem = ("the first line must name the columns", "remove the line `sep=`")
    if problem[0]:
        raise InputError([Problem(path, 1, 1, *problem)])
    return tuple(map(str.strip, row or ()))


def _unquoted(path: str, line: int, error: csv.Error) -> Problem:
    """csv's words about a record, turned into what to look for."""
    text = str(error)
    if "field limit" in text:
        message = f"a field longer than {csv.field_size_limit():,} characters"
        return Problem(path, line, 1, message, "is a closing quote missing?")
    hint = 'write a quote inside quotes as ""'
    if "end of data" in text:
        return Problem(path, line, 1, "a quote that this record opens is never closed", hint)
    if "expected after" in text:
        return Problem(path, line, 1, "text after a closing quote", hint)
    return Problem(path, line, 1, text)


def _blocks(records: Records, path: str, width: int, findings: Findings) -> Iterator[Block]:
    """The rows; a blank line is none.  After a bad row the next ones are still read.

    Not so after a broken quote: nobody knows which of the following quotes open.
    """
    for found in records.blocks(width):
        if isinstance(found, Block):
            yield found
        elif isinstance(found, Ragged):
            findings.add(_ragged(path, found.line, found.fields, width))
        else:
            findings.add(_unquoted(path, found.line, found.error))
    findings.raise_if_any()


def _ragged(path: str, line: int, found: int, width: int) -> Problem:
    hint = "quote a value that holds the delimiter" if found > width else "is a value missing?"
    fields = "1 field" if found == 1 else f"{found} fields"
    return Problem(path, line, 1, f"{fields} where the header has {width}", hint)
