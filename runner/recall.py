"""Calling back what a cancelled campaign has handed over for later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from .model.ledger import Claim, Range, Receipt, Resolution
from .planning.history import compress_ranges, expand_times, outcome_ranges
from .ports import Provider
from .survey import Desk, Ledger


def recall_cancelled(
    desk: Desk, ledger: Ledger, provider: Provider, now: datetime
) -> list[Resolution]:
    """Ask the provider to drop what has not gone; returns the facts to record.

    Only mails whose send time is far enough ahead are asked for, and only what the provider
    confirms is booked as not sent: the rest stays sent.
    """
    margin = provider.capabilities.recall_before_seconds
    if not margin:
        return []
    after = int((now + timedelta(seconds=margin)).timestamp())
    asked: dict[str, bool] = {}
    found = []
    for campaign in desk.workspace.campaigns.values():
        if campaign.status != "cancelled":
            continue
        for claim, ranges in _outstanding(ledger, campaign.id, after, now):
            if claim.handle not in asked:
                asked[claim.handle] = provider.recall(claim.handle)
            if asked[claim.handle]:
                at = now.replace(microsecond=0)
                found.append(
                    Resolution(
                        claim.id, claim.campaign, at, ranges, "not_sent", "cancel", "called back"
                    )
                )
    return found


def _outstanding(
    ledger: Ledger, campaign: str, after: int, now: datetime
) -> Iterator[tuple[Claim, tuple[Range, ...]]]:
    """Claims that can be called back, with the ranges whose send time is after ``after``."""
    every = list(ledger.records(campaign))
    for claim in every:
        if not isinstance(claim, Claim) or not claim.handle:
            continue
        receipts = [r for r in every if isinstance(r, Receipt) and r.claim == claim.id]
        resolutions = [r for r in every if isinstance(r, Resolution) and r.claim == claim.id]
        times = list(expand_times(claim.times))
        kept = [
            position
            for kind, (start, count), _ in outcome_ranges(claim, receipts, resolutions, now)
            if kind in ("sent", "in_doubt")
            for position in range(start, start + count)
            if times[position] > after
        ]
        if kept:
            yield claim, tuple(compress_ranges(kept))
