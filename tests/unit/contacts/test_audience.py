"""Every row ends in one place, with the strongest reason, and the numbers add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.contacts import contact_key, normalise
from runner.model.contacts import NO_KEY, Audience, ColumnMap, Reason

from .shelf import CSV, SECRET, Shelf, complaint, file_list, inline_list, problems_of

HEADER = "email,opted_out,bounced,consent,timezone,name\n"
DO_NOT_MAIL = "off.txt"


def audience_of(shelf: Shelf, rows: str, suppressed: str = "", **more: object) -> Audience:
    shelf.put(CSV, HEADER + rows)
    shelf.put(DO_NOT_MAIL, suppressed)
    return shelf.lists(suppressions=[DO_NOT_MAIL]).read(file_list(**more))


def test_columns_belong_together(shelf: Shelf) -> None:
    """Emails are ready for an envelope, values without the white space around them."""
    audience = audience_of(
        shelf, " Ann@X.example ,,,,Europe/London, Ann \nb@x.example,1,,,,Bob\nc@x.example,,,,,C\n"
    )
    assert audience.list_name == "members"
    assert list(audience.emails) == ["Ann@x.example", "c@x.example"]
    assert list(audience.lines) == [2, 4]
    assert audience.contact(0) == {
        "email": "Ann@x.example",
        "timezone": "Europe/London",
        "name": "Ann",
    }
    assert audience.contact(1) == {"email": "c@x.example", "timezone": "", "name": "C"}
    assert audience.keys[0] == contact_key(SECRET, "ann@x.example")
    assert audience.excluded.counts() == {"opted_out": 1}
    assert list(audience.excluded.lines) == [3]
    assert list(audience.excluded.keys) == [contact_key(SECRET, "b@x.example")]


@pytest.mark.parametrize(
    ("rows", "suppressed", "expected"),
    [
        ("not an address,1,1,no,,\n", "", ["invalid_address"]),
        ("a@x.example,1,1,no,,\n", "a@x.example", ["opted_out"]),
        ("a@x.example,,1,no,,\n", "a@x.example", ["bounced"]),
        ("a@x.example,,,no,,\n", "a@x.example", ["no_consent"]),
        ("a@x.example,,,,,\n", "", ["no_consent"]),
        ("a@x.example,,,yes,,\n", "x.example", ["suppressed"]),
        ("a@x.example,,,2024-01-01,,\n", "", []),
    ],
)
def test_the_strongest_reason_wins(
    shelf: Shelf, rows: str, suppressed: str, expected: list[str]
) -> None:
    audience = audience_of(shelf, rows, suppressed, require_consent=True)
    assert list(audience.excluded.reasons) == expected
    assert len(audience) == 1 - len(expected)


def test_consent_does_not_matter_unless_the_list_requires_it(shelf: Shelf) -> None:
    """Not even when nobody can say what the column means."""
    assert len(audience_of(shelf, "a@x.example,,,no,,\nb@x.example,,,perhaps,,\n")) == 2


def test_the_first_row_stands_for_a_person(shelf: Shelf) -> None:
    audience = audience_of(
        shelf, "A@x.example,,,,,one\na@x.example,,,,,two\na@X.EXAMPLE,,,,,three\n"
    )
    assert list(audience.emails) == ["A@x.example"]
    assert audience.contact(0)["name"] == "one"
    assert list(audience.excluded.reasons) == ["duplicate", "duplicate"]
    assert list(audience.excluded.lines) == [3, 4]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_ban_in_any_row_is_a_ban_for_the_person(shelf: Shelf, order: tuple[int, ...]) -> None:
    """Wherever it stands, and the strongest of several is the reason given."""
    rows = ["a@x.example,,,,,\n", "A@x.example,,1,,,\n", "a@X.example,1,,,,\n"]
    audience = audience_of(shelf, "".join(rows[at] for at in order))
    assert len(audience) == 0
    assert list(audience.excluded.reasons) == ["opted_out", "duplicate", "duplicate"]
    assert list(audience.excluded.lines) == [2, 3, 4]


def test_unknown_words_in_ban_columns_stop_everything(shelf: Shelf) -> None:
    """With the line, without the word: the column may hold something else by mistake."""
    rows = "a@x.example,maybe,,,,\nb@x.example,,hard,,,\nc@x.example,,,Bob,,\n"
    found = problems_of(lambda: audience_of(shelf, rows, require_consent=True))
    assert [(p.path, p.line, p.message) for p in found] == [
        (CSV, 2, "the opted_out column holds neither yes nor no"),
        (CSV, 3, "the bounced column holds neither yes nor no"),
        (CSV, 4, "the consent column holds neither yes nor no"),
    ]
    assert all("yes, no, true, false" in p.hint for p in found)
    assert not any(word in str(found) for word in ("maybe", "hard", "Bob"))


def test_bad_words_and_ragged_rows_are_reported_together(shelf: Shelf) -> None:
    rows = "a@x.example,maybe,,,,\na@x.example\n"
    found = problems_of(lambda: audience_of(shelf, rows))
    assert [p.line for p in found] == [2, 3]


def test_a_list_of_nobody_is_an_empty_audience(shelf: Shelf) -> None:
    audience = audience_of(shelf, "")
    assert (len(audience), audience.rows) == (0, 0)
    assert set(audience.fields) == {"email", "timezone", "name"}


def test_an_empty_file_is_not_an_empty_list(shelf: Shelf) -> None:
    shelf.put(CSV, "")
    assert "the file is empty" in complaint(lambda: shelf.lists().read(file_list()))


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("America/Chicago", "America/Chicago"),
        (" Asia/Kolkata ", "Asia/Kolkata"),
        ("UTC", "UTC"),
        ("", ""),
        *[
            (wrong, "")
            for wrong in ("Chicago", "America", "../etc/passwd", "/UTC", "GMT+25", "x" * 999)
        ],
    ],
)
def test_only_real_time_zones_are_kept(shelf: Shelf, written: str, zone: str) -> None:
    """What is none is '' and a warning with the line; the contact is mailed all the same."""
    shelf.put(CSV, f"{HEADER}a@x.example,,,,{written},\n")
    lists = shelf.lists()
    assert lists.read(file_list()).contact(0)["timezone"] == zone
    found = lists.warnings(file_list())
    assert [(p.line, p.code) for p in found] == ([(2, "time_zone")] if written and not zone else [])
    assert not written.strip() or written.strip() not in " ".join(p.message for p in found)


def test_a_wrong_time_zone_comes_with_a_guess(shelf: Shelf) -> None:
    shelf.put(CSV, f"{HEADER}a@x.example,,,,chicago,\nb@x.example,,,,Nowhere,\n")
    hints = [p.hint for p in shelf.lists().warnings(file_list())]
    assert hints == ["did you mean America/Chicago?", "write an IANA name such as America/Chicago"]


def test_invalid_addresses_are_warned_of_by_line_and_not_quoted(shelf: Shelf) -> None:
    shelf.put(CSV, HEADER + "ann@x.example;bob@x.example,,,,,\nAnn,,,,,\n")
    found = shelf.lists().warnings(file_list())
    assert [(p.line, p.code) for p in found] == [(2, "invalid_address"), (3, "invalid_address")]
    assert [p.message for p in found] == [
        "more than one address in one place",
        "there is no @ in the address",
    ]


def test_a_short_inline_contact_lacks_its_values(shelf: Shelf) -> None:
    contacts = inline_list({"email": "a@x.example", "n": "1"}, {"email": "b@x.example"}, {"n": "2"})
    audience = shelf.lists().read(contacts)
    assert list(audience.fields["n"]) == ["1", ""]
    assert list(audience.lines) == [5, 6]
    assert list(audience.excluded.lines) == [7]


# --- the same truths for every list that can be written ------------------------------------


@dataclass(frozen=True)
class Line:
    email: str
    opted_out: bool
    bounced: bool
    consent: bool
    name: str

    def csv(self) -> str:
        flags = ",".join("1" if flag else "" for flag in (self.opted_out, self.bounced))
        return f"{self.email},{flags},{'yes' if self.consent else 'no'},,{self.name}\n"


EMAILS = [
    *("a@x.example", "A@x.example", "a@X.example", "b@x.example", "B@y.example", "b@y.example"),
    *("c@sub.x.example", "d@z.example", "nobody", ""),
]
lines = st.builds(
    Line,
    st.sampled_from(EMAILS),
    *[st.sampled_from([False] * 4 + [True])] * 2,
    st.booleans(),
    st.sampled_from("nm"),
)
entries = st.frozensets(
    st.sampled_from(["a@x.example", "d@z.example", "y.example", "*.x.example", "q.example"])
)
ORDER = {reason: at for at, reason in enumerate(get_args(Reason))}


def by_hand(rows: list[Line], off: frozenset[str], require: bool) -> list[str]:
    """For each row its reason ('' for mailed): slowly, row by row, straight from the rules."""
    reasons: list[str] = []
    forms = [normalise(row.email) for row in rows]
    for at, form in enumerate(forms):
        if form is None:
            reasons.append("invalid_address")
            continue
        same = [n for n, other in enumerate(forms) if other and other.matching == form.matching]
        domain = form.matching.partition("@")[2]
        bans = {"opted_out" for n in same if rows[n].opted_out}
        bans |= {"bounced" for n in same if rows[n].bounced}
        bans |= {"no_consent" for n in same if require and not rows[n].consent}
        wild = domain.endswith(".x.example") and "*.x.example" in off
        bans |= {"suppressed"} if wild or off & {form.matching, domain} else set()
        if same[0] != at:
            bans = {"duplicate"}
        reasons.append(min(bans, key=ORDER.__getitem__, default=""))  # type: ignore[arg-type]  # reasons as text
    return reasons


@given(rows=st.lists(lines, max_size=30), off=entries, require=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_ends_where_the_rules_say(
    shelf: Shelf, rows: list[Line], off: frozenset[str], require: bool
) -> None:
    """One place for each row, no key twice, columns of equal length, numbers that add up."""
    audience = audience_of(
        shelf, "".join(row.csv() for row in rows), "\n".join(off), require_consent=require
    )
    out = audience.excluded
    found = dict(zip(audience.lines, [""] * len(audience), strict=True))
    found |= dict(zip(out.lines, out.reasons, strict=True))
    assert [found[line] for line in range(2, len(rows) + 2)] == by_hand(rows, off, require)
    assert len(rows) == audience.rows == len(audience) + sum(out.counts().values())
    assert len(set(audience.keys)) == len(audience)
    assert {len(c) for c in (audience.emails, audience.lines, *audience.fields.values())} == {
        len(audience)
    }
    assert [audience.fields["name"][i] for i in range(len(audience))] == [
        rows[line - 2].name for line in audience.lines
    ]
    assert all(
        (key == NO_KEY) is (reason == "invalid_address")
        for key, reason in zip(out.keys, out.reasons, strict=True)
    )


@given(
    rows=st.lists(lines, max_size=20),
    where=st.sampled_from(["contact.name == 'n'", "true", "false"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_segment_only_moves_contacts_out(shelf: Shelf, rows: list[Line], where: str) -> None:
    shelf.put(CSV, HEADER + "".join(row.csv() for row in rows))
    lists = shelf.lists()
    whole, part = lists.read(file_list()), lists.read(file_list(), where)
    moved = Counter(part.excluded.counts())
    moved.subtract(whole.excluded.counts())
    assert +moved == Counter(segment=len(whole) - len(part)) + Counter()
    assert part.rows == whole.rows == len(rows)
    wanted = {"true": "nm", "false": "", "contact.name == 'n'": "n"}[where]
    assert list(part.lines) == [line for line in whole.lines if rows[line - 2].name in wanted]
    assert list(part.excluded.lines) == sorted(part.excluded.lines)


def test_mapped_columns_are_the_ones_that_count(shelf: Shelf) -> None:
    shelf.put(CSV, "Mail,Off,Where\na@x.example,1,UTC\nb@x.example,0,UTC\n")
    mapping = ColumnMap(email="Mail", opted_out="Off", timezone="Where")
    audience = shelf.lists().read(file_list(columns=mapping))
    assert audience.contact(0) == {"email": "b@x.example", "timezone": "UTC"}
    assert audience.excluded.counts() == {"opted_out": 1}


def test_a_column_with_more_different_values_than_are_shared_keeps_them_all(shelf: Shelf) -> None:
    count = (1 << 16) + 700
    shelf.put(CSV, "email,n\n" + "".join(f"p{n}@x.example,{n}\n" for n in range(count)))
    audience = shelf.lists().read(file_list())
    assert list(audience.fields["n"]) == [str(n) for n in range(count)]
