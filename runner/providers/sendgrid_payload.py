"""What is posted to SendGrid's ``/v3/mail/send``: pure, nothing is sent here.

A batch becomes requests of up to 1000 personalizations.  The text goes once, with a tag for each
hole; each contact's values go in its ``substitutions``.  A contact whose values exceed what one
personalization may hold gets a request of its own with the values written into the text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from ..model.message import File, MessageBatch, Outcome, Segments
from . import headers
from .addresses import ascii_form, wire_form
from .refusal import Refusal

MAX_PERSONALIZATIONS = 1000
MAX_SUBSTITUTION_BYTES = 10_000
"""Of one personalization: keys and values together, as UTF-8."""

MAX_BODY_BYTES = 30_000_000
"""A request has to stay below this."""

SCHEDULE_AHEAD = 72 * 3600
"""Seconds; a later ``send_at`` is refused."""

_MAX_CATEGORY = 255


class Payloads:
    """The requests that carry one batch.

    ``now`` is in epoch seconds.  ``refused`` holds the outcome of each contact that cannot be put
    into a request.  Raises Refusal when none can (sender, header names).
    """

    def __init__(self, batch: MessageBatch, now: int) -> None:
        self._batch = batch
        self._now = now
        parts = batch.content.parts
        self._holes = _holes(parts.subject, parts.html, parts.text)
        self._tags = _tags(batch, self._holes)
        self._fixed = dict(_fixed(batch))
        self._oversize = frozenset(
            i for i in range(len(batch)) if self._size(i) > MAX_SUBSTITUTION_BYTES
        )
        self.refused: dict[int, Outcome] = {}
        self._sound = [index for index in range(len(batch)) if self._is_sound(index)]

    def groups(self) -> list[tuple[int, ...]]:
        """Which contacts share a request; each contact that is not refused, exactly once."""
        alone: list[tuple[int, ...]] = []
        shared: list[tuple[int, ...]] = []
        group: dict[str, int] = {}
        for index in self._sound:
            if index in self._oversize:
                alone.append((index,))
                continue
            address = self._batch.emails[index].casefold()
            if address in group or len(group) == MAX_PERSONALIZATIONS:
                shared.append(tuple(group.values()))
                group = {}
            group[address] = index
        if group:
            shared.append(tuple(group.values()))
        return shared + alone

    def body(self, indices: Sequence[int]) -> bytes:
        """The JSON of the request for these contacts."""
        inlined = len(indices) == 1 and indices[0] in self._oversize
        request = {
            "personalizations": [
                self._personalization(index, with_values=not inlined) for index in indices
            ],
            **self._fixed,
            **self._texts(indices[0] if inlined else None),
            **self._calling_back(indices),
        }
        return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )

    def _size(self, index: int) -> int:
        """What this contact's substitutions come to, in bytes, keys and values."""
        values = self._batch.content.values
        return sum(
            len(tag) + len(values[hole][index].encode("utf-8", "replace"))
            for hole, tag in self._tags.items()
        )

    def _is_sound(self, index: int) -> bool:
        try:
            self._verify(index)
        except Refusal as refusal:
            self.refused[index] = refusal.outcome()
        if self._batch.send_at[index] > self._now + SCHEDULE_AHEAD:
            self.refused[index] = Outcome("temporary", "send time too far ahead")
        return index not in self.refused

    def _verify(self, index: int) -> None:
        content = self._batch.content
        wire_form(self._batch.emails[index])
        headers.checked(content.fill(content.parts.subject, index))
        self._own_headers(index)

    def _personalization(self, index: int, *, with_values: bool) -> dict[str, Any]:
        batch = self._batch
        values = batch.content.values
        entry: dict[str, Any] = {
            "to": [{"email": wire_form(batch.emails[index])}],
            "custom_args": {"sendoff_key": batch.keys[index].hex()},
        }
        if with_values and self._tags:
            entry["substitutions"] = {tag: values[hole][index] for hole, tag in self._tags.items()}
        if own := self._own_headers(index):
            entry["headers"] = own
        if batch.send_at[index] > self._now:
            entry["send_at"] = batch.send_at[index]
        return entry

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

    def _own_headers(self, index: int) -> dict[str, str]:
        """The headers that differ between contacts, filled in."""
        content = self._batch.content
        return {
            name: headers.extra_value(name, content.fill(segments, index))
            for name, segments in content.parts.headers
            if not _is_constant(segments)
        }

    def _texts(self, inlined: int | None) -> dict[str, Any]:
        parts = self._batch.content.parts
        bodies = (("text/plain", parts.text), ("text/html", parts.html))
        return {
            "subject": self._text(parts.subject, inlined),
            "content": [
                {"type": kind, "value": self._text(segments, inlined)}
                for kind, segments in bodies
                if any(piece != "" for piece in segments)
            ],
        }

    def _text(self, segments: Segments, inlined: int | None) -> str:
        if inlined is not None:
            return self._batch.content.fill(segments, inlined)
        return "".join(piece if isinstance(piece, str) else self._tags[piece] for piece in segments)


def _fixed(batch: MessageBatch) -> Iterator[tuple[str, Any]]:
    """The keys that are the same in every request of the batch."""
    sender = {"email": ascii_form(batch.sender.email)}
    if batch.sender.name:
        sender["name"] = headers.checked(batch.sender.name)
    yield "from", sender
    if batch.reply_to:
        yield "reply_to", {"email": ascii_form(batch.reply_to)}
    yield "headers", {"X-Sendoff-Job": headers.checked(batch.job_id), **_constant_headers(batch)}
    yield "categories", [category(batch.campaign)]
    yield "custom_args", {"sendoff_job": batch.job_id, "sendoff_claim": batch.claim_id}
    if batch.content.files:
        yield "attachments", [_attachment(file) for file in batch.content.files]
    if batch.asm_group is not None:
        yield "asm", {"group_id": batch.asm_group}


def _constant_headers(batch: MessageBatch) -> dict[str, str]:
    for name, _ in batch.content.parts.headers:
        headers.extra_name(name)
    return {
        name: headers.extra_value(name, "".join(map(str, segments)))
        for name, segments in batch.content.parts.headers
        if _is_constant(segments)
    }


def _is_constant(segments: Segments) -> bool:
    return all(isinstance(piece, str) for piece in segments)


def _attachment(file: File) -> dict[str, str]:
    entry = {
        "content": base64.b64encode(file.data).decode("ascii"),
        # Parameters are not allowed here: SendGrid refuses a ";".
        "type": file.content_type.partition(";")[0].strip() or "application/octet-stream",
        "filename": headers.checked(file.filename),
        "disposition": "inline" if file.cid else "attachment",
    }
    if file.cid:
        entry["content_id"] = headers.checked(file.cid)
    return entry


def category(campaign: str) -> str:
    """The campaign's id as a category: ASCII without controls, at most 255 characters."""
    safe = "".join(c if c.isascii() and c.isprintable() else "_" for c in campaign)
    return safe[:_MAX_CATEGORY] or "_"


def _holes(*parts: Segments) -> list[int]:
    return sorted({piece for segments in parts for piece in segments if isinstance(piece, int)})


def _tags(batch: MessageBatch, holes: Sequence[int]) -> dict[int, str]:
    """A tag for each hole, such that no text and no value of the batch holds any of them.

    Derived from the claim's id, which no contact can know: a value cannot be written to look like
    a tag, not even one that only arises where a value meets the text around it.
    """
    if not holes:
        return {}
    attempt = 0
    while True:
        seed = f"{batch.claim_id}\0{attempt}".encode()
        stem = f"-s{hashlib.sha256(seed).hexdigest()[:16]}"
        if not any(stem in text for text in _all_texts(batch, holes)):
            return {hole: f"{stem}.{hole}-" for hole in holes}
        attempt += 1


def _all_texts(batch: MessageBatch, holes: Sequence[int]) -> Iterator[str]:
    parts = batch.content.parts
    for segments in (parts.subject, parts.html, parts.text):
        yield from (piece for piece in segments if isinstance(piece, str))
    for hole in holes:
        yield from batch.content.values[hole]
