"""A contact's field that only the HTML or only the written text part shows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model.campaign import Place
from ..model.message import Rendered
from .draft import Subject
from .finding import Finding
from .sources import Sources, first_place


def check(subject: Subject, message: Rendered | None) -> Iterator[Finding]:
    """Compare what the message of a marked contact shows (None: it cannot be made).

    Only where both parts were written: a text made from the HTML shows the same.
    """
    if message is None or not subject.own_text:
        return
    html, text = message.html.casefold(), message.text.casefold()
    for name, mark in sorted(subject.marks.items()):
        if (mark in html) == (mark in text):
            continue
        shown, lacking = ("HTML", "text part") if mark in html else ("text part", "HTML")
        sources = subject.html if mark in html else subject.text
        what = f"the {lacking} does not show {name}, which the {shown} does"
        hint = f"write {{{{ {name} }}}} in both, or in neither"
        place = first_place([_used(sources, name)], sources.whole)
        yield Finding("variable-in-one-part", place, what, hint)


def _used(sources: Sources, name: str) -> Place | None:
    """Where the field is printed."""
    return sources.pattern(rf"\{{\{{[^{{}}]*?\b({re.escape(name)})\b")
