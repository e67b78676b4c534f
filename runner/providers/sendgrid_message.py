"""What is the same for every contact of a SendGrid request: sender, headers, files, texts.

The text goes once, with a tag for each hole; each contact's values replace the tags.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..model.message import File, MessageBatch, Segments
from . import headers
from .addresses import ascii_form

_MAX_CATEGORY = 255


def fixed(batch: MessageBatch) -> Iterator[tuple[str, Any]]:
    """The keys that are the same in every request of the batch, the texts apart.

    Raises Refusal for a sender, header or file that cannot be sent.
    """
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
        if is_constant(segments)
    }


def is_constant(segments: Segments) -> bool:
    """Whether a part is the same for everybody."""
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


def tags(batch: MessageBatch) -> dict[int, str]:
    """A tag for each hole, such that no text and no value of the batch holds any of them.

    Derived from the claim's id, which no contact can know: a value cannot be written to look like
    a tag, not even one that only arises where a value meets the text around it.
    """
    parts = batch.content.parts
    holes = _holes(parts.subject, parts.html, parts.text)
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
        # one search for all: no stem holds a line feed
        yield "\n".join(batch.content.values[hole])


def texts(batch: MessageBatch, tags: Mapping[int, str], inlined: int | None) -> dict[str, Any]:
    """Subject and content: with tags, or as the contact ``inlined`` gets it."""
    parts = batch.content.parts

    def text(segments: Segments) -> str:
        if inlined is not None:
            return batch.content.fill(segments, inlined)
        return "".join(piece if isinstance(piece, str) else tags[piece] for piece in segments)

    bodies = (("text/plain", parts.text), ("text/html", parts.html))
    return {
        "subject": text(parts.subject),
        "content": [
            {"type": kind, "value": text(segments)}
            for kind, segments in bodies
            if any(piece != "" for piece in segments)
        ],
    }
