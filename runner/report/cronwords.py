"""A cron expression in words, where it is a plain one; the rest is shown as it is written."""

from __future__ import annotations

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_WORKING = "every weekday (Monday to Friday)"


def in_words(expression: str) -> str:
    """``0 9 * * MON`` as ``every Monday at 09:00``; ``cron …`` for what has no short words."""
    fields = expression.upper().split()
    plain = f"cron {expression}"
    if len(fields) != 5 or not (fields[0].isdecimal() and fields[1].isdecimal()):
        return plain
    minute, hour, day, month, weekday = fields
    days = _days(day, month, weekday)
    return f"{days} at {int(hour):02}:{int(minute):02}" if days else plain


def _days(day: str, month: str, weekday: str) -> str:
    if month != "*":
        return ""
    if day == "*":
        return "every day" if weekday == "*" else _weekdays(weekday)
    if weekday == "*" and day.isdecimal():
        return f"on day {int(day)} of every month"
    return ""


def _weekdays(field: str) -> str:
    if field in ("MON-FRI", "1-5"):
        return _WORKING
    names = [_weekday(part) for part in field.split(",")]
    if not all(names):
        return ""
    head = ", ".join(names[:-1])
    return f"every {head} and {names[-1]}" if head else f"every {names[-1]}"


def _weekday(part: str) -> str:
    """The day's name; '' for ranges, steps and what is none."""
    if part in _DAYS:
        return _DAY_NAMES[_DAYS.index(part)]
    # 7 is Sunday too
    return _DAY_NAMES[int(part) % 7] if part.isdecimal() and int(part) <= 7 else ""
