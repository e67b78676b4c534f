"""Durations, percentages and times, from the text that the schema has let through."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ..model.campaign import Delay

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def duration(text: str) -> timedelta:
    """``90s``, ``4h``, ``3d``, ``1d12h`` as elapsed time."""
    amounts = {_UNITS[unit]: int(n) for n, unit in re.findall(r"([0-9]+)([wdhms])", text)}
    return timedelta(**amounts)


def delay(written: str | int) -> Delay:
    """A step's delay: a bare number is days; days and weeks are kept apart from exact time."""
    if isinstance(written, int):
        return Delay(days=written)
    amounts = {unit: int(n) for n, unit in re.findall(r"([0-9]+)([wdhms])", written)}
    days = amounts.pop("w", 0) * 7 + amounts.pop("d", 0)
    return Delay(days, timedelta(**{_UNITS[unit]: n for unit, n in amounts.items()}))


def percent(text: str) -> float:
    """``10%`` as 0.1."""
    # through decimal digits: 0.07 * 100 / 100 would not be 0.07
    return float(f"{text.removesuffix('%')}e-2")


def moment(text: str) -> datetime:
    """A date and time; aware when it has an offset.  ValueError for a day that does not exist."""
    compact = text.replace(" ", "T", 1).replace(" ", "")
    try:
        return datetime.fromisoformat(compact)
    except ValueError as error:
        raise ValueError(f"{text} does not exist: {error}") from None
