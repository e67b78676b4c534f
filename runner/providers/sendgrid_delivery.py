"""One delivery to SendGrid: batches become requests, answers become outcomes.

There is no idempotency key, so a request is repeated only when it is certain that the one before
sent nothing: it never left, or the answer was 429 or 503.  Whatever else goes wrong after the
first byte leaves its contacts ambiguous.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence, Set

from ..model.message import MessageBatch, Outcome
from . import sendgrid_payload as payload
from .refusal import Refusal
from .sendgrid_answer import (
    Accepted,
    Culprits,
    Narrow,
    Refused,
    Unclear,
    Unusable,
    Verdict,
    Wait,
    interpret,
)
from .sendgrid_http import NotSent, Transport, Unanswered
from .sendgrid_service import back_off
from .window import NOT_BEGUN, Window

ATTEMPTS = 8
"""How often one request is tried while it is certain that nothing was sent."""

CALLED_BACK = Outcome("temporary", "batch called back")
"""For a campaign that was cancelled and taken up again within one run."""

Sent = tuple[MessageBatch, Sequence[Outcome]]

_PATH = "/v3/mail/send"


class Delivery:
    """One call of ``deliver``; its methods run in several threads.

    As many requests as ``concurrency`` are on their way at once; more threads than that make the
    next ones ready meanwhile.  Nothing goes into a batch that is in ``cancelled``.
    """

    def __init__(
        self, transport: Transport, window: Window, cancelled: Set[str], concurrency: int
    ) -> None:
        self._transport = transport
        self._slots = threading.Semaphore(concurrency)
        self._window = window
        self._cancelled = cancelled
        self._unusable = ""

    def send(self, batch: MessageBatch) -> Sent:
        """Send one batch with as many requests as it takes."""
        if not self._window.open or self._unusable:
            return batch, [self._not_begun()] * len(batch)
        if batch.handle in self._cancelled:
            # SendGrid would take it, answer 202, and throw it away when its time comes.
            return batch, [CALLED_BACK] * len(batch)
        try:
            payloads = payload.Payloads(batch, int(self._now()))
        except Refusal as refusal:
            return batch, [refusal.outcome()] * len(batch)
        outcomes = dict(payloads.refused)
        groups = payloads.groups()
        while groups:
            group = groups.pop(0)
            settled, again = settle(group, self._ask(payloads, group))
            outcomes.update(settled)
            groups[:0] = again
        return batch, [outcomes[index] for index in range(len(batch))]

    def _ask(self, payloads: payload.Payloads, group: Sequence[int]) -> Verdict | Outcome:
        """Post one request until there is an answer that settles it."""
        body = payloads.body(group)
        if len(body) >= payload.MAX_BODY_BYTES:
            return Narrow("message too large")
        before: Wait | None = None
        for attempt in range(ATTEMPTS):
            verdict = self._in_turn(before, attempt, body, len(group))
            if verdict is None:
                return before or self._not_begun()
            if isinstance(verdict, Unusable):
                self._unusable = verdict.reason
            if not isinstance(verdict, Wait):
                return verdict
            before = verdict
        # It has refused to listen for minutes: the batches behind this one need not ask as well.
        self._unusable = before.reason if before else ""
        return before or self._not_begun()

    def _in_turn(self, before: Wait | None, attempt: int, body: bytes, size: int) -> Verdict | None:
        """Post once there is a slot; None when by then nothing may begin any more."""
        if before is not None and not self._rested(before, attempt):
            return None
        with self._slots:
            if self._unusable or not self._window.open:
                return None
            return self._post(body, size)

    def _rested(self, before: Wait, attempt: int) -> bool:
        if self._unusable:
            return False
        asked = back_off(attempt) if before.seconds is None else before.seconds
        return self._window.pause(asked + random.random())  # noqa: S311 - spreads load, no secret

    def _post(self, body: bytes, size: int) -> Verdict:
        try:
            answer = self._transport.ask("POST", _PATH, body)
        except NotSent as error:
            return Wait(str(error))
        except Unanswered as error:
            return Unclear(str(error))
        return interpret(answer, size, self._now())

    def _not_begun(self) -> Outcome:
        return Outcome("temporary", self._unusable) if self._unusable else NOT_BEGUN

    def _now(self) -> float:
        return self._window.clock.now().timestamp()


def settle(
    group: Sequence[int], verdict: Verdict | Outcome
) -> tuple[dict[int, Outcome], list[tuple[int, ...]]]:
    """What a verdict means for each contact of a request, and which to send again."""
    match verdict:
        case Culprits(reasons):
            bad = {group[n]: Outcome("refused", reason) for n, reason in reasons.items()}
            rest = tuple(index for index in group if index not in bad)
            return bad, [rest] if rest else []
        case Narrow() if len(group) > 1:
            half = len(group) // 2
            return {}, [tuple(group[:half]), tuple(group[half:])]
        case _:
            return dict.fromkeys(group, _outcome(verdict)), []


def _outcome(verdict: Verdict | Outcome) -> Outcome:
    match verdict:
        case Accepted(ref):
            return Outcome("accepted", ref=ref)
        case Unclear(reason):
            return Outcome("ambiguous", reason)
        case Refused(reason) | Narrow(reason):
            return Outcome("refused", reason)
        case Wait(reason) | Unusable(reason):
            return Outcome("temporary", reason)
        case Outcome():
            return verdict
        case Culprits():
            raise AssertionError("culprits are settled one by one")
