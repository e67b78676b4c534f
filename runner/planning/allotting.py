"""Send times under caps: who goes when, where campaigns, domains, zones and contacts compete.

A clock walks through the times at which somebody may go.  At each the campaign of the highest
priority whose own pace allows it sends one mail, to whoever of its contacts waits longest and may
be mailed now.  No later arrival changes what was given before it: a run that looks an hour ahead
decides as a plan that looks ahead for weeks.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Sequence
from dataclasses import field

from ..dataclass import dataclass
from ..model.plan import Spot
from .account import Account, Contacts
from .columns import spread
from .domains import NONE
from .drafts import CampaignDraft, Draft, Horizon, epoch
from .lines import Line, Stretch, stretches
from .pacing import Pacer
from .quietness import Quietness

TOGETHER = 256
"""So many of one domain may go before the next domain's turn."""


@dataclass(slots=True)
class _Run:
    """Contacts of one job who share all caps; ``at`` is the next of them."""

    stretch: Stretch
    at: int = 0

    @property
    def head(self) -> int:
        """The audience index of the next one."""
        return self.stretch.indices[self.at]

    @property
    def rank(self) -> tuple[int, int, int]:
        """Lower goes first: who has waited longest."""
        return self.stretch.due, self.stretch.job, self.head


@dataclass(slots=True)
class _Party:
    """One campaign that has mails to send."""

    draft: CampaignDraft
    order: int
    pacer: Pacer
    lines: list[Line]
    contacts: Contacts | None
    ready: list[tuple[tuple[int, int, int], int, _Run]] = field(default_factory=list)
    asleep: list[tuple[int, int, _Run]] = field(default_factory=list)
    put_off: dict[tuple[object, ...], array[int]] = field(default_factory=dict)
    made: int = 0

    @property
    def rank(self) -> tuple[int, tuple[int, int, int], int]:
        """Among campaigns that may send: the higher priority, then whoever waits longest."""
        return -self.draft.campaign.priority, self.ready[0][0], self.order

    @property
    def wakes(self) -> int:
        """When the first of those who wait may go."""
        return self.asleep[0][0]

    def keys(self, chosen: array[int]) -> list[bytes]:
        """The contacts' keys."""
        keys = self.draft.inputs.audience.keys
        return [keys[index] for index in chosen]

    def sleep(self, run: _Run, until: int) -> None:
        """A run waits."""
        self.made += 1
        heapq.heappush(self.asleep, (until, self.made, run))

    def wake(self, now: int) -> None:
        """Those whose time has come are ready."""
        while self.asleep and self.asleep[0][0] <= now:
            run = heapq.heappop(self.asleep)[2]
            self.made += 1
            heapq.heappush(self.ready, (run.rank, self.made, run))

    def advance(self, run: _Run, count: int = 1) -> None:
        """The next one of the first ready run, if there is one."""
        run.at += count
        if run.at < len(run.stretch.indices):
            heapq.heapreplace(self.ready, (run.rank, self.made, run))
        else:
            heapq.heappop(self.ready)


def allot(drafts: Sequence[CampaignDraft], account: Account, horizon: Horizon) -> None:
    """Give everybody who may go a time, over all campaigns, and queue those who go now."""
    now = epoch(horizon.now)
    parties = [_party(draft, number, account, now) for number, draft in enumerate(drafts)]
    _Clock(account, [party for party in parties if party.asleep], now).walk()
    for party in parties:
        for line in party.lines:
            line.close(epoch(horizon.claim_until))


def _party(draft: CampaignDraft, order: int, account: Account, now: int) -> _Party:
    contacts = account.contacts
    party = _Party(
        draft=draft,
        order=order,
        pacer=Pacer(draft.campaign.pacing, draft.inputs.history.recent),
        lines=[Line(job) for job in draft.jobs],
        contacts=contacts if draft.campaign.frequency is not None else None,
    )
    quiet = Quietness.of(draft.campaign)
    numbers = account.domains.column(draft.inputs.audience.emails) if account.domains else b""
    for number, job in enumerate(draft.jobs):
        if job.stopped:
            continue
        job.placing.nominal = spread(job.placing.nominal)
        for stretch in stretches(job, number, now, quiet, numbers):
            party.sleep(_Run(stretch), stretch.arrival)
    return party


class _Clock:
    """Walks through time, and gives one mail after the other its own."""

    def __init__(self, account: Account, parties: Sequence[_Party], now: int) -> None:
        self._account = account
        self._now = now
        self._ready: list[tuple[tuple[int, tuple[int, int, int], int], _Party]] = []
        self._asleep = [(party.wakes, party.order, party) for party in parties]
        heapq.heapify(self._asleep)
        # what goes to somebody once only cannot be too often for anybody else
        alone = len(parties) == 1 and len(parties[0].draft.jobs) == 1
        self._contacts = None if alone else account.contacts

    def walk(self) -> None:
        """Until nobody waits."""
        while self._ready or self._asleep:
            if not self._ready:
                self._now = max(self._now, self._asleep[0][0])
            self._now = self._account.next(self._now)
            while self._asleep and self._asleep[0][0] <= self._now:
                self._come(heapq.heappop(self._asleep)[2])
            if self._ready:
                party = heapq.heappop(self._ready)[1]
                self._send(party)
                self._come(party)

    def _come(self, party: _Party) -> None:
        """A campaign is ready, asleep, or done."""
        party.wake(self._now)
        paced = math.floor(party.pacer.next(float(self._now)))
        if party.ready and paced <= self._now:
            heapq.heappush(self._ready, (party.rank, party))
        elif party.ready:
            heapq.heappush(self._asleep, (paced, party.order, party))
        elif party.asleep:
            heapq.heappush(self._asleep, (max(paced, party.wakes), party.order, party))

    def _send(self, party: _Party) -> None:
        """Mails of a campaign whose pace allows it: one, or some who may all go at this time."""
        party.wake(self._now)
        while party.ready:
            run = party.ready[0][2]
            blocked = self._blocked(run)
            if blocked > self._now:
                heapq.heappop(party.ready)
                party.sleep(run, blocked)
            elif chosen := self._free(party, run):
                self._book(party, run, chosen)
                return
            elif party.contacts is None or not self._capped(party, party.contacts, run):
                self._book(party, run, run.stretch.indices[run.at : run.at + 1])
                return

    def _free(self, party: _Party, run: _Run) -> array[int] | None:
        """Some who may go together because nothing more than a number limits them; None where it
        has to be looked at one by one."""
        if not party.draft.campaign.pacing.free:
            return None
        count = min(TOGETHER, self._account.room(self._now, run.stretch.domain))
        chosen = run.stretch.indices[run.at : run.at + count]
        if party.contacts is not None and party.contacts.known(party.keys(chosen)):
            return None
        return chosen

    def _blocked(self, run: _Run) -> int:
        """Until when all contacts of a run have to wait."""
        stretch = run.stretch
        if stretch.clock is not None and (loud := stretch.clock.end(self._now)) > self._now:
            # not asked how it is then: a cap that is asked of tomorrow forgets today
            return loud
        if stretch.domain != NONE and self._account.by_domain:
            return self._account.by_domain[stretch.domain].next(self._now)
        return self._now

    def _capped(self, party: _Party, contacts: Contacts, run: _Run) -> bool:
        """True when the next contact gets too many mails already: it is skipped, or waits."""
        draft = party.draft
        key = draft.inputs.audience.keys[run.head]
        later = contacts.next(key, self._now)
        frequency = draft.campaign.frequency
        skips = frequency is None or frequency.on_capped == "skip"
        if skips and later == self._now:
            # whoever was skipped when its time had come is not mailed after all
            due = min(draft.jobs[run.stretch.job].placing.nominal[run.head], self._now)
            later = self._now if contacts.next(key, due) == due else self._now + 1
        if later == self._now:
            return False
        if skips:
            _skip(draft.jobs[run.stretch.job], run.head, self._now)
        else:
            self._put_off(party, run, later)
        party.advance(run)
        return True

    def _put_off(self, party: _Party, run: _Run, until: int) -> None:
        """The next contact waits alone, or with others who wait as long."""
        stretch = run.stretch
        name = (until, stretch.due, stretch.job, stretch.zone, stretch.domain, stretch.clock)
        if name not in party.put_off:
            party.put_off[name] = array("I")
            party.put_off[name].append(run.head)
            party.sleep(_Run(stretch.of(party.put_off[name])), until)
        else:
            party.put_off[name].append(run.head)

    def _book(self, party: _Party, run: _Run, chosen: array[int]) -> None:
        moment = party.pacer.book(party.pacer.next(float(self._now)))
        self._account.book(moment, run.stretch.domain, len(chosen))
        if self._contacts is not None:
            self._contacts.book(party.keys(chosen), moment)
        party.lines[run.stretch.job].put(chosen, moment, run.stretch.domain)
        party.advance(run, len(chosen))


def _skip(job: Draft, index: int, moment: int) -> None:
    """Too many mails to this contact: it gets none of this job.  That is decided when its time
    has come, and shown before."""
    job.placing.spots[index] = Spot.FREQUENCY_CAP
    job.undecided = max(job.undecided, moment)
