"""A conversation: answers, help, the way back, and what cannot be taken."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runner.report.terminal import PLAIN, Terminal
from runner.wizard.dialogue import hold
from runner.wizard.questions import (
    Choice,
    Flow,
    Question,
    Refused,
    Show,
    ask,
    choose,
    one_line,
    picked,
    say,
    yes_no,
)


class Script:
    """A console that types what it was given, and then leaves."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)
        self.shown = ""
        self.prompts: list[str] = []

    def write(self, text: str) -> None:
        self.shown += text

    def read(self, prompt: str, words: Sequence[str]) -> str:
        self.prompts.append(prompt)
        if not self._lines:
            raise EOFError
        return self._lines.pop(0)


def asked(key: str, default: str = "", **more: object) -> Question[str]:
    return Question(key, f"{key}?", f"help for {key}", one_line, default, **more)  # type: ignore[arg-type]


def three() -> Flow[tuple[str, str, str]]:
    yield say("Welcome")
    first = yield from ask(asked("first"))
    yield say(f"You said {first}")
    second = yield from ask(asked("second", "two"))
    third = yield from ask(asked("third", nothing="nobody"))
    return first, second, third


def talk(*lines: str, flow=three, screen: Terminal = PLAIN) -> tuple[object, Script]:
    console = Script(*lines)
    return hold(flow, console, screen), console


def test_answers_defaults_and_nothing() -> None:
    result, console = talk("one", "", "")
    assert result == ("one", "two", "")
    assert console.prompts == ["> ", "[two] > ", "> "]
    assert "Enter: nobody" in console.shown


def test_an_answer_is_needed_where_nothing_means_nothing() -> None:
    result, console = talk("", "one", "", "")
    assert result == ("one", "two", "")
    assert "An answer is needed here" in console.shown


def test_back_asks_the_question_before_with_its_answer() -> None:
    result, console = talk("one", "deux", "<", "", "")
    assert result == ("one", "deux", "")
    assert console.prompts == ["> ", "[two] > ", "> ", "[deux] > ", "> "]


def test_back_over_several_questions_changes_the_first() -> None:
    result, console = talk("one", "deux", "<", "<", "eins", "", "")
    assert result == ("eins", "two", "")
    # what led to the question is told again, what led to others is not
    assert console.shown.count("Welcome") == 2
    assert console.shown.count("You said one") == 2
    assert console.shown.count("You said eins") == 1


def test_there_is_no_way_back_from_the_first_question() -> None:
    result, console = talk("<", "<", "one", "", "")
    assert result == ("one", "two", "")
    assert console.shown.count("This is the first question.") == 2


def test_help_is_help_and_asks_again() -> None:
    result, console = talk("one", "?", "deux", "")
    assert result == ("one", "deux", "")
    assert "help for second" in console.shown


@pytest.mark.parametrize("answered", range(3))
def test_leaving_is_leaving(answered: int) -> None:
    with pytest.raises(EOFError):
        talk(*["x"] * answered, "<", *["?"] * 3)


@pytest.mark.parametrize("wrong", ["\x00", "a\x1b[2Jb", "\ud800", "\x7f", "a\u2028b"])
def test_what_steers_a_terminal_is_no_answer(wrong: str) -> None:
    result, console = talk(wrong, "one", "", "")
    assert result == ("one", "two", "")
    assert "cannot be read or printed" in console.shown


def test_what_is_pasted_becomes_one_line() -> None:
    result, _ = talk("one\nand\ttwo\n", "", "")
    assert result == ("one and two", "two", "")


class TestRefusals:
    @staticmethod
    def flow() -> Flow[str]:
        def parse(text: str) -> str:
            if text not in ("Chicago", "Boston"):
                raise Refused("No such town. Did you mean:", ["Chicago", "Boston"])
            return text

        return (yield from ask(Question("town", "Where?", "a town", parse, default="Chicago")))

    @pytest.mark.parametrize(
        ("taken", "meant"), [("", "Chicago"), ("2", "Boston"), ("1", "Chicago")]
    )
    def test_a_suggestion_is_taken_by_enter_or_number(self, taken: str, meant: str) -> None:
        result, console = talk("Chcago", taken, flow=self.flow)
        assert result == meant
        assert "2. Boston" in console.shown
        assert console.prompts[-1] == "[Chicago] > "

    def test_a_number_beyond_the_suggestions_is_an_answer_like_others(self) -> None:
        result, console = talk("Chcago", "3", "Boston", flow=self.flow)
        assert result == "Boston"
        assert console.shown.count("No such town") == 2


class TestLines:
    @staticmethod
    def flow() -> Flow[tuple[str, str]]:
        text = yield from ask(asked("body", lines=True))
        return text, (yield from ask(asked("next")))

    def test_a_text_ends_with_a_full_stop(self) -> None:
        result, console = talk("Hello", "  indented", "", "you.", " . ", "x", flow=self.flow)
        assert result == ("Hello\n  indented\n\nyou.", "x")
        assert console.prompts[0].endswith("full stop)\n> ")
        assert console.prompts[1] == "| "

    def test_a_pasted_text_may_bring_its_end(self) -> None:
        result, _ = talk("Hello\n\nyou\n.", "x", flow=self.flow)
        assert result == ("Hello\n\nyou", "x")

    def test_a_bad_line_costs_no_other(self) -> None:
        result, console = talk("Hello", "a\x1bb", "you", ".", "x", flow=self.flow)
        assert result == ("Hello\nyou", "x")
        assert "cannot be read" in console.shown

    def test_no_text_is_no_answer(self) -> None:
        result, console = talk(".", "Hello", ".", "x", flow=self.flow)
        assert result == ("Hello", "x")
        assert "There is no text yet." in console.shown

    def test_back_from_within_and_back_to_it(self) -> None:
        result, _ = talk("Hello", "<", "Bye", ".", "<", "", "x", flow=self.flow)
        assert result == ("Bye", "x")


class TestChoices:
    CHOICES = (
        Choice("event", "a"),
        Choice("2", "b"),
        Choice("Eve", "c"),
        Choice("bad", "", "broken"),
    )

    @pytest.mark.parametrize(
        ("answer", "value"),
        [
            ("1", "event"),
            ("2", "2"),
            ("3", "Eve"),
            ("EVENT", "event"),
            ("eve", "Eve"),
            ("even", "event"),
        ],
    )
    def test_by_number_name_or_beginning(self, answer: str, value: str) -> None:
        assert picked(answer, self.CHOICES).value == value

    @pytest.mark.parametrize("answer", ["ev", "0", "5", "-1", "x", "9" * 50, "²"])
    def test_neither_more_nor_less_than_one(self, answer: str) -> None:
        with pytest.raises(Refused, match="from 1 to 4"):
            picked(answer, self.CHOICES)

    def test_what_is_broken_says_so(self) -> None:
        with pytest.raises(Refused, match="bad cannot be chosen: broken"):
            picked("4", self.CHOICES)

    def test_the_only_one_is_the_default(self) -> None:
        one = choose("k", "?", "", [Choice("a", problem="no"), Choice("b")])
        assert one.default == "b"
        assert choose("k", "?", "", [Choice("a"), Choice("b")]).default == ""

    @pytest.mark.parametrize(("answer", "value"), [("y", True), ("No", False), ("yes", True)])
    def test_yes_and_no(self, answer: str, value: bool) -> None:
        assert yes_no("k", "?", "").parse(answer) is value


def test_lines_are_shown_as_they_are_but_harmless() -> None:
    def flow() -> Flow[str]:
        yield Show(("  two  spaces", "\x1b[31mred", "Ünïcode ✓"))
        return (yield from ask(asked("x")))

    _, console = talk("a", flow=flow)
    assert "  two  spaces\n\\x1b[31mred\nÜnïcode ✓\n" in console.shown
    _, console = talk("a", flow=flow, screen=Terminal(ascii=True))
    assert console.shown.isascii()


def test_nothing_is_wider_than_the_screen() -> None:
    def flow() -> Flow[str]:
        yield say("word " * 50)
        choices = [Choice(f"choice-{n}", "note " * 30) for n in range(12)]
        return (yield from ask(choose("x", "What " * 30, "help " * 60, choices)))

    result, console = talk("?", "choice-11", flow=flow, screen=Terminal(width=80))
    assert result == "choice-11"
    assert max(map(len, console.shown.splitlines())) <= 80


def test_a_long_default_is_above_the_prompt() -> None:
    def flow() -> Flow[str]:
        return (yield from ask(asked("x", "a" * 60)))

    result, console = talk("", flow=flow)
    assert result == "a" * 60
    assert console.prompts == ["[Enter keeps it] > "]
    assert "Enter keeps: aaa" in console.shown
