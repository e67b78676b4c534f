"""Instants as people read them: in a zone, with its offset, and from now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from ..model.campaign import RECIPIENT, Campaign
from ..timetable import zones
from .words import plural

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MINUTE = 60


def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC for one that does not exist (``validate`` complains of it)."""
    try:
        return zones.zone(name)
    except LookupError:
        return UTC


def reading_zone(campaign: Campaign, default: str) -> tzinfo:
    """The zone in which people read a campaign's times: its own, or the workspace's when each
    contact has another."""
    name = campaign.schedule.timezone
    return zone_of(default if name == RECIPIENT else name)


def when(instant: datetime, zone: tzinfo) -> str:
    """``Mon 20 Oct 2025 09:00 CDT (UTC-05:00)``; seconds only where there are any."""
    local = instant.astimezone(zone)
    return f"{day(local)} {clock(local)} {_zone_label(local)}"


def day(local: datetime) -> str:
    """``Mon 20 Oct 2025``, whatever the locale."""
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"


def until(first: datetime, last: datetime, zone: tzinfo) -> str:
    """The end of a span that ``when(first)`` begins: only what differs."""
    start, end = first.astimezone(zone), last.astimezone(zone)
    if start.date() == end.date() and start.utcoffset() == end.utcoffset():
        return clock(end)
    return when(last, zone)


def relative(instant: datetime, now: datetime) -> str:
    """``in 3 days``, ``2 h ago``, ``now``: to the nearest unit."""
    seconds = (instant - now).total_seconds()
    minutes = round(abs(seconds) / MINUTE)
    hours = round(minutes / 60)
    if not minutes:
        return "now"
    if minutes < 60:
        text = f"{minutes} min"
    elif hours < 24:
        text = f"{hours} h"
    else:
        text = plural(round(hours / 24), "day")
    return f"in {text}" if seconds > 0 else f"{text} ago"


def wall(naive: datetime) -> str:
    """A wall-clock time that is no instant yet: ``Mon 20 Oct 2025 09:00``."""
    return f"{day(naive)} {clock(naive)}"


def brief(instant: datetime, now: datetime, zone: tzinfo) -> str:
    """``Mon 20 Oct 09:00 CDT``: for tables; the year only where it is another one."""
    local = instant.astimezone(zone)
    name = local.tzname() or ""
    label = name if name[:1].isalpha() else _offset(local)
    return f"{brief_day(local, now)} {clock(local)} {label}"


def brief_day(local: datetime, now: datetime) -> str:
    """``Mon 20 Oct``, with the year where it is another one."""
    text = day(local)
    return text.removesuffix(f" {now.year}")


def clock(local: datetime) -> str:
    """``09:00``, ``09:00:07``."""
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _zone_label(local: datetime) -> str:
    name = local.tzname() or ""
    if name == "UTC":
        return "UTC"
    # a zone without letters calls itself by its offset
    return f"{name} ({_offset(local)})" if name[:1].isalpha() else f"({_offset(local)})"


def _offset(local: datetime) -> str:
    offset = local.utcoffset() or timedelta()
    minutes = int(offset.total_seconds() // MINUTE)
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"UTC{sign}{minutes // 60:02}:{minutes % 60:02}"
