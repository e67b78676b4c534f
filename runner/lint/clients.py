"""CSS and HTML that large mail programs drop, by the data of caniemail.com (``clients.json``).

A feature is reported when two of the four families lose it altogether, or one, if the layout
falls apart without it.  What only makes a mail prettier is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from .draft import Subject
from .finding import Finding
from .markup import Page
from .sources import first_place

ENOUGH = 2
"""So many families must drop a feature before it is worth a word."""

_BREAKS = frozenset({"display:flex", "display:grid", "column-count", "float"})

_HARMLESS = frozenset(
    # what is lost is polish, a hint to machines, or has a fallback by its nature
    {"accent-color", "animation", "@font-face", "@keyframes", "@media", "@supports", "cursor"}
    | {"border-radius", "box-shadow", "text-shadow", "transition", "hyphens", "orphans", "widows"}
    | {"hyphenate-character", "hyphenate-limit-chars", "font-kerning", "font-stretch", "tab-size"}
    | {"outline", "outline-offset", "overflow-wrap", "resize", "text-align-last", "text-wrap"}
    | {"text-decoration-color", "text-decoration-line", "text-decoration-skip-ink"}
    | {"text-decoration-style", "text-decoration-thickness", "text-underline-offset"}
    | {"text-underline-position", "text-emphasis", "text-emphasis-position", "text-justify"}
    | {"user-select", "white-space-collapse", "scroll-snap", "text-overflow", "backdrop-filter"}
    | {"system-ui", "ui-serif", "ui-sans-serif", "ui-rounded", "ui-monospace", "initial"}
    | {"box-sizing", "background-clip", "background-origin"}
    | {"abbr", "acronym", "bdi", "ruby", "rp", "rt", "wbr", "[loading]", "[target]"}
    | {"[aria-describedby]", "[aria-hidden]", "[aria-label]", "[aria-labelledby]", "[aria-live]"}
    | {"[srcset]", "[sizes]", "[required]"}
)

_HINTS = {
    "@import": "in MJML, web fonts bring it: give every font-family without them",
    "[hidden]": "they show it: hide with display:none",
}

_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_DECLARATION = re.compile(r"(?<![a-z-])([a-z-]+)\s*:\s*([^;{}]*)", re.IGNORECASE)
_FUNCTION = re.compile(r"(?<![\w-])([a-z-]+)\(", re.IGNORECASE)
_UNIT = re.compile(r"(?<![\w.#-])-?[0-9.]+([a-z]+)\b", re.IGNORECASE)
_AT_RULE = re.compile(r"(@[a-z-]+)")

Known = Mapping[str, tuple[str, ...]]


@cache
def known(kind: str) -> Known:
    """Features worth reporting, with the mail programs that drop them."""
    data: dict[str, Any] = _data()[kind]
    return {
        name: tuple(droppers)
        for name, droppers in data.items()
        if name not in _HARMLESS and (len(droppers) >= ENOUGH or name in _BREAKS or kind == "image")
    }


@cache
def _data() -> dict[str, Any]:
    path = Path(__file__).with_name("clients.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def check(subject: Subject) -> Iterator[Finding]:
    """``unsupported-css`` and ``unsupported-html``, each feature once."""
    for feature in dict.fromkeys(_styles(subject.samples[0].page)):
        place = subject.html.pattern(_written(feature))
        yield _finding(subject, "unsupported-css", "css", feature, place)
    yield from _html(subject)


def _styles(page: Page) -> Iterator[str]:
    for sheet in page.styles:
        yield from features_of_sheet(sheet)
    for element in page.elements:
        yield from features_of_style(element.attributes.get("style", ""))


def features_of_style(style: str) -> Iterator[str]:
    """The reportable features of declarations."""
    css = known("css")
    for match in _DECLARATION.finditer(_CSS_COMMENT.sub("", style)):
        name, value = match[1].lower(), match[2].strip().lower()
        candidates = [name, f"{name}:{value.removesuffix('!important').strip()}"]
        candidates += [f"{function}()" for function in _FUNCTION.findall(value)]
        candidates += _UNIT.findall(value)
        yield from (candidate for candidate in candidates if candidate in css)


def features_of_sheet(sheet: str) -> Iterator[str]:
    """Those of a style sheet; what stands inside an at-rule has its fallback outside of it."""
    css = known("css")
    depth, at_rule = 0, 0
    for piece in re.findall(r"[^{};]+[{;]?|[{};]", _CSS_COMMENT.sub("", sheet)):
        name = _AT_RULE.match(piece.strip().lower())
        if name and not at_rule:
            yield from (name[1],) if name[1] in css else ()
            at_rule = depth + 1 if piece.endswith("{") else 0
        if not at_rule and depth and not piece.endswith("{"):
            yield from features_of_style(piece)
        depth = max(depth + piece.count("{") - piece.count("}"), 0)
        if depth < at_rule:
            at_rule = 0


def _written(feature: str) -> str:
    name, _, value = feature.partition(":")
    if value:
        return rf"(?<![\w-]){re.escape(name)}\s*:\s*{re.escape(value)}"
    if feature.endswith("()"):
        return rf"(?<![\w-]){re.escape(feature[:-1])}"
    if feature.startswith("@"):
        return rf"{re.escape(feature)}\b"
    return rf"(?<![\w-]){re.escape(feature)}\s*:|\d{re.escape(feature)}\b"


def _html(subject: Subject) -> Iterator[Finding]:
    tags, images = known("html"), known("image")
    seen: set[str] = set()
    for element in subject.samples[0].page.elements:
        found = {("html", element.tag)} if element.tag in tags else set()
        found |= {("html", f"[{name}]") for name in element.attributes if f"[{name}]" in tags}
        kind = _image_kind(element.attributes.get("src", "")) if element.tag == "img" else ""
        found |= {("image", kind)} if kind in images else set()
        for category, feature in sorted(found):
            if feature not in seen and element.tag not in {"form", "select", "textarea"}:
                seen.add(feature)
                place = subject.html.tag(element.tag, element.attributes)
                yield _finding(subject, "unsupported-html", category, feature, place)


def _image_kind(source: str) -> str:
    if source.startswith("data:"):
        return "base64"
    try:
        return PurePosixPath(urlsplit(source).path).suffix[1:].lower()
    except ValueError:
        return ""


def _finding(subject: Subject, code: str, kind: str, feature: str, place: Any) -> Finding:
    droppers = known(kind)[feature]
    names = " and ".join(filter(None, (", ".join(droppers[:-1]), droppers[-1])))
    verb = "drops" if len(droppers) == 1 else "drop"
    shown = {"html": f"<{feature}>", "image": f"{feature} pictures"}.get(kind, feature)
    if feature.startswith("["):
        shown = f"the attribute {feature[1:-1]}"
    hint = _HINTS.get(feature, "make sure that the mail works without it")
    return Finding(code, first_place([place], subject.html.whole), f"{names} {verb} {shown}", hint)
