from __future__ import annotations

import html
import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from runner.report import markup
from runner.report.terminal import clean

TEXT = st.text(st.one_of(st.characters(), st.sampled_from("\\`*_{}[]<>|~&!#@+-=.:()$1\n\r\x1b ")))
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def rendered(source: str) -> str:
    return MARKDOWN.render(source)


def text_of(page: str) -> str:
    assert not re.search(r"<(?!/?p>)[a-zA-Z!/]", page), page
    return html.unescape(re.sub(r"</?p>", "", page)).replace("\u200b", "").strip()


def squeezed(text: str) -> str:
    return " ".join(text.split())


@given(TEXT)
@example("<script>alert(1)</script>")
@example("[x](javascript:alert(1))")
@example("![x](https://example.org/pixel)")
@example("1. one")
@example("1) one")
@example("- one")
@example("&lt;b&gt;")
@example("a\\")
@example("`code` | **bold**")
def test_escaped_text_is_read_as_it_was_written(text: str) -> None:
    page = rendered(f"{markup.escape(text)}\n")
    assert squeezed(text_of(page)) == squeezed(clean(text).strip()[: markup.MAX_TEXT])


@given(TEXT, TEXT)
def test_a_cell_stays_a_cell(one: str, two: str) -> None:
    page = rendered(markup.table(("A", "B"), [(markup.escape(one), markup.code(two))]))
    assert page.count("<td") == 2
    assert page.count("<tr>") == 2


@given(TEXT)
@example("``")
@example("`a`b``")
@example(" x ")
def test_code_is_read_as_it_was_written(text: str) -> None:
    page = rendered(f"a {markup.code(text).replace(chr(92) + '|', '|')} b")
    shown = clean(text).strip()
    found = re.search(r"<code>(.*?)</code>", page, re.DOTALL)
    assert (html.unescape(found[1]).strip() if found else "") == shown


def test_nobody_is_called_and_nothing_is_linked() -> None:
    shown = markup.escape("@octocat closes #12, see https://example.org and www.example.org")
    assert "@octocat" not in shown
    assert "#12" not in shown
    assert "https:" not in shown
    assert "www.example" not in shown


def test_long_text_is_cut() -> None:
    assert len(markup.escape("x" * 1000)) == markup.MAX_TEXT
    assert markup.escape("x" * 1000).endswith("…")


@given(st.lists(st.text(max_size=60), max_size=40), st.integers(200, 900))
def test_a_comment_is_never_too_long_and_nothing_is_dropped_in_silence(
    blocks: list[str], limit: int
) -> None:
    page = markup.fit("head\n", blocks, "jobs", limit)
    assert len(page) <= limit
    if "more jobs" in page:
        hidden = int(page.rpartition("_+")[2].split()[0])
        assert 0 < hidden <= len(blocks)
        assert "\n".join(["head\n", *blocks[: len(blocks) - hidden]]) in page
    else:
        assert page == "\n".join(["head\n", *blocks])


@given(TEXT)
@example("</summary><script>alert(1)</script>")
@example("@everyone #1 &lt;")
def test_a_summary_is_text_and_calls_nobody(text: str) -> None:
    shown = markup.html(text)
    assert not re.search(r"[<>]", shown)
    read = html.unescape(shown)
    assert squeezed(read.replace("\u200b", "")) == squeezed(clean(text).strip()[: markup.MAX_TEXT])
    assert not re.search("[@#](?!\u200b)", read)
