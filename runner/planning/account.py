"""The caps that all campaigns share, and how much of them is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ..dataclass import dataclass
from ..model.ledger import Record
from ..model.settings import Frequency, Settings
from ..timetable import zones
from .domains import Domains
from .pacing import HOUR
from .rolling import ANY, Daily, Rolling, blocked_until
from .usage import Usage, Wanted

DAY = 86400
LONGEST_WAIT = 90 * DAY
"""Nobody looks further back for who was skipped."""


class Contacts:
    """At most ``max`` mails to one contact within ``per``."""

    def __init__(self, frequency: Frequency, past: Mapping[bytes, tuple[int, ...]]) -> None:
        self._max = frequency.max
        self._per = int(frequency.per.total_seconds())
        self._past = dict(past)
        self._shared = (0,)

    def next(self, key: bytes, moment: int) -> int:
        """The first time from ``moment`` on at which the contact may get one more."""
        past = self._past.get(key)
        if past is None or len(past) < self._max:
            return moment
        times = sorted(past)
        while (free := blocked_until(times, moment, self._max, self._per)) != moment:
            moment = free
        return moment

    def known(self, keys: Sequence[bytes]) -> bool:
        """Whether one of them got a mail."""
        return not self._past.keys().isdisjoint(keys)

    def book(self, keys: Iterable[bytes], moment: int) -> None:
        """Each gets one at this time."""
        if self._shared[0] != moment:
            self._shared = (moment,)
        for key in keys:
            past = self._past.get(key)
            self._past[key] = self._shared if past is None else (*past, moment)


@dataclass(slots=True)
class Account:
    """What is left of the caps of a workspace; None where there is no such cap.

    ``waiting``: how many mails the jobs that are due and not over want to send, or have sent.
    """

    hourly: Rolling | None = None
    daily: Daily | None = None
    domains: Domains | None = None
    by_domain: tuple[Rolling, ...] = ()
    contacts: Contacts | None = None
    waiting: int = 0

    @property
    def shared(self) -> bool:
        """Whether one campaign's mails can keep back another's."""
        parts = (self.hourly, self.daily, self.domains, self.contacts)
        return any(part is not None for part in parts)

    def next(self, moment: int) -> int:
        """The first time from ``moment`` on at which anybody may get a mail."""
        while True:
            later = self.hourly.next(moment) if self.hourly else moment
            later = self.daily.next(later) if self.daily else later
            if later == moment:
                return moment
            moment = later

    def room(self, moment: int, domain: int) -> int:
        """How many may go at this time, at which one may go: at least so many."""
        rooms = [part.room(moment) for part in (self.hourly, self.daily) if part]
        if domain < len(self.by_domain):
            rooms.append(self.by_domain[domain].room(moment))
        return min(rooms, default=ANY)

    def book(self, moment: int, domain: int, count: int = 1) -> None:
        """So many go at this time, counted for the domain's cap with this number."""
        if self.hourly:
            self.hourly.book(moment, count)
        if self.daily:
            self.daily.book(moment, count)
        if domain < len(self.by_domain):
            self.by_domain[domain].book(moment, count)

    def span(self, start: int, domains: Mapping[int, int]) -> int:
        """How long all that waits takes from ``start`` on (seconds), and how long as many mails
        as given to each domain do."""
        spans = [self.by_domain[n].span(count) for n, count in domains.items()]
        if self.hourly:
            spans.append(self.hourly.span(self.waiting))
        if self.daily:
            spans.append(self.daily.span(self.waiting, start))
        return max(spans, default=0)


def account(
    settings: Settings,
    now: datetime,
    books: Iterable[Iterable[Record]],
    *,
    since: int | None = None,
    resends: str = "",
) -> Account:
    """What is left of the caps of a workspace at ``now``; ``books``: the records of every campaign
    that the ledger knows, read only when there are such caps.

    ``since``: when the first of those who wait was due (epoch seconds), if that is past: who was
    skipped then stays skipped.
    """
    counted = _wanted(settings, now, since)
    if counted is None:
        return Account()
    usage, limits = Usage(), settings.limits
    for records in books:
        usage.add(records, now, counted, resends=resends)
    warm_up, frequency = limits.warm_up, settings.frequency
    clock = zones.zone(settings.timezone)
    return Account(
        hourly=Rolling(limits.max_per_hour, usage.times) if limits.max_per_hour else None,
        daily=Daily(warm_up, clock, usage.times) if warm_up else None,
        domains=counted.domains,
        by_domain=tuple(
            Rolling(cap.max_per_hour, usage.domains.get(number, ()))
            for number, cap in enumerate(limits.domains)
        ),
        contacts=Contacts(frequency, usage.contacts) if frequency else None,
    )


def _wanted(settings: Settings, now: datetime, since: int | None) -> Wanted | None:
    """What has to be counted for the caps of a workspace; None without any."""
    limits, frequency, epoch = settings.limits, settings.frequency, int(now.timestamp())
    reach = HOUR if limits.max_per_hour or limits.domains else 0
    if limits.warm_up:
        # since the day began, and no day is longer than this
        reach = 2 * DAY
    contacts = None
    if frequency is not None:
        begin = max(min(epoch, since or epoch), epoch - LONGEST_WAIT)
        contacts = begin - int(frequency.per.total_seconds())
    if not reach and contacts is None:
        return None
    domains = Domains(limits.domains) if limits.domains else None
    return Wanted(epoch - reach if reach else None, contacts, domains)
