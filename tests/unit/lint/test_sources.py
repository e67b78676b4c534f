"""Places: the tag that was meant, the word that stands alone, the part that is reached."""

from __future__ import annotations

import pytest

from runner.lint.balance import unbalanced
from runner.lint.sources import Sources, SourceText, reachable
from runner.lint.spans import COMMENT, JINJA, blanked
from runner.model.campaign import Place


def sources(text: str) -> Sources:
    return Sources([SourceText("t.html", text)], (), Place("t.html", 1, 1))


def column(place: Place | None) -> int:
    assert place is not None
    return place.column


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"src": "a.png", "alt": ""}, 1),
        ({"src": "b.png", "alt": "", "style": "color:red"}, 22),
        ({"src": "x/7.png", "alt": "Seven"}, 43),
        ({"src": "never"}, 1),
    ],
)
def test_the_tag_that_agrees_best(attributes: dict[str, str], expected: int) -> None:
    text = (
        "<img src='a.png' alt><img src='b.png' alt>"
        "<img src='x/{{ n }}.png' alt='{{ name }}'><!-- <img src='never'> -->"
    )
    assert column(sources(text).tag("img", attributes)) == expected


def test_no_tag_no_place() -> None:
    assert sources("<p>").tag("img", {}) is None
    assert sources("{# <img> #}<!-- <img> -->").tag("img", {}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("http://x.org/ab http://x.org/a", 17), ("&lt;a&amp;b", 1), ("<a&b", 1)],
)
def test_a_word_stands_alone(text: str, expected: int) -> None:
    word = "http://x.org/a" if "http" in text else "<a&b"
    assert column(sources(text).word(word)) == expected


def test_blanking_keeps_offsets() -> None:
    text = "a{# <b>\n #}c{{ d\n}}<!-- e -->f{% g"
    found = blanked(blanked(text, JINJA), COMMENT)
    assert len(found) == len(text)
    assert found.split() == ["a", "c", "f{%", "g"]
    assert [i for i, c in enumerate(found) if c == "\n"] == [
        i for i, c in enumerate(text) if c == "\n"
    ]


def test_what_is_reached() -> None:
    texts = {
        "base.html": "{% include 'foot.html' %}",
        "foot.html": "{%- from \"parts.html\" import x %}{% include 'foot.html' %}",
        "parts.html": "",
        "other.html": "",
    }
    partials = {name: SourceText(name, text) for name, text in texts.items()}
    first = SourceText("t.html", "{# {% include 'other.html' %} #}{% extends 'base.html' %}")
    found = [source.path for source in reachable(first, partials)]
    assert found == ["t.html", "base.html", "foot.html", "parts.html"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{% include 'top.html' %}<p>x</p>{% include 'end.html' %}", []),
        ("{% include 'top.html' %}<p>x</p>", ["<table> is not closed"]),
        ("<p>x</p>{% include 'end.html' %}", ["</table> closes nothing"]),
        ("{% if a %}<b>{% elif b %}<i>{% else %}<u>{% endif %}</b>", []),
        ("{% if a %}<b>{% endif %}x{% if a %}</b>{% endif %}", []),
        ("{% for a in b %}<b>{% else %}<i>{% endfor %}</b>", []),
        ("{{ '<b>' }}<!-- <b> --><style>b>i{}</style><br/><hr>", []),
        ("<ul><li>a<li>b</ul><p>c<p>d", []),
        ("<b><i>x</b></i>", ["<i> is not closed", "</i> closes nothing"]),
        ("<div><td>x</div>", ["<td> is not closed"]),
    ],
)
def test_balance(text: str, found: list[str]) -> None:
    partials = {
        "top.html": SourceText("p/top.html", "<table>"),
        "end.html": SourceText("p/end.html", "</table>"),
    }
    roots = reachable(SourceText("t.html", text), partials)
    assert [what for _, what in unbalanced(roots, partials)] == found


def test_many_faults_are_cut() -> None:
    assert len(list(unbalanced([SourceText("t.html", "<b>" * 500)], {}))) == 20


def test_sources_that_include_each_other_twice_come_to_an_end() -> None:
    names = [f"{n}.html" for n in range(40)]
    partials = {
        name: SourceText(name, f"<b>{{% include '{other}' %}}{{% include '{other}' %}}</b>")
        for name, other in zip(names, [*names[1:], names[0]], strict=True)
    }
    assert list(unbalanced([SourceText("t", "{% include '0.html' %}")], partials)) == []
