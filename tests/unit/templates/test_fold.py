"""Filling compiled content gives what rendering everything for each contact gives."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup, escape

from runner.model.contacts import Audience
from runner.templates import StepComposer
from runner.templates.atoms import clean, unwrapped, wrapped
from runner.templates.document import finish
from runner.templates.plain import to_text

from .workshop import audience, composer

VARIABLES = {"event": "Bros & Brews", "days": ["Mon", "Tue <3"], "loud": True}

PIECES = [
    "<p>Hi {{ firstName }},</p>",
    "{{ firstName }}{{ city }} {{ firstName }}",
    '<a class="x" href="https://example.org/?n={{ city }}&amp;e={{ event }}">{{ city }}</a>',
    "<img alt='{{ firstName }}' src=x>",
    "<p>{{ event }}</p>",
    "{% if city %}<p class='x'>In {{ city }}</p>{% else %}Nowhere{% endif %}",
    "{% if loud %}<b>{{ firstName }}</b>{% endif %}",
    "<ul>{% for day in days %}<li>{{ day }} {{ firstName }}</li>{% endfor %}</ul>",
    "<table>{% if firstName == city %}<tr><td>same</td></tr>{% endif %}<tr><td>{{ city }}</table>",
    "<table>{{ city }}<tr><td>moved</td></tr></table>",
    "<pre>{{ firstName }}\n  {{ city }}</pre>",
    "<!-- {{ firstName }} --><!--[if mso]><i title='{{ city }}'></i><![endif]-->",
    "{% macro b(t) %}<u class='x'>{{ t }}</u>{% endmacro %}{{ b(firstName) }}{{ b(event) }}",
    "{% set who = firstName %}<i>{{ who }}</i>",
    "{% set box %}<i>{{ firstName }}</i>{% endset %}{{ box }}",
    "<span style='color:{{ city }}'>s</span>",
    "<textarea>{{ firstName }}</textarea>",
    "<p>   lots\n of {{ city }}   space </p>",
]
FILTERED = [
    "{{ firstName|upper }} {{ city|default('town', true) }}",
    "{% filter upper %}<em>{{ firstName }}</em>{% endfilter %}",
    "{% set box %}{{ firstName }}{% endset %}{{ box|length }}",
    "{{ (firstName ~ city)|title }} {{ firstName|length }}",
    "{{ firstName|e }}",
    "<a href={{ city }}>unquoted</a>",
    "<style>.{{ city }} { color: red }</style>",
]
STYLE = "<style>.x { color: red } p { margin: 0 } p:first-child { color: blue }</style>"

awkward = ["", "Ann", "O'Neil", "<b>&amp;</b>", "a  b", "\u202eשלום", "{{ 7*7 }}", "0"]
wild = st.one_of(st.sampled_from([*awkward, " x ", "\n", "\u00a0"]), st.text(max_size=12))
# HTML drops or moves white space in some places, so only there do values count as words.
tame = wild.filter(lambda value: value == value.strip())


def people_with(values: st.SearchStrategy[str]) -> st.SearchStrategy[list[dict[str, str]]]:
    person = st.fixed_dictionaries({"firstName": values, "city": values})
    return st.lists(person, min_size=1, max_size=4)


def is_straight(made: StepComposer, listed: Audience) -> bool:
    program = made.compiled(frozenset(listed.fields)).program
    return program is not None and program.straight


def reference(body: str, contact: dict[str, str]) -> str:
    """The whole message for one contact, by Jinja2 itself."""
    environment = jinja2.Environment(autoescape=True, keep_trailing_newline=True)
    safe = {name: clean(value) for name, value in contact.items()}
    return finish(environment.from_string(body).render({**VARIABLES, **safe}), "html")


def marked_reference(body: str, contact: dict[str, str]) -> str:
    """The same from values that are marked as words that are not to be touched."""
    environment = jinja2.Environment(autoescape=True)
    marked = {n: Markup(wrapped(str(escape(clean(v))))) for n, v in contact.items()}  # noqa: S704
    truth = {"same": contact["firstName"] == contact["city"], "some": bool(contact["city"])}
    source = body.replace("firstName == city", "same").replace("if city", "if some")
    html = environment.from_string(source).render({**VARIABLES, **marked, **truth})
    return finish(html, "html")


@given(st.lists(st.sampled_from(PIECES + FILTERED), min_size=1, max_size=5), people_with(tame))
@settings(max_examples=100, deadline=None)
def test_html_is_what_rendering_for_each_contact_gives(
    pieces: list[str], people: list[dict[str, str]]
) -> None:
    body = f"<html><head>{STYLE}</head><body><div>Start</div>{''.join(pieces)}</body></html>"
    listed = audience(people)
    composed = composer(body, variables=VARIABLES).compose(listed, range(len(people)))
    for index, contact in enumerate(people):
        assert composed.fill(composed.parts.html, index) == reference(body, contact)


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5), people_with(wild))
@settings(max_examples=80, deadline=None)
def test_html_and_text_keep_values_whatever_they_are(
    pieces: list[str], people: list[dict[str, str]]
) -> None:
    body = f"<html><head>{STYLE}</head><body><div>Start</div>{''.join(pieces)}</body></html>"
    made = composer(body, variables=VARIABLES)
    listed = audience(people)
    composed = made.compose(listed, range(len(people)))
    compiled = made.compiled(frozenset(listed.fields))
    if not compiled._parts["html"].foldable:
        return  # the text then comes from the finished HTML of each contact, without marks
    for index, contact in enumerate(people):
        html = marked_reference(body, contact)
        assert composed.fill(composed.parts.html, index) == unwrapped(html)
        assert composed.fill(composed.parts.text, index) == unwrapped(to_text(html))


@given(st.lists(st.sampled_from(PIECES + FILTERED), min_size=1, max_size=4), people_with(wild))
@settings(max_examples=60, deadline=None)
def test_a_preview_is_what_is_sent(pieces: list[str], people: list[dict[str, str]]) -> None:
    made = composer("".join(pieces), variables=VARIABLES, subject="For {{ city|length }}")
    listed = audience(people)
    composed = made.compose(listed, range(len(people)))
    for index in range(len(people)):
        shown = made.render(listed.contact(index), listed.keys[index])
        assert shown.subject == composed.fill(composed.parts.subject, index)
        assert shown.html == composed.fill(composed.parts.html, index)
        assert shown.text == composed.fill(composed.parts.text, index)


@pytest.mark.parametrize("piece", [PIECES[0], PIECES[1], PIECES[2], PIECES[4], PIECES[6]])
def test_simple_pieces_are_evaluated_without_rendering(piece: str) -> None:
    made = composer(piece, variables=VARIABLES)
    listed = audience([{"firstName": "Ann", "city": "Rome"}, {"firstName": "Bo", "city": ""}])
    composed = made.compose(listed, [0, 1])
    assert is_straight(made, listed)
    assert all(len(value) < 60 for column in composed.values for value in column)


def test_branches_become_small_holes() -> None:
    body = (
        "<p>First</p>{% if city %}<p>In {{ city }}</p>{% endif %}<div>"
        + "Much in between. " * 9
        + "</div>{% if firstName %}<b>{{ firstName }}</b>{% endif %}<p>Last</p>"
    )
    people = [{"firstName": f, "city": c} for f in ("", "Ann") for c in ("", "Rome")]
    composed = composer(body).compose(audience(people), range(4))
    assert max(len(value) for column in composed.values for value in column) < 40
    assert "<p>In Rome</p>" in composed.fill(composed.parts.html, 3)
    assert composed.fill(composed.parts.html, 0).count("<p>") == 2


def test_mjml_is_folded_and_values_survive_it() -> None:
    body = (
        "<mjml><mj-head><mj-title>{{ subject }}</mj-title></mj-head><mj-body><mj-section>"
        "<mj-column><mj-text>Hi {{ firstName }}</mj-text>"
        '<mj-image src="https://example.org/a.png" alt="\u00a0{{ firstName }}"/>'
        '<mj-button href="https://example.org/?c={{ city|urlencode }}">Go</mj-button>'
        "</mj-column></mj-section></mj-body></mjml>"
    )
    name = "A\u00a0\\n👨\u200d👩 \"&'<"
    made = composer(body, kind="mjml", subject="Hi {{ firstName }}")
    listed = audience([{"firstName": name, "city": "São Paulo"}, {"firstName": "", "city": ""}])
    composed = made.compose(listed, [0, 1])
    assert is_straight(made, listed)
    html = composed.fill(composed.parts.html, 0)
    assert "Hi A&nbsp;\\n👨\u200d👩 \"&amp;'&lt;</div>" in html
    assert 'alt="&nbsp;A&nbsp;\\n👨\u200d👩 &quot;&amp;\'<"' in html
    assert "?c=S%C3%A3o%20Paulo" in html
    assert f"Hi {name}" in composed.fill(composed.parts.text, 0)


def test_values_that_look_like_tags_stay_values() -> None:
    made = composer("<p>{{ firstName }} {{ city }}</p>")
    listed = audience([{"firstName": "\ufdd01\ufdd1", "city": "\ufdd00\ufdd1"}])
    composed = made.compose(listed, [0])
    assert "\ufffd1\ufffd \ufffd0\ufffd" in composed.fill(composed.parts.html, 0)


def test_every_kind_of_hole_is_evaluated_alone() -> None:
    body = (
        "<title>{{ subject }} {{ subject|upper }}</title><p>{{ contact.city }} "
        "{{ contact['city'] ~ event }} {{ city|default('x') }} {{ city|d('none', true) }} "
        "{{ 'yes' if contact.city == 'Rome' else 'no' }} {{ token|first }} {{ shoe|d('-') }} "
        "{{ unsubscribe_url|length }} {{ preheader }}</p>"
    )
    made = composer(body, variables=VARIABLES, subject="To {{ city }}", preheader="Pre {{ city }}")
    listed = audience([{"city": "Rome"}, {"city": "Köln & <b>"}, {"city": ""}])
    composed = made.compose(listed, [0, 1, 2])
    assert is_straight(made, listed)
    html = composed.fill(composed.parts.html, 1)
    assert "<title>To Köln &amp; &lt;b&gt; TO KÖLN &amp; &lt;B&gt;</title>" in html
    assert (
        "<p>Köln &amp; &lt;b&gt; Köln &amp; &lt;b&gt;Bros &amp; Brews Köln &amp; &lt;b&gt; "
        "Köln &amp; &lt;b&gt; no 0 - 40 Pre Köln &amp; &lt;b&gt;</p>"
    ) in html
    assert "  Bros" not in composed.fill(composed.parts.html, 0)
    assert " none no 0" in composed.fill(composed.parts.html, 2)
    for index in range(3):
        shown = made.render(listed.contact(index), listed.keys[index])
        assert shown.html == composed.fill(composed.parts.html, index)
        assert shown.text == composed.fill(composed.parts.text, index)
