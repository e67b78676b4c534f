"""What ``sendoff verify`` found in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..model.views import VerifyView
from . import words
from .flow import Piece
from .jsontext import dump
from .page import Page
from .problems import in_order, place, record
from .terminal import PLAIN, Screen


def text(view: VerifyView, screen: Screen = PLAIN) -> str:
    """Each problem with its place and how to mend it; what the ledger holds; a verdict."""
    page = Page(screen)
    for problem in in_order(view.problems):
        sign = Piece(words.SIGNS[problem.severity], words.STYLES[problem.severity])
        page.text(Piece(place(problem) + ":", "bold"), problem.message, sign=sign)
        if problem.hint:
            page.text(problem.hint, indent=2, sign="→")
    page.blank()
    page.text(Piece(closing(view), "bold"))
    page.text(holdings(view))
    return str(page)


def closing(view: VerifyView) -> str:
    """``all well: 12 claims, 3,990 mails sent, 10 failed``, or the number of errors."""
    levels = [problem.severity for problem in view.problems]
    counts = {level: levels.count(level) for level in ("error", "warning")}
    if not view.problems:
        return f"all well: {claims(view)}"
    end = ". Nothing is sent until this is mended: see docs/recovery.md" if counts["error"] else ""
    return f"{words.named(counts)} in {view.where}{end}"


def claims(view: VerifyView) -> str:
    """How many claims, and what became of their mails."""
    mails = {
        "mails sent": view.outcomes.get("sent", 0),
        "failed": view.outcomes.get("failed", 0),
        "in doubt": view.outcomes.get("in_doubt", 0),
        "being sent": view.outcomes.get("in_flight", 0),
    }
    shown = [f"{number:,} {word}" for word, number in mails.items() if number]
    return ", ".join([words.plural(view.claims, "claim"), *shown])


def holdings(view: VerifyView) -> str:
    """``31 records in 12 files, of 2 campaigns, in the directory state/ (format 2)``."""
    records, files = words.plural(view.records, "record"), words.plural(view.files, "file")
    campaigns = words.plural(view.campaigns, "campaign")
    return f"{records} in {files}, of {campaigns}, in {view.where} (format {view.format or '?'})"


def as_json(view: VerifyView, screen: Screen = PLAIN) -> str:
    """``errors``, ``warnings``, what the ledger holds, and ``problems``, errors first."""
    levels = [problem.severity for problem in view.problems]
    names = ("sent", "failed", "in_doubt", "in_flight", "released")
    return dump(
        {
            "errors": levels.count("error"),
            "warnings": levels.count("warning"),
            "where": view.where,
            "format": view.format,
            "campaigns": view.campaigns,
            "files": view.files,
            "records": view.records,
            "claims": view.claims,
            "mails": {name: view.outcomes.get(name, 0) for name in names},
            "problems": [record(problem) for problem in in_order(view.problems)],
        }
    )


FORMATS: Mapping[str, Callable[[VerifyView, Screen], str]] = {"text": text, "json": as_json}
