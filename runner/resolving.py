"""Settling what a run could not: what is in doubt, and what failed and shall be tried again.

Nothing here sends; it adds facts to the ledger, with who said so and when.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

from .dataclass import dataclass
from .model.ledger import Claim, Range, Record, Resolution
from .model.message import Verdict
from .planning.history import claims_with_facts
from .planning.ranges import compress_ranges, outcome_ranges, split_keys
from .ports import Provider


@dataclass(frozen=True, slots=True)
class Open:
    """A claim some of whose contacts are in doubt, or failed."""

    claim: Claim
    ranges: tuple[Range, ...]

    @property
    def count(self) -> int:
        """How many contacts."""
        return sum(count for _, count in self.ranges)

    @property
    def positions(self) -> Iterator[int]:
        """Their positions in the claim."""
        for start, count in self.ranges:
            yield from range(start, start + count)

    @property
    def keys(self) -> Iterator[bytes]:
        """Their contact keys."""
        return map(split_keys(self.claim.keys).__getitem__, self.positions)


def unsettled(
    records: Iterable[Record], kind: Literal["in_doubt", "failed"], now: datetime
) -> list[Open]:
    """The claims of a campaign with contacts of this kind, in order of time."""
    found = []
    for claim, facts in claims_with_facts(records):
        outcomes = outcome_ranges(claim, facts.receipts, facts.resolutions, now)
        ranges = tuple(part for outcome, part, _ in outcomes if outcome == kind)
        if ranges:
            found.append(Open(claim, ranges))
    return found


@dataclass(frozen=True, slots=True)
class Decision:
    """Who settles, when, and on what ground (no personal data in ``by`` and ``evidence``)."""

    by: str
    at: datetime
    evidence: str = ""


def settle(
    found: Sequence[Open], verdict: Literal["sent", "not_sent"], decision: Decision
) -> list[Resolution]:
    """One verdict for all."""
    return [_resolution(one.claim, one.ranges, verdict, decision) for one in found]


def ask_provider(
    found: Sequence[Open], provider: Provider, emails: Mapping[bytes, str], decision: Decision
) -> list[Resolution]:
    """What the provider's evidence settles, claim by claim; the rest stays open.

    ``emails``: addresses by contact key, of those who are on a list now.
    """
    settled = []
    for one in found:
        keys = split_keys(one.claim.keys)
        contacts = [(p, emails[keys[p]], keys[p]) for p in one.positions if keys[p] in emails]
        verdicts = provider.evidence(one.claim, contacts) if contacts else {}
        for verdict in ("sent", "not_sent"):
            ranges = tuple(compress_ranges(p for p in one.positions if verdicts.get(p) == verdict))
            if ranges:
                settled.append(_resolution(one.claim, ranges, verdict, decision))
    return settled


def _resolution(
    claim: Claim, ranges: tuple[Range, ...], verdict: Verdict, decision: Decision
) -> Resolution:
    return Resolution(
        claim=claim.id,
        campaign=claim.campaign,
        at=decision.at.replace(microsecond=0),
        ranges=ranges,
        verdict="sent" if verdict == "sent" else "not_sent",
        by=decision.by,
        evidence=decision.evidence,
    )
