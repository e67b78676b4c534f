"""The words people read: one place for each, so that one thing is called one name everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..model.campaign import ListUse
    from ..model.plan import JobPlan
    from ..model.settings import Pacing

STATUSES: Mapping[str, str] = {
    "scheduled": "scheduled",
    "sending": "sending",
    "sent": "sent",
    "failed": "failed",
    "cancelled": "cancelled",
    "held": "held: it waits for you",
    "paused": "paused",
}
"""Job statuses."""

SIGNS: Mapping[str, str] = {
    "scheduled": "○",
    "sending": "●",
    "sent": "✓",
    "failed": "✗",
    "cancelled": "-",
    "held": "!",
    "paused": "‖",
    "ok": "✓",
    "error": "✗",
    "warning": "!",
    "unknown": "?",
}
"""One sign for each status; never without its word."""

STYLES: Mapping[str, str] = {
    "scheduled": "info",
    "sending": "info",
    "sent": "good",
    "failed": "bad",
    "cancelled": "dim",
    "held": "warn",
    "paused": "warn",
    "ok": "good",
    "error": "bad",
    "warning": "warn",
    "unknown": "dim",
}

REASONS: Mapping[str, tuple[str, str]] = {
    "invalid_address": ("has no valid address", "have no valid address"),
    "duplicate": ("is a duplicate of another row", "are duplicates of another row"),
    "opted_out": ("opted out", "opted out"),
    "bounced": ("bounced before", "bounced before"),
    "no_consent": ("gave no consent", "gave no consent"),
    "suppressed": ("is on a suppression list", "are on a suppression list"),
    "minus": ("is in a list that is left out", "are in a list that is left out"),
    "segment": ("is outside the segment", "are outside the segment"),
    "only_if": ("left out by only_if", "left out by only_if"),
    "joined_later": ("joined the list after it was over", "joined the list after it was over"),
    "not_enrolled": ("left out of the first step", "left out of the first step"),
    "first_step_failed": ("could not be sent the first step", "could not be sent the first step"),
    "too_late": ("skipped, too late", "skipped, too late"),
    "quiet_hours": ("skipped, quiet time for too long", "skipped, quiet time for too long"),
    "frequency_cap": ("had too many mails already", "had too many mails already"),
}
"""Why a contact is excluded, to be read after a number: (for one, for more)."""

SPOTS: Mapping[str, str] = {
    "sent": "sent",
    "failed": "failed",
    "in_doubt": "in doubt: it may or may not have been sent",
    "in_flight": "being sent",
    "due": "due now",
    "later": "to be sent later",
    "missed": "missed its time, held",
    "quiet_held": "would have to wait too long for the end of its quiet time, held",
    "cancelled": "cancelled",
    "only_if": "not sent: left out by only_if",
    "joined_later": "not sent: joined the list after it was over",
    "not_enrolled": "not sent: was left out of the first step",
    "first_step_failed": "not sent: the first step could not be sent to it",
    "too_late": "not sent: it was too late",
    "quiet_hours": "not sent: it would have had to wait too long for the end of its quiet time",
    "frequency_cap": "not sent: too many mails to this contact already",
}
"""Where one contact stands in one job, by the words of ``Spot``."""


NAMED = 20
"""Campaigns that are named where many use a thing."""


def count(number: int) -> str:
    """``12345`` as ``12,345``."""
    return f"{number:,}"


def plural(number: int, one: str, more: str = "") -> str:
    """``1 mail``, ``1,200 mails``; ``more`` where an ``s`` is not enough."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def campaigns(names: Sequence[str]) -> tuple[str, ...]:
    """Who uses a thing: some of many, for JSON has all of them."""
    if len(names) > NAMED:
        return (*names[:NAMED], f"{count(len(names) - NAMED)} more")
    return tuple(names) or ("no campaign",)


def named(counts: Mapping[str, int]) -> str:
    """``3 campaigns, 1 list``; nothing of what there is none of."""
    return ", ".join(plural(number, noun) for noun, number in counts.items() if number)


def excluded(reason: str, number: int) -> str:
    """``40 opted out``; a reason without words of its own is read as it is."""
    one, more = REASONS.get(reason, (reason.replace("_", " "),) * 2)
    return f"{number:,} {one if number == 1 else more}"


SUPPRESSED: Mapping[str, str] = {
    "bounce": "bounced",
    "invalid": "not an address that exists",
    "spam": "complained of spam",
    "unsubscribed": "unsubscribed",
    "group_unsubscribed": "left this kind of mail",
    "manual": "by hand",
    "erased": "asked to be forgotten",
    "file": "in a file",
}
"""Why a contact is suppressed, to be read after a number."""


def excluded_reasons(
    counts: Mapping[str, int], suppressed: Mapping[str, int] | None = None
) -> tuple[str, ...]:
    """Every reason with its number, the biggest first; ``suppressed``: what lies behind that."""
    finer = ", ".join(
        f"{number:,} {SUPPRESSED.get(reason, reason)}"
        for reason, number in sorted((suppressed or {}).items(), key=lambda one: (-one[1], one[0]))
    )
    in_order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        excluded(reason, number) + (f" ({finer})" if finer and reason == "suppressed" else "")
        for reason, number in in_order
        if number
    )


def spot(word: str) -> str:
    """Where one contact stands, by a word of ``Spot`` or of ``Reason``."""
    if word in SPOTS:
        return SPOTS[word]
    return f"not sent: {REASONS.get(word, (word.replace('_', ' '),))[0]}"


def duration(span: timedelta | float) -> str:
    """``2 min 58 s``, ``3 days``: the two largest units; a number is seconds."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    if 0 < seconds < 1:
        return f"{seconds:g} s"
    left, parts = round(seconds), []
    for size, unit in ((86400, "day"), (3600, "h"), (60, "min"), (1, "s")):
        number, left = divmod(left, size)
        if number:
            parts.append(plural(number, unit) if unit == "day" else f"{number} {unit}")
        elif parts:
            # 1 day 5 s says no more than 1 day
            break
    return " ".join(parts[:2]) or "0 s"


def pace(pacing: Pacing) -> tuple[str, ...]:
    """How fast a campaign's mails may leave; () for as fast as the provider takes them."""
    parts = []
    if pacing.delay_seconds:
        parts.append(f"one every {duration(pacing.delay_seconds)}")
    if pacing.max_per_hour is not None:
        parts.append(f"at most {pacing.max_per_hour:,} an hour")
    return tuple(parts)


def percent(part: int, whole: int) -> str:
    """Rounded down, so that 100 % is really all."""
    return f"{part * 100 // whole if whole else 0} %"


def wanted(job: JobPlan) -> int:
    """The contacts of a job that are to get its mail, or got it."""
    return job.counts.total - job.counts.excluded_total


HIDDEN = "•••"
SHOW_FROM = 4
"""A shorter name would be known by its first letter."""


def mask(address: str) -> str:
    """``j•••@e•••.com``: enough to recognise one's own address, too little to learn another's."""
    local, at, domain = address.strip().rpartition("@")
    if not at or not local:
        return HIDDEN
    host, dot, top = domain.rpartition(".")
    return f"{_first(local)}@{_first(host) if dot else HIDDEN}{dot}{top if dot else ''}"


def _first(text: str) -> str:
    shown = text[0] if len(text) >= SHOW_FROM and text[0].isalnum() else ""
    return shown + HIDDEN


def lists(use: ListUse) -> str:
    """``list members``, ``lists members and guests, less invited``."""
    named = f"list {use.name}"
    if use.others:
        named = f"lists {', '.join(use.names[:-1])} and {use.names[-1]}"
    return f"{named}, less {' and '.join(use.minus)}" if use.minus else named
