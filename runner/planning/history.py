"""The ledger folded: what has become of every send key.

Claims and receipts may come in any order; the fold gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..model.contacts import KEY_BYTES
from ..model.ledger import Claim, Closed, Planned, Range, Receipt, Record, Resolution

HOUR = 3600


@dataclass(slots=True)
class JobHistory:
    """One job's contacts by what became of them; a key is in exactly one of the first five.

    ``released``: claimed once, but proven not sent: due again.  ``failed`` gives the reason.
    ``enrolled``: late joiners of a continuous drip and their own clocks.  ``decided``: when a
    person (or the provider's evidence) said that a released one was not sent.
    """

    sent: set[bytes] = field(default_factory=set)
    failed: dict[bytes, str] = field(default_factory=dict)
    in_doubt: set[bytes] = field(default_factory=set)
    in_flight: set[bytes] = field(default_factory=set)
    released: set[bytes] = field(default_factory=set)
    enrolled: dict[bytes, datetime] = field(default_factory=dict)
    decided: dict[bytes, datetime] = field(default_factory=dict)
    started_at: datetime | None = None
    last_send: datetime | None = None
    total: int = 0
    content: str = ""
    revision: int = 0
    closed: Closed | None = None

    @property
    def claimed(self) -> int:
        """Contacts that need no further claim."""
        return len(self.sent) + len(self.failed) + self.unsettled

    def reopened_by(self, first: JobHistory) -> set[bytes]:
        """Whose first step was decided anew after this later step was closed, and who has nothing
        of this one yet: a retry of the first step brings the later ones with it."""
        if self.closed is None or not first.decided:
            return set()
        at = self.closed.at
        mine = (self.sent, self.failed, self.in_doubt, self.in_flight)
        again = (key for key, decided in first.decided.items() if decided > at)
        return {key for key in again if not any(key in keys for keys in mine)}

    @property
    def unsettled(self) -> int:
        """Contacts in doubt or in flight."""
        return len(self.in_doubt) + len(self.in_flight)


@dataclass(slots=True)
class CampaignHistory:
    """All that the ledger knows of a campaign.

    ``planned``: the first sight of it; ``rescheduled``: the newest, the same one for as long as
    nobody changed a recurring campaign's schedule.
    ``recent``: send times (epoch seconds, unsorted) of everything that was or may have been
    sent within the last hour or is handed over for later: what the hourly cap counts.
    """

    planned: Planned | None = None
    rescheduled: Planned | None = None
    jobs: dict[tuple[str, str], JobHistory] = field(default_factory=dict)
    recent: list[int] = field(default_factory=list)

    def job(self, step: str, occurrence: str = "") -> JobHistory:
        """The history of one job, empty when it has none."""
        return self.jobs.setdefault((step, occurrence), JobHistory())

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
class Facts:
    """What the records say about one claim."""

    receipts: list[Receipt] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)


@dataclass(slots=True)
class _Gathered:
    """A campaign's claims in the order of writing, and the facts about them by claim id."""

    claims: list[Claim] = field(default_factory=list)
    facts: dict[str, Facts] = field(default_factory=dict)

    def about(self, claim: Claim) -> Facts:
        """What is known of one claim, which may be nothing yet."""
        return self.facts.get(claim.id, Facts())


def claims_with_facts(records: Iterable[Record]) -> Iterator[tuple[Claim, Facts]]:
    """Every claim with what the other records say about it, in the order of writing."""
    gathered = _gather(records, CampaignHistory())
    return ((claim, gathered.about(claim)) for claim in gathered.claims)


def fold(records: Iterable[Record], now: datetime, *, resends: str = "") -> CampaignHistory:
    """The history that one campaign's records give at ``now`` (leases end by it).

    ``resends``: the name of a provider for which sending again cannot mail twice; what it left
    in doubt is not in doubt but due again.
    """
    history = CampaignHistory()
    gathered = _gather(records, history)
    for claim in sorted(gathered.claims, key=lambda c: (c.at, c.id)):
        _add_claim(history, claim, gathered.about(claim), now, resends)
    for job in history.jobs.values():
        _settle_precedence(job)
    return history


def _gather(records: Iterable[Record], history: CampaignHistory) -> _Gathered:
    """Claims and what is said about them; what concerns the campaign goes into its history."""
    gathered = _Gathered()
    for record in records:
        if isinstance(record, Claim):
            gathered.claims.append(record)
        elif isinstance(record, Receipt):
            gathered.facts.setdefault(record.claim, Facts()).receipts.append(record)
        elif isinstance(record, Resolution):
            gathered.facts.setdefault(record.claim, Facts()).resolutions.append(record)
        elif isinstance(record, Closed):
            history.job(record.step, record.occurrence).closed = record
        else:
            _add_sight(history, record)
    return gathered


def _add_sight(history: CampaignHistory, sight: Planned) -> None:
    if history.planned is None or sight.at < history.planned.at:
        history.planned = sight
    if history.rescheduled is None or sight.at >= history.rescheduled.at:
        history.rescheduled = sight


def _add_claim(
    history: CampaignHistory, claim: Claim, facts: Facts, now: datetime, resends: str
) -> None:
    job = history.job(claim.step, claim.occurrence)
    job.started_at = job.started_at or claim.at
    job.total = claim.total
    if claim.revision >= job.revision:
        job.content, job.revision = claim.content, claim.revision
    kinds = outcome_ranges(claim, facts.receipts, facts.resolutions, now)
    if resends and claim.provider == resends:
        kinds = [(_AGAIN.get(kind, kind), part, why) for kind, part, why in kinds]
    keys = split_keys(claim.keys)
    for kind, (start, count), reason in kinds:
        _book(job, kind, keys[start : start + count], reason)
    if claim.enrolled is not None:
        job.enrolled.update(dict.fromkeys(keys, claim.enrolled))
    for resolution in facts.resolutions:
        for start, count in resolution.ranges:
            job.decided.update(dict.fromkeys(keys[start : start + count], resolution.at))
    done_by = max((receipt.at for receipt in facts.receipts), default=claim.at)
    kept = [r for kind, r, _ in kinds if kind != "released"]
    _note_times(history, job, claim, kept, (now, done_by))


def _book(job: JobHistory, kind: str, keys: list[bytes], reason: str) -> None:
    if kind == "failed":
        job.failed.update(dict.fromkeys(keys, reason))
    else:
        getattr(job, kind).update(keys)


def _note_times(
    history: CampaignHistory,
    job: JobHistory,
    claim: Claim,
    kept: list[Range],
    clocks: tuple[datetime, datetime],
) -> None:
    """Count when mails left for the hourly cap: at their time, or, where the run came late or the
    provider was slow, some time before the receipt (``clocks``: now, and when it was written).
    The latest that can be counts: no rolling hour ever holds more than the cap."""
    if not kept:
        return
    now, done_by = clocks
    last = max(first + step * (count - 1) for first, step, count in claim.times)
    instant = datetime.fromtimestamp(last, now.tzinfo)
    job.last_send = max(job.last_send or instant, instant)
    since = int((now - timedelta(seconds=HOUR)).timestamp())
    left = int(done_by.timestamp())
    if max(last, left) <= since:
        return
    times = [max(time, left) for time in expand_times(claim.times)]
    for start, count in kept:
        history.recent.extend(t for t in times[start : start + count] if t > since)


def _settle_precedence(job: JobHistory) -> None:
    """A key released by one claim and taken by a later one belongs to the later one."""
    job.in_doubt -= job.sent
    job.in_flight -= job.sent | job.in_doubt
    for key in [k for k in job.failed if k in job.sent or k in job.in_doubt or k in job.in_flight]:
        del job.failed[key]
    job.released -= job.sent
    job.released -= job.in_doubt
    job.released -= job.in_flight
    job.released.difference_update(job.failed)


def outcome_ranges(
    claim: Claim, receipts: list[Receipt], resolutions: list[Resolution], now: datetime
) -> list[tuple[str, Range, str]]:
    """What became of a claim: (``sent|failed|in_doubt|in_flight|released``, range, reason).

    Covers the claim's contacts exactly once.
    """
    count = len(claim.keys) // KEY_BYTES
    pending = "in_flight" if claim.lease_until > now else "in_doubt"
    if not receipts and not resolutions:
        return [(pending, (0, count), "no receipt")]
    if len(receipts) == 1 and not resolutions:
        ranges = [
            (_KINDS[part.kind], r, part.reason) for part in receipts[0].parts for r in part.ranges
        ]
        if sum(length for _, (_, length), _ in ranges) == count:
            return ranges
    return _painted(count, pending, receipts, resolutions)


_AGAIN = {"in_doubt": "released"}
_KINDS = {
    "accepted": "sent",
    "refused": "failed",
    "temporary": "released",
    "ambiguous": "in_doubt",
}


def _painted(
    count: int, pending: str, receipts: list[Receipt], resolutions: list[Resolution]
) -> list[tuple[str, Range, str]]:
    """Receipts painted over the claim, resolutions over the receipts, in order of time."""
    state: list[tuple[str, str]] = [(pending, "no receipt")] * count
    for receipt in sorted(receipts, key=lambda r: r.at):
        for part in receipt.parts:
            for start, length in part.ranges:
                state[start : start + length] = [(_KINDS[part.kind], part.reason)] * length
    for resolution in sorted(resolutions, key=lambda r: r.at):
        kind = "sent" if resolution.verdict == "sent" else "released"
        for start, length in resolution.ranges:
            state[start : start + length] = [(kind, resolution.evidence)] * length
    return list(_runs(state))


def _runs(state: list[tuple[str, str]]) -> Iterator[tuple[str, Range, str]]:
    start = 0
    for index in range(1, len(state) + 1):
        if index == len(state) or state[index] != state[start]:
            yield state[start][0], (start, index - start), state[start][1]
            start = index


def split_keys(packed: bytes) -> list[bytes]:
    """Concatenated contact keys, taken apart."""
    return [packed[i : i + KEY_BYTES] for i in range(0, len(packed), KEY_BYTES)]


def expand_times(times: Iterable[tuple[int, int, int]]) -> Iterator[int]:
    """Runs of (first, step, count), one time per contact."""
    for first, step, count in times:
        for index in range(count):
            yield first + step * index


def compress_times(times: Iterable[int]) -> tuple[tuple[int, int, int], ...]:
    """The inverse of ``expand_times``: greedy runs with a constant step."""
    runs: list[tuple[int, int, int]] = []
    for time in times:
        if runs:
            first, step, count = runs[-1]
            if count == 1 or time == first + step * count:
                runs[-1] = (first, time - first if count == 1 else step, count + 1)
                continue
        runs.append((time, 0, 1))
    return tuple(runs)


def compress_ranges(positions: Iterable[int]) -> Iterator[Range]:
    """Ascending positions as (start, count) ranges."""
    start = count = 0
    for position in positions:
        if count and position == start + count:
            count += 1
            continue
        if count:
            yield start, count
        start, count = position, 1
    if count:
        yield start, count
