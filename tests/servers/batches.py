"""Batches to hand to providers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from runner.model.message import Composed, File, MessageBatch, Parts
from runner.model.settings import Mailbox

from .clock import NOON

NOW = int(NOON.timestamp())
SOON = NOON + timedelta(minutes=10)
PAST = NOON - timedelta(seconds=1)

SENDER = Mailbox("hello@f3.example", "F3 Nation")

PARTS = Parts(
    subject=("Hello ", 0, "!"),
    html=("<p>Dear ", 1, ",</p>\n<img src='cid:logo'><p>come on ", 0, "</p>"),
    text=("Dear ", 0, ",\ncome to us.\n"),
    headers=(
        ("List-Unsubscribe", ("<https://example.org/u?t=", 2, ">, <mailto:leave@example.org>")),
        ("List-Unsubscribe-Post", ("List-Unsubscribe=One-Click",)),
    ),
)


def key(number: int) -> bytes:
    """The contact key of contact ``number``."""
    return hashlib.sha256(str(number).encode()).digest()[:8]


def batch(
    names: Sequence[str] = ("Ada", "Grace"),
    *,
    first: int = 0,
    emails: Sequence[str] | None = None,
    parts: Parts = PARTS,
    files: tuple[File, ...] = (),
    send_at: int = NOW - 60,
    values: Sequence[Sequence[str]] | None = None,
    sender: Mailbox = SENDER,
    reply_to: str = "team@f3.example",
    asm_group: int | None = None,
    claim_id: str = "run1-1",
    occurrence: str = "",
) -> MessageBatch:
    """A batch for contacts c0@example.org … with these names; hole 0 is the name, 1 the name
    escaped for HTML (by the test's hand), 2 an unsubscribe token."""
    count = len(names)
    numbers = range(first, first + count)
    if values is None:
        values = (names, [_escaped(name) for name in names], [f"tok{n}" for n in numbers])
    return MessageBatch(
        claim_id=claim_id,
        job_id="spring/main" + (f"@{occurrence}" if occurrence else ""),
        campaign="spring",
        sender=sender,
        reply_to=reply_to,
        emails=emails or [f"c{n}@example.org" for n in numbers],
        keys=[key(n) for n in numbers],
        send_at=[send_at] * count,
        content=Composed(parts, values, files),
        asm_group=asm_group,
    )


def _escaped(text: str) -> str:
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&#34;")):
        text = text.replace(plain, entity)
    return text
