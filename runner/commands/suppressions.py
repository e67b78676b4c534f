"""``sendoff suppressions``: who must not be mailed any more, and how fresh that is."""

from __future__ import annotations

from datetime import timedelta

from ..bootstrap import Site
from ..errors import ProviderError, UsageError
from ..gathering import gather
from ..model.ledger import BOOK
from ..model.views import SuppressionsView
from ..planning.book import Book, fold_book
from ..planning.suppressing import freshness
from ..report import suppressions as report
from .outcome import Outcome

PATIENCE = timedelta(minutes=30)
"""A person waits for it: the first pull of a big account has thousands of pages."""


def suppressions(site: Site, action: str, format: str) -> Outcome:  # noqa: A002 - the flag's name
    """Show the numbers; or ask every source now, whenever it was asked last."""
    return _pull(site, format) if action == "pull" else _status(site, format)


def _status(site: Site, format: str) -> Outcome:  # noqa: A002
    snapshot, note = site.ledger(blind=True)
    book = fold_book(snapshot.records(BOOK))
    return Outcome(report.FORMATS[format](_view(site, book), site.terminal, note))


def _view(site: Site, book: Book) -> SuppressionsView:
    rules, now = site.settings.suppressions, site.clock.now()
    everyone = frozenset[bytes]().union(*book.active.values())
    return SuppressionsView(
        contacts=len(everyone),
        reasons={cause: len(keys) for cause, keys in sorted(book.active.items()) if keys},
        counts=dict(sorted(book.counts.items())),
        sources=tuple((one.source, one.until, one.stale) for one in freshness(book, rules, now)),
    )


def _pull(site: Site, format: str) -> Outcome:  # noqa: A002
    settings = site.settings
    if not settings.suppressions.sources:
        raise UsageError(
            "there is nobody to ask: name a source in sendoff.yaml, such as "
            "suppressions: {pull: [sendgrid]}"
        )
    with site.feedback_sources(settings, PATIENCE) as sources:
        store = site.store(settings)
        found = gather(store, sources, site.clock.now(), run=site.new_run_id())
    text = report.PULLED[format](found.parts_as_rows, dict(found.counts), site.terminal)
    return Outcome(text, ProviderError.exit_code if found.problems else 0)
