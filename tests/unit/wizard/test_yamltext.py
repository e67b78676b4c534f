"""What is written is what is read: every draft comes back from its file as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.wizard.draft import Draft, Mail, Step, When
from runner.wizard.questions import unfit
from runner.wizard.yamltext import campaign_yaml, scalar
from runner.workspace.document import parse

LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    lambda text: not unfit(text)
)
TEXTS = st.lists(LINES | st.just(""), min_size=1, max_size=5).map("\n".join).filter(str.strip)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
VARIABLES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True)
DATA = st.recursive(
    LINES | st.integers(-(10**17), 10**17) | st.booleans() | st.none() | st.just(0.5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LINES, inner, max_size=3),
    max_leaves=6,
)
TRAPS = [
    "yes", "no", "null", "~", "true", "12", "1.5", "0x1F", "1e3", "09:30", "2025-10-20", "- a",
    "a: b", "a #b", "#a", "[a", "{a", "*a", "&a", "!a", "%a", "@a", "`a", "'a", '"a', "a\\b", "|",
    ">", "a, b", " a", "a ", "a:", "?", "---", "…", "Bros & Brews", "\ufeff", "é", "😀", "<<", "=",
]  # fmt: skip


def read(draft: Draft) -> Any:
    return parse(campaign_yaml(draft), "campaigns/draft.yaml").root.data


@pytest.mark.parametrize("text", TRAPS)
def test_text_stays_text(text: str) -> None:
    assert parse(f"a: {scalar(text)}", "x").root.data == {"a": text}


def test_plain_where_it_can_be() -> None:
    assert scalar("Bros & Brews 2025") == "Bros & Brews 2025"
    assert scalar("true") == '"true"'


@given(LINES)
def test_any_line_is_read_as_it_was(text: str) -> None:
    assert parse(f"a: {scalar(text)}", "x").root.data == {"a": text}


@given(name=LINES, where=LINES, variables=st.dictionaries(VARIABLES, DATA, max_size=3))
def test_who_and_variables(name: str, where: str, variables: dict[str, Any]) -> None:
    data = read(Draft("people", where, Mail(template="t"), variables, name=name))
    assert data["name"] == name
    assert data["list"] == {"use": "people", "where": where}
    assert data.get("variables", {}) == variables
    # equal is not enough: true is not 1
    assert repr(data.get("variables", {})) == repr(variables)


@given(list_name=NAMES, template=NAMES, subject=LINES)
def test_names_of_digits_are_names(list_name: str, template: str, subject: str) -> None:
    data = read(Draft(list_name, mail=Mail(template=template, subject=subject)))
    assert (data["list"], data["template"], data["subject"]) == (list_name, template, subject)


@given(subject=LINES, preheader=LINES | st.just(""), html=TEXTS)
def test_a_mail_written_here(subject: str, preheader: str, html: str) -> None:
    content = read(Draft("people", mail=Mail("", subject, preheader, html)))["content"]
    assert (content["subject"], content.get("preheader", "")) == (subject, preheader)
    # spaces at the end of a line mean nothing in HTML
    lines = [line.rstrip() for line in content["html"].strip("\n").split("\n")]
    assert lines == [line.rstrip() for line in html.strip("\n").split("\n")]


@given(step=NAMES, only_if=LINES | st.just(""), html=TEXTS)
def test_steps(step: str, only_if: str, html: str) -> None:
    mail = Mail("", "s", "", html)
    when = When((("send", "drip", ""),), (Step("1", "0", mail), Step(step, "3d", mail, only_if)))
    data = read(Draft("people", mail=mail, when=when))
    assert "content" not in data
    first, second = data["sequence"]
    assert (first["id"], first["delay"]) == ("1", 0)
    assert (second["id"], second["delay"], second.get("only_if", "")) == (step, "3d", only_if)


@pytest.mark.parametrize(
    ("file", "schema"),
    [("a", "../schemas"), ("a/b", "../../schemas"), ("a/b/c", "../../../schemas")],
)
def test_the_schema_is_found_from_where_the_file_is(file: str, schema: str) -> None:
    first = campaign_yaml(Draft("people", file=file)).splitlines()[0]
    assert first == f"# yaml-language-server: $schema={schema}/campaign.schema.json"
