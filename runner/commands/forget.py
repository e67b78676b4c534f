"""``sendoff forget``: erase a person, as far as that is ours to do, and say what is not."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from ..bootstrap import Site
from ..errors import UsageError
from ..model.ledger import BOOK, Claim
from ..planning.book import Stamp, decided, fold_book, news, suppressed
from ..planning.ranges import split_keys
from ..ports import Snapshot
from ..report import forget as report
from .outcome import Outcome
from .resolve import by_whom
from .suppress import contact_keys, given
from .traces import Trace, traces


def forget(
    site: Site,
    address: str,
    yes: bool,
    by: str | None,
    format: str,  # noqa: A002 - the flag's name
) -> Outcome:
    """Show where a person is known; with ``yes``, suppress for good and delete what is ours.

    Nobody can be taken out of the ledger: what was sent is history.  It knows no address, only the
    contact key, and that is what remains.
    """
    addresses = list(given([address]))
    keys = contact_keys(site, addresses)
    if len(addresses) != 1:
        raise UsageError("one person at a time: what is found is about one")
    key, written = keys[0], addresses[0][1]
    if "@" not in written:
        raise UsageError("an address is needed here: a contact key does not tell where it stands")
    found = list(traces(site, written, key))
    store = site.store(site.settings)
    snapshot = store.sync()
    book = fold_book(snapshot.records(BOOK))
    if yes:
        stamp = Stamp(
            site.new_run_id(),
            site.clock.now().replace(microsecond=0),
            "forget",
            by_whom(site, by),
        )
        told = decided(("erased", 0), [key], book, stamp.at)
        records = list(suppressed(news(told, book, stamp.at), stamp))
        if records:
            # first of all: whatever happens next, nobody is mailed again
            store.add_facts(records, run=stamp.run, message="forget: 1 contact")
        _delete(found)
    view = report.ForgetView(
        key=key.hex(),
        done=yes,
        theirs=tuple((t.path, t.line, t.what) for t in found if t.file is None),
        ours=tuple((t.path, t.line, t.what) for t in found if t.file is not None),
        mails=_mails(snapshot, key),
        provider=site.settings.provider,
    )
    return Outcome(report.FORMATS[format](view, site.terminal))


def _delete(found: Sequence[Trace]) -> None:
    """Raises UsageError for what the disk refuses to delete: it is still there then."""
    for trace in found:
        if trace.file is None:
            continue
        try:
            if trace.file.is_dir():
                shutil.rmtree(trace.file)
            else:
                trace.file.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"{trace.path} could not be deleted: {error.strerror}") from None


def _mails(snapshot: Snapshot, key: bytes) -> int:
    """How many mails to this contact the ledger knows of, sent or not."""
    return sum(
        split_keys(record.keys).count(key)
        for campaign in snapshot.campaigns()
        for record in snapshot.records(campaign)
        if isinstance(record, Claim) and key in record.keys
    )
