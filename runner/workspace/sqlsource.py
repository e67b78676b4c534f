"""``source: {type: sql}`` → ``SqlSource``."""

from __future__ import annotations

from pathlib import PurePosixPath

from ..errors import InputError
from ..model.campaign import Place
from ..model.settings import Secret
from ..model.sources import MINUTE, SqlSource
from . import policies, queries
from .files import WorkspaceFiles
from .paths import within
from .section import Section

_SQLITE = "sqlite:///"


def sql_source(section: Section, files: WorkspaceFiles) -> SqlSource | None:
    """What ``source`` says; None when it is not whole."""
    url = _url(section)
    query = _query(section, files)
    timeout = policies.positive(section, "timeout", MINUTE)
    if url is None or query is None:
        return None
    return SqlSource(url, query, timeout)


def _url(section: Section) -> str | Secret | None:
    """A secret, or an SQLite file by its path in the workspace."""
    written = section.get("url")
    if written is None:
        return None
    if written.startswith("env:"):
        return Secret(written.removeprefix("env:"))
    try:
        beside = str(PurePosixPath(section.path).parent)
        return _SQLITE + within(beside, written.removeprefix(_SQLITE))
    except ValueError as error:
        section.complain("url", str(error), code="path")
        return None


def _query(section: Section, files: WorkspaceFiles) -> str | None:
    query: str | None = section.get("query")
    path: str | None = section.get("path")
    if section.has("query") == section.has("path"):
        message = "give `query` or `path`, one of the two"
        section.problems.add(section.here, message, "for example path: members.sql")
        return None
    if path is not None:
        return _from_file(section, files, path)
    if query is not None:
        for fault in queries.faults(query):
            line, _ = queries.place_of(query, fault.at)
            where = f" (line {line} of the query)" if "\n" in query.strip() else ""
            section.complain("query", fault.message + where, fault.hint, "query")
    return query


def _from_file(section: Section, files: WorkspaceFiles, written: str) -> str | None:
    try:
        path = within(str(PurePosixPath(section.path).parent), written)
    except ValueError as error:
        section.complain("path", str(error), code="path")
        return None
    try:
        query = files.read_text(path)
    except InputError as error:
        section.problems.extend(error.problems)
        return None
    if query is None:
        section.complain("path", f"the file {path} does not exist", code="missing")
        return None
    for fault in queries.faults(query):
        place = Place(path, *queries.place_of(query, fault.at))
        section.problems.add(place, fault.message, fault.hint, "query")
    return query
