from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from runner.report.flow import Piece, flow, width_of
from runner.report.page import Column, Fact, Page
from runner.report.terminal import Terminal

NAMES = st.text(min_size=1, max_size=150)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@given(st.lists(NAMES, min_size=1, max_size=8), st.sampled_from([60, 80, 100]))
def test_no_line_is_wider_than_the_screen(names: list[str], width: int) -> None:
    page = Page(Terminal(width))
    page.title(names[0], aside=names[-1])
    page.text(*names, indent=2, sign="!")
    page.facts([Fact("Label", tuple(names)), Fact("Another", tuple(names), " ")])
    page.items(*names, indent=4)
    page.table(
        [Column("Name", leads=True), Column("Count", number=True), Column("Then", shrinks=True)],
        [(name, "1,234,567", name) for name in names],
    )
    for line in str(page).split("\n"):
        # a cell too wide for any line is the terminal's business
        assert cell_len(line) <= width + 1


@given(st.lists(NAMES, min_size=1, max_size=5), st.sampled_from([60, 80]))
def test_numbers_in_a_table_are_never_torn(names: list[str], width: int) -> None:
    page = Page(Terminal(width))
    page.table(
        [Column("Name", leads=True), Column("Count", number=True), Column("Then", shrinks=True)],
        [(f"x{name}", "1,234,567", "then") for name in names],
    )
    assert str(page).count("1,234,567") >= len(names)


@given(NAMES)
def test_without_color_there_is_no_escape_and_with_color_only_ours(name: str) -> None:
    for color in (False, True):
        page = Page(Terminal(80, color=color))
        page.title(name, aside=name)
        page.text(Piece(name, "bad"), sign=Piece("!", "warn"))
        shown = ANSI.sub("", str(page)) if color else str(page)
        assert "\x1b" not in shown
        assert "\x9b" not in shown


def test_color_changes_nothing_but_color() -> None:
    def page(color: bool) -> str:
        page = Page(Terminal(80, color=color))
        page.title("Name", aside="id")
        page.facts([Fact("What", (Piece("one", "good"), "two"))])
        page.table([Column("A"), Column("B", number=True)], [("x", Piece("7", "bad"))])
        return str(page)

    assert "\x1b[1m" in page(color=True)
    assert ANSI.sub("", page(color=True)) == page(color=False)


def test_columns_line_up_whatever_the_script() -> None:
    page = Page(Terminal(80))
    names = ["plain", "倒计时", "نشرة", "שלום", "🎉 party"]
    page.table(
        [Column("Name"), Column("Count", number=True)],
        [(name, f"{10**n:,}") for n, name in enumerate(names)],
    )
    lines = str(page).rstrip("\n").split("\n")
    assert len({cell_len(line) for line in lines}) == 1


def test_right_to_left_text_is_closed_off_before_what_follows() -> None:
    page = Page(Terminal(80))
    page.table([Column("Name"), Column("Count", number=True)], [("نشرة", "12")])
    assert "نشرة\u200e" in str(page)


def test_pieces_stay_together() -> None:
    lines = flow([Piece("40 opted out"), Piece("20 bounced before")], 20, " · ")
    assert [[piece.text for piece in line] for line in lines] == [
        ["40 opted out"],
        ["20 bounced before"],
    ]


@given(st.lists(st.text(max_size=40), max_size=10), st.integers(10, 60))
def test_flowing_loses_no_text(texts: list[str], width: int) -> None:
    lines = flow([Piece(text) for text in texts], width)
    shown = "".join(piece.text for line in lines for piece in line)
    assert "".join(shown.split()) == "".join("".join(texts).split())
    assert all(width_of(line) <= width or len(line) == 1 for line in lines)


@pytest.mark.parametrize("text", ["[red]x[/red]", "[link=https://example.org]x[/link]", "[bold"])
def test_markup_is_text(text: str) -> None:
    page = Page(Terminal(80, color=True))
    page.text(text)
    assert text in str(page)


def test_ascii_only() -> None:
    page = Page(Terminal(80, ascii=True))
    page.title("Café ✓", aside="→")
    page.facts([Fact("What", ("one", "two…"))])
    assert str(page).isascii()
    assert "one - two..." in str(page)
    assert "Caf\\xe9 +" in str(page)


def test_words_of_one_style_share_their_color_codes() -> None:
    page = Page(Terminal(80, color=True))
    page.text(Piece("To release it:", "dim"), Piece("set paused: false", "bold"))
    page.facts([Fact("Who", ("a", Piece("b", "bad")))])
    assert str(page).split("\n")[0] == (
        "\x1b[2mTo release it: \x1b[0m\x1b[1mset paused: false\x1b[0m"
    )
    assert str(page).count("\x1b[0m") == 5


def test_blank_lines_never_double_and_never_lead() -> None:
    page = Page(Terminal())
    page.blank()
    page.text("a")
    page.blank()
    page.blank()
    page.text("b")
    page.blank()
    assert str(page) == "a\n\nb\n"
