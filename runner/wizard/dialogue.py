"""Holds a conversation: asks, helps, takes answers back.

Going back is done by going forward again: the flow is begun anew and given the answers so far
but the last.  So no question need know what came before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from ..report.flow import Piece
from ..report.page import Page
from ..report.terminal import Screen, clean, terminal_of
from .questions import Choice, Flow, Question, Refused, Show, Tell, unfit

T = TypeVar("T")

BACK, HELP, END = "<", "?", "."
SHORT = 40
"""A longer default is shown above the prompt, not in it."""


class Console(Protocol):
    """Where people read and type."""

    def write(self, text: str) -> None:
        """Show text; it ends with a newline."""
        ...

    def read(self, prompt: str, words: Sequence[str]) -> str:
        """One line; ``words`` complete it.

        Raises KeyboardInterrupt or EOFError for "no more", Refused for what cannot be read.
        """
        ...


class _Back(Exception):
    """The answer before this question is to be given anew."""


def hold(flow: Callable[[], Flow[T]], console: Console, screen: Screen) -> T:
    """Hold the conversation that ``flow`` begins; returns what it comes to.

    ``flow`` is called again whenever an answer is taken back, so it must always ask the same
    after the same answers.
    """
    given: list[str] = []
    before = ""
    while True:
        try:
            return _Talk(console, screen, given, before).through(flow())
        except _Back:
            if given:
                before = given.pop()
            else:
                console.write("This is the first question.\n")


class _Talk:
    """One way through the flow: the answers already given, then new ones."""

    def __init__(self, console: Console, screen: Screen, given: list[str], before: str) -> None:
        self._console = console
        self._screen = terminal_of(screen)
        self._given = given
        self._before = before
        self._told: list[Tell | Show] = []

    def through(self, flow: Flow[T]) -> T:
        """Ask until the flow has what it wants."""
        answered = 0
        answer: Any = None
        while True:
            try:
                turn = flow.send(answer)
            except StopIteration as end:
                self._tell()
                result: T = end.value
                return result
            answer = None
            if not isinstance(turn, Question):
                self._told.append(turn)
                continue
            if answered < len(self._given):
                self._told.clear()
                answer = turn.parse(self._given[answered])
            else:
                self._tell()
                answer = self._ask(turn)
            answered += 1

    def _tell(self) -> None:
        for turn in self._told:
            if isinstance(turn, Show):
                lines = (clean(line, ascii_only=self._screen.ascii) for line in turn.lines)
                self._console.write("\n" + "".join(f"{line}\n" for line in lines))
            else:
                self._paint(turn.paint)
        self._told.clear()

    def _paint(self, paint: Callable[[Page], None]) -> None:
        page = Page(self._screen)
        paint(page)
        self._console.write("\n" + str(page))

    def _ask(self, question: Question[T]) -> T:
        """Ask until there is an answer that can be taken."""
        default, self._before = self._before or question.default, ""
        suggestions: tuple[str, ...] = ()
        self._paint(lambda page: _question(page, question, default))
        while True:
            try:
                text = self._answer(question, default, suggestions)
                if text is None:
                    self._paint(lambda page: _help(page, question))
                    continue
                answer = question.parse(text)
            except Refused as refused:
                suggestions = refused.suggestions
                self._refuse(refused)
                continue
            self._given.append(text)
            return answer

    def _refuse(self, refused: Refused) -> None:
        def paint(page: Page) -> None:
            page.text(refused.message, sign=Piece("✗", "bad"))
            for number, text in enumerate(refused.suggestions, 1):
                page.text(text, indent=2, sign=f"{number}.")

        self._paint(paint)

    def _answer(
        self, question: Question[T], default: str, suggestions: tuple[str, ...]
    ) -> str | None:
        """The answer as text; None when help is wanted."""
        shown = suggestions[0] if suggestions else default
        words = (*question.words, *suggestions)
        text = self._line(_prompt(shown, question, self._screen.ascii), words).strip()
        if text == HELP:
            return None
        if not text:
            if not (shown or question.nothing):
                raise Refused("An answer is needed here; ? says more, < goes back.")
            return shown
        if question.lines:
            return self._more(text)
        if suggestions and text.isascii() and text.isdigit() and 0 < int(text) <= len(suggestions):
            return suggestions[int(text) - 1]
        # what is pasted may have several lines; here it becomes one
        return " ".join(text.splitlines()).replace("\t", " ")

    def _more(self, first: str) -> str:
        """The further lines of a text, up to a line with nothing but a full stop."""
        lines = first.split("\n")
        while END not in map(str.strip, lines):
            try:
                lines += self._line("| ", ()).rstrip().split("\n")
            except Refused as refused:
                # the lines before it are not to be typed again
                self._refuse(refused)
        end = next(n for n, line in enumerate(lines) if line.strip() == END)
        text = "\n".join(line.rstrip() for line in lines[:end]).strip("\n")
        if not text:
            raise Refused("There is no text yet.")
        return text

    def _line(self, prompt: str, words: Sequence[str]) -> str:
        line = self._console.read(prompt, words)
        if line.strip() == BACK:
            raise _Back
        fault = unfit(line)
        if fault:
            raise Refused(fault)
        return line


def _question(page: Page, question: Question[Any], default: str) -> None:
    page.text(Piece(question.text, "bold"))
    for number, choice in enumerate(question.choices, 1):
        page.text(*_choice(choice), indent=2, sign=f"{number}.")
    if len(default) > SHORT or "\n" in default:
        page.text("Enter keeps: " + " ".join(default.split())[:200], indent=2)
    elif question.nothing and not default:
        page.text(f"Enter: {question.nothing}", indent=2)


def _choice(choice: Choice) -> tuple[Piece, ...]:
    if not (choice.note or choice.problem):
        return (Piece(choice.value),)
    note = Piece(choice.problem, "bad") if choice.problem else Piece(choice.note, "dim")
    return (Piece(choice.value), Piece("·", "dim"), note)


def _help(page: Page, question: Question[Any]) -> None:
    for paragraph in question.help.split("\n"):
        page.text(paragraph, indent=2)
    page.text("< goes back, Ctrl-C leaves without writing anything.", indent=2)


def _prompt(default: str, question: Question[Any], ascii_only: bool) -> str:
    short = default and len(default) <= SHORT and "\n" not in default
    shown = clean(default, ascii_only=ascii_only) if short else "Enter keeps it" if default else ""
    prompt = f"[{shown}] > " if shown else "> "
    return f"(end with a line that holds only a full stop)\n{prompt}" if question.lines else prompt
