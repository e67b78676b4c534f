"""WHAT: a saved template with its variables, or a mail written here; and a look at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..dataclass import dataclass
from ..errors import Problem
from ..report.page import Fact, Page
from .draft import Draft, Mail
from .insight import Glimpse, Insight, data_of
from .prose import html_of
from .questions import Choice, Flow, Question, Refused, Tell, ask, choose, say

WRITE = "write it here"
SHOWN_LINES = 24
NEEDS = "(it has no subject of its own: one is asked for)"
WHAT_HELP = (
    "A saved template is a file in campaigns/templates/, made once and used again. "
    "For a mail that is sent once and never again, write it here."
)
SUBJECT_HELP = (
    "One line. It may hold fields and variables in double braces, such as "
    "{{ firstName|default('friend', true) }}."
)
PREHEADER_HELP = "Mail programs show it after the subject, in grey. It may hold {{ fields }} too."
BODY_HELP = (
    "Type the mail; an empty line begins a new paragraph, addresses of web pages become links. "
    "It may hold {{ firstName|default('friend', true) }}. The way to unsubscribe and your postal "
    "address are put below. End with a line that holds only a full stop. "
    "If it begins with <, it is taken for HTML, and nothing is put below it."
)
VARIABLE_HELP = (
    "The template shows this value, the same to everyone. Text is taken as it is. "
    "A list is written [in, brackets], a mapping {in: braces}."
)


@dataclass(frozen=True, slots=True)
class What:
    """The answer: a mail, and all variables so far."""

    mail: Mail
    variables: Mapping[str, Any]


def what(insight: Insight, draft: Draft, key: str = "") -> Flow[What]:
    """Ask for one mail until there is one without faults.

    ``draft`` holds list, segment and the variables so far; ``key`` tells the questions for one
    mail of a drip from those for another.
    """
    while True:
        choices = [Choice(one.name, one.subject or NEEDS) for one in insight.templates]
        choices.append(Choice(WRITE, "subject and text, for this once"))
        picked = yield from ask(choose(f"{key}what", "What do they get?", WHAT_HELP, choices))
        own = picked == WRITE and all(one.name != WRITE for one in insight.templates)
        found = yield from (
            _own(insight, draft, key) if own else _saved(insight, draft, picked, key)
        )
        made = draft.sends(found.mail, found.variables)
        faults = insight.faults(made)
        if not faults:
            yield _shown(insight, made)
            return found
        yield say("This cannot be sent as it is:", sign="✗")
        yield from _tell(faults)


def _saved(insight: Insight, draft: Draft, name: str, key: str) -> Flow[What]:
    template = next(one for one in insight.templates if one.name == name)
    mail = Mail(template=name)
    variables = dict(draft.variables)
    for missing in insight.missing(draft, mail):
        variables[missing] = yield from ask(_variable(missing, name, key))
    subject = yield from ask(
        replace(
            _subject(insight, draft.sends(mail, variables), key),
            text="Another subject than the template's?" if template.subject else "The subject?",
            nothing=f"keep “{template.subject}”" if template.subject else "",
        )
    )
    return What(replace(mail, subject=subject), variables)


def _variable(name: str, template: str, key: str) -> Question[Any]:
    def parse(text: str) -> Any:
        try:
            return data_of(text)
        except ValueError as error:
            raise Refused(f"This begins like a list or a mapping, but is none: {error}") from None

    return Question(f"{key}variable:{name}", f"{name}? ({template} needs it)", VARIABLE_HELP, parse)


def _own(insight: Insight, draft: Draft, key: str) -> Flow[What]:
    stand_in = Mail(html=html_of("."), subject=".")
    made = draft.sends(stand_in, draft.variables)
    subject = yield from ask(_subject(insight, made, key))
    preheader = yield from ask(_preheader(insight, made, key))
    mail = replace(stand_in, subject=subject, preheader=preheader)

    def parse(text: str) -> str:
        html = html_of(text)
        _refuse(insight, replace(made, mail=replace(mail, html=html)))
        return html

    body = Question(f"{key}body", "The text of the mail?", BODY_HELP, parse, lines=True)
    html = yield from ask(body)
    return What(replace(mail, html=html), draft.variables)


def _subject(insight: Insight, draft: Draft, key: str) -> Question[str]:
    def parse(text: str) -> str:
        if text:
            _refuse(insight, replace(draft, mail=replace(draft.mail, subject=text)), "subject")
        return text

    return Question(f"{key}subject", "The subject?", SUBJECT_HELP, parse)


def _preheader(insight: Insight, draft: Draft, key: str) -> Question[str]:
    def parse(text: str) -> str:
        if text:
            _refuse(insight, replace(draft, mail=replace(draft.mail, preheader=text)), "preheader")
        return text

    return Question(
        f"{key}preheader",
        "A line that mail programs show after the subject?",
        PREHEADER_HELP,
        parse,
        nothing="none",
    )


def _refuse(insight: Insight, draft: Draft, part: str = "") -> None:
    """Refuse an answer for its own faults; those of the template are told when it is whole."""
    faults = insight.faults(draft)
    mine = [fault for fault in faults if not part or part in fault.message]
    if mine:
        raise Refused(". ".join(map(told, mine)))


def told(problem: Problem) -> str:
    """A problem of a draft, without the place in a file that is not there yet."""
    text = f"{problem.message} ({problem.hint})" if problem.hint else problem.message
    return text[:1].upper() + text[1:]


def _tell(problems: Sequence[Problem]) -> Iterator[Tell]:
    for problem in problems:
        yield say(told(problem), sign="-")


def _shown(insight: Insight, draft: Draft) -> Tell:
    # rendered when it is looked at: not on the way back
    return Tell(lambda page: _show(page, insight.glimpse(draft)))


def _show(page: Page, glimpse: Glimpse | None) -> None:
    if glimpse is None:
        page.text("There is nobody to show it for.")
        return
    page.text(f"As {glimpse.masked} gets it ({glimpse.label}):")
    page.facts(
        [
            Fact("Subject", (glimpse.subject,)),
            Fact("Preview", (glimpse.preheader,) if glimpse.preheader else ()),
        ]
    )
    page.blank()
    lines = glimpse.text.strip().splitlines()
    for line in lines[:SHOWN_LINES]:
        if line.strip():
            page.text(line, indent=4)
        else:
            page.blank()
    if len(lines) > SHOWN_LINES:
        page.text(f"… and {len(lines) - SHOWN_LINES} more lines", indent=4)
