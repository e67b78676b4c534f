"""SendGrid's suppressions: bounces, spam reports, unsubscribes, and those of groups.

Each kind is read by its own request, page by page.  SendGrid does not say how late an entry may
appear, so each pull reads the last day before the one before it once more: what is known already is
no news.  Entries have the time at which SendGrid made them.

Twilio documents neither pages nor times for ``asm/suppressions`` (unconfirmed).  It is asked for
both, and whether it knows pages is found out: more than a page at once, or the same page again, is
all there is.

Blocks (the other side refused one mail, for its reasons) and bounces that are not about the address
are counted and suppress nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from ..dataclass import dataclass
from ..errors import ProviderError
from ..model.feedback import Cause, Feedback
from ..model.verdicts import verdict
from ..ports import Clock

OVERLAP: Final = timedelta(days=1)
"""What is read again with every pull, for what appeared late."""

PAGE: Final = 500
"""Entries of one answer; SendGrid gives no more."""

MOST: Final = 10_000_000
_RESTARTS: Final = 3

Row = Mapping[str, Any]
_Name = tuple[str, object, str]
"""What tells an entry from others: address, time, group."""


@dataclass(frozen=True, slots=True)
class _Kind:
    path: str
    time: str
    cause: Callable[[Row], Cause | str]
    """Why an entry suppresses; or, when it does not, the word under which it is counted."""


def _bounce(row: Row) -> Cause | str:
    # what nobody can tell is hard: SendGrid itself will not deliver to it any more
    found = verdict(str(row.get("status") or ""), str(row.get("reason") or ""))
    return "soft bounces" if found == "soft" else ("bounce", 0)


def _group(row: Row) -> Cause | str:
    group = row.get("group_id")
    known = isinstance(group, int) and not isinstance(group, bool) and group > 0
    return ("group_unsubscribed", int(str(group))) if known else "without a group"


_KINDS: Final[Mapping[str, _Kind]] = {
    "sendgrid/bounces": _Kind("suppression/bounces", "created", _bounce),
    "sendgrid/blocks": _Kind("suppression/blocks", "created", lambda row: "blocks"),
    "sendgrid/invalid_emails": _Kind(
        "suppression/invalid_emails", "created", lambda row: ("invalid", 0)
    ),
    "sendgrid/spam_reports": _Kind("suppression/spam_reports", "created", lambda row: ("spam", 0)),
    "sendgrid/unsubscribes": _Kind(
        "suppression/unsubscribes", "created", lambda row: ("unsubscribed", 0)
    ),
    "sendgrid/groups": _Kind("asm/suppressions", "created_at", _group),
}


class SendgridFeedback:
    """A ``FeedbackSource``.

    ``ask``: the JSON for a path; raises ProviderError.  ``key_of``: the contact key of an address,
    None for what is none.  After ``deadline`` no page is asked for.
    """

    name = "sendgrid"

    def __init__(
        self,
        ask: Callable[[str], Any],
        key_of: Callable[[str], bytes | None],
        clock: Clock,
        deadline: datetime,
    ) -> None:
        self._ask = ask
        self._key_of = key_of
        self._clock = clock
        self._deadline = deadline

    def read(self, part: str, since: datetime | None, until: datetime) -> Feedback:
        """See ``ports.FeedbackSource``.  A list that moves while it is paged is read again."""
        kind = _KINDS[part]
        span = {"end_time": int(until.timestamp())}
        if since is not None:
            span["start_time"] = int((since - OVERLAP).timestamp())
        for _ in range(_RESTARTS):
            with suppress(_Moved):
                return self._once(kind, span, since)
        raise ProviderError(f"sendgrid: {kind.path}: the list changes while it is read")

    def _once(self, kind: _Kind, span: Mapping[str, int], since: datetime | None) -> Feedback:
        told: dict[Cause, dict[bytes, int]] = {}
        counts: Counter[str] = Counter()
        for row in self._rows(kind, span):
            time, address = row.get(kind.time), row.get("email")
            if not isinstance(time, int) or isinstance(time, bool) or not isinstance(address, str):
                raise ProviderError(f"sendgrid: {kind.path}: an entry without email or time")
            key, cause = self._key_of(address), kind.cause(row)
            if key is None or isinstance(cause, str):
                # what was counted by the pull before is not counted again
                if since is None or time > since.timestamp():
                    counts[cause if isinstance(cause, str) else "no addresses"] += 1
                continue
            times = told.setdefault(cause, {})
            times[key] = max(min(time, span["end_time"]), times.get(key, 0))
        return Feedback(told, counts)

    def _rows(self, kind: _Kind, span: Mapping[str, int]) -> Iterator[Row]:
        """Every entry, from pages that overlap by one: if it is not there again, entries before it
        are gone, and as many were passed over (_Moved)."""
        before: Sequence[_Name] = ()
        for offset in range(0, MOST, PAGE - 1):
            page = self._page(kind, {**span, "limit": PAGE, "offset": offset})
            names = [_name(row, kind) for row in page]
            if before and before[-1] not in names:
                raise _Moved
            known = set(before)
            fresh = [row for row, name in zip(page, names, strict=True) if name not in known]
            yield from fresh
            if len(page) != PAGE or not fresh:
                # fewer: that was the end; more, or the same ones again: it knows no pages
                return
            before = names
        raise ProviderError(f"sendgrid: {kind.path}: the list does not end")

    def _page(self, kind: _Kind, query: Mapping[str, int]) -> list[Row]:
        if self._clock.stopping or self._clock.now() >= self._deadline:
            raise ProviderError(f"sendgrid: {kind.path}: there was no time for all of it")
        page = self._ask(f"/v3/{kind.path}?{urlencode(query)}")
        if not isinstance(page, list) or not all(isinstance(row, dict) for row in page):
            raise ProviderError(f"sendgrid: {kind.path}: no list in the answer")
        return page


class _Moved(Exception):
    """Entries were taken away from the list while it was read."""


def _name(row: Row, kind: _Kind) -> _Name:
    return (str(row.get("email")), row.get(kind.time), str(row.get("group_id")))
