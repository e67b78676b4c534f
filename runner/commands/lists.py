"""``sendoff lists``: what lists there are, how many may be mailed, and why the others may not."""

from __future__ import annotations

from ..bootstrap import Site
from ..contacts import ContactLists, describe
from ..errors import InputError
from ..model.contacts import ContactList, FileSource, InlineSource
from ..model.views import ListView
from ..planning.book import Book
from ..planning.suppressing import exclude, finer_reasons
from ..report import lists as report
from .outcome import Outcome


def lists(site: Site, format: str, refresh: bool) -> Outcome:  # noqa: A002 - the flag's name
    """Every list of the working tree; exit code 1 when one cannot be read.

    ``refresh`` fetches those that lie elsewhere, however young their copies are.
    """
    if refresh:
        site.fetching = "always"
    books = site.contact_lists()
    book, note = site.suppression_book()
    views = [_view(site, books, one, book) for one in site.workspace.lists.values()]
    failed = any(view.problem for view in views)
    return Outcome(report.FORMATS[format](views, site.terminal, note), int(failed))


def _view(site: Site, books: ContactLists, one: ContactList, book: Book) -> ListView:
    source = _source(one)
    used_by = tuple(c.id for c in site.workspace.campaigns.values() if one.name in c.audience.every)
    try:
        audience = exclude(books.read(one), book.everywhere)
        fields = tuple(sorted(books.columns(one)))
        taken = books.taken(one)
    except InputError as error:
        return ListView(one.name, one.description, source, used_by=used_by, problem=str(error))
    return ListView(
        name=one.name,
        description=one.description,
        source=source,
        fetched=taken.copy.facts.fetched if taken is not None else None,
        age=taken.age if taken is not None else None,
        rows=audience.rows,
        audience=len(audience),
        excluded=audience.excluded.counts(),
        suppressed=finer_reasons(audience, book.everywhere),
        fields=fields,
        used_by=used_by,
        warnings=tuple((w.line, w.message) for w in books.warnings(one)),
    )


def _source(one: ContactList) -> str:
    if isinstance(one.source, InlineSource):
        return one.place.path
    return one.source.path if isinstance(one.source, FileSource) else describe(one.source)
