"""The lists: how many of each may be mailed, and why the others may not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..model.views import ListView
from ..planning.view import stamp
from . import words
from .flow import Piece
from .jsontext import dump
from .page import Fact, Page
from .terminal import PLAIN, Screen

MAX_WARNINGS = 10


def text(views: Sequence[ListView], screen: Screen = PLAIN, note: str = "") -> str:
    """One block a list."""
    page = Page(screen)
    if note:
        page.text(Piece(note, "dim"))
    if not views:
        page.text("No lists yet: a list is a file in campaigns/lists/.")
    for view in views:
        page.blank()
        page.title(view.name, aside=view.source)
        if view.description:
            page.text(view.description, indent=2)
        page.facts(_facts(view))
    return str(page)


def _facts(view: ListView) -> list[Fact]:
    used = words.campaigns(view.used_by)
    if view.problem:
        problem = Piece(f"cannot be read: {view.problem}", "bad")
        return [Fact("Problem", (problem,), " "), Fact("Used by", used)]
    return [
        Fact("Who", (f"{view.audience:,} of {words.plural(view.rows, 'contact')} may be mailed",)),
        Fact("Not mailed", words.excluded_reasons(view.excluded, view.suppressed)),
        Fact("Fields", view.fields),
        Fact("Fetched", _fetched(view)),
        Fact("Used by", used),
        *_warnings(view),
    ]


def _fetched(view: ListView) -> tuple[str, ...]:
    """When it was, for a list that lies elsewhere."""
    if view.fetched is None or view.age is None:
        return ()
    seconds = int(view.age.total_seconds())
    ago = f"{words.duration(seconds)} ago" if seconds >= 60 else "just now"
    return (ago, f"{view.fetched:%Y-%m-%d %H:%M} UTC")


def _warnings(view: ListView) -> list[Fact]:
    found = [
        Fact("Warnings" if number == 0 else "", (Piece(f"line {line}:", "warn"), message), " ")
        for number, (line, message) in enumerate(view.warnings[:MAX_WARNINGS])
    ]
    more = len(view.warnings) - MAX_WARNINGS
    return [*found, Fact("", (f"+{more} more",))] if more > 0 else found


def as_json(views: Sequence[ListView], screen: Screen = PLAIN, note: str = "") -> str:
    """``lists``: one record a list."""
    return dump({"lists": [_record(view) for view in views], "note": note})


def _record(view: ListView) -> dict[str, object]:
    return {
        "name": view.name,
        "description": view.description,
        "source": view.source,
        "fetched_at": stamp(view.fetched),
        "age_seconds": int(view.age.total_seconds()) if view.age is not None else None,
        "rows": view.rows,
        "audience": view.audience,
        "excluded": dict(view.excluded),
        "suppressed": dict(view.suppressed),
        "fields": list(view.fields),
        "used_by": list(view.used_by),
        "warnings": [{"line": line, "message": message} for line, message in view.warnings],
        "problem": view.problem,
    }


FORMATS: Mapping[str, Callable[[Sequence[ListView], Screen, str], str]] = {
    "text": text,
    "json": as_json,
}
