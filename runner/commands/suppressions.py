"""``sendoff suppressions``: who must not be mailed any more, and how fresh that is."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from ..bootstrap import Site
from ..errors import InputError, Problem, ProviderError, UsageError
from ..events.files import read_file
from ..gathering import gather
from ..model.ledger import BOOK, SuppressionReason
from ..model.views import SuppressionsView
from ..planning.book import Book, Stamp, fold_book, news, suppressed
from ..planning.suppressing import freshness
from ..report import suppressions as report
from ..report.words import plural
from .outcome import Outcome

PATIENCE = timedelta(minutes=30)
"""A person waits for it: the first pull of a big account has thousands of pages."""


def suppressions(
    site: Site,
    action: str,
    files: Sequence[str],
    reason: SuppressionReason,
    format: str,  # noqa: A002 - the flag's name
) -> Outcome:
    """Show the numbers; ask every source now, whenever it was asked last; or read files."""
    if (action == "import") != bool(files):
        raise UsageError("files are read by: sendoff suppressions import FILE…")
    if action == "import":
        return _import(site, files, reason, format)
    return _pull(site, format) if action == "pull" else _status(site, format)


def _status(site: Site, format: str) -> Outcome:  # noqa: A002
    snapshot, note = site.ledger(blind=True)
    book = fold_book(snapshot.records(BOOK), site.clock.now())
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
        found = gather(
            store,
            sources,
            site.clock.now(),
            run=site.new_run_id(),
            accounts=site.feedback_accounts(settings),
        )
    text = report.PULLED[format](found.parts_as_rows, dict(found.counts), site.terminal)
    return Outcome(text, ProviderError.exit_code if found.problems else 0)


def _import(
    site: Site,
    files: Sequence[str],
    reason: SuppressionReason,
    format: str,  # noqa: A002
) -> Outcome:
    """Everyone in these files, at once; nothing when one of them has an error."""
    key_of, now = site.person_of(site.settings), site.clock.now().replace(microsecond=0)
    told: dict[bytes, int] = {}
    counts: Counter[str] = Counter()
    problems: list[Problem] = []
    for path in files:
        try:
            found = read_file(path, _content(path), reason, key_of, now)
        except InputError as error:
            problems += error.problems
            continue
        counts.update(found.counts)
        told.update(found.told.get((reason, 0), {}))
    if problems:
        raise InputError(problems)
    store, run = site.store(site.settings), site.new_run_id()
    fresh = news({(reason, 0): told}, fold_book(store.sync().records(BOOK)), now)
    records = list(suppressed(fresh, Stamp(run, now, "import")))
    added = sum(map(len, fresh.values()))
    if records:
        message = f"suppressions: {plural(added, 'contact')} imported"
        store.add_facts(records, run=run, message=message)
    rows = [(plural(len(files), "file"), added, "")]
    return Outcome(report.PULLED[format](rows, counts, site.terminal))


def _content(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        problem = Problem(path, 0, 0, f"cannot be read: {error.strerror}")
        raise InputError([problem]) from None
