"""What the benchmarks of providers send: a newsletter as the core hands it over.

HTML of 30 KB and a text of 3 KB with ten different holes (a name thrice), a link to unsubscribe in
the headers; one mail is 38 KB as MIME.  Contacts are invented, at domains for examples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from html import escape

from runner.model.message import Composed, MessageBatch, Parts, Segments
from runner.model.settings import Mailbox
from runner.providers.mime import Writer

DUE = 1_760_000_000
"""The send time of every mail, long past: it is due now."""

BATCH = 1000
FIELDS = ("name", "name", "city", "region", "plan", "points", "shop", "event", "day", "token")
_NAMES = ("Ada", "Grace", "Jürgen", "Łucja", "O'Brien & Sons", "Mia", "Zoë", "Chidi", "Ana", "Wei")
_PARAGRAPH = (
    '<tr><td style="padding:12px 24px;font:16px/24px Georgia,serif;color:#222">'
    "A paragraph that everybody gets, as long as paragraphs in newsletters are, with a link to "
    '<a href="https://example.org/read/more?from=newsletter">what there is to read</a>.</td></tr>\n'
)
HTML_BYTES = 32_500


def parts() -> Parts:
    """Subject, HTML, text and headers; hole n holds ``FIELDS[n]``, 1 the name escaped for HTML."""
    return Parts(
        subject=("News for ", 0, " in October"),
        html=_html(),
        text=_text(),
        headers=(
            (
                "List-Unsubscribe",
                (
                    "<https://example.org/u?t=",
                    9,
                    ">",
                ),
            ),
            ("List-Unsubscribe-Post", ("List-Unsubscribe=One-Click",)),
        ),
    )


def _html() -> Segments:
    each = HTML_BYTES // (len(FIELDS) + 1) // len(_PARAGRAPH)
    segments: list[str | int] = ["<!doctype html>\n<html><body><table>\n"]
    for hole in range(1, len(FIELDS)):
        segments += [_PARAGRAPH * (each + hole % 2), f"<tr><td>{FIELDS[hole]}: ", hole]
        segments.append("</td></tr>\n")
    return (*segments, _PARAGRAPH * each, "</table><p>Yours, ", 1, "</p></body></html>\n")


def _text() -> Segments:
    line = "A line of the text that goes along for those who want no HTML.\n"
    return ("Dear ", 0, ",\n", line * 42, "Your city: ", 2, "\n", line * 42)


def contacts(first: int, count: int) -> tuple[list[str], list[bytes], list[list[str]]]:
    """Addresses, keys, and a column of values for each hole."""
    numbers = range(first, first + count)
    names = [f"{_NAMES[n % len(_NAMES)]} {n}" for n in numbers]
    columns = [names, [escape(name) for name in names]]
    columns += [[f"{field} of {n % 97}" for n in numbers] for field in FIELDS[2:-1]]
    keys = [hashlib.sha256(b"%d" % n).digest()[:8] for n in numbers]
    columns.append([key.hex() for key in keys])
    return [f"reader{n}@example.org" for n in numbers], keys, columns


def batches(count: int, size: int = BATCH) -> Iterator[MessageBatch]:
    """``count`` mails in batches, made one by one as a provider takes them."""
    shared = parts()
    for first in range(0, count, size):
        yield batch(first, min(size, count - first), shared)


def batch(first: int, count: int, shared: Parts) -> MessageBatch:
    """The batch of the contacts from ``first`` on."""
    emails, keys, columns = contacts(first, count)
    return MessageBatch(
        claim_id=f"run-{first}",
        job_id="news/main",
        campaign="news",
        sender=Mailbox("hello@f3.example", "F3 Nation"),
        reply_to="team@f3.example",
        emails=emails,
        keys=keys,
        send_at=[DUE] * count,
        content=Composed(shared, columns),
    )


def whole(mail: MessageBatch, index: int) -> tuple[str, str, str]:
    """Subject, HTML and text of one mail, as a peer is given them."""
    filled = mail.content.fill
    shared: Sequence[Segments] = (
        mail.content.parts.subject,
        mail.content.parts.html,
        mail.content.parts.text,
    )
    subject, html, text = (filled(segments, index) for segments in shared)
    return subject, html, text


def mime_size() -> int:
    """Bytes of one mail as it goes over SMTP."""
    return len(Writer(batch(0, 1, parts()), DUE).message(0))
