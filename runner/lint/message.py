"""The message as a whole: what the law asks for, its subject, its parts, its size."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from ..model.campaign import Place
from .draft import Sample, Subject
from .finding import Finding
from .links import unsubscribe_links
from .sources import SourceText, first_place

SETTINGS = "sendoff.yaml"
CLIPPED_BYTES = 102 * 1024
"""Gmail shows no more of a message's HTML than this."""

WARNED_BYTES = 90 * 1024
LONGEST_LINE = 998
"""Octets, by RFC 5322."""

TYPICAL_SUBJECT = 60
"""Characters; a phone shows 35 to 50, a desktop about 60."""

LONGEST_SUBJECT = 100
FEW_WORDS = 12
THIN = 0.2
"""A written text part with a smaller share of the HTML's words than this says too little."""

SHOUTED_LETTERS = 10
SHOUTED = 0.7
_EXCITED = re.compile(r"[!?]{2,}|[$€£]{3,}")
_NO_REPLY = re.compile(r"^(?:no|do[-_.]?not)[-_.]?reply", re.IGNORECASE)
_GROUP = "asm_group_unsubscribe"


def check(subject: Subject) -> Iterator[Finding]:
    """Everything that is not about single tags."""
    yield from _leaving(subject)
    yield from _postal_address(subject)
    yield from _subject_line(subject)
    yield from _preheader(subject)
    yield from _parts(subject)
    yield from _language(subject)
    yield from _size(subject)
    yield from _lines(subject)
    yield from _reply_to(subject)


# -- what the law and the large mailbox providers ask of bulk mail ---------------------------------


def _leaving(subject: Subject) -> Iterator[Finding]:
    hint = "add {{ unsubscribe_url }}"
    if not all(_leads_out(sample) for sample in subject.samples):
        message = "the message has no unsubscribe link"
        link = 'add <a href="{{ unsubscribe_url }}">Unsubscribe</a>'
        yield Finding("no-unsubscribe-link", subject.html.whole, message, link)
    if subject.own_text and not all(_tells_way(s) for s in subject.samples):
        message = "the text part has no unsubscribe link"
        yield Finding("no-unsubscribe-link", subject.text.whole, message, hint, mild=True)


def _ways(sample: Sample) -> set[str]:
    header = sample.message.headers.get("List-Unsubscribe", "")
    return set(re.findall(r"<([^<>]+)>", header))


def _leads_out(sample: Sample) -> bool:
    links = unsubscribe_links(sample.page)
    return bool(_ways(sample) & links) or any(_GROUP in link for link in links)


def _tells_way(sample: Sample) -> bool:
    text = sample.message.text
    ways = {way for link in _ways(sample) for way in (link, link.removeprefix("mailto:"))}
    return _GROUP in text or any(way in text for way in ways)


def _postal_address(subject: Subject) -> Iterator[Finding]:
    address = _bare(subject.settings.postal_address)
    code, hint = "no-postal-address", "add {{ postal_address }}"
    if not address:
        message = "there is no postal address, which every bulk mail must show"
        yield Finding(code, Place(SETTINGS), message, "add postal_address: to sendoff.yaml")
        return
    if not all(address in _bare(s.page.text) for s in subject.samples):
        message = "the message has no postal address"
        yield Finding(code, subject.html.whole, message, hint)
    if subject.own_text and not all(address in _bare(s.message.text) for s in subject.samples):
        message = "the text part has no postal address"
        yield Finding(code, subject.text.whole, message, hint, mild=True)


def _bare(text: str) -> str:
    """Letters and digits alone: an address may be broken into lines or styled."""
    return "".join(filter(str.isalnum, text)).casefold()


def _reply_to(subject: Subject) -> Iterator[Finding]:
    campaign = subject.campaign
    if _NO_REPLY.match(campaign.reply_to or campaign.sender.email):
        key = "reply_to" if campaign.reply_to else "from"
        message = f"{key} is an address that nobody reads: replies are how mailboxes see a friend"
        places = [subject.files.key(key), subject.files.setting(key)]
        hint = "give a reply_to: that a person reads"
        yield Finding("noreply-reply-to", first_place(places, campaign.place), message, hint)


# -- the inbox row ---------------------------------------------------------------------------------


def _subject_line(subject: Subject) -> Iterator[Finding]:
    place = _line_place(subject, "subject")
    lines = [sample.message.subject.strip() for sample in subject.samples]
    if not all(lines):
        label = next(s.label for s, line in zip(subject.samples, lines, strict=True) if not line)
        message = f"the subject is empty for some contacts ({label})"
        hint = "write {{ name|default('…', true) }}"
        yield Finding("subject-empty", place, message, hint)
    lengths = sorted(map(width, lines))
    hint = "phones show 35 to 50 characters: put first what matters"
    if lengths[len(lengths) // 2] > TYPICAL_SUBJECT:
        message = f"the subject is long: more than {TYPICAL_SUBJECT} characters for most contacts"
        yield Finding("subject-too-long", place, message, hint)
    elif lengths[-1] > LONGEST_SUBJECT:
        message = f"the subject can be long: more than {LONGEST_SUBJECT} characters for some"
        yield Finding("subject-too-long", place, message, hint)
    if all(map(shouts, lines)):
        message = "the subject shouts, as spam does"
        yield Finding("subject-shouting", place, message, "fewer capitals, one ! or none")


def width(text: str) -> int:
    """How many Latin characters wide a text is."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    marks = sum(unicodedata.category(character) in {"Mn", "Me", "Cf"} for character in text)
    return len(text) + wide - marks


def shouts(text: str) -> bool:
    """Mostly capitals, or several exclamation marks on end."""
    letters = [c for c in text if c.isalpha() and c.lower() != c.upper()]
    capitals = sum(map(str.isupper, letters))
    loud = len(letters) >= SHOUTED_LETTERS and capitals > SHOUTED * len(letters)
    return loud or _EXCITED.search(text) is not None


def _line_place(subject: Subject, key: str) -> Place:
    """Where the subject or the preheader is written, or ought to be."""
    if getattr(subject.step.content, key):
        return first_place([subject.files.key(key, subject.place.line)], subject.place)
    if subject.template is None:
        return subject.place
    return first_place([subject.files.front_key(key)], subject.html.whole)


def _preheader(subject: Subject) -> Iterator[Finding]:
    if any(not sample.message.preheader.strip() for sample in subject.samples):
        message = "there is no preheader: the inbox shows whatever text comes first"
        hint = "add preheader: with what the subject leaves open"
        place = _line_place(subject, "preheader")
        yield Finding("missing-preheader", place, message, hint)


# -- the parts -------------------------------------------------------------------------------------


def _parts(subject: Subject) -> Iterator[Finding]:
    sample = subject.samples[0]
    words, shown = len(sample.message.text.split()), len(sample.page.words)
    code, hint = "no-text-part", "write NAME.txt beside the template, or text:"
    if not words:
        yield Finding(code, subject.html.whole, "the message has no text part", hint)
    elif words < FEW_WORDS and sample.page.every("img"):
        message = "the message says next to nothing without its pictures"
        yield Finding(code, subject.html.whole, message, "write what the pictures say")
    elif subject.own_text and words < THIN * shown:
        message = f"the text part has {words} words, the HTML about {shown}"
        yield Finding(code, subject.text.whole, message, "let the text part say as much")


def _language(subject: Subject) -> Iterator[Finding]:
    roots = subject.samples[0].page.every("html")
    if not any(e.attributes.get("lang", "").strip() for e in roots):
        message = "the message does not say its language, which screen readers need"
        place = subject.html.tag("html", {})
        hint = 'write <html lang="en">'
        yield Finding("missing-lang", first_place([place], subject.html.whole), message, hint)


def _size(subject: Subject) -> Iterator[Finding]:
    size = max(len(sample.message.html.encode()) for sample in subject.samples)
    if size > CLIPPED_BYTES:
        message = f"the HTML has {size // 1024} KB: Gmail cuts it off, and with it the way out"
    elif size > WARNED_BYTES:
        message = f"the HTML has {size // 1024} KB; Gmail cuts off at {CLIPPED_BYTES // 1024} KB"
    else:
        return
    yield Finding("html-too-big", subject.html.whole, message, "shorten it, or send two mails")


def _lines(subject: Subject) -> Iterator[Finding]:
    message = f"a line has more than {LONGEST_LINE} octets, which some servers break"
    for source in dict.fromkeys((*subject.html.markup, *subject.text.markup)):
        number = _long_line(source)
        if number:
            yield Finding("long-line", Place(source.path, number, 1), message, "break the line")


@lru_cache(maxsize=512)
def _long_line(source: SourceText) -> int:
    """The first line of a source that is too long, 0 when there is none."""
    lines = enumerate(source.text.split("\n"), 1)
    return next((number for number, line in lines if len(line.encode()) > LONGEST_LINE), 0)
