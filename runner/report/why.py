"""What happened, or will, to one contact, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..model.plan import Spot
from ..model.settings import Settings
from ..model.views import ToldRow, WhyRow, WhyView
from ..planning.view import stamp
from . import times, words
from .flow import Piece
from .jsontext import dump
from .page import Fact, Page
from .terminal import PLAIN, Screen

_STYLES = {
    Spot.SENT.reason: ("✓", "good"),
    Spot.FAILED.reason: ("✗", "bad"),
    Spot.IN_DOUBT.reason: ("!", "bad"),
    Spot.IN_FLIGHT.reason: ("●", "info"),
    Spot.DUE.reason: ("●", "info"),
    Spot.LATER.reason: ("○", "info"),
    Spot.MISSED.reason: ("!", "warn"),
    Spot.QUIET_HELD.reason: ("!", "warn"),
}


def text(view: WhyView, settings: Settings, screen: Screen = PLAIN, note: str = "") -> str:
    """The lists it is on, then one entry a job."""
    page = Page(screen)
    page.title(view.masked, aside=f"contact key {view.key}")
    if note:
        page.text(Piece(note, "dim"))
    page.blank()
    if not view.lists:
        page.text("On no list: no campaign mails this address.")
    page.facts([_list_fact(*entry) for entry in view.lists], indent=0)
    page.facts([_told_fact(row, settings) for row in view.told], indent=0)
    page.blank()
    if view.lists and not view.rows:
        which = (
            "campaign" if all(line for _, line, _ in view.lists) else "campaign that was planned"
        )
        page.text(f"No {which} concerns this contact.")
    for row in view.rows:
        _row(page, row, settings)
    return str(page)


def _list_fact(name: str, line: int, reason: str) -> Fact:
    if not line:
        said = Piece("cannot be read: see sendoff lists", "warn")
        return Fact("Perhaps on", (Piece(name, "bold"), said))
    verdict = words.spot(reason) if reason else "may be mailed"
    return Fact("On list", (Piece(name, "bold"), f"line {line}", verdict))


def _told_fact(row: ToldRow, settings: Settings) -> Fact:
    when = times.when(row.at, times.zone_of(settings.timezone))
    if not row.reason:
        return Fact("Released", (when, f"by {row.source}"))
    why = words.SUPPRESSED.get(row.reason, row.reason)
    group = (f"group {row.group}",) if row.group else ()
    state = "" if row.holds else "over"
    items = (Piece(why, "warn"), *group, when, f"told by {row.source}", state)
    return Fact("Suppressed", tuple(item for item in items if item))


def _row(page: Page, row: WhyRow, settings: Settings) -> None:
    sign, style = _STYLES.get(row.spot, ("-", "dim"))
    page.text(Piece(row.job.job_id, "bold"), sign=Piece(sign, style))
    zone = times.reading_zone(row.job.campaign, settings.timezone)
    parts = [Piece(words.spot(row.spot), style)]
    if row.at is not None:
        parts.append(Piece(times.when(row.at, zone)))
    if row.note:
        parts.append(Piece(row.note))
    page.items(*parts, indent=2)
    if row.spot in (spot.reason for spot in Spot if spot.waits):
        for hold in row.job.holds:
            page.text(Piece("but held:", "warn"), hold.message, indent=2)
            page.text(Piece("To release it:", "dim"), hold.release, indent=4)


def as_json(view: WhyView, settings: Settings, screen: Screen = PLAIN, note: str = "") -> str:
    """``contact`` (masked), ``key``, ``lists``, ``jobs``, ``note``."""
    return dump(
        {
            "contact": view.masked,
            "key": view.key,
            "lists": [
                {"list": name, "line": line, "excluded": reason}
                for name, line, reason in view.lists
            ],
            "suppressions": [
                {
                    "at": stamp(row.at),
                    "reason": row.reason or "released",
                    "group": row.group or None,
                    "source": row.source,
                    "holds": row.holds,
                }
                for row in view.told
            ],
            "jobs": [
                {
                    "job_id": row.job.job_id,
                    "place": row.spot,
                    "at": stamp(row.at),
                    "held": [hold.code for hold in row.job.holds],
                    "note": row.note,
                }
                for row in view.rows
            ],
            "note": note,
        }
    )


FORMATS: Mapping[str, Callable[[WhyView, Settings, Screen, str], str]] = {
    "text": text,
    "json": as_json,
}
