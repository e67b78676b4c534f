"""Quiet hours, frequency and what all campaigns share, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ..model.campaign import Campaign
from ..model.settings import Limits, Quiet, Settings
from . import times, words

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def of_campaign(campaign: Campaign) -> tuple[str, ...]:
    """What keeps a campaign's mails back besides its pace; () for nothing."""
    parts = [f"quiet {quiet(campaign.quiet)}"] if campaign.quiet else []
    if campaign.frequency and campaign.frequency.on_capped == "defer":
        parts.append("who had too many mails gets it later")
    if campaign.priority:
        parts.append(f"priority {campaign.priority}")
    return tuple(parts)


def quiet(said: Quiet) -> str:
    """``21:00-08:00, Sat, Sun, 12-25``."""
    parts = []
    if said.hours:
        parts.append("-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in said.hours))
    parts += [DAYS[day] for day in said.days]
    for year, month, day in said.dates:
        parts.append(f"{year}-{month:02}-{day:02}" if year else f"{month:02}-{day:02}")
    return ", ".join(parts)


def sentence(settings: Settings, now: datetime) -> str:
    """The caps that all campaigns share, '' for none."""
    caps = shared(settings, now)
    return f"All campaigns together: at most {', '.join(caps)}." if caps else ""


def shared(settings: Settings, now: datetime) -> tuple[str, ...]:
    """The caps that all campaigns share; () for none."""
    parts = list(_limits(settings.limits, now.astimezone(times.zone_of(settings.timezone))))
    if settings.frequency:
        span = words.duration(settings.frequency.per)
        parts.append(f"{words.plural(settings.frequency.max, 'mail')} in {span} to one contact")
    return tuple(parts)


def every_limit(limits: Limits) -> Iterator[str]:
    """All that the limits say, whatever day it is."""
    if limits.max_per_hour is not None:
        yield f"{limits.max_per_hour:,} an hour"
    if (warm_up := limits.warm_up) is not None:
        days = ", ".join(f"{volume:,}" for volume in warm_up.volumes)
        end = ", then any number" if warm_up.unlimited else ""
        yield f"warm-up from {warm_up.start}: {days} a day{end}"
    yield from _domains(limits)


def _limits(limits: Limits, now: datetime) -> Iterator[str]:
    if limits.max_per_hour is not None:
        yield f"{limits.max_per_hour:,} an hour"
    if limits.warm_up is not None:
        volume = limits.warm_up.volume(now.date())
        if volume is not None:
            yield f"{volume:,} today (warm-up)"
    yield from _domains(limits)


def _domains(limits: Limits) -> Iterator[str]:
    for cap in limits.domains:
        name = "all other domains" if not cap.domains else cap.name
        yield f"{cap.max_per_hour:,} an hour to {name}"
