"""Yes or no, as people and their programs write it in an opt-out, bounce or consent column."""

from __future__ import annotations

import re

YES = frozenset({"yes", "y", "true", "t", "1", "x"})
NO = frozenset({"", "no", "n", "false", "f", "0"})
ALLOWED = "yes, no, true, false, y, n, t, f, 1, 0, x, empty, or the date on which it happened"

_CLOCK = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp][Mm]|Z|UTC|[+-]\d{2}:?\d{2})?)?"
_is_date = re.compile(rf"(\d{{1,4}})([-/.])(\d{{1,2}})\2(\d{{1,4}}){_CLOCK}").fullmatch
_is_epoch = re.compile(r"[1-9]\d{8,12}").fullmatch


def truth(value: str) -> bool | None:
    """True, False, or None for a word that is neither.

    A date, with or without a time, or seconds or milliseconds since 1970 mean "it happened
    then": True.  ``0000-00-00`` is no date, hence None: nobody can say what it meant.
    """
    word = value.strip().casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    return True if _is_epoch(word) or _is_day(word.upper()) else None


def _is_day(text: str) -> bool:
    """Whether this is a calendar day in any of the usual orders."""
    match = _is_date(text)
    if match is None:
        return False
    first, middle, last = match[1], match[3], match[4]
    year, day = (first, last) if len(first) == 4 else (last, first)
    low, high = sorted((int(middle), int(day)))
    return low in range(1, 13) and high in range(1, 32) and len(year) == 4 and int(year) >= 1900


class Truths(dict[str, bool | None]):
    """``truth``, remembered: a column has few different values and a million rows."""

    def __missing__(self, value: str) -> bool | None:
        verdict = truth(value)
        if len(self) < 1 << 14:
            self[value] = verdict
        return verdict
