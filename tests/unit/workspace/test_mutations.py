"""Whatever is written where something else belongs: problems with places, never a crash."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from runner.errors import InputError
from runner.model.settings import Mailbox, Settings, Unsubscribe
from runner.workspace import WorkspaceFiles, parse_settings
from runner.workspace.campaigns import House, read_campaign
from runner.workspace.document import parse, read
from runner.workspace.lists import read_list
from runner.workspace.problems import Problems
from runner.workspace.schemas import KINDS, check, python_pattern, schema_text
from runner.workspace.templates import cut, read_template
from tests.examples.workspaces import VALID

ROOT = VALID / "every-key"
FILES = WorkspaceFiles(ROOT)
HOUSE = House(
    Settings(sender=Mailbox("a@example.org"), unsubscribe=Unsubscribe(mailto="b@example.org")),
    FILES,
)


def as_editors_read(schema):
    """The shipped schema; only its patterns end where ECMAScript's do."""
    if isinstance(schema, list):
        return [as_editors_read(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    read_as = {key: as_editors_read(value) for key, value in schema.items()}
    if isinstance(schema.get("pattern"), str):
        read_as["pattern"] = python_pattern(schema["pattern"])
    return read_as


PLAIN = {
    kind: Draft202012Validator(as_editors_read(json.loads(schema_text(kind)))) for kind in KINDS
}
STRANGE = st.sampled_from(
    [None, True, 0, -1, 3.5, "", "x", "a b", "é@\n", "x" * 3000, [], ["x"], {}, {"x": "y"}, [[]],
     "recipient", "drip", "scheduled", "recurring", "2025-02-30 09:00", "2025-10-20 09:00Z", "0s",
     "env:X", "contact.x ==", "sent('x')", "../../x", [{"id": "a"}], {"use": "a", "where": ""}]
).map(copy.deepcopy)  # fmt: skip


def data_of(path: Path):
    text = path.read_text("utf-8")
    if path.suffix == ".html":
        text = text.split("---\n")[1]
    return parse(text, path.name).root.data


SOURCES = {path.relative_to(ROOT).as_posix(): data_of(path) for path in (
    *sorted((ROOT / "campaigns").rglob("*.yaml")),
    ROOT / "sendoff.yaml",
    ROOT / "campaigns/templates/hello.html",
)}  # fmt: skip


def places(data, at: tuple = ()) -> Iterator[tuple]:
    yield at
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from places(value, (*at, key))


@st.composite
def mutated(draw) -> tuple[str, object]:
    """A file of the examples with up to three values changed, added or taken away."""
    path = draw(st.sampled_from(sorted(SOURCES)))
    data = copy.deepcopy(SOURCES[path])
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from(sorted(places(data), key=repr)))
        act = draw(st.sampled_from(["replace", "delete", "add"]))
        if not at:
            data = draw(STRANGE) if act == "replace" else data
            continue
        parent = data
        for key in at[:-1]:
            parent = parent[key]
        if act == "delete":
            del parent[at[-1]]
        elif act == "add" and isinstance(parent, dict):
            names = ["send", "at", "start_at", "sequence", "content", "template", "x y", "id"]
            parent[draw(st.sampled_from(names))] = draw(STRANGE)
        else:
            parent[at[-1]] = draw(STRANGE)
    return path, data


def kind_of_file(path: str) -> str:
    if path == "sendoff.yaml":
        return "settings"
    if path.endswith(".html"):
        return "template"
    return "list" if "/lists/" in path else "campaign"


def load_one(path: str, text: str) -> tuple[object, Problems]:
    problems = Problems()
    if path == "sendoff.yaml":
        try:
            return parse_settings(text), problems
        except InputError as error:
            problems.extend(error.problems)
            return None, problems
    if path.endswith(".html"):
        source = cut(f"---\n{text}\n---\n<p>x</p>\n", path, problems)
        return read_template(source, "hello", None, FILES, problems), problems
    document = read(text, path, problems)
    if "/lists/" in path:
        return read_list(document, "members", FILES, problems), problems
    return read_campaign(document, "c", HOUSE, problems).campaign, problems


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_every_file_is_either_whole_or_explained(case: tuple[str, object]) -> None:
    path, data = case
    made, problems = load_one(path, json.dumps(data, ensure_ascii=False, indent=1))
    assert (made is None) == (problems.errors > 0)
    for problem in problems:
        assert problem.path == path
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message.isprintable()
        assert "@" not in problem.message


@settings(max_examples=200, deadline=None)
@given(mutated())
def test_an_editor_that_knows_the_schema_says_the_same(case: tuple[str, object]) -> None:
    """The schema as it is shipped and the one that we compile from it never disagree."""
    path, data = case
    kind = kind_of_file(path)
    document = parse(json.dumps(data, ensure_ascii=False), path)
    assert check(document, kind, Problems()) == PLAIN[kind].is_valid(data)


@pytest.mark.parametrize("path", sorted(SOURCES))
def test_the_examples_themselves_are_whole(path: str) -> None:
    made, problems = load_one(path, json.dumps(SOURCES[path], ensure_ascii=False, indent=1))
    assert list(problems) == []
    assert made is not None
