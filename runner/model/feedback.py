"""What providers and mailboxes tell of contacts, before it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from ..dataclass import dataclass
from .ledger import SuppressionReason

Cause = tuple[SuppressionReason, int]
"""Why: the reason, and the group that was left (0: it is about no group)."""

Told = Mapping[Cause, Mapping[bytes, int]]
"""What somebody told: for each cause the contacts, with the epoch second of each."""

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "sendgrid": (
        "sendgrid/bounces",
        "sendgrid/blocks",
        "sendgrid/invalid_emails",
        "sendgrid/spam_reports",
        "sendgrid/unsubscribes",
        "sendgrid/groups",
    ),
    "mailbox": ("mailbox",),
}
"""What is read of each source, by the names in the records: each part whole or not at all."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one part of a source told.

    ``counts``: what is no suppression, by a word for it (``blocked``, ``soft`` …).
    """

    told: Told = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
