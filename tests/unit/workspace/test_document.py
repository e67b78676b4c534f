"""YAML: what it means, where it stands, and that no text can hurt."""

import json
import subprocess
import sys

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import InputError
from runner.workspace.document import MAX_DEPTH, parse

# What YAML cannot hold is refused before it is parsed.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufeff"))
SCALARS = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | TEXT
# << is YAML's own word for merging
KEYS = TEXT.filter(lambda key: key not in ("", "<<"))
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def problems(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse(text, "f.yaml")
    return [str(problem) for problem in caught.value.problems]


@given(DATA)
def test_json_means_itself(data) -> None:
    assert parse(json.dumps(data, ensure_ascii=False), "f.yaml").root.data == data


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), SCALARS, max_size=8))
def test_what_pyyaml_writes_is_read_back(data) -> None:
    text = yaml.safe_dump(data, allow_unicode=True)
    assert parse(text, "f.yaml").root.data == data


@settings(max_examples=300)
@given(st.text(alphabet=" \n\t-:?[]{}&*!|>'\"%@`#,abc<0~é\u2028\x85", max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    found = []
    try:
        parse(text, "f.yaml")
    except InputError as error:
        found = list(error.problems)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found)


@given(st.lists(st.text(alphabet="ab é😀\n", max_size=9), min_size=1, max_size=6))
def test_every_value_knows_its_line(texts: list[str]) -> None:
    lines = ["# first"] + [f"- {json.dumps(text, ensure_ascii=False)}" for text in texts]
    root = parse("\n".join(lines), "f.yaml").root
    assert [(item.line, item.column) for item in root.items] == [
        (number, 3) for number in range(2, len(texts) + 2)
    ]


def test_places() -> None:
    document = parse("a:\n  b: [x, {c: y}]\n", "f.yaml", first_line=10)
    assert (document.place(["a", "b", 1, "c"]).line, document.place(["a", "b", 1, "c"]).column) == (
        11,
        14,
    )
    place = document.key_place(["a"], "b")
    assert (place.path, place.line, place.column) == ("f.yaml", 11, 3)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~", "null"])
def test_nothing_is_none(text: str) -> None:
    assert parse(text, "f.yaml").root.data is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: *b", "*b refers to nothing"),
        ("a: &a [*a]", "*a refers to nothing"),
        ("a: !!int 3", "tags (!)"),
        ("a: !secret x", "tags (!)"),
        ("!!map {a: 1}", "tags (!)"),
        ("a: !!python/name:os.system", "tags (!)"),
        ('{"": x}', "a key is missing"),
        ("{: x}", "something is missing here"),
        ("? [a]\n: b", "a key must be a word"),
        ("a: &a x\n*a : 2", "a key may not be an alias"),
        ("<<: 3", "<< merges mappings only"),
        ("a: 1\nb: 2\na: 3", "`a` stands twice (first in line 1)"),
        ("b: 1\na: x\x01y", "f.yaml:2:5: an invisible character"),
        ("a: b\n c: d", "a colon where no key can be"),
        ("a: `x`", "text may not begin with `"),
        ("a\n---\nb", "a second document"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    assert message in problems(text)[0]


def test_all_duplicates_are_told_at_once() -> None:
    assert len(problems("a: 1\na: 2\nb: {c: 1, c: 2}\nd: !x 1\n")) == 3


def test_an_address_as_a_key_is_not_repeated() -> None:
    said = problems("ann@example.org: 1\nann@example.org: 2\n")
    assert said
    assert "ann@" not in "".join(said)


def test_merged_values_do_not_overwrite() -> None:
    text = "a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a, z: 4}\n"
    assert parse(text, "f.yaml").root.data["b"] == {"x": 1, "y": 3, "z": 4}


def test_depth_is_bounded() -> None:
    nested = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse(nested, "f.yaml").root.data is not None
    assert f"nested deeper than {MAX_DEPTH}" in problems("[" + nested + "]")[0]


HOSTILE = {
    "deep flow": "'[' * 500_000",
    "deep mappings": "'{a: ' * 200_000",
    "deep blocks": "''.join(' ' * i + '-\\n' for i in range(1300))",
    "deep keys": "'? ' * 500_000",
    "dashes": "'- ' * 500_000",
    "alias bomb": r"'a: &a [' + 'x,' * 9 + 'x]\n' + ''.join(f'{chr(98 + i)}: &{chr(98 + i)} ['"
    r" + ','.join(['*' + chr(97 + i)] * 10) + ']\n' for i in range(20))",
    "merge bomb": r"'a: &a {' + ','.join(f'k{i}: 1' for i in range(400)) + '}\n'"
    r" + ''.join(f'b{i}: {{<<: *a}}\n' for i in range(5000))",
    "many anchors": r"''.join(f'a{i}: &a{i} 1\n' for i in range(60_000))",
    "one long word": "'a: ' + 'x' * 1_000_000",
    "one long key": "'x' * 1_000_000 + ': 1'",
    "many keys": r"''.join(f'k{i}: 1\n' for i in range(90_000))",
    "many values": "'[' + 'a,' * 500_000 + ']'",
    "quotes": "'\"' * 500_000",
    "comments": "'#' * 1_000_000",
    "colons": "':' * 500_000",
    "bangs": "'!' * 500_000",
    "open flows": r"'a: {b: [\n' * 100_000",
    "huge number": "'a: ' + '9' * 1_000_000",
    "directives": r"'%TAG !a! b\n' * 50_000",
    "blank lines": r"'a:' + '\n' * 1_000_000",
    "spaces": "'a:' + ' ' * 1_000_000 + 'b'",
    "literal": r"'a: |\n' + ' x\n' * 300_000",
    "escapes": r"'a: ' + chr(34) + r'\x41' * 200_000 + chr(34)",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_takes_long_or_crashes(name: str) -> None:
    """In a process of its own: a crash of the C parser would take the tests with it."""
    program = (
        "from runner.errors import InputError\n"
        "from runner.workspace.document import parse\n"
        "try:\n"
        f"    parse({HOSTILE[name]}, 'f.yaml')\n"
        "    print('read')\n"
        "except InputError as error:\n"
        "    print(error.problems[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("read", "f.yaml:"))
    assert len(done.stdout) < 500
