"""The front door: read once, remember, find, count; and be quick when nothing is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from runner.contacts import ContactLists, Inspection, Row, contact_key
from runner.model.contacts import ContactList
from runner.ports import Audiences

from .shelf import CSV, SECRET, Shelf, complaint, file_list, inline_list, problems_of

ROWS = (
    "email,region,opted_out\na@x.example,TX,\nb@x.example,NC,\nA@x.example,TX,\nc@x.example,TX,1\n"
)


@pytest.fixture
def members(shelf: Shelf) -> ContactList:
    shelf.put(CSV, ROWS)
    return file_list()


def test_it_is_the_port_that_planning_asks(shelf: Shelf, members: ContactList) -> None:
    audiences: Audiences = shelf.lists()
    assert audiences.columns(members) == {"email", "timezone", "region"}
    assert len(audiences.read(members)) == 2
    assert audiences.key("A@X.example") == contact_key(SECRET, "a@x.example")


def test_a_source_is_read_once_for_all_segments(shelf: Shelf, members: ContactList) -> None:
    """Also when the list was loaded again, as long as it says the same."""
    lists = shelf.lists()
    texas = "contact.region == 'TX'"
    first = lists.read(members)
    assert list(lists.read(members, texas).emails) == ["a@x.example"]
    assert lists.read(members) is lists.read(file_list()) is lists.read(members, " ") is first
    assert lists.read(members, texas) is lists.read(file_list(), texas)
    lists.inspect(members)
    lists.find(members, "a@x.example")
    assert shelf.asked == [CSV]


def test_another_list_of_the_same_name_is_read_anew(shelf: Shelf, members: ContactList) -> None:
    lists = shelf.lists()
    where = "contact.region == 'TX'"
    lists.read(members, where)
    other = inline_list({"email": "z@x.example", "region": "TX"})
    assert list(lists.read(other).emails) == ["z@x.example"]
    assert list(lists.read(other, where).emails) == ["z@x.example"]


def test_an_error_is_not_remembered_as_a_list(shelf: Shelf, members: ContactList) -> None:
    shelf.put(CSV, "email\nbroken,\n")
    lists = shelf.lists()
    assert "2 fields" in complaint(lambda: lists.read(members))
    shelf.put(CSV, ROWS)
    assert len(lists.read(members)) == 2


def test_inspection_counts_what_there_is(shelf: Shelf, members: ContactList) -> None:
    lists = shelf.lists()
    counts = {"duplicate": 1, "opted_out": 1}
    assert lists.inspect(members) == Inspection("members", 4, 2, counts, ())
    part = lists.inspect(members, "contact.region == 'NC'")
    assert (part.rows, part.audience, dict(part.excluded)) == (4, 1, {**counts, "segment": 1})


def test_a_person_is_found_in_every_row(shelf: Shelf, members: ContactList) -> None:
    lists = shelf.lists()
    assert lists.find(members, "A@x.EXAMPLE") == (Row(2), Row(4, "duplicate"))
    assert lists.find(members, "c@x.example") == (Row(5, "opted_out"),)
    assert lists.find(members, "b@x.example", "contact.region == 'TX'") == (Row(3, "segment"),)
    assert lists.find(members, "nobody@x.example") == ()


def test_an_address_that_is_none_is_refused_and_not_repeated(shelf: Shelf) -> None:
    text = complaint(lambda: shelf.lists().key("ann@x.example, bob@x.example"))
    assert "not a valid address: more than one address in one place" in text
    assert "ann" not in text


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("contact.region ==", "`where` on the list members: not a valid expression"),
        ("contact.regoin == 'TX'", "contacts have no field 'regoin' (did you mean 'region'?)"),
        ("contact.zip == ''", "contacts have no field 'zip' (they have: email, region, timezone)"),
        ("variables.x == ''", "variables are not available here"),
        ("sent('invite')", "no function sent()"),
        ("opened('invite')", "not yet available"),
        ("region == 'TX'", "write contact.region"),
    ],
)
def test_a_condition_that_cannot_work_is_refused_at_the_list(
    shelf: Shelf, members: ContactList, where: str, expected: str
) -> None:
    text = complaint(lambda: shelf.lists().read(members, where))
    assert text.startswith("campaigns/lists/members.yaml:2:3: ")
    assert expected in text


def test_a_condition_that_fails_for_someone_names_the_lines(shelf: Shelf) -> None:
    shelf.put(CSV, "email,age\na@x.example,30\nb@x.example,old\nc@x.example,old\nd@x.example,\n")
    where = "contact.age == '30' or (contact.age < 5)"
    found = problems_of(lambda: shelf.lists().read(file_list(), where))
    assert [(p.path, p.line) for p in found] == [(CSV, 3), (CSV, 4), (CSV, 5)]
    assert "old" not in str(found)


def test_equal_values_are_decided_alike(shelf: Shelf) -> None:
    """More different values than are remembered change nothing."""
    count = (1 << 16) + 50
    shelf.put(CSV, "email,n\n" + "".join(f"p{n}@x.example,{n % 70_000}\n" for n in range(count)))
    audience = shelf.lists().read(file_list(), "contact.n in ['7', '65540']")
    assert list(audience.fields["n"]) == ["7", "65540"]


def test_nothing_is_read_before_it_is_asked_for(shelf: Shelf) -> None:
    ContactLists(shelf, SECRET, ["missing.txt"], [b"12345678"])
    assert shelf.asked == []


def test_a_key_needs_no_suppressions(shelf: Shelf) -> None:
    lists = shelf.lists(suppressions=["missing.txt"])
    assert lists.key("a@x.example") == contact_key(SECRET, "a@x.example")


def test_a_plain_list_needs_no_heavy_library() -> None:
    """A cold run with nothing due must be quick."""
    heavy = ("email_validator", "idna", "gzip", "jinja2", "dns")
    program = f"import sys, runner.contacts; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert shown.stdout.strip() == "[]"
