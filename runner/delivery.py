"""From a claim to its receipt: compose, hand over when due, book what the provider says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from .dataclass import dataclass
from .errors import InputError
from .model.campaign import Campaign
from .model.columns import take
from .model.ledger import Claim, Receipt, Settled
from .model.message import Composed, MessageBatch, Outcome
from .planning.ranges import compress_ranges
from .planning.slices import BatchPlan
from .ports import Clock, Composer, Observer, Provider

MAX_REFS = 16
"""The provider's names that one receipt keeps."""
NOT_BEGUN = Outcome("temporary", "not begun")
LOST_SIGHT = Outcome("ambiguous", "lost sight of it")
CANNOT_RENDER = Outcome("refused", "cannot be rendered")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim with all that sending it takes."""

    claim: Claim
    batch: BatchPlan
    composer: Composer


@dataclass
class Delivery:
    """Hands claimed batches to a provider.

    A provider that can schedule is given each batch at once; one that cannot is given each
    message when its time has come, so that it never has to wait.
    """

    provider: Provider
    clock: Clock
    observer: Observer
    deadline: datetime
    bug: Exception | None = None

    def send(self, claimed: Sequence[Claimed]) -> list[tuple[Claimed, list[Outcome]]]:
        """Every claim with one outcome per contact, in the claim's order.

        Never raises: what a provider throws that it should not is kept in ``bug``, and what it
        had been handed is in doubt.
        """
        outcomes = {c.claim.id: [NOT_BEGUN] * len(c.batch) for c in claimed}
        offsets: dict[int, tuple[int, MessageBatch]] = {}
        handed = self._batches(claimed, outcomes, offsets)
        try:
            for batch, answers in self.provider.deliver(handed, self.deadline):
                missing = [LOST_SIGHT] * (len(batch) - len(answers))
                start, _ = offsets.pop(id(batch))
                _fill(outcomes[batch.claim_id], start, [*answers, *missing])
        except Exception as error:  # noqa: BLE001 - a bug, but what was sent must not be lost
            self.bug = error
        # what it took and said nothing of may have been sent
        for start, batch in offsets.values():
            _fill(outcomes[batch.claim_id], start, [LOST_SIGHT] * len(batch))
        return [(c, outcomes[c.claim.id]) for c in claimed]

    def _batches(
        self,
        claimed: Sequence[Claimed],
        outcomes: dict[str, list[Outcome]],
        offsets: dict[int, tuple[int, MessageBatch]],
    ) -> Iterator[MessageBatch]:
        for item in claimed:
            for start, stop in self._groups(item.batch.times):
                if not self._wait_until(item.batch.times[start]):
                    return
                batch, unfit = _compose(item, start, stop)
                for position in unfit:
                    outcomes[item.claim.id][position] = CANNOT_RENDER
                if batch is not None:
                    offsets[id(batch)] = start, batch
                    yield batch

    def _groups(self, times: Sequence[int]) -> Iterator[tuple[int, int]]:
        """All at once, or runs of equal times."""
        if self.provider.capabilities.schedule_ahead_seconds:
            yield 0, len(times)
            return
        start = 0
        for index in range(1, len(times) + 1):
            if index == len(times) or times[index] != times[start]:
                yield start, index
                start = index

    def _wait_until(self, time: int) -> bool:
        """Wait for a send time if the provider cannot; False when the run must stop first."""
        if not self.provider.capabilities.schedule_ahead_seconds:
            wait = time - self.clock.now().timestamp()
            if wait > 0:
                self.observer.event("waiting", seconds=round(wait))
                self.clock.sleep(wait)
        return not self.clock.stopping and self.clock.now() < self.deadline


def _fill(outcomes: list[Outcome], start: int, answers: Sequence[Outcome]) -> None:
    """Put answers into their places from ``start`` on: those that cannot be rendered were left
    out of the batch."""
    position = start
    for answer in answers:
        while outcomes[position] is CANNOT_RENDER:
            position += 1
        outcomes[position] = answer
        position += 1


def _compose(item: Claimed, start: int, stop: int) -> tuple[MessageBatch | None, list[int]]:
    """The messages for a stretch of a claim, and the positions that cannot be rendered.

    One bad contact does not cost the others their mail: when the stretch fails as a whole, each
    contact is tried alone.
    """
    audience = item.batch.job.audience
    chosen = list(enumerate(item.batch.indices[start:stop], start))
    try:
        composed = item.composer.compose(audience, [index for _, index in chosen])
        unfit: list[int] = []
    except InputError:
        unfit = [position for position, index in chosen if not _can_render(item, index)]
        chosen = [pair for pair in chosen if pair[0] not in set(unfit)]
        if not chosen:
            return None, unfit
        composed = item.composer.compose(audience, [index for _, index in chosen])
    times = [item.batch.times[position] for position, _ in chosen]
    return _message_batch(item, [index for _, index in chosen], times, composed), unfit


def _can_render(item: Claimed, index: int) -> bool:
    try:
        item.composer.compose(item.batch.job.audience, [index])
    except InputError:
        return False
    return True


def _message_batch(
    item: Claimed, indices: list[int], times: list[int], composed: Composed
) -> MessageBatch:
    campaign: Campaign = item.batch.job.campaign
    audience = item.batch.job.audience
    return MessageBatch(
        claim_id=item.claim.id,
        job_id=item.claim.job_id,
        campaign=campaign.id,
        sender=campaign.sender,
        reply_to=campaign.reply_to,
        emails=take(audience.emails, indices),
        keys=audience.keys.take(indices),
        send_at=times,
        content=composed,
        asm_group=campaign.unsubscribe.sendgrid_group,
        handle=item.claim.handle,
    )


def receipt(claim: Claim, outcomes: Iterable[Outcome], at: datetime) -> Receipt:
    """The record of what became of a claim: equal outcomes gathered into ranges."""
    found = list(outcomes)
    refs = {outcome.ref for outcome in found}
    if len(refs) > MAX_REFS:
        # a name for each message can be found from its key; the ledger keeps those of requests
        found = [replace(outcome, ref="") for outcome in found]
    positions: dict[Outcome, list[int]] = {}
    for position, outcome in enumerate(found):
        positions.setdefault(outcome, []).append(position)
    parts = tuple(
        Settled(outcome.kind, tuple(compress_ranges(where)), outcome.reason, outcome.ref)
        for outcome, where in positions.items()
    )
    return Receipt(claim.id, claim.campaign, claim.run, at, parts)
