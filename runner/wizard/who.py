"""WHO: a list, and perhaps a segment of it."""

from __future__ import annotations

from ..dataclass import dataclass
from ..report import words
from ..report.page import Fact
from .insight import Insight, ListInfo
from .questions import Choice, Flow, Question, Tell, ask, choose, heading, say

LIST_HELP = (
    "A list is a file in campaigns/lists/. The numbers are those of now: who opted out, bounced, "
    "is suppressed or gave no consent is not mailed, and that is looked at again at every run. "
    "More: docs/lists.md"
)
WHERE_HELP = (
    "A condition over the fields of the list; only those for whom it is true get the mail. "
    "For example contact.region == 'Europe', or contact.region in ['Europe', 'Africa'], or "
    "contact.firstName (it is filled in); join conditions with and, or, not. "
    "Enter mails everyone on the list who may be mailed."
)


@dataclass(frozen=True, slots=True)
class Who:
    """The answer: ``count`` contacts of a list."""

    list: ListInfo
    where: str
    count: int


def who(insight: Insight) -> Flow[Who]:
    """Ask for the list and the segment."""
    yield heading(1, "Who gets it?")
    choices = [Choice(one.name, _counts(one), _problem(one)) for one in insight.lists]
    name = yield from ask(choose("list", "Which list?", LIST_HELP, choices))
    chosen = next(one for one in insight.lists if one.name == name)
    yield _fields(chosen)
    where = yield from ask(_where(insight, chosen))
    count = insight.remaining(name, where)
    if where:
        left = f"{count:,} of {words.plural(chosen.audience, 'contact')} get it."
        yield say(left, sign="→")
    return Who(chosen, where, count)


def _where(insight: Insight, chosen: ListInfo) -> Question[str]:
    def parse(text: str) -> str:
        # raises Refused, also when nobody is left
        insight.remaining(chosen.name, text)
        return text

    return Question(
        "where",
        "Only some of them? Then for whom must be true?",
        WHERE_HELP,
        parse,
        nothing=f"all {words.plural(chosen.audience, 'contact')}",
        words=tuple(f"contact.{field}" for field in sorted(chosen.fields)),
    )


def _counts(one: ListInfo) -> str:
    if one.problem:
        return ""
    reasons = words.excluded_reasons(one.excluded)
    head = f"{one.audience:,} of {words.plural(one.rows, 'contact')} may be mailed"
    return f"{head} ({', '.join(reasons)})" if reasons else head


def _problem(one: ListInfo) -> str:
    if one.problem:
        return f"cannot be read: {one.problem}"
    return "" if one.audience else "nobody on it may be mailed"


def _fields(one: ListInfo) -> Tell:
    facts = [Fact("Fields", tuple(sorted(one.fields)))]
    facts += [
        Fact(name, tuple(value or "(empty)" for value in values))
        for name, values in sorted(one.values.items())
    ]
    return Tell(lambda page: page.facts(facts))
