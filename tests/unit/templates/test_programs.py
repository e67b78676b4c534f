"""Campaigns that send one template with variables of their own share what may be shared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.model.contacts import Audience
from runner.model.message import Composed
from runner.templates import ComposeError, StepComposer
from runner.templates.residue import Unproven

from .drawn import PARTIALS, VARIABLES, people, sources
from .workshop import audience, composer

DOCUMENT = (
    "<html><head></head><body><div>Start</div>{}"
    "<h1>{{{{ subject }}}} {{{{ preheader }}}}</h1></body></html>"
)
OTHERS = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["Bros & Brews", "Other", "", "a  b", "<b>x</b>"]),
        "days": st.sampled_from([["Mon"], [], ["Sat", "Tue <3", "x"]]),
        "loud": st.booleans(),
        "quiet": st.booleans(),
        "limit": st.integers(0, 4),
    }
)
FIELDS = frozenset({"email", "timezone", "city"})


def composed(made: StepComposer, listed: Audience) -> Composed | int:
    """The messages; the first contact for whom there is none."""
    try:
        return made.compose(listed, range(len(listed)))
    except ComposeError as error:
        return error.index


@given(sources(html=True), sources(html=False), people, st.lists(OTHERS, min_size=1, max_size=3))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
def test_a_shared_program_gives_what_the_sandbox_gives(
    html: str, preheader: str, contacts: list[dict[str, str]], others: list[dict[str, Any]]
) -> None:
    """Whichever campaign came before: its variables are not in another's messages."""
    listed = audience(contacts)
    for own in others:
        messages = []
        for slow in (None, Unproven("a test")):
            made = composer(
                DOCUMENT.format(html),
                subject="To {{ event }}{% if loud %}{{ city|urlencode }}{% endif %}",
                preheader=preheader,
                variables={**VARIABLES, **own},
                partials=PARTIALS,
            )
            compiled = made.compiled(frozenset(listed.fields))
            compiled.slow = compiled.slow or slow
            messages.append(composed(made, listed))
            compiled.slow = None
        one, other = messages
        if isinstance(one, int) or isinstance(other, int):
            assert one == other
            continue
        for index in range(len(listed)):
            for part in ("subject", "html", "text"):
                mine, its = getattr(one.parts, part), getattr(other.parts, part)
                assert one.fill(mine, index) == other.fill(its, index)


@pytest.mark.parametrize(
    ("body", "shared"),
    [
        ("{{ event }} in {{ variables.event|upper }} for {{ city }}", True),
        ("{% for day in days %}{{ event }}{% endfor %}{{ city }}", True),
        ("{% if event == 'One' %}{{ city }}{% endif %}", False),
        ("{% set x = event %}{{ city }}{{ x }}", False),
        ("{{ city|default(event, true) }}", False),
        ("{{ city }}{{ subject }}", False),
        ("{% include 'part.html' %}", False),
    ],
)
def test_campaigns_share_a_program_that_does_not_depend_on_their_values(
    body: str, shared: bool
) -> None:
    """What is only printed is no reason to fold a template again; all else is."""
    partials = {"part.html": "{% if event == 'One' %}{{ city }}{% endif %}"}
    one, other = (
        composer(
            body, variables={"event": event, "days": ["x"]}, subject="{{ event }}",
            partials=partials,
        ).compiled(FIELDS).program
        for event in ("One", "Two")
    )  # fmt: skip
    assert one is not None
    assert (one is other) == shared
