from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.report.terminal import Terminal, clean, defuse, terminal_of

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x07\x08\r\n\x9b\x85\u2028\u202e\u2066\u200e\ufeff\ud800[]:#"),
    )
)


@given(NASTY)
@example("\x1b]0;title\x07")
@example("\x9b31m")
@example("##[error]x")
@example("####[[")
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    shown = clean(text)
    for char in shown:
        assert unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")
        assert char in "\u200c\u200d" or unicodedata.category(char) != "Cf"
    assert "##[" not in shown
    shown.encode("utf-8")


@given(NASTY, st.booleans())
def test_cleaning_twice_is_cleaning_once(text: str, ascii_only: bool) -> None:
    once = clean(text, ascii_only=ascii_only)
    assert clean(once, ascii_only=ascii_only) == once


@given(NASTY)
def test_ascii_only_is_ascii(text: str) -> None:
    shown = clean(text, ascii_only=True)
    assert shown.isascii()
    assert not shown or shown.isprintable()


@given(st.text(st.characters(categories=("L", "N", "P"))))
def test_plain_text_of_any_script_is_left_alone(text: str) -> None:
    assert clean(text).replace("## [", "##[") == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("two\nlines", "two lines"),
        ("evil\u202etxt.exe", "evil\\u202etxt.exe"),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
        ("[red]markup[/]", "[red]markup[/]"),
        ("倒计时", "倒计时"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::error::x", ": :error::x"),
        ("   ::add-mask::x", "   : :add-mask::x"),
        ("a ::error::x", "a ::error::x"),
    ],
)
def test_no_line_is_a_workflow_command(line: str, shown: str) -> None:
    assert defuse(line) == shown


@given(NASTY)
def test_defused_lines_never_begin_with_colons(text: str) -> None:
    assert not defuse(clean(text)).lstrip().startswith("::")


@dataclass(frozen=True)
class Bare:
    width: int = 100
    color: bool = False


@pytest.mark.parametrize(("width", "used"), [(20, 60), (80, 80), (100, 100), (400, 120)])
def test_widths_stay_within_what_the_layouts_are_made_for(width: int, used: int) -> None:
    assert terminal_of(Bare(width, color=True)) == Terminal(used, color=True)


def test_a_terminal_may_say_that_it_knows_only_ascii() -> None:
    assert terminal_of(Terminal(80, ascii=True)).ascii
