"""WHEN, for a drip: who is enrolled, and the mails after the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from ..dataclass import dataclass
from ..model.campaign import Delay
from ..report import times
from . import moments
from .draft import Draft, Mail, Step, When
from .insight import Insight
from .moments import Zone
from .questions import Choice, Flow, Question, Refused, ask, choose, say, yes_no
from .what import what

ENROL = (
    Choice("at_start", "who is on the list when it starts"),
    Choice("continuous", "also who joins the list later; the delays count from then"),
)
ENROL_HELP = "With continuous, a welcome series goes on for as long as the campaign is active."
DELAY_HELP = (
    "How long after the FIRST mail: 3d and 2w keep the time of day, 4h and 90m are exact, 1d12h is "
    "a day on the calendar and then twelve hours. A bare number is days."
)
ID_HELP = "The mail's name within the campaign, for reports: letters, digits, - and _."
ONLY_IF_HELP = (
    "A condition, asked when the mail is due: over the contact's fields, and sent('NAME') of an "
    "earlier mail. For example: sent('{first}') and contact.firstName"
)
_STEP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class _Sequence:
    """The steps so far, and the draft with the variables that they brought."""

    steps: tuple[Step, ...]
    draft: Draft


def drip(
    insight: Insight, draft: Draft, zone: Zone, start: datetime, head: When
) -> Flow[tuple[When, Draft]]:
    """Ask for the mails of a sequence that begins at ``start`` (an instant)."""
    enrol = yield from ask(choose("enrol", "Who gets it?", ENROL_HELP, ENROL, "at_start"))
    first = yield from ask(_step_id("1:", draft.mail, ()))
    sequence = _Sequence((Step(first, "0", draft.mail),), draft)
    while True:
        number = len(sequence.steps) + 1
        more = yes_no(
            f"{number}:more",
            "Another mail after it?",
            "A drip has as many mails as you like.",
            "yes" if number == 2 else "no",
        )
        if not (yield from ask(more)):
            break
        sequence = yield from _another(insight, sequence, zone, start)
    lines = (*head.lines, ("enrol", enrol, "at_start | continuous"))
    return replace(head, lines=lines, steps=sequence.steps), sequence.draft


def _another(insight: Insight, so_far: _Sequence, zone: Zone, start: datetime) -> Flow[_Sequence]:
    key = f"{len(so_far.steps) + 1}:"
    written = yield from ask(_delay(key, moments.delay(so_far.steps[-1].delay)))
    due = moments.later(start, moments.delay(written), zone)
    yield say(
        f"It goes {times.when(due, zone.reading)}, {times.relative(due, insight.now)}.", sign="→"
    )
    found = yield from what(insight, so_far.draft, key)
    draft = so_far.draft.sends(so_far.draft.mail, found.variables)
    step_id = yield from ask(_step_id(key, found.mail, so_far.steps))
    only_if = yield from ask(_only_if(insight, key, so_far))
    step = Step(step_id, written, found.mail, only_if)
    return _Sequence((*so_far.steps, step), draft)


def _delay(key: str, before: Delay) -> Question[str]:
    def parse(text: str) -> str:
        if moments.length(moments.delay(text)) < moments.length(before):
            raise Refused("That is before the mail above: delays count from the first mail.")
        return text

    return Question(f"{key}delay", "How long after the first mail?", DELAY_HELP, parse)


def _step_id(key: str, mail: Mail, before: tuple[Step, ...]) -> Question[str]:
    taken = {step.id.casefold() for step in before}
    stem = re.sub(r"[^A-Za-z0-9]+", "-", mail.template.rpartition("/")[2]).strip("-")[:60]
    names = [stem, *(f"mail-{n}" for n in range(len(before) + 1, len(before) + 300))]
    default = next(name for name in names if name and name.casefold() not in taken)

    def parse(text: str) -> str:
        if not _STEP_ID.fullmatch(text) or len(text) > 100:
            raise Refused("Please use letters, digits, - and _ only, such as reminder.")
        if text.casefold() in taken:
            raise Refused(f"There is a mail called {text} already.")
        return text

    return Question(f"{key}id", "What is this mail called?", ID_HELP, parse, default=default)


def _only_if(insight: Insight, key: str, so_far: _Sequence) -> Question[str]:
    first = so_far.steps[0].id
    return Question(
        f"{key}only_if",
        "Only under a condition?",
        ONLY_IF_HELP.replace("{first}", first),
        _condition(insight, so_far),
        nothing="everyone who got the first mail",
        words=tuple(f"sent('{step.id}')" for step in so_far.steps),
    )


def _condition(insight: Insight, so_far: _Sequence) -> Callable[[str], str]:
    known = next(one for one in insight.lists if one.name == so_far.draft.list).fields
    earlier = [step.id for step in so_far.steps]

    def parse(text: str) -> str:
        if text:
            faults = list(_faults(text, known, earlier, frozenset(so_far.draft.variables)))
            if faults:
                raise Refused(". ".join(faults))
        return text

    return parse


def _faults(
    text: str, fields: frozenset[str], earlier: list[str], variables: frozenset[str]
) -> Iterator[str]:
    # Jinja2 comes along
    from ..expressions import ExpressionError, compile_expression  # noqa: PLC0415

    try:
        found = compile_expression(text, frozenset({"sent"}))
    except ExpressionError as error:
        yield f"Not usable: {error}"
        return
    for name in sorted(found.fields - fields):
        yield f"The list has no field {name}; it has {', '.join(sorted(fields))}"
    for name in sorted(found.variables - variables):
        yield f"There is no variable {name}"
    for _, names in found.calls:
        for name in names:
            if name not in earlier:
                yield f"There is no earlier mail {name}; there is {', '.join(earlier)}"
