"""Where contacts come from: one module a kind of source, all read as blocks of columns."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ...model.campaign import Place
from ...model.contacts import ContactList, FileSource, InlineSource
from ...ports import Files
from .delimited import locate, read_delimited
from .inline import open_inline
from .jsonlines import read_json_lines
from .raw import Limits, OnDisk, RawFile
from .table import Block, Table

__all__ = ["Block", "Table", "open_local", "read_raw"]


def open_local(
    contact_list: ContactList, source: FileSource | InlineSource, files: Files
) -> AbstractContextManager[Table]:
    """The rows of a list that lies in the workspace.

    Raises InputError when the source has no readable header.
    """
    if isinstance(source, InlineSource):
        return open_inline(source, contact_list.columns, contact_list.place)
    path = locate(source, files, contact_list.place)
    if source.format == "parquet":
        from .parquet import open_parquet  # noqa: PLC0415 - an extra

        return open_parquet(source, path, contact_list.place)
    return read_raw(RawFile(source, OnDisk(path), Limits()), contact_list.place)


def read_raw(raw: RawFile, place: Place) -> AbstractContextManager[Table]:
    """Bytes as a table, wherever they lie; ``place`` is where the list speaks of them."""
    if raw.source.format == "jsonl":
        return read_json_lines(raw)
    return read_delimited(raw, place)
