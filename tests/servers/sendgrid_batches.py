"""Batches of scheduled mail as a strict SendGrid keeps them.

As strict as the documents allow: what is cancelled later than ten minutes before its time goes out
all the same, no more than ten batches may have a status, and a second POST is a 400.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

TOO_LATE = 600
MOST = 10

Answer = tuple[int, Any]


class Scheduled(Protocol):
    """A mail that was taken."""

    @property
    def batch_id(self) -> str: ...
    @property
    def send_at(self) -> int | None: ...
    @property
    def sg_message_id(self) -> str: ...


@dataclass
class Batches:
    """Statuses by batch id ('' for none), with the time since when; and what was thrown away."""

    status: dict[str, str] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)
    discarded: set[str] = field(default_factory=set)

    def new(self, batch: str) -> Answer:
        self.status[batch] = ""
        return 201, {"batch_id": batch}

    def is_stopped(self, mail: Scheduled) -> bool:
        """True when this mail does not go out as things stand."""
        if mail.sg_message_id in self.discarded:
            return True
        if not self.status.get(mail.batch_id) or mail.send_at is None:
            return False
        return mail.send_at - self.since[mail.batch_id] >= TOO_LATE

    def create(self, asked: Any, mails: Iterable[Scheduled], now: float) -> Answer:
        """POST /v3/user/scheduled_sends"""
        batch, status = asked.get("batch_id"), asked.get("status")
        if batch not in self.status or status not in ("pause", "cancel"):
            return _error("batch_id", "invalid batch id")
        if self.status[batch]:
            return _error(None, "a status for this batch id exists, try PATCH to update the status")
        if sum(self._is_pending(b, mails, now) for b, s in self.status.items() if s) >= MOST:
            return _error(None, "max limit reached")
        self.status[batch], self.since[batch] = status, now
        return 201, {"batch_id": batch, "status": status}

    def update(self, batch: str, asked: Any) -> Answer:
        """PATCH /v3/user/scheduled_sends/BATCH"""
        if not self.status.get(batch):
            return _error(None, "batch id not found", 404)
        if asked.get("status") not in ("pause", "cancel"):
            return _error("status", "invalid status")
        self.status[batch] = asked["status"]
        return 204, None

    def lift(self, batch: str, mails: Iterable[Scheduled], now: float) -> Answer:
        """DELETE /v3/user/scheduled_sends/BATCH: what is still waiting goes out after all."""
        if not self.status.get(batch):
            return _error(None, "batch id not found", 404)
        over = {m.sg_message_id for m in mails if self.is_stopped(m) and (m.send_at or 0) <= now}
        self.discarded |= over if self.status[batch] == "cancel" else set()
        self.status[batch] = ""
        return 204, None

    def listed(self, batch: str | None = None) -> Answer:
        """GET /v3/user/scheduled_sends and GET …/BATCH: only those with a status."""
        return 200, [
            {"batch_id": b, "status": status}
            for b, status in self.status.items()
            if status and batch in (None, b)
        ]

    def _is_pending(self, batch: str, mails: Iterable[Scheduled], now: float) -> bool:
        times = [mail.send_at or 0 for mail in mails if mail.batch_id == batch]
        return not times or max(times) > now


def _error(name: str | None, text: str, status: int = 400) -> Answer:
    return status, {"errors": [{"message": text, "field": name, "help": None}]}
