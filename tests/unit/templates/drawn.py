"""Draws templates from a grammar: what people could write, with everything the language has."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

VARIABLES = {
    "event": "Bros & Brews",
    "days": ["Mon", "Tue <3", "Wed"],
    "shows": [
        {"name": "First", "place": "Rome", "price": 3},
        {"name": "Second & last", "place": "Köln", "price": 12},
        {"name": "Third", "place": "Rome", "price": 0},
    ],
    "loud": True,
    "quiet": False,
    "limit": 2,
}
PARTIALS = {
    "layouts/lib.html": (
        "{% macro row(label, value='none') %}<i>{{ label }}: {{ value }}</i>{% endmacro %}"
        "{% macro box(name) %}<b>{{ name }}{% if caller is defined %}{{ caller() }}{% endif %}</b>"
        "{% endmacro %}"
    ),
    "layouts/foot.html": "<p>For {{ firstName }}{% if city %} of {{ city }}{% endif %}</p>",
}
NAMES = ["firstName", "city", "points", "tags", "contact.city", "contact['firstName']"]
LITERALS = ["'x'", "'Rome'", "event", "'a b'", "variables.event", "days[0]", "shows[1].name"]
FILTERS = [
    "upper", "lower", "title", "capitalize", "trim", "default('none', true)", "d('nobody')",
    "replace('a', 'b')", "truncate(9)", "truncate(6, true, '..')", "urlencode", "striptags", "e",
    "string", "center(9)", "wordwrap(5)", "indent(2)", "escape", "reverse", "first", "last",
    "length", "wordcount", "int", "split(' ')|join('-')", "split|length", "split|sort|join",
    "split('a')|map('upper')|join('+')", "split|unique|first|default('one', true)", "list|length",
    "split(' ')|reject('equalto', 'b')|join", "float|round(1)", "int|abs",
]  # fmt: skip
TESTS = [
    "{} == 'Rome'", "{} != {}", "{} in {}", "{} is defined", "{}", "not {}", "{}|length > 3",
    "{}|int is even", "{}|int >= limit", "{} and {}", "{} or {}", "nobody is defined",
    "{} is string", "{} < {}", "({} or quiet) and loud", "{} not in ['Rome', 'x']",
    "points|int % 3 == 1", "{} is equalto 'Ann'", "{} is lower",
]  # fmt: skip
NUMBERS = [
    "points|int", "points|int + 1", "points|int * 2 - 3", "(points|int + 7) % 4", "limit ** 3",
    "points|int // 2", "-(points|int)", "points|int / 4", "tags|length",
]  # fmt: skip


def atoms(extra: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    return st.sampled_from([*NAMES, *NAMES, *LITERALS, *extra])


def filtered(extra: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    return st.builds("{}|{}".format, atoms(extra), st.sampled_from(FILTERS))


@st.composite
def conditions(draw: st.DrawFn, extra: tuple[str, ...] = ()) -> str:
    form = draw(st.sampled_from(TESTS))
    return form.format(*(draw(atoms(extra)) for _ in range(form.count("{}"))))


@st.composite
def expressions(draw: st.DrawFn, extra: tuple[str, ...] = ()) -> str:
    kind = draw(st.integers(0, 8))
    if kind < 3:
        return draw(atoms(extra))
    if kind < 5:
        return draw(filtered(extra))
    if kind == 5:
        return f"({draw(atoms(extra))} ~ {draw(atoms(extra))})|{draw(st.sampled_from(FILTERS))}"
    if kind == 6:
        return f"{draw(atoms(extra))} if {draw(conditions(extra))} else {draw(filtered(extra))}"
    if kind == 7:
        return f"'<{{}}>' ~ {draw(atoms(extra))}[{draw(st.sampled_from(['0', ':2', '1:', '-1']))}]"
    return draw(st.sampled_from(NUMBERS))


@st.composite
def outputs(draw: st.DrawFn, html: bool, extra: tuple[str, ...]) -> str:
    open_, close = draw(st.sampled_from([("{{", "}}"), ("{{-", "}}"), ("{{", "-}}")]))
    printed = f"{open_} {draw(expressions(extra))} {close}"
    if not html:
        return draw(st.sampled_from(["a {} b", "{}", "100% {}\n", "{{# nothing #}}{}"])).format(
            printed
        )
    form = draw(
        st.sampled_from(
            ["<p>a {} b</p>", '<a href="https://e.example/?q={}">x</a>', "<p>{}</p>", "<b>{}</b>"]
        )
    )
    return form.format(printed)


@dataclass(frozen=True)
class Place:
    """Where a statement is drawn: in HTML or not, how deep, with which names of loops and sets."""

    html: bool
    depth: int = 3
    names: tuple[str, ...] = ()

    @property
    def plain(self) -> str:
        return "<em>text &amp; more</em>" if self.html else "text & more, 5% off\n"

    def inner(self, *names: str) -> st.SearchStrategy[str]:
        """Statements one level deeper, that may read more names."""
        below = Place(self.html, self.depth - 1, (*self.names, *names))
        return st.lists(statements(below), min_size=1, max_size=2).map("".join)


def statements(place: Place) -> st.SearchStrategy[str]:
    """One statement with what is inside it."""
    simple = [st.just(place.plain), *[outputs(place.html, place.names)] * 4]
    if place.depth == 0:
        return st.one_of(simple)
    kinds = (choices, choices, loops, contact_loops, bindings, captures, macros, closures)
    return st.one_of(*simple, *(kind(place) for kind in kinds), borrowed(place))


@st.composite
def choices(draw: st.DrawFn, place: Place) -> str:
    begin, end = draw(st.sampled_from([("{%", "%}"), ("{%-", "%}"), ("{%", "-%}")]))
    text = f"{begin} if {draw(conditions(place.names))} {end}{draw(place.inner())}"
    if draw(st.booleans()):
        text += f"{{% elif {draw(conditions(place.names))} %}}{draw(place.inner())}"
    if draw(st.booleans()):
        text += f"{{% else %}}{draw(place.inner())}"
    return text + f"{begin} endif {end}"


@st.composite
def loops(draw: st.DrawFn, place: Place) -> str:
    """Over a campaign's data, perhaps chosen by a contact."""
    over = draw(st.sampled_from(["day in days", "show in shows", "number in range(limit)"]))
    found = over.partition(" ")[0] if "show" not in over else "show.name"
    test = draw(st.sampled_from(["", "", f" if {found} != city", f" if {found} != 'Mon'"]))
    more = () if "city" in test else ("loop.index", "loop.last")
    return f"{{% for {over}{test} %}}{draw(place.inner(found, *more))}{{% endfor %}}"


LISTS = [
    "tags|split(',')", "range((points|int + 9) % 4)", "[firstName, city, 'x']", "city|list",
    "tags|split(';')|sort", "tags|split|unique",
]  # fmt: skip


@st.composite
def contact_loops(draw: st.DrawFn, place: Place) -> str:
    over = draw(st.sampled_from(LISTS)) + draw(
        st.sampled_from(["", " if item", " if item != city"])
    )
    more = draw(st.sampled_from([(), ("loop.index",), ("loop.cycle('odd', 'even')",)]))
    other = draw(st.sampled_from(["", f"{{% else %}}{place.plain}"]))
    return f"{{% for item in {over} %}}{draw(place.inner('item', *more))}{other}{{% endfor %}}"


@st.composite
def bindings(draw: st.DrawFn, place: Place) -> str:
    value = draw(expressions(place.names))
    if draw(st.booleans()):
        return f"{{% set who = {value} %}}{draw(place.inner('who'))}"
    return f"{{% with who = {value} %}}{draw(place.inner('who'))}{{% endwith %}}"


@st.composite
def captures(draw: st.DrawFn, place: Place) -> str:
    return f"{{% set piece %}}{draw(place.inner())}{{% endset %}}{{{{ piece }}}}{{{{ piece }}}}"


@st.composite
def macros(draw: st.DrawFn, place: Place) -> str:
    one, other = draw(atoms(place.names)), draw(atoms(place.names))
    body = draw(place.inner("a", "b"))
    head = "{% macro m(a, b='z') %}"
    return f"{head}{body}{{% endmacro %}}{{{{ m({one}) }}}}{{{{ m(b={other}, a='k') }}}}"


@st.composite
def closures(draw: st.DrawFn, place: Place) -> str:
    """A macro that reads a name of its surroundings, which is set anew before it is used."""
    first, second = draw(expressions(place.names)), draw(expressions(place.names))
    macro = f"{{% macro told() %}}[{{{{ who }}}}]{draw(place.inner('who'))}{{% endmacro %}}"
    anew = f"{{% set who = {second} %}}{{{{ told() }}}}"
    other = draw(st.sampled_from(["", "{{ told() }}", "{% set who = city %}{{ told() }}"]))
    choice = f"{{% if {draw(conditions(place.names))} %}}{anew}{{% else %}}{other}{{% endif %}}"
    return f"{{% set who = {first} %}}{macro}{choice}{{{{ told() }}}}"


BORROWED = [
    "{% include 'layouts/foot.html' %}",
    "{% from 'layouts/lib.html' import row %}{{ row(city, value=event) }}",
    "{% import 'layouts/lib.html' as lib %}{{ lib.row('k') }}",
    "{% from 'layouts/lib.html' import box %}{{ box('y') }}",
    "{% import 'layouts/lib.html' as l %}{% call l.box(city) %}<u>{{ city }}</u>{% endcall %}",
]


def borrowed(place: Place) -> st.SearchStrategy[str]:
    return st.sampled_from(BORROWED if place.html else [place.plain])


def sources(html: bool) -> st.SearchStrategy[str]:
    """Whole sources, without a document around them."""
    return st.lists(statements(Place(html)), min_size=1, max_size=4).map("".join)


HOSTILE = [
    "", "Ann", "Rome", "O'Neil \"Q\"", "<b>&amp;</b>", "</p><script>", "{{ 7*7 }}", "{% raw %}",
    "-sendoff-1-", "<%name%>", "[%city%]", "%s %(a)s 100%", "👨‍👩‍👧‍👦 𝒳",
    "\u202eשלום\u202c", "العربية",
    "a\r\nb", "a\rb", "nul\x00here", "\ufdd01\ufdd1", "x" * 3000, "7", "-12", "1,2,,3", "a;b,c",
    "b a,c;d", "0", "\\u0041 \\", "\u00a0x\u00a0y",
]  # fmt: skip
"""Values that would show a difference in escaping, marking, cleaning or counting."""

values = st.one_of(st.sampled_from(HOSTILE), st.sampled_from(HOSTILE), st.text(max_size=8))
people = st.lists(
    st.fixed_dictionaries(dict.fromkeys(("firstName", "city", "points", "tags"), values)),
    min_size=1,
    max_size=4,
)
tame_people = people.filter(lambda all_: all(v == v.strip() for one in all_ for v in one.values()))
