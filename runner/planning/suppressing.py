"""What the suppressions mean for a plan: who is left out, and what is held while they are stale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from operator import not_
from typing import Final

from ..dataclass import dataclass
from ..model.campaign import Campaign
from ..model.columns import CodedColumn
from ..model.contacts import REASONS, Audience
from ..model.feedback import PARTS
from ..model.keys import KeyColumn
from ..model.ledger import Record, SuppressionReason
from ..model.plan import EMPTY_QUEUE, Hold, JobPlan
from ..model.settings import SuppressionSettings
from .book import Book, fold_book
from .history import CampaignHistory

IN_A_FILE: Final = "file"
"""The finer reason of what stands in ``campaigns/suppressions``."""


class Suppressing:
    """The suppressions in one plan; their records are read when the first campaign needs them.

    ``blind``: without the state key it is not known whom they concern, and nobody is left out.
    """

    def __init__(
        self,
        records: Callable[[], Iterable[Record]],
        settings: SuppressionSettings,
        now: datetime,
        *,
        blind: bool,
    ) -> None:
        self._records = records
        self._settings = settings
        self._now = now
        self._blind = blind

    @cached_property
    def book(self) -> Book:
        """What the records say."""
        return fold_book(self._records(), self._now)

    @cached_property
    def _stale(self) -> tuple[Freshness, ...]:
        return tuple(one for one in freshness(self.book, self._settings, self._now) if one.stale)

    def banned(self, campaign: Campaign) -> Mapping[bytes, SuppressionReason]:
        """Whom this campaign may not mail."""
        return {} if self._blind else self.book.banned(campaign.unsubscribe.sendgrid_group)

    def look(self, jobs: Sequence[JobPlan], history: CampaignHistory) -> list[JobPlan]:
        """A campaign's jobs with finer reasons, and nothing to send while a source is stale."""
        return [self._held(self._finer(job, history)) for job in jobs]

    def _finer(self, job: JobPlan, history: CampaignHistory) -> JobPlan:
        if self._blind or "suppressed" not in job.counts.excluded:
            return job
        return with_finer_reasons(job, history, self.banned(job.campaign))

    def _held(self, job: JobPlan) -> JobPlan:
        if not self._settings.sources or not job.counts.due or not self._stale:
            return job
        held = Hold(
            "suppressions_stale",
            job.campaign.id,
            job.job_id,
            "; ".join(one.message for one in self._stale),
            f"every run asks first; to see what it is told: sendoff suppressions pull. Or set "
            f"suppressions.max_age in sendoff.yaml:{self._settings.line}",
            job.counts.due,
        )
        status = job.status if job.status in ("paused", "cancelled") else "held"
        return replace(job, queue=EMPTY_QUEUE, holds=(*job.holds, held), status=status)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old what is known from one source is: ``until`` None for a part that never came."""

    source: str
    until: datetime | None
    stale: bool
    message: str


def freshness(book: Book, settings: SuppressionSettings, now: datetime) -> Iterator[Freshness]:
    """Each source of the settings, as old as the oldest of its parts."""
    for source in settings.sources:
        times = [book.pulls[part] for part in PARTS[source] if part in book.pulls]
        until = min(times) if len(times) == len(PARTS[source]) else None
        yield _freshness(source, until, settings.max_age, now)


def _freshness(source: str, until: datetime | None, max_age: timedelta, now: datetime) -> Freshness:
    if until is None:
        message = f"the suppressions of {source} were never pulled whole"
        return Freshness(source, None, True, message)
    message = f"the suppressions of {source} are those of {until:%Y-%m-%d %H:%M} UTC"
    stale = now - until > max_age
    if stale:
        hours = max_age.total_seconds() / 3600
        message += f", older than suppressions.max_age allows ({hours:g} h)"
    return Freshness(source, until, stale, message)


def exclude(audience: Audience, banned: Mapping[bytes, SuppressionReason]) -> Audience:
    """The audience without those who are banned, whom it counts as suppressed."""
    who = audience.keys.among(banned)
    return audience.without(who, "suppressed") if any(who) else audience


def finer_reasons(
    audience: Audience,
    banned: Mapping[bytes, SuppressionReason],
    *claimed: Collection[bytes],
) -> dict[str, int]:
    """How many of an audience's suppressed are so for which reason, those ``claimed`` apart."""
    out = audience.excluded
    suppressed = CodedColumn.of(out.reasons, REASONS).mask(lambda reason: reason == "suppressed")
    keys = KeyColumn.of(out.keys).only(suppressed)
    for members in filter(None, claimed):
        keys = keys.only(bytes(map(not_, keys.among(members))))
    finer = Counter[str](map(banned.__getitem__, keys.only(keys.among(banned))))
    if others := len(keys) - finer.total():
        finer[IN_A_FILE] += others
    return dict(sorted(finer.items()))


def with_finer_reasons(
    job: JobPlan, history: CampaignHistory, banned: Mapping[bytes, SuppressionReason]
) -> JobPlan:
    """The job with the numbers behind its ``suppressed``, counted as ``planning.counting`` does."""
    if "suppressed" not in job.counts.excluded:
        return job
    known = history.job(job.step.id, job.occurrence)
    claimed = [keys for _, keys in known.standing]
    return replace(job, suppressed=finer_reasons(job.audience, banned, *claimed))
