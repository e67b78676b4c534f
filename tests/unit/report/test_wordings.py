from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.report.wordings import MAX_DIFFERENCES, differences, lines_of_html, lines_of_text


@pytest.mark.parametrize(
    ("html", "lines"),
    [
        ("<h1>Hi</h1><p>Dear <b>Ann</b>,\nsee you</p>", ["Hi", "Dear Ann, see you"]),
        ("<style>p { a: b }</style><script>x</script><title>t</title><p>y</p>", ["y"]),
        (
            '<p>See <img alt="a map" src="cid:m"> &amp; <a href="x">this</a></p>',
            ["See a map & this"],
        ),
        ("<table><tr><td>4:00</td><td>Boot camp</td></tr></table>", ["4:00", "Boot camp"]),
        ("one<br>two", ["one", "two"]),
        ("", []),
        ("</style></p>a", ["a"]),
        ("<p>a</p><![if mso]>b<![endif]>", ["a", "b"]),
    ],
)
def test_the_words_of_a_mail_a_block_a_line(html: str, lines: list[str]) -> None:
    assert lines_of_html(html) == lines


@given(st.text())
def test_any_text_can_be_read_as_html(text: str) -> None:
    assert all(line.strip() == line != "" for line in lines_of_html(text))


def test_a_declaration_that_is_none_ends_the_reading_at_worst() -> None:
    assert lines_of_html("<p>a</p><![foo[b]]>")[:1] == ["a"]


def test_what_was_taken_out_and_put_in() -> None:
    old, new = lines_of_text("a\n\n  b  b\nc\n"), lines_of_text("a\nB\nc\nd")
    assert differences(old, new) == [("-", "b b"), ("+", "B"), ("+", "d")]


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_nothing_differs_only_where_nothing_does(old: list[str], new: list[str]) -> None:
    assert (differences(old, new) == []) == (old == new)


def test_there_is_an_end_to_what_is_shown() -> None:
    found = differences([], [str(n) for n in range(40)])
    assert len(found) == MAX_DIFFERENCES + 1
    assert found[-1] == ("", "+28 more lines")
