"""No text is too strange: whatever stands in a template, the lint says what it can and goes on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.lint import Linter, balance, clients, markup
from runner.lint.message import shouts, width
from runner.lint.sources import Sources, SourceText
from runner.model.campaign import Campaign, Content, ListUse, Place, Scheduled, Step
from runner.model.contacts import Audience
from runner.model.keys import KeyColumn
from runner.model.message import Rendered
from runner.model.settings import Mailbox, Settings
from runner.model.template import TemplateFile
from runner.model.workspace import Workspace

FRAGMENTS = st.sampled_from(
    [
        "<a href='", "<a href=\"http://x\">", "</a>", "<img src=", "<img alt>", "<table><tr><td>",
        "</table>", "<![if mso]>", "<![CDATA[", "<!--[if mso]>", "<!--", "-->", "<![endif]-->",
        "<style>", "</style>", "a{position:absolute}", "@media x{", "}", "{", ";", "<script>",
        "</script>", "<?php", "<!", "<!DOCTYPE", "&#0;", "&#x110000;", "&lt", "<a href='http://[x'>",
        "{% if x %}", "{% else %}", "{% endif %}", "{% include 'p.html' %}", "{{", "}}", "{#", "#}",
        "{% include 'self.html' %}", "<x-y z=1>", "style=\"", "\x00", "\ud7ff", "é", "\x01", "'",
        "<a href='javascript:'>", "<a href='#'>", "<html lang>", "</p>", "<p", ">", "<", "/>",
    ]
)  # fmt: skip
HTML = st.lists(FRAGMENTS | st.text(max_size=8), max_size=30).map("".join)


class Nowhere:
    """``ports.Texts`` without any file."""

    def read_text(self, path: str) -> str | None:
        return None


class Fixed:
    """A composer whose every message is the same."""

    digest = ""
    uses = frozenset({"firstName"})

    def __init__(self, rendered: Rendered) -> None:
        self.rendered = rendered

    def render(self, contact: Mapping[str, str], key: bytes) -> Rendered:
        return self.rendered


def lint(html: str, subject: str = "Hello", text: str = "Words", source: str | None = None):
    source = html if source is None else source
    template = TemplateFile(
        "t", "html", source, 1, text=text, place=Place("campaigns/templates/t.html", 1, 1)
    )
    campaign = Campaign(
        id="c",
        name="C",
        audience=ListUse("l"),
        steps=(Step("main", Content(template="t")),),
        schedule=Scheduled(datetime(2026, 3, 2, 9), "Europe/Berlin"),
        sender=Mailbox("hello@example.org"),
        place=Place("campaigns/c.yaml", 1, 1),
    )
    workspace = Workspace(
        Settings(campaign.sender, postal_address="Main Street"),
        {"c": campaign},
        {},
        {"t": template},
        {"t.html": source, "self.html": source, "p.html": "<td>"},
    )
    audience = Audience(
        "l",
        ["a@example.org"],
        KeyColumn(bytes(8)),
        {"email": ["a@example.org"], "timezone": ["Europe/Rome"], "firstName": ["Ann"]},
        [2],
    )
    rendered = Rendered(subject, "", html, text, {"List-Unsubscribe": "<https://example.org/u>"})
    linter = Linter(workspace, Nowhere(), lambda audience, fields: [("plain", 0)])
    draft = (campaign, campaign.steps[0], audience, Fixed(rendered))
    return linter.lint([draft])  # type: ignore[list-item]  # the composer renders, and no more


@given(HTML, st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_html_is_too_strange(html: str, subject: str, text: str) -> None:
    for problem in lint(html, subject, text):
        assert problem.path
        assert problem.message


@given(HTML)
@settings(max_examples=150, deadline=None)
def test_the_places_are_in_the_source(html: str) -> None:
    lines = html.split("\n")
    for problem in lint(html):
        if problem.path == "campaigns/templates/t.html":
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= max(len(lines[problem.line - 1]) + 1, 1)


@given(HTML)
def test_the_page_holds_every_word_in_order(html: str) -> None:
    page = markup.read(html)
    assert all(word.strip() for word in page.words)
    assert page.text.split() == page.words


@given(st.text(max_size=80))
def test_style_sheets_never_fail(css: str) -> None:
    known = clients.known("css")
    assert set(clients.features_of_sheet(css)) <= set(known)
    assert set(clients.features_of_style(css)) <= set(known)


@given(st.text(max_size=60))
def test_shouting_and_width(text: str) -> None:
    assert width(text) <= 2 * len(text)
    assert not shouts(text.lower().replace("!", "").translate(str.maketrans("", "", "?$€£")))


TREES = st.recursive(
    st.sampled_from(["word", "<br>", "<img src='x'>", "{{ a }}", "{# <b> #}", "<!-- <b> -->"]),
    lambda inner: (
        st.tuples(
            st.sampled_from(["div", "table", "span", "b", "x-y"]), st.lists(inner, max_size=3)
        ).map(lambda pair: f"<{pair[0]} class='a>b'>{''.join(pair[1])}</{pair[0]}>")
        | st.lists(inner, max_size=2).map(
            lambda parts: "{% if a %}" + "".join(parts) + "{% else %}<div>{% endif %}"
        )
    ),
    max_leaves=12,
)


@given(TREES)
def test_what_is_nested_well_is_balanced(html: str) -> None:
    assert list(balance.unbalanced([SourceText("t", html)], {})) == []


@given(TREES, st.data())
def test_a_tag_too_many_is_found(html: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([0, len(html)]))
    faults = list(balance.unbalanced([SourceText("t", f"{html[:place]}<em>{html[place:]}")], {}))
    assert [what for _, what in faults] == ["<em> is not closed"]


@given(st.text(max_size=30), st.text(alphabet="abc", min_size=1, max_size=5), st.text(max_size=30))
def test_a_word_is_found_where_it_is(before: str, word: str, after: str) -> None:
    text = f"{before} {word} {after}"
    place = Sources([SourceText("t", text)], (), Place()).word(word)
    assert place is not None
    line = text.split("\n")[place.line - 1]
    assert line[place.column - 1 :].startswith(word)


NONSENSE = [
    "<",
    "<a ",
    '<a "',
    '<a href="',
    "{{",
    "{% if x %}",
    "<!--",
    "<td>",
    "'",
    "<style>",
    "a-",
]


@pytest.mark.parametrize("piece", NONSENSE)
def test_long_nonsense_does_not_take_long(piece: str) -> None:
    """Not timed: a search that begins anew at every piece would take minutes."""
    source = piece * (60_000 // len(piece))
    assert lint("<p>Hello</p>", source=source)
