"""What is posted to SendGrid's ``/v3/mail/send``: pure, nothing is sent here.

A batch becomes requests of up to 1000 personalizations.  The text goes once, with a tag for each
hole; each contact's values go in its ``substitutions``.  A contact whose values exceed what one
personalization may hold gets a request of its own with the values written into the text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..model.message import MessageBatch, Outcome
from .sendgrid_message import fixed, tags, texts
from .sendgrid_personal import SCHEDULE_AHEAD, Personal

__all__ = ["MAX_BODY_BYTES", "MAX_PERSONALIZATIONS", "SCHEDULE_AHEAD", "Payloads"]

MAX_PERSONALIZATIONS = 1000
MAX_BODY_BYTES = 30_000_000
"""A request has to stay below this."""


class Payloads:
    """The requests that carry one batch.

    ``now`` is in epoch seconds.  ``refused`` holds the outcome of each contact that cannot be put
    into a request.  Raises Refusal when none can (sender, header names).
    """

    def __init__(self, batch: MessageBatch, now: int) -> None:
        self._batch = batch
        self._now = now
        self._fixed = dict(fixed(batch))
        self._tags = tags(batch)
        self._personal = Personal(batch, now, self._tags)
        self._shared = ""

    @property
    def refused(self) -> dict[int, Outcome]:
        """What became of those who are in no request."""
        return self._personal.refused

    def groups(self) -> list[tuple[int, ...]]:
        """Which contacts share a request; each contact that is not refused, exactly once."""
        alone: list[tuple[int, ...]] = []
        shared: list[tuple[int, ...]] = []
        group: dict[str, int] = {}
        for index, email in enumerate(self._batch.emails):
            if index in self.refused:
                continue
            if index in self._personal.oversize:
                alone.append((index,))
                continue
            address = email.casefold()
            if address in group or len(group) == MAX_PERSONALIZATIONS:
                shared.append(tuple(group.values()))
                group = {}
            group[address] = index
        if group:
            shared.append(tuple(group.values()))
        return shared + alone

    def body(self, indices: Sequence[int]) -> bytes:
        """The JSON of the request for these contacts."""
        personal = self._personal
        if len(indices) == 1 and indices[0] in personal.oversize:
            entries = personal.entry_without_values(indices[0])
            rest = self._rest(indices[0])
        else:
            entries = ",".join([personal.entry(index) for index in indices])
            self._shared = rest = self._shared or self._rest(None)
        calling_back = _members(self._calling_back(indices))
        body = f'{{"personalizations":[{entries}]{calling_back}{rest}}}'
        return body.encode("utf-8", "replace")

    def _rest(self, inlined: int | None) -> str:
        return _members({**self._fixed, **texts(self._batch, self._tags, inlined)})

    def _calling_back(self, indices: Sequence[int]) -> dict[str, Any]:
        """What makes a batch that can be called back, and the send time if all share it.

        A batch id is documented with the message's own ``send_at``; that it holds for those of
        personalizations as well is (unconfirmed), so they are not left alone where they need not.
        """
        if not self._batch.handle:
            return {}
        batch = {"batch_id": self._batch.handle}
        time, *others = {self._batch.send_at[index] for index in indices}
        return batch if others or time <= self._now else {**batch, "send_at": time}


def _members(document: dict[str, Any]) -> str:
    """The members of an object, each after a comma, to stand in another object."""
    if not document:
        return ""
    return "," + json.dumps(document, ensure_ascii=False, separators=(",", ":"))[1:-1]
