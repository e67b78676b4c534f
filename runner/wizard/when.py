"""WHEN: now, once, a sequence, or again and again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

from ..model.campaign import RECIPIENT
from ..report import cronwords, times, words
from ..report.page import Fact
from ..timetable import cron
from . import moments
from .draft import Draft, When
from .insight import Insight
from .moments import Zone
from .questions import Choice, Flow, Question, Refused, Tell, ask, choose, say, yes_no
from .sequence import drip
from .yamltext import scalar

KINDS = (
    Choice("immediate", "as soon as it is merged"),
    Choice("scheduled", "once, at a time you say"),
    Choice("drip", "several mails, one after the other"),
    Choice("recurring", "again and again, such as every Monday"),
)
KIND_HELP = (
    "immediate: due when the pull request is merged, sent by the next run. scheduled: at one date "
    "and time. drip: a first mail, and others days or hours after it. recurring: every day, every "
    "week, every month, or by a cron expression."
)
ZONE_HELP = (
    "The name of a time zone, such as America/Chicago or Europe/London; a city alone finds it. "
    "recipient means each contact's own clock: nine o'clock is nine o'clock where the reader is."
)
FALLBACK_HELP = "For contacts whose time zone the list does not know."
TIME_HELP = (
    f"Date and time of day, as the clock on the wall shows it: {moments.EXAMPLE}. An offset may "
    "follow (2025-10-20 09:00-05:00), then the time zone is only for reports."
)
OFTEN = (
    Choice("daily", "every day"),
    Choice("weekdays", "Monday to Friday"),
    Choice("weekly", "one day of the week"),
    Choice("monthly", "one day of the month"),
    Choice("cron", "by a cron expression"),
)
DAYS = (
    Choice("Monday"),
    Choice("Tuesday"),
    Choice("Wednesday"),
    Choice("Thursday"),
    Choice("Friday"),
    Choice("Saturday"),
    Choice("Sunday"),
)
CRON_HELP = (
    "Five fields: minute, hour, day of month, month, day of week. 0 9 * * MON is Mondays at nine, "
    "0 9 1,15 * * the first and the fifteenth, 0 18 * * FRI#1 the first Friday of the month at six "
    "in the evening."
)
UNTIL_HELP = "A date, which includes that day, or a date and time of day. Nothing is sent after."
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
WEEK = timedelta(days=7)


def when(insight: Insight, draft: Draft) -> Flow[tuple[When, Draft]]:
    """Ask for the schedule; also returns the draft, whose variables further mails may add to."""
    kind = yield from ask(choose("send", "When does it go?", KIND_HELP, KINDS))
    if kind == "immediate":
        yield say("It goes with the first run after the merge.", sign="→")
        return When(shown_until=insight.now + WEEK), draft
    zone, lines = yield from _zone(insight, draft)
    if kind == "recurring":
        return (yield from _recurring(insight, zone, lines)), draft
    key, text = ("at", "On what day, at what time?")
    if kind == "drip":
        key, text = ("start_at", "When does the first mail go?")
    written, at = yield from _moment(insight, zone, key, text)
    head = (("send", kind, ""), (key, written, "the clock on the wall in `timezone`"), *lines)
    first = moments.instants(at, zone)[0][0]
    until = max(first, insight.now) + WEEK
    if kind == "scheduled":
        return When(head, shown_until=until), draft
    return (yield from drip(insight, draft, zone, first, When(head, shown_until=until)))


Lines = tuple[tuple[str, str, str], ...]


def _zone(insight: Insight, draft: Draft) -> Flow[tuple[Zone, Lines]]:
    question = Question(
        "timezone",
        "In which time zone?",
        ZONE_HELP,
        lambda text: RECIPIENT if text.casefold() == RECIPIENT else moments.zone_name(text),
        default=insight.zone,
        words=(RECIPIENT, *_known_zones()),
    )
    name = yield from ask(question)
    if name != RECIPIENT:
        return Zone(name), (("timezone", scalar(name), ""),)
    counts = insight.zones(draft.list, draft.where)
    unknown = counts.get("", 0)
    total = sum(counts.values())
    yield say(f"{total - unknown:,} of {words.plural(total, 'contact')} have a time zone.")
    fallback = yield from ask(
        Question(
            "fallback_timezone",
            "And for those whose time zone is not known?",
            FALLBACK_HELP,
            moments.zone_name,
            default=insight.zone,
            words=_known_zones(),
        )
    )
    lines = (
        ("timezone", RECIPIENT, "each contact's own, from the list"),
        ("fallback_timezone", scalar(fallback), "for those without one"),
    )
    return Zone(name, fallback, counts), lines


@cache
def _known_zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def _moment(insight: Insight, zone: Zone, key: str, text: str) -> Flow[tuple[str, datetime]]:
    """Ask for a time until one is wanted; one that is past must be confirmed."""

    def parse(answer: str) -> tuple[str, datetime]:
        at = moments.wall_time(answer)
        if at.tzinfo is not None and zone.is_recipient:
            raise Refused("Please leave the offset out: the time is by each contact's own clock.")
        return answer, at

    while True:
        written, at = yield from ask(Question(key, text, TIME_HELP, parse))
        yield say(moments.first_send(at, zone, insight.now), sign="→")
        odd = moments.oddity(at, zone)
        if odd:
            yield say(odd, sign="!")
        late = moments.lateness_of(at, zone, insight.now, insight.lateness)
        if not late:
            return written, at
        yield say(late, sign="!")
        keep = yes_no(f"{key}:keep", "Keep it?", "With no, you are asked for the time again.", "no")
        if (yield from ask(keep)):
            return written, at


# -- again and again -------------------------------------------------------------------------------


def _recurring(insight: Insight, zone: Zone, lines: Lines) -> Flow[When]:
    often = yield from ask(choose("often", "How often?", KIND_HELP, OFTEN))
    expression = yield from (_expression() if often == "cron" else _regular(often))
    found = moments.occurrences(expression, zone, insight.now)
    yield _next(found, expression, zone, insight.now)

    def parse(text: str) -> str:
        if text and not moments.occurrences(expression, zone, insight.now, moments.at_end(text)):
            raise Refused(f"Nothing would ever be sent: the next one is {_at(found[0], zone)}.")
        return text

    until = yield from ask(
        Question("until", "Until when?", UNTIL_HELP, parse, nothing="without end")
    )
    head: Lines = (
        ("send", "recurring", ""),
        ("cron", f'"{expression}"', cronwords.in_words(expression)),
    )
    ends: Lines = (("until", until, "nothing is sent after"),) if until else ()
    return When((*head, *lines, *ends), shown_until=max(found))


def _expression() -> Flow[str]:
    def parse(text: str) -> str:
        try:
            cron.parse(text)
        except ValueError as error:
            raise Refused(f"Not usable: {error}.") from None
        if '"' in text or "\\" in text:
            raise Refused("Please write plain numbers and names.")
        return text

    return (yield from ask(Question("cron", "The cron expression?", CRON_HELP, parse)))


def _regular(often: str) -> Flow[str]:
    days = {"daily": "* * *", "weekdays": "* * MON-FRI"}.get(often, "")
    if often == "weekly":
        day = yield from ask(choose("weekday", "On which day?", "A day of the week.", DAYS))
        days = f"* * {day[:3].upper()}"
    elif often == "monthly":
        number = yield from ask(
            Question("monthday", "On which day of the month?", "1 to 28.", _month_day)
        )
        days = f"{number} * *"
    hour, minute = yield from ask(
        Question("clock", "At what time?", "The time of day, as 09:00.", _clock)
    )
    return f"{minute} {hour} {days}"


def _month_day(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:3]) <= 28):
        raise Refused("Please answer with a day from 1 to 28: not every month has the others.")
    return int(text)


def _clock(text: str) -> tuple[int, int]:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise Refused("Please write a time of day like 09:00.")
    return int(match[1]), int(match[2])


def _next(found: list[datetime], expression: str, zone: Zone, now: datetime) -> Tell:
    facts = [
        Fact(label, (f"{_at(at, zone)}, {times.relative(at, now)}",))
        for label, at in zip(("First send at", "then", "then"), found, strict=False)
    ]
    facts.insert(0, Fact("Repeats", (cronwords.in_words(expression),)))
    if zone.is_recipient:
        facts.append(Fact("", ("and elsewhere by each contact's own clock",)))
    return Tell(lambda page: page.facts(facts))


def _at(instant: datetime, zone: Zone) -> str:
    return times.when(instant, zone.reading)
