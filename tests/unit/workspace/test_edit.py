"""``set_key`` changes one value and no other character."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runner.errors import InputError
from runner.workspace import set_key
from runner.workspace.document import parse


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("status: active\n", "status: cancelled\n"),
        ("status: active", "status: cancelled"),
        ("status:   active   # for now\nlist: x\n", "status:   cancelled   # for now\nlist: x\n"),
        ("# a\n\nname: x # n\nstatus: 'active'\n", "# a\n\nname: x # n\nstatus: 'cancelled'\n"),
        ('"status": "active"\n', '"status": "cancelled"\n'),
        (
            "name: é😀\r\nstatus: paused\r\nlist: x\r\n",
            "name: é😀\r\nstatus: cancelled\r\nlist: x\r\n",
        ),
        ("\ufeffstatus: paused\n", "\ufeffstatus: cancelled\n"),
        ("status:\nlist: x\n", "status: cancelled\nlist: x\n"),
        ("status: \nlist: x\n", "status: cancelled \nlist: x\n"),
        ("status:\n  active\nlist: x\n", "status:\n  cancelled\nlist: x\n"),
        ("a: {status: active}\nstatus: b\n", "a: {status: active}\nstatus: cancelled\n"),
        ("name: x\nlist: y\n", "name: x\nstatus: cancelled\nlist: y\n"),
        ("version: 1\n# who\nlist: y\n", "version: 1\nstatus: cancelled\n# who\nlist: y\n"),
        (
            "version: 1\nid: a\nname: x # n\n\n# l\nlist: y",
            "version: 1\nid: a\nname: x # n\nstatus: cancelled\n\n# l\nlist: y",
        ),
        ("name: x", "name: x\nstatus: cancelled"),
        ("name: x\r\nlist: y\r\n", "name: x\r\nstatus: cancelled\r\nlist: y\r\n"),
        ("# top\n\nlist: y\n", "# top\n\nstatus: cancelled\nlist: y\n"),
        ("---\nname: x\n", "---\nname: x\nstatus: cancelled\n"),
        ("name: |\n  x\nlist: y\n", "status: cancelled\nname: |\n  x\nlist: y\n"),
        ("  name: x\n  list: y\n", "  name: x\n  status: cancelled\n  list: y\n"),
        ("  list: y\n", "  status: cancelled\n  list: y\n"),
        ("{name: x, list: y}\n", "{status: cancelled, name: x, list: y}\n"),
        ("{}\n", "{status: cancelled}\n"),
        ("{status: active, list: y}", "{status: cancelled, list: y}"),
    ],
)
def test_a_status_is_set(before: str, after: str) -> None:
    assert set_key(before, "status", "cancelled") == after


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("yes", '"yes"'),
        ("a: b", '"a: b"'),
        ("", '""'),
        ("12", '"12"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("null", '"null"'),
        ("plain", "plain"),
    ],
)
def test_values_are_quoted_when_they_must_be(value: str, written: str) -> None:
    text = set_key("name: x\n", "status", value)
    assert text == f"name: x\nstatus: {written}\n"
    assert set_key("status: 'x'\n", "status", "it's") == "status: 'it''s'\n"


@pytest.mark.parametrize(
    "text",
    [
        "status: [a]\n",
        "status: {a: b}\n",
        "status: |\n  active\n",
        "a: &a active\nstatus: *a\n",
        "status: &a active\nb: *a\n",
        "status: two\n  lines\n",
        "- status\n",
        "word\n",
        "",
    ],
)
def test_what_is_more_than_a_word_is_left_to_people(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        set_key(text, "status", "cancelled")


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2\n", "a: 1\n---\nb: 2\n"])
def test_what_is_not_yaml_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        set_key(text, "status", "cancelled")


KEY = st.sampled_from(["name", "list", "version", "status", "id", "notes", "x y"])
VALUE = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cn"], exclude_characters="\ufeff"),
    max_size=12,
)


@given(
    st.lists(
        st.tuples(KEY, VALUE, st.sampled_from(["", "# c\n", "\n"])),
        min_size=1,
        max_size=6,
        unique_by=lambda e: e[0],
    ),
    VALUE,
)
def test_everything_else_stays(entries: list[tuple[str, str, str]], value: str) -> None:
    quoted = [
        (f"{before}{key}: ", "'" + text.replace("'", "''") + "'\n") for key, text, before in entries
    ]
    text = "".join(a + b for a, b in quoted)
    assume(isinstance(parse(text, "f").root.data, dict))
    changed = set_key(text, "status", value)
    data = parse(text, "f").root.data
    assert parse(changed, "f").root.data == {**data, "status": value}
    kept = [line for line in text.splitlines() if not line.startswith("status")]
    assert [line for line in changed.splitlines() if not line.startswith("status")] == kept
