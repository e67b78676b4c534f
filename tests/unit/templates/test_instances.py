"""A shape that passes for an instance of a proven one would have been proven itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import InputError
from runner.templates.compiled import Compiled
from runner.templates.instances import Instances
from runner.templates.shapes import Shape, shape_of

from .drawn import PARTIALS, VARIABLES, sources
from .workshop import audience, composer

CONTACT = {"firstName": "Ann", "city": "Rome", "points": "7", "tags": "a, b"}
TEXTS = st.sampled_from(
    ["Bros & Brews", "Other", "", " a  b ", "<b>x</b>", "https://x.example/?a=1&b=2", "12", "p",
     "\x07", "\u2028", "color: red", "'", "\u202e", "&nbsp;", "--", "px", "text"]
)  # fmt: skip
PIECES = st.sampled_from(
    [
        "{{ event }}", "a{{ event }}b", "<p title='{{ event }}'>{{ firstName }}</p>",
        "<a href='{{ event }}'>{{ event }}</a>", "<a href='{{ city }}'>{{ event }}</a>",
        "<a href=\"https://x.example/{{ event }}?c={{ city }}\">go</a>", "{{ city }} {{ event }}",
        "<pre>{{ event }}{{ firstName }}</pre>", "<!-- {{ event }} {{ city }} -->", "{{ place }}",
        "<b style='{{ event }}'>{{ city }}</b>", "<style>p { {{ event }} }</style>",
        "<div title={{ city }}>{{ event }}</div>",
        "<td width={{ event }}>{{ city }}</td>", "{{ event|safe }}", "<p>{{ days[0] }} </p>",
        "<{{ event }}>{{ city }}", "{{ event|upper }}", "{% if event %}{{ firstName }}{% endif %}",
    ]
)  # fmt: skip
MANY = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def compiled(html: str, own: dict[str, Any], text: str | None = None) -> Compiled:
    made = composer(
        f"<html><head></head><body>{html}<i>{{{{ firstName }}}}</i></body></html>",
        preheader="{{ event }} in {{ city }}",
        text=text,
        variables={**VARIABLES, **own},
        partials=PARTIALS,
    )
    return made.compiled(frozenset(audience([CONTACT]).fields))


def passed(instances: Instances, content: Compiled, inject: bool) -> tuple[Shape | None, bool]:
    """What a proof gives for a contact's message, and whether it passes without."""
    skeleton, _ = content.trace(content.scope(CONTACT, "0" * 16, "https://example.org/"))
    instance = instances.of(content.constants)
    found: list[tuple[Shape, bool]] = []

    def known(shape: Shape) -> bool:
        found.append((shape, instance.holds(shape, skeleton, "html", inject)))
        return False

    proven = shape_of(skeleton, "html", inject, known)
    if not found or not found[0][1]:
        return proven, False
    assert found[0][0] == proven
    return proven, True


@given(
    st.one_of(sources(html=True), st.lists(PIECES, min_size=1, max_size=4).map("".join)),
    st.lists(st.tuples(TEXTS, TEXTS, st.booleans()), min_size=4, max_size=6),
    st.booleans(),
)
@MANY
def test_what_passes_would_be_proven(
    html: str, own: list[tuple[str, str, bool]], inject: bool
) -> None:
    """Whatever campaigns of the template came before."""
    instances = Instances()
    for event, place, loud in own:
        try:
            content = compiled(html, {"event": event, "place": place, "loud": loud})
            passed(instances, content, inject)
        except InputError:
            continue


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>{{ event }} in {{ city }}</p>", [False, False, True, True]),
        ("<a href='https://x.example/{{ event }}'>{{ city }}</a>", [False, False, True, True]),
        ("<a href='{{ event }}'>{{ event }}</a>", [False, False, False, False]),
        ("<div title={{ event }}>{{ city }}</div>", [False, False, False, False]),
        ("<b>{{ event|upper }}</b>{{ city }}", [False, False, False, False]),
    ],
)
def test_the_third_campaign_of_a_template_is_an_instance(html: str, expected: list[bool]) -> None:
    """Alone, seen, proven; not where a text of a variable is no value that can be put in."""
    instances = Instances()
    found = [
        passed(instances, compiled(html, {"event": event}), True)[1]
        for event in ("Spring 1", "Summer 22", "Autumn 333", "Winter 4")
    ]
    assert found == expected
