"""``sendoff suppress``: never mail these addresses again; or, with ``--undo``, do."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from ..bootstrap import Site
from ..errors import UsageError
from ..model.ledger import BOOK, Record, SuppressionReason
from ..planning.book import Stamp, about, decided, fold_book, news, released, suppressed
from ..report.jsontext import dump
from ..report.words import plural
from .outcome import Outcome
from .resolve import by_whom


def suppress(
    site: Site,
    addresses: Sequence[str],
    reason: SuppressionReason,
    undo: bool,
    by: str | None,
    format: str,  # noqa: A002 - the flag's name
) -> Outcome:
    """Record it at once.  Nothing is recorded unless every address is valid.

    Addresses from standard input stand neither in the shell's history nor in the list of
    processes.
    """
    keys = contact_keys(site, given(addresses))
    now = site.clock.now().replace(microsecond=0)
    store = site.store(site.settings)
    before = list(store.sync().records(BOOK))
    run = site.new_run_id()
    stamp = Stamp(run, now, "manual", by_whom(site, by))
    if undo:
        facts, changed = _release(keys, before, stamp, now)
    else:
        book = fold_book(before)
        fresh = news(decided((reason, 0), keys, book, now), book, now)
        facts, changed = [*suppressed(fresh, stamp)], sum(map(len, fresh.values()))
    if facts:
        word = "release" if undo else "suppress"
        store.add_facts(facts, run=run, message=f"{word}: {plural(changed, 'contact')}")
    return Outcome(_answer(format, undo, changed, len(keys) - changed))


def _release(
    keys: Sequence[bytes], before: Sequence[Record], stamp: Stamp, now: datetime
) -> tuple[list[Record], int]:
    """Releases later than anything that is known of these contacts."""
    book = fold_book(before)
    found = {key for key in keys if book.causes(key)}
    # a source whose clock is ahead, or this very second, must not win against a person's word
    newest = max((time for time, _ in about(before, found)), default=0)
    after = max(int(now.timestamp()), newest + 1)
    return [*released(dict.fromkeys(found, after), stamp)], len(found)


def _answer(format: str, undo: bool, changed: int, before: int) -> str:  # noqa: A002
    if format == "json":
        return dump({"changed": changed, "unchanged": before, "suppressed": not undo})
    what = "may be mailed again" if undo else "will not be mailed any more"
    already = "was not suppressed" if undo else "was suppressed for this reason already"
    lines = [f"{plural(changed, 'contact')} {what}."] if changed else []
    if before:
        lines.append(f"{plural(before, 'contact')} {already if before == 1 else _many(already)}.")
    return "\n".join(lines)


def _many(text: str) -> str:
    return text.replace("was ", "were ", 1)


def contact_keys(site: Site, addresses: Iterable[tuple[str, str]]) -> list[bytes]:
    """Each person's contact key, once, for (place, address).

    Raises UsageError that names places, never an address.
    """
    key_of = site.person_of(site.settings)
    keys: dict[bytes, None] = {}
    wrong: list[str] = []
    for place, address in addresses:
        key = key_of(address)
        if key is None:
            wrong.append(place)
        else:
            keys[key] = None
    if wrong:
        more = f" and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        raise UsageError(f"not a valid address: {', '.join(wrong[:10])}{more}. Nothing was changed")
    if not keys:
        raise UsageError("there is no address in what was given")
    return list(keys)


def given(addresses: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(place, address); ``-`` stands for the lines of standard input."""
    for number, address in enumerate(addresses, start=1):
        if address == "-":
            for line, text in enumerate(sys.stdin, start=1):
                if text.strip():
                    yield f"line {line} of standard input", text.strip()
        else:
            yield f"argument {number}", address
