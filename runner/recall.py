"""Calling back what a cancelled campaign has handed over for later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from datetime import datetime, timedelta

from .dataclass import dataclass
from .desk import Desk, Ledger
from .model.campaign import Campaign
from .model.ledger import Claim, Range, Resolution
from .model.plan import Hold
from .planning.history import claims_with_facts
from .planning.ranges import compress_ranges, expand_times, outcome_ranges
from .ports import Clock, Provider


@dataclass
class Recall:
    """What was called back, as facts to record, and what could not be, as holds to show."""

    facts: list[Resolution] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Mails called back."""
        return sum(count for fact in self.facts for _, count in fact.ranges)


def recall_cancelled(desk: Desk, ledger: Ledger, provider: Provider, clock: Clock) -> Recall:
    """Ask the provider to drop what has not gone of campaigns that are cancelled.

    Only mails whose send time is far enough ahead are asked for, and only what the provider
    confirms is booked as not sent: the rest stays sent, and is shown for as long as asking
    again may help.
    """
    recall = Recall()
    if not provider.capabilities.recall_before_seconds:
        return recall
    asked: dict[str, bool] = {}
    for campaign in desk.workspace.campaigns.values():
        if campaign.status != "cancelled":
            continue
        missed = 0
        for claim, ranges in _outstanding(ledger, campaign.id, provider, clock):
            if claim.handle not in asked:
                asked[claim.handle] = provider.recall(claim.handle)
            if asked[claim.handle]:
                recall.facts.append(_called_back(claim, ranges, clock.now()))
            else:
                missed += sum(count for _, count in ranges)
        if missed:
            recall.holds.append(_not_recalled(campaign, missed))
    return recall


def _called_back(claim: Claim, ranges: tuple[Range, ...], now: datetime) -> Resolution:
    at = now.replace(microsecond=0)
    return Resolution(claim.id, claim.campaign, at, ranges, "not_sent", "cancel", "called back")


def _not_recalled(campaign: Campaign, count: int) -> Hold:
    return Hold(
        "not_recalled",
        campaign.id,
        "",
        f"{count:,} mails of this cancelled campaign are at the provider for later, and it did "
        "not confirm that they are called back",
        "the next run asks again; or cancel them in the provider's own console",
        count,
    )


def _outstanding(
    ledger: Ledger, campaign: str, provider: Provider, clock: Clock
) -> Iterator[tuple[Claim, tuple[Range, ...]]]:
    """Claims that can be called back, with the ranges whose send time is far enough ahead."""
    margin = timedelta(seconds=provider.capabilities.recall_before_seconds)
    for claim, facts in claims_with_facts(ledger.records(campaign)):
        if not claim.handle or claim.provider != provider.name:
            continue
        times, now = list(expand_times(claim.times)), clock.now()
        after = int((now + margin).timestamp())
        kept = [
            position
            for kind, (start, count), _ in outcome_ranges(
                claim, facts.receipts, facts.resolutions, now
            )
            if kind in ("sent", "in_doubt")
            for position in range(start, start + count)
            if times[position] > after
        ]
        if kept:
            yield claim, tuple(compress_ranges(kept))
