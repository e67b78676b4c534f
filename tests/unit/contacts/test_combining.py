"""Several lists as one, and a list less another: nobody twice, and a ban anywhere is a ban."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contacts import ContactLists
from runner.contacts.combining import Joined
from runner.model.campaign import ListUse, Place
from runner.model.contacts import ColumnMap, ContactList, FileSource, Selection

from .shelf import SECRET, Shelf, complaint

A = """email,region,opted_out
ann@x.example,TX,
bob@x.example,GA,
cid@x.example,TX,yes
ann@x.example,GA,
nobody,TX,
"""
B = """email,name,opted_out
dee@x.example,Dee,
BOB@x.example,Bob,yes
cid@x.example,Cid,
eve@x.example,Eve,
"""
C = """email
eve@x.example
ann@x.example
"""


def one(name: str, **more: object) -> ContactList:
    place = Place(f"campaigns/lists/{name}.yaml", 1, 1)
    return ContactList(name, FileSource(f"{name}.csv"), ColumnMap(), place=place, **more)  # type: ignore[arg-type]


@pytest.fixture
def lists(shelf: Shelf) -> ContactLists:
    for name, text in (("a", A), ("b", B), ("c", C)):
        shelf.put(f"{name}.csv", text)
    return shelf.lists()


def chosen(*names: str, minus: tuple[str, ...] = (), where: str = "") -> Selection:
    return Selection(tuple(map(one, names)), tuple(map(one, minus)), where)


def names(audience: object) -> list[str]:
    return [email.partition("@")[0] for email in audience.emails]  # type: ignore[attr-defined]


def test_everyone_of_several_lists_is_there_once(lists: ContactLists) -> None:
    audience = lists.select(chosen("a", "b"))
    assert names(audience) == ["ann", "dee", "eve"]
    assert audience.list_name == "a,b"
    assert list(audience.origins) == ["a", "b", "b"]
    assert audience.origin(1) == "b"
    assert list(audience.lines) == [2, 2, 5]
    assert audience.rows == 9


def test_a_ban_in_any_list_is_a_ban(lists: ContactLists) -> None:
    """Bob opted out of b, Cid of a: neither is mailed through the other."""
    audience = lists.select(chosen("a", "b"))
    assert audience.excluded.counts() == {"opted_out": 2, "duplicate": 3, "invalid_address": 1}
    assert names(lists.select(chosen("b", "a"))) == ["dee", "eve", "ann"]


def test_a_field_that_a_list_does_not_have_is_empty(lists: ContactLists) -> None:
    audience = lists.select(chosen("a", "b"))
    assert list(audience.fields["region"]) == ["TX", "", ""]
    assert list(audience.fields["name"]) == ["", "Dee", "Eve"]
    assert audience.contact(1)["name"] == "Dee"


def test_a_segment_is_of_all_of_them(lists: ContactLists) -> None:
    audience = lists.select(chosen("a", "b", where="contact.name == 'Eve'"))
    assert names(audience) == ["eve"]
    assert audience.excluded.counts()["segment"] == 2
    assert "no field 'nme'" in complaint(
        lambda: lists.select(chosen("a", "b", where="contact.nme == 'Eve'"))
    )


def test_who_is_in_a_list_that_is_left_out_is_out(lists: ContactLists) -> None:
    """Also who would not be mailed there; and a stronger reason stays the reason."""
    audience = lists.select(chosen("a", "b", minus=("c",)))
    assert names(audience) == ["dee"]
    assert audience.excluded.counts()["minus"] == 2
    less_b = lists.select(chosen("a", minus=("b",)))
    assert names(less_b) == ["ann"]
    assert less_b.excluded.counts() == {
        "minus": 1,
        "opted_out": 1,
        "duplicate": 1,
        "invalid_address": 1,
    }
    part = lists.select(chosen("a", minus=("c",), where="contact.region == 'TX'"))
    assert names(part) == []
    assert (part.excluded.counts()["minus"], part.excluded.counts()["segment"]) == (1, 1)


@pytest.mark.parametrize("selection", [chosen("a", minus=("none",)), chosen("a", "none")])
def test_an_empty_list_among_them_is_no_list(
    lists: ContactLists, shelf: Shelf, selection: Selection
) -> None:
    """Whoever is on it would be mailed, or not be mailed, and nobody would notice."""
    shelf.put("none.csv", "email\n")
    assert "the list none is empty" in complaint(lambda: lists.select(selection))
    assert "allow_empty: true in campaigns/lists/none.yaml" in complaint(
        lambda: lists.select(selection)
    )
    meant = Selection(
        tuple(one(each.name, allow_empty=True) for each in selection.lists),
        tuple(one(each.name, allow_empty=True) for each in selection.minus),
    )
    assert names(lists.select(meant)) == ["ann", "bob"]


def test_a_list_that_cannot_be_read_stops_all(lists: ContactLists) -> None:
    assert "gone.csv does not exist" in complaint(
        lambda: lists.select(chosen("a", minus=("gone",)))
    )


def test_another_version_of_a_list_is_read(lists: ContactLists, shelf: Shelf) -> None:
    assert len(lists.select(chosen("a", "b"))) == 3
    shelf.put("d.csv", "email\nzed@x.example\n")
    moved = ContactList("b", FileSource("d.csv"), ColumnMap())
    assert names(lists.select(Selection((one("a"), moved)))) == ["ann", "bob", "zed"]


PEOPLE = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=12)


@given(st.lists(PEOPLE, min_size=1, max_size=3), st.lists(PEOPLE, max_size=2))
def test_combining_is_what_sets_say(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[list[tuple[int, bool]]],
    left_out: list[list[tuple[int, bool]]],
) -> None:
    """Whoever is in a list, less who opted out of one, less who is in one that is left out."""
    shelf = Shelf(tmp_path_factory.mktemp("w"))
    for number, rows in enumerate([*parts, *left_out]):
        body = "".join(f"p{who}@x.example,{'yes' if out else ''}\n" for who, out in rows)
        shelf.put(f"l{number}.csv", "email,opted_out\n" + body)
    every = [one(f"l{number}") for number in range(len(parts) + len(left_out))]
    selection = Selection(tuple(every[: len(parts)]), tuple(every[len(parts) :]))
    audience = ContactLists(shelf, SECRET).select(selection)
    everyone = {who for rows in parts for who, _ in rows}
    banned = {who for rows in parts for who, out in rows if out}
    banned |= {who for rows in left_out for who, _ in rows}
    assert sorted(names(audience)) == sorted(f"p{who}" for who in everyone - banned)
    assert audience.rows == sum(map(len, parts))
    assert len(set(audience.keys)) == len(audience)


@given(st.lists(st.lists(st.text(max_size=2), max_size=4), max_size=4), st.data())
def test_joined_columns_are_one(parts: list[list[str]], data: st.DataObject) -> None:
    joined = Joined(parts)
    flat = [value for part in parts for value in part]
    assert list(joined) == flat
    assert len(joined) == len(flat)
    if flat:
        picks = data.draw(st.lists(st.integers(0, len(flat) - 1), max_size=8))
        assert joined.take(picks) == [flat[at] for at in picks]
        assert joined[-1] == flat[-1]
        assert joined[1:] == flat[1:]


def test_one_list_is_known_again() -> None:
    """What a ledger was begun with: these texts are in its digests and may not change."""
    assert repr(ListUse("a", "contact.x")) == "ListUse(name='a', where='contact.x')"
    assert chosen("a", where="w").definition == (
        "(ContactList(name='a', source=FileSource(path='a.csv', format='csv', compressed=False, "
        "encoding='utf-8', delimiter=''), columns=ColumnMap(email='email', timezone='', "
        "opted_out='', bounced='', consent='', fields={}), description='', "
        "require_consent=False, place=Place(path='campaigns/lists/a.yaml', line=1, column=1)), "
        "'w')"
    )
    inline = "InlineSource(contacts=({'email': 'x'},), lines=(1,))"
    from runner.model.contacts import InlineSource

    assert repr(InlineSource(({"email": "x"},), (1,))) == inline
    assert repr(ListUse("a", others=("b",))) != repr(ListUse("a", minus=("b",)))
    assert chosen("a", "b").definition != chosen("a", minus=("b",)).definition
