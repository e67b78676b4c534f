"""The ledger folded: what has become of every send key.

Claims and receipts may come in any order; the fold gives the same answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import field
from datetime import datetime, timedelta
from functools import cached_property

from ..dataclass import dataclass
from ..model.keys import KeyColumn
from ..model.ledger import Claim, Closed, Planned, Range, Receipt, Record, Resolution
from ..model.packed import Held, Stored, another
from ..model.plan import Spot
from .keeping import Kept
from .ranges import expand_times, outcome_ranges, split_keys

HOUR = 3600


@dataclass(slots=True)
class Facts:
    """What the records say about one claim."""

    receipts: list[Receipt] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Share:
    """A claim, what is known of it, and what became of which contacts: (kind, range, reason)."""

    kept: Kept
    facts: Facts
    kinds: Sequence[tuple[str, Range, str]]

    @property
    def claim(self) -> Claim:
        return self.kept.claim

    @property
    def stands(self) -> list[Range]:
        """The contacts that the claim keeps: all but those to whom nothing was sent."""
        return [part for kind, part, _ in self.kinds if kind != "released"]

    @property
    def last(self) -> int:
        """The latest send time."""
        return max(first + step * (count - 1) for first, step, count in self.claim.times)

    @property
    def left(self) -> int:
        """Until when, at the latest, a mail left that was late at its time: where the run came
        late or the provider was slow, that is some time before the receipt."""
        by = max((receipt.at for receipt in self.facts.receipts), default=self.claim.at)
        return int(by.timestamp())


@dataclass(slots=True)
class _Keys:
    """A job's contacts by what became of them; a key is in exactly one of them."""

    sent: Set[bytes] = field(default_factory=set)
    failed: dict[bytes, str] = field(default_factory=dict)
    in_doubt: set[bytes] = field(default_factory=set)
    in_flight: set[bytes] = field(default_factory=set)
    released: set[bytes] = field(default_factory=set)


@dataclass
class JobHistory:
    """One job's contacts by what became of them; a key is in exactly one of ``sent``, ``failed``,
    ``in_doubt``, ``in_flight`` and ``released``.

    Keys are taken apart when somebody asks for them: most jobs are over, and nobody does.
    ``compared_as``: the column that compares many of them the quickest way there is.
    """

    started_at: datetime | None = None
    last_send: datetime | None = None
    total: int = 0
    content: str = ""
    revision: int = 0
    closed: Closed | None = None
    compared_as: type[KeyColumn] = KeyColumn
    _shares: list[_Share] = field(default_factory=list)
    _kinds: set[str] = field(default_factory=set)

    @property
    def sent(self) -> Set[bytes]:
        """Contacts whose mail was accepted."""
        return self._keys.sent

    @property
    def failed(self) -> Mapping[bytes, str]:
        """Contacts whose mail was refused, with the reason."""
        return self._keys.failed

    @property
    def in_doubt(self) -> Set[bytes]:
        """Contacts of whom nobody knows."""
        return self._keys.in_doubt

    @property
    def in_flight(self) -> Set[bytes]:
        """Contacts whom another run may be mailing now."""
        return self._keys.in_flight

    @property
    def released(self) -> Set[bytes]:
        """Contacts claimed once, but proven not sent: due again."""
        # what no claim speaks of needs no key
        return self._keys.released if "released" in self._kinds else frozenset()

    @property
    def standing(self) -> tuple[tuple[Spot, Collection[bytes]], ...]:
        """Contacts whose mail is not owed, by where they stand; a key is in one of them only."""
        return (
            (Spot.SENT, self.sent),
            (Spot.FAILED, self.failed),
            (Spot.IN_DOUBT, self.in_doubt),
            (Spot.IN_FLIGHT, self.in_flight),
        )

    @cached_property
    def enrolled(self) -> Mapping[bytes, datetime]:
        """Late joiners of a continuous drip, and their own clocks."""
        found: dict[bytes, datetime] = {}
        for share in self._shares:
            enrolled = share.claim.enrolled
            if enrolled is not None:
                found.update(dict.fromkeys(share.kept.all_keys(), enrolled))
        return found

    @cached_property
    def decided(self) -> Mapping[bytes, datetime]:
        """When a person (or the provider's evidence) said what became of a contact."""
        found: dict[bytes, datetime] = {}
        for share in self._shares:
            keys = share.kept.all_keys() if share.facts.resolutions else []
            for resolution in share.facts.resolutions:
                for start, count in resolution.ranges:
                    found.update(dict.fromkeys(keys[start : start + count], resolution.at))
        return found

    @property
    def begun(self) -> bool:
        """Whether there are contacts that need no further claim."""
        return not self._kinds <= {"released"}

    @property
    def claimed(self) -> int:
        """Contacts that need no further claim."""
        return len(self.sent) + len(self.failed) + self.unsettled if self.begun else 0

    @property
    def unsettled(self) -> int:
        """Contacts in doubt or in flight."""
        if self._kinds.isdisjoint(("in_doubt", "in_flight")):
            return 0
        return len(self.in_doubt) + len(self.in_flight)

    def reopened_by(self, first: JobHistory) -> set[bytes]:
        """Whose first step was decided anew after this later step was closed, and who has nothing
        of this one yet: a retry of the first step brings the later ones with it."""
        if self.closed is None or not first.decided:
            return set()
        at = self.closed.at
        mine = [keys for _, keys in self.standing]
        again = (key for key, decided in first.decided.items() if decided > at)
        return {key for key in again if not any(key in keys for keys in mine)}

    @cached_property
    def _keys(self) -> _Keys:
        return self._claimed_once() or self._claimed_again()

    def _claimed_once(self) -> _Keys | None:
        """Where no key was given back, and so none was claimed twice: those sent in one string.

        None when it is not so.
        """
        if "released" in self._kinds:
            return None
        found = _Keys()
        sent = another(self._shares[0].kept.packed) if self._shares else Held()
        for share in self._shares:
            for kind, (start, count), reason in share.kinds:
                part = share.kept.keys(start, count)
                if kind == "sent":
                    sent.append(part)
                else:
                    _book(found, kind, split_keys(part), reason)
        mailed = self.compared_as(sent.closed()).as_set()
        others = [*found.failed, *found.in_doubt, *found.in_flight]
        if mailed is None or len(set(others)) < len(others):
            return None
        found.sent = mailed
        return None if others and any(KeyColumn.of(others).among(mailed)) else found

    def _claimed_again(self) -> _Keys:
        """A key released by one claim and taken by a later one belongs to the later one."""
        found, sent = _Keys(), set[bytes]()
        for share in self._shares:
            keys = share.kept.all_keys()
            for kind, (start, count), reason in share.kinds:
                part = keys[start : start + count]
                if kind == "sent":
                    sent.update(part)
                else:
                    _book(found, kind, part, reason)
        found.sent = sent
        _settle_precedence(found)
        return found

    @classmethod
    def without_keys(cls, started_at: datetime | None, closed: Closed | None) -> JobHistory:
        """A job all of whose claims are settled; who was mailed is not in it."""
        kinds = {"sent"} if started_at is not None else set()
        return cls(started_at=started_at, closed=closed, _kinds=kinds)

    def add(self, share: _Share) -> None:
        """Take in a claim; claims come in order of time."""
        claim = share.claim
        self.started_at = self.started_at or claim.at
        self.total = claim.total
        if claim.revision >= self.revision:
            self.content, self.revision = claim.content, claim.revision
        self._shares.append(share)
        self._kinds.update(kind for kind, _, _ in share.kinds)


@dataclass
class CampaignHistory:
    """All that the ledger knows of a campaign.

    ``planned``: the first sight of it; ``rescheduled``: the newest, the same one for as long as
    nobody changed a recurring campaign's schedule.
    """

    planned: Planned | None = None
    rescheduled: Planned | None = None
    jobs: dict[tuple[str, str], JobHistory] = field(default_factory=dict)
    _since: int = 0
    _late: list[_Share] = field(default_factory=list)

    def job(self, step: str, occurrence: str = "") -> JobHistory:
        """The history of one job, empty when it has none."""
        return self.jobs.setdefault((step, occurrence), JobHistory())

    @cached_property
    def recent(self) -> Sequence[int]:
        """Send times (epoch seconds, unsorted) of everything that was or may have been sent within
        the last hour or is handed over for later: what the hourly cap counts.

        The latest that can be counts: no rolling hour ever holds more than the cap.
        """
        found: list[int] = []
        for share in self._late:
            left = share.left
            times = [max(time, left) for time in expand_times(share.claim.times)]
            for start, count in share.stands:
                found.extend(t for t in times[start : start + count] if t > self._since)
        return found

    def compare_as(self, column: type[KeyColumn]) -> None:
        """Compare keys as the audience's are compared; the same comes out."""
        for job in self.jobs.values():
            job.compared_as = column

    def note_late(self, share: _Share) -> None:
        """Keep a claim in mind if the hourly cap may have to count it."""
        if max(share.last, share.left) > self._since:
            self._late.append(share)

    @property
    def last_total(self) -> int | None:
        """The audience against which growth is measured: the last finished job's, else the first
        plan's."""
        finished = [job.closed for job in self.jobs.values() if job.closed is not None]
        if finished:
            last = max(finished, key=lambda closed: closed.at)
            return last.counts.get("audience", self.planned.total if self.planned else None)
        return self.planned.total if self.planned else None


@dataclass(slots=True)
class _Gathered:
    """A campaign's claims in the order of writing, and the facts about them by claim id."""

    claims: list[Kept] = field(default_factory=list)
    facts: dict[str, Facts] = field(default_factory=dict)

    def about(self, claim: Claim) -> Facts:
        """What is known of one claim, which may be nothing yet."""
        return self.facts.get(claim.id, Facts())


def claims_with_facts(records: Iterable[Record]) -> Iterator[tuple[Claim, Facts]]:
    """Every claim with what the other records say about it, in the order of writing."""
    gathered = _gather(records, CampaignHistory())
    return ((one.claim, gathered.about(one.claim)) for one in gathered.claims)


def fold(
    records: Iterable[Record], now: datetime, *, resends: str = "", store: Stored | None = None
) -> CampaignHistory:
    """The history that one campaign's records give at ``now`` (leases end by it).

    ``resends``: the name of a provider for which sending again cannot mail twice; what it left
    in doubt is not in doubt but due again.  ``store``: where keys are put, instead of in memory.
    """
    history = CampaignHistory(_since=int((now - timedelta(seconds=HOUR)).timestamp()))
    gathered = _gather(records, history, store)
    for kept in sorted(gathered.claims, key=lambda kept: (kept.claim.at, kept.claim.id)):
        _add_claim(history, kept, gathered.about(kept.claim), now, resends)
    return history


def _gather(
    records: Iterable[Record], history: CampaignHistory, store: Stored | None = None
) -> _Gathered:
    """Claims and what is said about them; what concerns the campaign goes into its history."""
    gathered = _Gathered()
    for record in records:
        if isinstance(record, Claim):
            gathered.claims.append(Kept.of(record, store))
        elif isinstance(record, Receipt):
            gathered.facts.setdefault(record.claim, Facts()).receipts.append(record)
        elif isinstance(record, Resolution):
            gathered.facts.setdefault(record.claim, Facts()).resolutions.append(record)
        elif isinstance(record, Closed):
            history.job(record.step, record.occurrence).closed = record
        elif isinstance(record, Planned):
            _add_sight(history, record)
    return gathered


def _add_sight(history: CampaignHistory, sight: Planned) -> None:
    if history.planned is None or sight.at < history.planned.at:
        history.planned = sight
    if history.rescheduled is None or sight.at >= history.rescheduled.at:
        history.rescheduled = sight


_AGAIN = {"in_doubt": "released"}


def _add_claim(
    history: CampaignHistory, kept: Kept, facts: Facts, now: datetime, resends: str
) -> None:
    claim = kept.claim
    kinds = outcome_ranges(claim, facts.receipts, facts.resolutions, now)
    if resends and claim.provider == resends:
        kinds = [(_AGAIN.get(kind, kind), part, why) for kind, part, why in kinds]
    share = _Share(kept, facts, kinds)
    job = history.job(claim.step, claim.occurrence)
    job.add(share)
    if not share.stands:
        return
    instant = datetime.fromtimestamp(share.last, now.tzinfo)
    job.last_send = max(job.last_send or instant, instant)
    history.note_late(share)


def _book(found: _Keys, kind: str, keys: list[bytes], reason: str) -> None:
    if kind == "failed":
        found.failed.update(dict.fromkeys(keys, reason))
    else:
        getattr(found, kind).update(keys)


def _settle_precedence(found: _Keys) -> None:
    """A key released by one claim and taken by a later one belongs to the later one."""
    found.in_doubt -= found.sent
    found.in_flight -= found.sent
    found.in_flight -= found.in_doubt
    for key in [key for key in found.failed if _stands(found, key)]:
        del found.failed[key]
    found.released -= found.sent
    found.released -= found.in_doubt
    found.released -= found.in_flight
    found.released.difference_update(found.failed)


def _stands(found: _Keys, key: bytes) -> bool:
    return key in found.sent or key in found.in_doubt or key in found.in_flight
