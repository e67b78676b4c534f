"""Questions, what may be answered, and what is told in between: data, no terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Generator, Sequence
from typing import Any, Generic, TypeVar

from ..dataclass import dataclass
from ..report.page import Page

T = TypeVar("T")


class Refused(Exception):
    """An answer that cannot be taken: why, and what may have been meant instead."""

    def __init__(self, message: str, suggestions: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.suggestions = tuple(suggestions)


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose.  ``problem``: why it is shown but cannot be chosen."""

    value: str
    note: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Question(Generic[T]):
    """One question.

    ``parse`` turns an answer into what is wanted, or raises ``Refused``; it gives the same for
    the same answer, always.  ``default`` is the answer that Enter gives; ``nothing`` says what
    an empty answer means where there is no default ('' where one is needed).  ``lines``: the
    answer has many.  ``words`` complete what is typed.
    """

    key: str
    text: str
    help: str
    parse: Callable[[str], T]
    default: str = ""
    nothing: str = ""
    choices: tuple[Choice, ...] = ()
    lines: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tell:
    """Something to be read before the next question."""

    paint: Callable[[Page], None]


@dataclass(frozen=True)
class Show:
    """Lines that are shown as they are: a file, a plan."""

    lines: tuple[str, ...]


Turn = Question[Any] | Tell | Show
Flow = Generator[Turn, Any, T]
"""Yields turns; is sent the parsed answer to each question; returns what it was for."""


def ask(question: Question[T]) -> Flow[T]:
    """Ask one question."""
    answer: T = yield question
    return answer


def say(*sentences: str, sign: str = "") -> Tell:
    """A paragraph."""
    return Tell(lambda page: page.text(*sentences, sign=sign))


def heading(number: int, text: str) -> Tell:
    """The head of one of the four parts."""
    return Tell(lambda page: page.title(f"{number} of 4 · {text}"))


def one_line(text: str) -> str:
    """The answer as it is."""
    return text


def choose(
    key: str, text: str, more: str, choices: Sequence[Choice], default: str = ""
) -> Question[str]:
    """A question whose answer is one of ``choices``, by number, name, or its beginning.

    ``more`` is its help.
    """
    usable = [one for one in choices if not one.problem]
    return Question(
        key,
        text,
        more,
        lambda answer: picked(answer, choices).value,
        default or (usable[0].value if len(usable) == 1 else ""),
        choices=tuple(choices),
        words=tuple(one.value for one in usable),
    )


def picked(answer: str, choices: Sequence[Choice]) -> Choice:
    """The choice that an answer means.  A name goes before a number."""
    folded = answer.casefold()
    exact = [c for c in choices if c.value == answer] or [
        c for c in choices if c.value.casefold() == folded
    ]
    found = exact or [c for c in choices if c.value.casefold().startswith(folded)]
    if not exact and answer.isascii() and answer.isdigit():
        number = int(answer[:9])
        found = list(choices[number - 1 : number]) if number else []
    if len(found) != 1:
        wanted = "a number from 1 to " + str(len(choices)) if len(choices) > 2 else "1 or 2"
        words = " or ".join(c.value for c in choices) if len(choices) <= 4 else "a name"
        raise Refused(f"Please answer with {wanted}, or {words}.")
    if found[0].problem:
        raise Refused(f"{found[0].value} cannot be chosen: {found[0].problem}")
    return found[0]


def yes_no(key: str, text: str, more: str, default: str = "") -> Question[bool]:
    """A question to be answered with yes or no."""
    choices = (Choice("yes"), Choice("no"))

    def parse(answer: str) -> bool:
        return picked(answer, choices).value == "yes"

    return Question(key, text, more, parse, default, words=("yes", "no"))


def unfit(text: str) -> str:
    """Why text cannot be an answer or stand in a file; '' when it can."""
    for char in text:
        if unicodedata.category(char) in ("Cc", "Cs") or char in "\u2028\u2029\ufffe\uffff":
            if char in "\n\t":
                continue
            return "This holds a character that cannot be read or printed. Please type it again."
    return ""
