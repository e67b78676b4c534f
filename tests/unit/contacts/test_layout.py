"""Columns are found by name, or it is said which one is missing and what it may be called."""

from __future__ import annotations

import pytest

from runner.contacts.layout import RESERVED
from runner.model.contacts import ColumnMap

from .shelf import CSV, Shelf, complaint, file_list, inline_list

FULL = ColumnMap(
    email="E-Mail",
    timezone="TZ",
    opted_out="Unsubscribed",
    bounced="Bounced",
    consent="Consent",
    fields={"firstName": "First Name", "nick": "First Name"},
)


def columns(shelf: Shelf, header: str, mapping: ColumnMap | None = None) -> frozenset[str]:
    shelf.put(CSV, header + "\n")
    return shelf.lists().columns(file_list(columns=mapping))


def refusal(shelf: Shelf, header: str, mapping: ColumnMap | None = None) -> str:
    return complaint(lambda: columns(shelf, header, mapping))


def warnings(shelf: Shelf, header: str, mapping: ColumnMap | None = None) -> list[str]:
    shelf.put(CSV, header + "\n")
    found = shelf.lists().warnings(file_list(columns=mapping))
    assert all(p.severity == "warning" and p.path == CSV and p.line == 1 for p in found)
    return [p.message for p in found]


def test_without_a_mapping_headers_are_the_names(shelf: Shelf) -> None:
    assert columns(shelf, "name,email,region") == {"email", "timezone", "name", "region"}


def test_email_and_timezone_are_always_there(shelf: Shelf) -> None:
    assert columns(shelf, "email") == {"email", "timezone"}


def test_mapped_columns_have_their_mapped_names(shelf: Shelf) -> None:
    header = "E-Mail,TZ,Unsubscribed,Bounced,Consent,First Name,region,Last Name"
    assert columns(shelf, header, FULL) == {"email", "timezone", "firstName", "nick", "region"}


@pytest.mark.parametrize("name", ["Last Name", "_secret", "1st", "", "class-name", "a.b"])
def test_headers_that_are_no_names_are_no_fields(shelf: Shelf, name: str) -> None:
    assert columns(shelf, f"email,{name}") == {"email", "timezone"}
    assert warnings(shelf, f"email,{name}") == []


def test_names_may_be_written_in_any_script(shelf: Shelf) -> None:
    """Also when the file spells them in decomposed Unicode."""
    mapping = ColumnMap(fields={"city": "Ciudad de la Unión"})
    header = "email,Ciudad de la Unio\u0301n,имя"
    assert columns(shelf, header, mapping) == {"email", "timezone", "city", "имя"}


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_reserved_name_is_no_field_and_a_warning(shelf: Shelf, name: str) -> None:
    assert columns(shelf, f"email,{name}") == {"email", "timezone"}
    assert warnings(shelf, f"email,{name}") == [
        f'the column "{name}" is not used: the name is reserved'
    ]


def test_a_reserved_header_may_be_mapped(shelf: Shelf) -> None:
    mapping = ColumnMap(fields={"topic": "subject"})
    assert columns(shelf, "email,subject", mapping) == {"email", "timezone", "topic"}
    assert warnings(shelf, "email,subject", mapping) == []


def test_two_columns_for_one_name_are_a_warning(shelf: Shelf) -> None:
    mapping = ColumnMap(email="Mail", opted_out="Off")
    found = warnings(shelf, "Mail,Off,email,opted_out", mapping)
    assert found == [
        'the column "email" is not used: the list maps "email" elsewhere',
        'the column "opted_out" is not used: the list maps "opted_out" elsewhere',
    ]


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("Email,name", 'did you mean "Email"? Say so under `columns`'),
        ("EMAIL,name", 'did you mean "EMAIL"?'),
        ("E-Mail,name", 'did you mean "E-Mail"?'),
        ("Mail address,name", 'did you mean "Mail address"?'),
        ("name,region", "the header has: name, region"),
        ("email;name", 'is the list\'s source lacking `delimiter: ";"`?'),
        ("email\tname", 'is the list\'s source lacking `delimiter: "\\t"`?'),
    ],
)
def test_a_missing_address_column_is_refused_with_a_guess(
    shelf: Shelf, header: str, hint: str
) -> None:
    text = refusal(shelf, header)
    assert text.startswith('members.csv:1:1: there is no column "email", which the list members')
    assert hint in text


def test_all_missing_columns_are_named_at_once(shelf: Shelf) -> None:
    text = refusal(shelf, "e-mail,tz,first name", FULL)
    assert text.count("there is no column") == 6
    assert (
        'no column "First Name", which the list members needs (did you mean "first name"?' in text
    )


def test_duplicate_names_are_refused(shelf: Shelf) -> None:
    text = refusal(shelf, "email,a,b,a,b,b,,")
    assert text.splitlines() == [
        'members.csv:1:1: 2 columns are called "a" (rename or remove one)',
        'members.csv:1:1: 3 columns are called "b" (rename or remove one)',
    ]


def test_a_file_without_header_is_recognised_and_not_quoted(shelf: Shelf) -> None:
    text = refusal(shelf, "ann@x.example,Ann,Ann")
    assert "the first line seems to be a contact" in text
    assert "nn" not in text.partition("contact")[2].replace("columns", "")
    assert "ann" not in text


def test_required_consent_needs_its_column(shelf: Shelf) -> None:
    shelf.put(CSV, "email,name\n")
    text = complaint(lambda: shelf.lists().columns(file_list(require_consent=True)))
    assert 'there is no column "consent", which the list members needs' in text


@pytest.mark.parametrize("header", ["email,consent", "email,Agreed"])
def test_the_consent_column_may_have_its_own_name_or_a_mapped_one(
    shelf: Shelf, header: str
) -> None:
    shelf.put(CSV, header + "\n")
    mapping = ColumnMap(consent="" if header.endswith("consent") else "Agreed")
    found = shelf.lists().columns(file_list(columns=mapping, require_consent=True))
    assert found == {"email", "timezone"}


def test_inline_contacts_have_the_names_of_all_of_them(shelf: Shelf) -> None:
    contacts = inline_list({"email": "a@x.example", "a": "1"}, {"email": "b@x.example", "b": "2"})
    assert shelf.lists().columns(contacts) == {"email", "timezone", "a", "b"}


def test_an_inline_list_without_contacts_has_the_mapped_names(shelf: Shelf) -> None:
    assert shelf.lists().columns(inline_list(columns=FULL)) == {
        *("email", "timezone", "firstName", "nick")
    }


def test_inline_contacts_without_any_address_are_refused_at_the_list(shelf: Shelf) -> None:
    text = complaint(lambda: shelf.lists().columns(inline_list({"mail": "a"})))
    assert text.startswith('campaigns/lists/members.yaml:2:1: there is no column "email"')
