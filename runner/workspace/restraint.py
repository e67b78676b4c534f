"""What settings and campaigns say of restraint: when not, how often, how many at the most."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from itertools import pairwise

from ..model.campaign import Place
from ..model.settings import DomainCap, Frequency, Limits, Quiet, WarmUp
from .document import Node
from .policies import positive
from .section import Section

OFF = "off"
REST = "*"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LEAP_YEAR = 2024


def quiet(section: Section, name: str, defaults: Quiet | None) -> Quiet | None:
    """The quiet time; what is not written comes from ``defaults``.  None: contacts always may be
    mailed."""
    if not section.has(name):
        return defaults
    if section.get(name) == OFF:
        return None
    written, before = section.section(name), defaults or Quiet()
    hours = written.get("hours")
    found = Quiet(
        hours=_hours(written, hours) if hours is not None else before.hours,
        days=_days(written) if written.has("days") else before.days,
        dates=_dates(written) if written.has("dates") else before.dates,
        max_deferral=positive(written, "max_deferral", before.max_deferral),
        on_exceeded=written.get("on_exceeded", before.on_exceeded),
    )
    if len(found.days) == len(DAYS):
        written.complain("days", "no day is left to send on", "leave out a day")
    return found if found.hours or found.days or found.dates else None


def _hours(section: Section, written: str) -> tuple[int, int] | None:
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in written.split("-"))
    if start == end:
        message = "the quiet hours begin and end at the same minute"
        section.complain("hours", message, 'for example "21:00-08:00"')
        return None
    return start, end


def _items(section: Section, name: str) -> list[Node]:
    """The entries of a list that follow the schema, and so does all that is in them."""
    written = section.node.entries.get(name)
    if written is None or written.bad:
        return []
    return [item for item in written.items if not item.bad and not any(i.bad for i in item.items)]


def _days(section: Section) -> tuple[int, ...]:
    return tuple(sorted(DAYS.index(item.data) for item in _items(section, "days")))


def _dates(section: Section) -> tuple[tuple[int, int, int], ...]:
    found = set()
    for item in _items(section, "dates"):
        *years, month, day = (int(part) for part in item.data.split("-"))
        year = years[0] if years else 0
        if years == [0] or day > monthrange(year or _LEAP_YEAR, month)[1]:
            place = Place(section.path, item.line, item.column)
            section.problems.add(place, f"there is no day {item.data}")
        found.add((year, month, day))
    return tuple(sorted(found))


def frequency(section: Section) -> Frequency | None:
    """The settings' cap on mails to one contact."""
    written = section.section("frequency")
    if not written.has("max") or not written.has("per"):
        return None
    per = positive(written, "per", timedelta(days=7))
    return Frequency(written.get("max", 1), per, written.get("on_capped", "skip"))


def own_frequency(section: Section, common: Frequency | None) -> Frequency | None:
    """A campaign's: the settings' cap, with its own answer to it; None where it is off."""
    if common is None or not section.has("frequency"):
        return common
    if section.get("frequency") == OFF:
        return None
    on_capped = section.section("frequency").get("on_capped", common.on_capped)
    return Frequency(common.max, common.per, on_capped)


def limits(section: Section) -> Limits:
    """What all campaigns together may send."""
    written = section.section("limits")
    return Limits(
        max_per_hour=written.get("max_per_hour"),
        warm_up=_warm_up(written.section("warm_up")),
        domains=_domains(written.section("domains")),
    )


def _warm_up(section: Section) -> WarmUp | None:
    start = section.get("start")
    if start is None:
        return None
    try:
        first = date.fromisoformat(start)
    except ValueError:
        section.complain("start", f"there is no day {start}", "for example start: 2026-11-01")
        return None
    if section.has("volumes") == section.has("days"):
        message = "write either `volumes` or `days`"
        section.complain("start", message, "for example volumes: [500, 1000, 2000]")
        return None
    is_list = section.has("volumes")
    volumes = [item.data for item in _items(section, "volumes")] if is_list else _spread(section)
    return WarmUp(first, tuple(volumes), section.get("then", "cap") == "unlimited")


def _spread(section: Section) -> list[int]:
    """A table of (day, volume) with one entry for each day."""
    rows = [item.data for item in _items(section, "days")]
    numbers = [day for day, _ in rows]
    if not rows or numbers[0] != 1 or any(a >= b for a, b in pairwise(numbers)):
        message = "the days of the table must begin with 1 and rise"
        section.complain("days", message, "for example days: [[1, 500], [3, 1000]]")
        return [1]
    if numbers[-1] > 3660:
        section.complain("days", "the table is longer than ten years")
        return [1]
    found: list[int] = []
    for (first, volume), (following, _) in pairwise([*rows, (numbers[-1] + 1, 0)]):
        found += [volume] * (following - first)
    return found


def _domains(section: Section) -> tuple[DomainCap, ...]:
    caps: list[DomainCap] = []
    seen: dict[str, str] = {}
    for name in section.node.entries:
        written = section.section(name)
        listed = [item.data for item in _items(written, "domains")]
        given = listed if written.has("domains") or name == REST else [name]
        domains = tuple(sorted({str(domain).lower() for domain in given}))
        if name == REST and domains:
            written.complain("domains", '"*" means all other domains', "leave domains: out")
        if name != REST and not written.has("domains") and "." not in name:
            hint = f"for example {name}: {{domains: [example.org], max_per_hour: 1000}}"
            section.complain(name, f"{name} is not a domain, and names none", hint)
        for domain in domains:
            if domain in seen:
                section.complain(name, f"{domain} is already counted under {seen[domain]}")
            seen[domain] = name
        if written.has("max_per_hour"):
            caps.append(DomainCap(name, domains, written.get("max_per_hour", 1)))
    return tuple(caps)
