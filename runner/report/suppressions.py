"""Who must not be mailed any more: the numbers, and what a pull brought."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ..model.views import SuppressionsView
from ..planning.view import stamp
from . import words
from .flow import Piece
from .jsontext import dump
from .page import Fact, Page
from .terminal import PLAIN, Screen

Rows = Sequence[tuple[str, int, str]]
"""(part of a source, contacts that were news, why it could not be read)."""


def text(view: SuppressionsView, screen: Screen = PLAIN, note: str = "") -> str:
    """How many for which reason, and how fresh each source is."""
    page = Page(screen)
    page.title(f"{words.plural(view.contacts, 'contact')} must not be mailed")
    if note:
        page.text(Piece(note, "dim"))
    page.facts(
        [
            Fact("Because", tuple(_reason(*item) for item in view.reasons.items())),
            Fact("Only told", tuple(f"{n:,} {word}" for word, n in view.counts.items())),
        ]
    )
    page.blank()
    page.facts([_source(*source) for source in view.sources], indent=0)
    return str(page)


def _reason(cause: tuple[str, int], number: int) -> str:
    reason, group = cause
    what = words.SUPPRESSED.get(reason, reason)
    return f"{number:,} {what}" + (f" (group {group})" if group else "")


def _source(name: str, until: datetime | None, stale: bool) -> Fact:
    when = "never pulled whole" if until is None else f"as of {until:%Y-%m-%d %H:%M} UTC"
    sign = Piece("too old: what is due is held", "warn") if stale else Piece("fresh enough", "good")
    return Fact(name, (when, sign))


def as_json(view: SuppressionsView, screen: Screen = PLAIN, note: str = "") -> str:
    """``suppressions``: the same numbers."""
    return dump(
        {
            "contacts": view.contacts,
            "reasons": [
                {"reason": reason, "group": group or None, "contacts": number}
                for (reason, group), number in view.reasons.items()
            ],
            "told_only": dict(view.counts),
            "sources": [
                {"source": name, "until": stamp(until), "stale": stale}
                for name, until, stale in view.sources
            ],
            "note": note,
        }
    )


FORMATS: Mapping[str, Callable[[SuppressionsView, Screen, str], str]] = {
    "text": text,
    "json": as_json,
}


def pulled(rows: Rows, counts: Mapping[str, int], screen: Screen = PLAIN) -> str:
    """One line for each part that was asked for."""
    page = Page(screen)
    for part, added, problem in rows:
        if problem:
            page.text(Piece(f"{part}:", "bold"), problem, sign=Piece("✗", "bad"))
        else:
            news = f"{words.plural(added, 'contact')} new" if added else "nothing new"
            page.text(Piece(f"{part}:", "bold"), news, sign=Piece("✓", "good"))
    told = [f"{number:,} {word}" for word, number in sorted(counts.items())]
    if told:
        page.blank()
        page.text(f"Told besides, which suppresses nobody: {', '.join(told)}.")
    return str(page)


def pulled_json(rows: Rows, counts: Mapping[str, int], screen: Screen = PLAIN) -> str:
    """``added``, ``parts``, ``told_only``."""
    return dump(
        {
            "added": sum(added for _, added, _ in rows),
            "parts": [{"part": p, "added": a, "problem": problem} for p, a, problem in rows],
            "told_only": dict(counts),
        }
    )


PULLED: Mapping[str, Callable[[Rows, Mapping[str, int], Screen], str]] = {
    "text": pulled,
    "json": pulled_json,
}
