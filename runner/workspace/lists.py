"""``campaigns/lists/NAME.yaml`` → ``ContactList``."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from ..model.contacts import ColumnMap, ContactList, FileSource, InlineSource, Source
from .document import Document
from .paths import within
from .problems import Problems
from .schemas import check
from .section import Section

SPECIAL = ("email", "timezone", "opted_out", "bounced", "consent")
"""Column names with a meaning of their own."""


def read_list(document: Document, name: str, problems: Problems) -> ContactList | None:
    """One list, or None when it is not whole; what is wrong is in ``problems``.

    Whether the data file exists and what is in it is the contacts room's business: contacts need
    not be in git.
    """
    before = problems.errors
    check(document, "list", problems)
    if document.root.bad or not isinstance(document.root.data, dict):
        return None
    section = Section.of(document, problems)
    source = _source(section.section("source"))
    columns = _columns(section, source)
    if section.get("require_consent") and section.has("columns") and not columns.consent:
        message = "`require_consent` without a `consent` column"
        section.complain("require_consent", message, "add consent: HEADER to columns")
    if source is None or problems.errors > before or not document.whole:
        return None
    return ContactList(
        name=name,
        source=source,
        columns=columns,
        description=section.get("description", ""),
        require_consent=section.get("require_consent", False),
        place=section.here,
    )


def _source(section: Section) -> Source | None:
    kind = section.get("type")
    if kind == "inline":
        return _inline(section)
    written = section.get("path")
    if kind is None or written is None:
        return None
    try:
        path = within(str(PurePosixPath(section.path).parent), written)
    except ValueError as error:
        section.complain("path", str(error), code="path")
        return None
    encoding = section.get("encoding", "utf-8")
    _check_encoding(section, encoding)
    return FileSource(
        path=path,
        format=kind,
        compressed=path.lower().endswith(".gz"),
        encoding=encoding,
        delimiter=section.get("delimiter", ""),
    )


def _check_encoding(section: Section, encoding: str) -> None:
    try:
        info = codecs.lookup(encoding)
        is_text = getattr(info, "_is_text_encoding", True)
    except LookupError:
        is_text = False
    if not is_text:
        hint = "for example utf-8, cp1252 or latin-1"
        section.complain("encoding", "`encoding` is unknown", hint)


def _inline(section: Section) -> InlineSource:
    contacts = section.sections("contacts")
    return InlineSource(
        tuple(
            {name: _text(contact.get(name)) for name in contact.node.entries}
            for contact in contacts
        ),
        tuple(contact.node.line for contact in contacts),
    )


def _text(value: Any) -> str:
    """A field's value as text, as a CSV file would hold it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _columns(section: Section, source: Source | None) -> ColumnMap:
    if section.has("columns"):
        return _column_map(section.get("columns", {}))
    if isinstance(source, InlineSource):
        names = {name for contact in source.contacts for name in contact}
        return _column_map({name: name for name in sorted(names)})
    return ColumnMap()


def _column_map(columns: Mapping[str, str]) -> ColumnMap:
    special = {name: columns[name] for name in SPECIAL if name in columns}
    fields = {name: header for name, header in columns.items() if name not in SPECIAL}
    return ColumnMap(**special, fields=fields)
