"""From a rendered template to the HTML of a message: MJML, preheader, doctype, inlined CSS.

Nothing is loaded from anywhere: no style sheet, no include, neither remote nor from disk.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from ..sandbox import MAX_OUTPUT
from .atoms import ATOM
from .bounds import endless, excess, with_room

if TYPE_CHECKING:
    from css_inline import CSSInliner

Markup = Literal["html", "mjml"]

# possessive and atomic: what a template repeats must not be tried in every combination
_BODY = re.compile(r"<body\b[^<>]*+>", re.IGNORECASE)
_DOCTYPE = re.compile(r"\s*+(?>(?><!--.*?-->)\s*+)*+<!doctype\b", re.IGNORECASE | re.DOTALL)
_HIDDEN = (
    "display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;"
    "overflow:hidden;mso-hide:all"
)
_UNSAFE = re.compile(rf"{ATOM.pattern}|[^\x00-\x7f]|\\")
_MJML_PLACE = re.compile(r" at position (\d+)(?::\d+)?")


class DocumentError(Exception):
    """A document cannot be made; ``line`` is that of the rendered source, 0 when not known."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def finish(source: str, kind: Markup, preheader: str = "") -> str:
    """The HTML of a message.  ``preheader`` is HTML, '' for none.  Raises DocumentError."""
    _refuse(excess(source))
    html = _from_mjml(source) if kind == "mjml" else source
    if preheader:
        html = _with_preheader(html, preheader)
    if not _DOCTYPE.match(html):
        html = f"<!DOCTYPE html>\n{html}"
    try:
        inlined = with_room(_inliner().inline, html)
    except ValueError as error:
        raise DocumentError(f"the styles cannot be inlined: {error}") from None
    if len(inlined) > MAX_OUTPUT:
        raise DocumentError(f"the finished HTML has more than {MAX_OUTPUT} characters")
    _refuse(endless(inlined))
    return inlined


def _refuse(too_much: str) -> None:
    if too_much:
        raise DocumentError(f"{too_much}: make it smaller")


def _from_mjml(source: str) -> str:
    from mjml import mjml2html  # noqa: PLC0415 - heavy, seldom needed

    shield = _Shield(source)
    try:
        html = with_room(
            lambda text: str(mjml2html(text, include_loader=_refuse_include)), shield.source
        )
    except ValueError as error:
        place = _MJML_PLACE.search(str(error))
        line = shield.source.count("\n", 0, int(place.group(1))) + 1 if place else 0
        message = _MJML_PLACE.sub("", str(error)).replace(" in root template", "")
        raise DocumentError(f"not valid MJML: {message}", line) from None
    if len(html) > MAX_OUTPUT:
        raise DocumentError(f"the finished HTML has more than {MAX_OUTPUT} characters")
    _refuse(excess(html))
    return shield.lifted(html)


class _Shield:
    """Keeps from MJML what it does not copy faithfully.

    In attributes its library writes backslashes and unprintable characters as Rust's debug
    format does (``\\u{a0}``), which would spoil names, emoji and atoms.  So they travel as
    words of ASCII that do not occur in the source.
    """

    def __init__(self, source: str) -> None:
        longest = max(map(len, re.findall("zq+", source)), default=1)
        mark = "z" + "q" * longest
        self._kept: list[str] = []
        self._word = re.compile(f"{mark}([0-9]+)x")
        self.source = _UNSAFE.sub(lambda match: f"{mark}{self._keep(match.group())}x", source)

    def _keep(self, text: str) -> int:
        self._kept.append(text)
        return len(self._kept) - 1

    def lifted(self, html: str) -> str:
        """The result, with what was kept back in its place."""
        return self._word.sub(lambda match: self._kept[int(match.group(1))], html)


def _refuse_include(path: str) -> str:
    raise ValueError("mj-include is not available: write {% include %}")


def _with_preheader(html: str, preheader: str) -> str:
    block = f'<div style="{_HIDDEN}">{preheader}</div>'
    body = _BODY.search(html)
    place = body.end() if body else _start_of_content(html)
    return html[:place] + block + html[place:]


def _start_of_content(html: str) -> int:
    head = re.search(r"</head\s*>", html, re.IGNORECASE)
    if head:
        return head.end()
    doctype = re.match(r"\s*<!doctype\b[^>]*>", html, re.IGNORECASE)
    return doctype.end() if doctype else 0


@lru_cache(maxsize=1)
def _inliner() -> CSSInliner:
    from css_inline import CSSInliner  # noqa: PLC0415 - heavy, not always needed

    return CSSInliner(
        keep_style_tags=True,
        keep_at_rules=True,
        remove_inlined_selectors=True,
        load_remote_stylesheets=False,
        base_url=None,
    )
