"""``campaigns/lists/NAME.yaml`` → ``ContactList``."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.contacts import ColumnMap, ContactList, FileSource, InlineSource, Source
from ..model.sources import Refresh
from . import listsources
from .document import Document
from .files import WorkspaceFiles
from .problems import Problems
from .schemas import check
from .section import Section
from .values import duration

SPECIAL = ("email", "timezone", "opted_out", "bounced", "consent")
"""Column names with a meaning of their own."""


def read_list(
    document: Document, name: str, files: WorkspaceFiles, problems: Problems
) -> ContactList | None:
    """One list, or None when it is not whole; what is wrong is in ``problems``.

    Whether the data file exists and what is in it is the contacts room's business: contacts need
    not be in git.
    """
    before = problems.errors
    check(document, "list", problems)
    if document.root.bad or not isinstance(document.root.data, dict):
        return None
    section = Section.of(document, problems)
    source = listsources.source(section.section("source"), files)
    columns = _columns(section, source)
    if section.get("require_consent") and section.has("columns") and not columns.consent:
        message = "`require_consent` without a `consent` column"
        section.complain("require_consent", message, "add consent: HEADER to columns")
    refresh = _refresh(section.section("refresh"))
    if section.has("refresh") and isinstance(source, FileSource | InlineSource):
        message = "`refresh` is for lists that are fetched, and this one lies here"
        section.complain("refresh", message, "leave it out")
    if source is None or problems.errors > before or not document.whole:
        return None
    return ContactList(
        name=name,
        source=source,
        columns=columns,
        description=section.get("description", ""),
        require_consent=section.get("require_consent", False),
        place=section.here,
        refresh=refresh,
        refresh_place=section.key("refresh"),
        allow_empty=section.get("allow_empty", False),
    )


def _refresh(section: Section) -> Refresh:
    defaults = Refresh()
    max_age, max_stale = section.get("max_age"), section.get("max_stale")
    if max_stale is not None and section.get("on_error") != "use_cached":
        section.complain("max_stale", "`max_stale` without use_cached", "add on_error: use_cached")
    return Refresh(
        max_age=defaults.max_age if max_age is None else duration(max_age),
        on_error=section.get("on_error", defaults.on_error),
        max_stale=defaults.max_stale if max_stale is None else duration(max_stale),
    )


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
