"""``schedule`` → when a campaign is sent, and how late it may be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ..model.campaign import RECIPIENT, Drip, Immediate, Recurring, Schedule, Scheduled
from ..timetable import cron, zones
from . import policies
from .section import Section
from .values import moment


def schedule(section: Section, zone: str) -> Schedule | None:
    """The schedule; None when it is not whole.  ``zone``: the settings' time zone."""
    send = section.get("send")
    if send == "optimized":
        message = "`send: optimized` is not yet available"
        section.complain("send", message, "write send: scheduled", "unavailable")
        return None
    builder = _BUILDERS.get(send)
    if builder is None:
        return None
    return builder(section, *_zones(section, zone))


def time(
    section: Section, name: str, reader: Callable[[str], datetime] = moment
) -> datetime | None:
    """The time under ``name``; None without one or when there is no such day."""
    written = section.get(name)
    if written is None:
        return None
    try:
        return reader(written)
    except ValueError as error:
        section.complain(name, str(error), "look at the calendar")
        return None


def _zones(section: Section, default: str) -> tuple[str, str]:
    """The zone and the fallback for contacts that have none."""
    recipient = section.get("send") != "immediate"
    zone = policies.zone(section, "timezone", default, recipient)
    fallback = policies.zone(section, "fallback_timezone", default if zone == RECIPIENT else "")
    written = section.get("timezone", "" if section.has("timezone") else zone)
    if fallback and zone != RECIPIENT and zone == written:
        message = "`fallback_timezone` is only for `timezone: recipient`"
        section.problems.add(section.key("fallback_timezone"), message, "keep one of them")
    return zone, fallback


def _not_both(section: Section, name: str, at: datetime | None, zone: str) -> None:
    if at is not None and at.tzinfo is not None and zone == RECIPIENT:
        message = f"`{name}` has an offset, but `timezone: recipient` means each contact's own time"
        section.complain(name, message, "leave the offset out, or name a time zone")


def _warn_of_gap(section: Section, name: str, at: datetime | None, zone: str) -> None:
    """A wall-clock time that is skipped or occurs twice is allowed, but seldom meant."""
    if at is None or at.tzinfo is not None or zone == RECIPIENT:
        return
    shown = zones.both(at, zones.zone(zone))
    if len(shown) == 1:
        return
    if shown:
        message = f"{at:%Y-%m-%d %H:%M} occurs twice in {zone}: the first is meant"
        hint = "write an offset to say which"
    else:
        moved = zones.resolve(at, zones.zone(zone)).astimezone(zones.zone(zone))
        message = f"{at:%Y-%m-%d %H:%M} is skipped in {zone}, where the clocks go forward"
        hint = f"it is sent at {moved:%H:%M}"
    section.problems.warn(section.place(name), message, hint, "dst")


def _immediate(_section: Section, zone: str, _fallback: str) -> Schedule:
    return Immediate(zone)


def _scheduled(section: Section, zone: str, fallback: str) -> Schedule | None:
    at = time(section, "at")
    _not_both(section, "at", at, zone)
    _warn_of_gap(section, "at", at, zone)
    return Scheduled(at, zone, fallback) if at is not None else None


def _drip(section: Section, zone: str, fallback: str) -> Schedule | None:
    start = time(section, "start_at")
    _not_both(section, "start_at", start, zone)
    _warn_of_gap(section, "start_at", start, zone)
    enrol = section.get("enrol", "at_start")
    return Drip(start, zone, fallback, enrol) if start is not None else None


def _recurring(section: Section, zone: str, fallback: str) -> Schedule | None:
    expression = section.get("cron")
    start = time(section, "start_at")
    until = time(section, "until", _last_moment)
    if start is not None and until is not None and until < start:
        section.complain("until", "`until` is before `start_at`", "nothing would ever be sent")
    if expression is None:
        return None
    try:
        cron.parse(expression)
    except ValueError as error:
        section.complain("cron", str(error), code="cron")
        return None
    return Recurring(expression, zone, fallback, start, until)


def _last_moment(text: str) -> datetime:
    """A date alone means the end of that day."""
    return moment(text if len(text) > len("2026-06-30") else f"{text} 23:59:59")


_BUILDERS: dict[str, Callable[[Section, str, str], Schedule | None]] = {
    "immediate": _immediate,
    "scheduled": _scheduled,
    "drip": _drip,
    "recurring": _recurring,
}
