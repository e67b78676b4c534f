"""Links and pictures: where they lead, whether they lead anywhere, what stands in for a picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from .draft import Subject
from .finding import Finding
from .markup import Element, Page
from .sources import first_place

_TODO = re.compile(r"\b(?:TODO|FIXME|TBD|XXX+|CHANGEME|YOUR[-_]?(?:URL|LINK))\b|\{\{|\}\}", re.I)
_RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|net|org)|localhost)$")
_FORMS = frozenset({"form", "input", "select", "textarea", "button"})
_ADDRESSES = frozenset({"href", "src", "action", "background"})
_RUNS = re.compile(r"[\s\x00-\x20]*(?:javascript|vbscript)\s*:", re.IGNORECASE)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|<%")


def check(subject: Subject) -> Iterator[Finding]:
    """Everything about links, pictures, scripts and forms."""
    for sample in subject.samples:
        page = sample.page
        anchors = {e.attributes.get(name, "") for e in page.elements for name in ("id", "name")}
        for element in page.elements:
            yield from _link(subject, element, anchors)
            yield from _picture(subject, element)
            yield from _active(subject, element)
        for picture in page.pictured:
            message = "a link is nothing but a picture without alt text"
            hint = "say in alt where the link leads"
            yield _at(subject, picture, "image-without-alt", message, hint)


def _link(subject: Subject, element: Element, anchors: set[str]) -> Iterator[Finding]:
    if element.tag not in {"a", "area"}:
        return
    href = element.attributes.get("href", "").strip()
    if not href:
        if not {"id", "name"} & element.attributes.keys():
            yield _at(
                subject, element, "empty-link", "a link leads nowhere", 'write href="https://…"'
            )
        return
    yield from _address(subject, element, "href", href)
    if _TODO.search(href) or href == "#" or (href[0] == "#" and href[1:] not in anchors):
        yield _at(subject, element, "placeholder-link", "a link still has a placeholder", "", href)
    elif subject.settings.provider != "outbox" and _RESERVED.search(_host(href)):
        message = "a link leads to an address that is reserved for examples"
        yield _at(subject, element, "placeholder-link", message, "write the real address", href)


def _picture(subject: Subject, element: Element) -> Iterator[Finding]:
    if element.tag == "img":
        source = element.attributes.get("src", "").strip()
        yield from _address(subject, element, "src", source)
        if "alt" not in element.attributes:
            hint = 'write alt="what it shows", or alt="" for decoration'
            yield _at(subject, element, "image-without-alt", "a picture has no alt text", hint)


def _address(subject: Subject, element: Element, name: str, value: str) -> Iterator[Finding]:
    what = "a picture" if name == "src" else "a link"
    if value.lower().startswith("http://"):
        message = f"{what} is not secure (http://)"
        yield _at(subject, element, "http-link", message, "write https://", value)
    elif value and value[0] != "#" and not _SCHEME.match(value) and not _TODO.search(value):
        hint = "pictures of the workspace: images: and cid:NAME" if name == "src" else ""
        message = f"{what} has no full address, which a mail needs"
        yield _at(subject, element, "relative-link", message, hint or "write https://…", value)


def _active(subject: Subject, element: Element) -> Iterator[Finding]:
    hint = "leave it out, and link to a page"
    if element.tag == "script":
        message = "<script>: no mail program runs it, and many refuse the mail"
        yield _at(subject, element, "script-in-html", message, hint)
    for name, value in element.attributes.items():
        handler = name.startswith("on") and name.isalpha()
        if handler or (name in _ADDRESSES and _RUNS.match(value)):
            yield _at(subject, element, "script-in-html", f"{name} runs a script", hint)
    if element.tag in _FORMS:
        message = f"<{element.tag}>: mail programs drop forms, or warn of them"
        yield _at(subject, element, "form-in-html", message, hint)


def _host(href: str) -> str:
    try:
        return (urlsplit(href).hostname or "").lower()
    except ValueError:
        return ""


def _at(
    subject: Subject, element: Element, code: str, message: str, hint: str = "", value: str = ""
) -> Finding:
    """A finding where the value was written, else at the tag."""
    places = (
        subject.html.word(value) if len(value) > 1 else None,
        subject.html.tag(element.tag, element.attributes),
    )
    return Finding(code, first_place(places, subject.html.whole), message, hint)


def unsubscribe_links(page: Page) -> set[str]:
    """Where the links of a page lead."""
    return {element.attributes.get("href", "").strip() for element in page.every("a", "area")}
