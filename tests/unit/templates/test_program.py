"""What is compiled gives what Jinja2 gives, byte for byte."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment

from runner.model.contacts import Audience
from runner.model.message import Composed
from runner.templates import ComposeError, StepComposer, TemplateRoom
from runner.templates.atoms import clean
from runner.templates.columns import Columns
from runner.templates.compiled import Compiled
from runner.templates.document import DocumentError, finish
from runner.templates.residue import Unproven
from runner.workspace import WorkspaceFiles, load

from .drawn import HOSTILE, PARTIALS, VARIABLES, people, sources, tame_people
from .workshop import audience, composer

DOCUMENT = "<!DOCTYPE html><html><head></head><body><div>Start</div>{}</body></html>"
THOROUGH = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much,
                                                             HealthCheck.too_slow]
)  # fmt: skip


def sandboxed(escaping: bool) -> ImmutableSandboxedEnvironment:
    """Jinja2's own sandbox, with the one filter that it lacks."""
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.DictLoader(PARTIALS),
        autoescape=escaping,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    if not escaping:  # in a text part |e is for nothing: there is nothing to escape for
        environment.filters["e"] = environment.filters["escape"] = str
    environment.filters["split"] = lambda text, by=",": (
        [part.strip() for part in str(text).split(by)] if str(text).strip() else []
    )
    return environment


def rendered(source: str, escaping: bool, contact: dict[str, str]) -> str | None:
    """What Jinja2 gives; None when it fails."""
    scope = {**VARIABLES, "variables": VARIABLES, **contact, "contact": contact}
    try:
        return sandboxed(escaping).from_string(source).render(scope)
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError):
        return None


def expected(html: str, text: str, contact: dict[str, str]) -> tuple[str, str] | None:
    """A contact's HTML and text; None when one of them cannot be made."""
    plain = rendered(text, False, contact)
    markup = rendered(DOCUMENT.format(html), True, {n: clean(v) for n, v in contact.items()})
    if plain is None or markup is None:
        return None
    try:
        return finish(markup, "html"), plain
    except DocumentError:
        return None


def composed(made: StepComposer, listed: Audience) -> Composed | int:
    """The messages; the first contact for whom there is none."""
    try:
        return made.compose(listed, range(len(listed)))
    except ComposeError as error:
        return error.index


@given(sources(html=True), sources(html=False), tame_people)
@THOROUGH
def test_messages_are_those_of_sandboxed_jinja2(
    html: str, text: str, contacts: list[dict[str, str]]
) -> None:
    """HTML and text of every contact are Jinja2's own; who has none there has none here."""
    made = composer(DOCUMENT.format(html), text=text, variables=VARIABLES, partials=PARTIALS)
    found = composed(made, audience(contacts))
    wanted = [expected(html, text, contact) for contact in contacts]
    if isinstance(found, int):
        assert wanted[found] is None
        return
    for index, want in enumerate(wanted):
        assert want is not None
        assert found.fill(found.parts.html, index) == want[0]
        assert clean(found.fill(found.parts.text, index)) == clean(want[1])


@given(sources(html=True), sources(html=False), people, st.booleans())
@THOROUGH
def test_messages_are_those_of_our_own_sandbox(
    html: str, preheader: str, contacts: list[dict[str, str]], blank: bool
) -> None:
    """Whatever the values: a compiled step gives what the sandbox gives contact by contact."""
    if blank:  # the first of a path is compared before anything is sent: a bad one to learn from
        contacts = [dict.fromkeys(contacts[0], ""), *contacts]
    subject = "To {% if city %}{{ city|urlencode }}{% else %}{{ points|length }}{% endif %}"
    body = DOCUMENT.format(html + "<h1>{{ subject }} {{ preheader }}</h1>")
    listed = audience(contacts)
    messages = []
    for slow in (None, Unproven("a test")):
        made = composer(
            body, subject=subject, preheader=preheader, variables=VARIABLES, partials=PARTIALS
        )
        made.compiled(frozenset(listed.fields)).slow = slow
        messages.append(composed(made, listed))
    one, other = messages
    if isinstance(one, int) or isinstance(other, int):
        assert one == other
        return
    for index in range(len(listed)):
        for part in ("subject", "html", "text"):
            mine, its = getattr(one.parts, part), getattr(other.parts, part)
            assert one.fill(mine, index) == other.fill(its, index)


@pytest.mark.parametrize(
    "used",
    [
        "{% if points %}{% set who = city %}{{ m() }}{% endif %}",
        "{% if not points %}{{ m() }}{% else %}{% set who = city %}{{ m() }}{% endif %}{{ m() }}",
        "{% if points %}{% set who = city %}{% block b %}{{ who }}{% endblock %}{% endif %}",
    ],
)
@pytest.mark.parametrize("first", ["", "friend"])
def test_a_macro_sees_what_was_set_anew_before_it_was_used(used: str, first: str) -> None:
    """Also where the first contact's mail looks the same either way."""
    html = "{% set who = 'friend' %}{% macro m() %}{{ who }}{% endmacro %}" + used
    contacts = [
        {"firstName": "", "city": first, "points": "1", "tags": ""},
        {"firstName": "", "city": "Rome", "points": "1", "tags": ""},
        {"firstName": "", "city": "Oslo", "points": "", "tags": ""},
    ]
    made = composer(DOCUMENT.format(html), text="x", variables=VARIABLES, partials=PARTIALS)
    found = composed(made, audience(contacts))
    assert not isinstance(found, int)
    for index, contact in enumerate(contacts):
        want = expected(html, "x", contact)
        assert want is not None
        assert found.fill(found.parts.html, index) == want[0]


SAMPLES = Path(__file__).parents[3]
SAMPLE_FIELDS = ("firstName", "region", "workout", "f3Name", "city", "lastName")


@pytest.mark.parametrize(
    "campaign", ["bros-and-brews-2025", "bros-and-brews-countdown", "weekly-digest"]
)
def test_the_sample_templates_are_compiled_and_the_same(campaign: str) -> None:
    """With hostile values they give what the sandbox gives, and nothing is left to it."""
    files = WorkspaceFiles(SAMPLES)
    workspace = load(files)
    sample = workspace.campaigns[campaign]
    columns = workspace.lists[sample.audience.names[0]].columns.fields
    names = [*columns, *SAMPLE_FIELDS]
    rows = [
        {name: HOSTILE[(row * 7 + column) % len(HOSTILE)] for column, name in enumerate(names)}
        for row in range(len(HOSTILE))
    ]
    listed = audience(rows)
    fields = frozenset(listed.fields)
    for step in sample.steps:
        made = TemplateRoom(workspace, files).composer(sample, step)
        compiled = made.compiled(fields)
        assert compiled.program is not None
        found = composed(made, listed)
        slow = Compiled(compiled.content, fields)
        slow.slow = Unproven("a test")
        made._compiled[fields] = slow
        wanted = composed(made, listed)
        assert isinstance(found, Composed)
        assert isinstance(wanted, Composed)
        for part in ("subject", "html", "text"):
            ours, theirs = getattr(found.parts, part), getattr(wanted.parts, part)
            assert list(found.every(ours, len(listed))) == list(wanted.every(theirs, len(listed)))


@pytest.mark.parametrize("loop", ["x in range(22)", "x in tags|list"])
def test_no_message_is_larger_than_the_sandbox_allows(loop: str) -> None:
    """A long value that stands at many places is refused, for the contact who has it."""
    made = composer(
        f"<p>{{% for {loop} %}}{{{{ city }}}}{{% endfor %}}</p>",
        text="x",
    )
    contacts = [{"city": "Rome", "tags": "t" * 22}, {"city": "x" * 99_000, "tags": "t" * 22}]
    listed = audience(contacts)
    with pytest.raises(ComposeError, match=r"in line 3 .* more than 2097152 characters"):
        made.compose(listed, [0, 1])
    assert made.compose(listed, [0])


def test_what_is_too_large_is_refused_before_it_is_made() -> None:
    """A hundred megabytes for each contact, and a batch has a thousand of them."""
    made = composer("{% for a in range(n|int) %}{{ big }}{% endfor %}", text="x")
    listed = audience([{"n": "2000", "big": ""}, *[{"n": "2000", "big": "x" * 50_000}] * 5])
    tracemalloc.start()
    try:
        with pytest.raises(ComposeError, match=r"in line 3 .* more than 2097152 characters"):
            made.compose(listed, range(6))
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()


def test_a_contact_that_takes_too_long_or_too_much_is_refused() -> None:
    """The budget counts in what is compiled, contact by contact."""
    made = composer(
        "{% for x in range(n|int) %}{% for y in range(n|int) %}.{% endfor %}{% endfor %}"
    )
    listed = audience([{"n": "3"}, {"n": "9000"}, {"n": "4"}])
    with pytest.raises(
        ComposeError, match=r"in line 3 .* (loops too often|takes too long|gives more)"
    ):
        made.compose(listed, [0, 1, 2])
    assert made.compiled(frozenset(listed.fields)).slow is None


COMPILED = [
    "{{ firstName|upper }} {{ city|default('x', true)|title }}",
    "{% if city == 'Rome' %}<p>a</p>{% elif points|int > 3 %}b{% else %}{{ tags }}{% endif %}",
    "{% for tag in tags|split if tag %}<li>{{ loop.index }} {{ tag }}</li>{% else %}-{% endfor %}",
    "{% for n in range(points|int) %}<p>{{ n }} {{ n + 1 }} {{ firstName|lower }}</p>{% endfor %}",
    "{% for show in shows if show.place == city %}<p>{{ show.name }}</p>{% endfor %}",
    "{% set x = city %}{% if points %}{% set x = firstName %}{% endif %}<p>{{ x }}</p>",
    "{% macro m(a) %}<b>{{ a }}</b>{% endmacro %}{{ m('k') }}{{ m(city) }}",
    "{% import 'layouts/lib.html' as lib %}{{ lib.row('k', city) }}",
    "{% set b %}<i>{{ city }}</i>{% endset %}{{ b }}{{ b }}",
    "<title>{{ subject }}</title>",
]


@pytest.mark.parametrize("source", COMPILED)
def test_what_people_write_is_compiled(source: str) -> None:
    """Nothing of it is left to the sandbox."""
    made = composer(
        DOCUMENT.format(source),
        subject="For {% if city %}{{ city }}{% endif %}",
        variables=VARIABLES,
        partials=PARTIALS,
    )
    contacts = [
        {"firstName": "Ann", "city": city, "points": points, "tags": tags}
        for city in ("Rome", "")
        for points in ("2", "")
        for tags in ("", "a,b, c")
    ]
    listed = audience(contacts)
    made.compose(listed, range(len(listed)))
    compiled = made.compiled(frozenset(listed.fields))
    assert compiled.slow is None
    assert compiled.program is not None
    batch = Columns(listed, range(len(listed)), made._leaving)
    assert None not in compiled.program.rows(batch)


@pytest.mark.parametrize(
    "source",
    [
        "{% if contact[contact|last] == 'x' %}A{% else %}B{% endif %}",
        "{% for name, value in contact|items if value in ('x', 'y') %}{{ value }}{% endfor %}",
    ],
)
def test_the_fields_of_a_contact_come_in_one_order(source: str) -> None:
    """Also where the list has its columns in another, and the first contacts do not show it."""
    people = [{"zip": "x", "age": "x"}, {"zip": "x", "age": "y"}, {"zip": "y", "age": "x"}]
    listed = audience(people)
    texts = []
    for slow in (None, Unproven("a test")):
        made = composer(DOCUMENT.format("-"), text=source)
        made.compiled(frozenset(listed.fields)).slow = slow
        found = made.compose(listed, range(len(listed)))
        texts.append([found.fill(found.parts.text, index) for index in range(len(listed))])
    assert texts[0] == texts[1]


@pytest.mark.parametrize("name", ["upper", "lower", "string", "float"])
def test_a_test_is_not_taken_for_the_filter_of_its_name(name: str) -> None:
    """Whoever comes first: each contact gets what the sandbox gives."""
    people = [{"city": city} for city in ("NYC", "Rome", "nyc", "", "3.5")]
    source = f"{{% if city is {name} %}}<p>A {{{{ city }}}}</p>{{% else %}}<p>B</p>{{% endif %}}"
    for listed in (audience(people), audience(people[::-1])):
        texts = []
        for slow in (None, Unproven("a test")):
            made = composer(DOCUMENT.format("-"), text=source)
            made.compiled(frozenset(listed.fields)).slow = slow
            found = made.compose(listed, range(len(listed)))
            texts.append([found.fill(found.parts.text, index) for index in range(len(listed))])
        assert texts[0] == texts[1]
