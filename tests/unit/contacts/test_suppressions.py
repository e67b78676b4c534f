"""A suppression is found in whatever way it was written; what cannot be read stops the run."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.contacts import Suppressions, contact_key, frames, read_suppressions, suppressions
from runner.contacts.keys import Keyer
from runner.errors import InputError, Problem
from runner.model.keys import KeyColumn

from .shelf import SECRET, Shelf, complaint, inline_list, problems_of

PATH = "campaigns/suppressions/do-not-mail.txt"
KEY = contact_key(SECRET, "ann@example.org")


def load(shelf: Shelf, content: str | bytes) -> Suppressions:
    shelf.put(PATH, content)
    return read_suppressions(shelf, [PATH], Keyer(SECRET))


def mailed(shelf: Shelf, entry: str, *emails: str) -> list[str]:
    """Who of ``emails`` is left when ``entry`` is suppressed."""
    shelf.put(PATH, entry + "\n")
    lists = shelf.lists(suppressions=[PATH])
    audience = lists.read(inline_list(*({"email": email} for email in emails)))
    assert set(audience.excluded.reasons) <= {"suppressed"}
    return list(audience.emails)


ANN, SUB, DEEP = "Ann@Example.org", "ann@mail.example.org", "ann@a.mail.example.org"
LOOKALIKE = "ann@notexample.org"
EVERYBODY = (ANN, SUB, DEEP, LOOKALIKE)
ENVELOPES = {ANN: "Ann@example.org"}


@pytest.mark.parametrize(
    ("entry", "gone"),
    [
        ("ann@example.org", [ANN]),
        ("  ANN@EXAMPLE.ORG  # asked by phone", [ANN]),
        ("example.org", [ANN]),
        ("@Example.ORG", [ANN]),
        ("*.example.org", [SUB, DEEP]),
        ("*.mail.example.org", [DEEP]),
        ("mail.example.org", [SUB]),
        (f"key:{KEY.hex()}", [ANN]),
        (f"KEY:{KEY.hex().upper()}", [ANN]),
        ("*.org", [*EVERYBODY]),
        ("# example.org", []),
        ("ann@example.net", []),
        ("", []),
    ],
)
def test_an_entry_suppresses_whom_it_names(shelf: Shelf, entry: str, gone: list[str]) -> None:
    """A domain means itself, ``*.`` its sub-domains at any depth, nothing means lookalikes."""
    left = [ENVELOPES.get(email, email) for email in EVERYBODY if email not in gone]
    assert mailed(shelf, entry, *EVERYBODY) == left


def test_international_domains_match_in_either_spelling(shelf: Shelf) -> None:
    emails = ("x@bücher.example", "x@other.example")
    for entry in ("bücher.example", "xn--bcher-kva.example", "x@BÜCHER.example"):
        assert mailed(shelf, entry, *emails) == ["x@other.example"]


def test_a_hash_inside_an_address_is_no_comment(shelf: Shelf) -> None:
    assert mailed(shelf, "a#b@x.example", "a#b@x.example", "a@x.example") == ["a@x.example"]


def test_keys_from_the_state_count_too(shelf: Shelf) -> None:
    lists = shelf.lists(suppressed_keys=iter([KEY]))
    audience = lists.read(inline_list({"email": ANN}, {"email": SUB}))
    assert list(audience.emails) == [SUB]
    assert audience.excluded.counts() == {"suppressed": 1}


def test_marks_line_ends_and_comments_are_read(shelf: Shelf) -> None:
    content = b"\xef\xbb\xbf# people\r\na@x.example\r\n\r\n  # more\r\n*.y.example\r\nz.example"
    found = load(shelf, content)
    assert found == Suppressions(
        KeyColumn.of([contact_key(SECRET, "a@x.example")]),
        frozenset({"z.example"}),
        frozenset({"y.example"}),
    )


WRONG = {
    "key:123": "not a contact key",
    "key:00112233445566778": "not a contact key",
    "key:": "not a contact key",
    "example": "neither an address nor a domain",
    "*.": "neither an address nor a domain",
    "*": "neither an address nor a domain",
    "*@example.org.": "the domain is not valid",
    "mail.*.example": "neither an address nor a domain",
    "@*.example.org": "neither an address nor a domain",
    "ann@example.org, bob@example.org": "more than one address",
    "ann@example.org opted out": "white space",
    "ann@example.org,2024-01-01": "the domain is not valid",
    "Ann <ann@example.org>": "a name stands beside",
    "//example.org": "neither an address nor a domain",
    "jörg@example.org": "beyond ASCII",
}


@pytest.mark.parametrize("entry", WRONG)
def test_what_is_no_entry_is_refused_by_line_and_unquoted(shelf: Shelf, entry: str) -> None:
    shelf.put(PATH, f"ok.example\n{entry}\n")
    text = complaint(lambda: shelf.lists(suppressions=[PATH]).read(inline_list()))
    assert text.startswith(f"{PATH}:2:1: ")
    assert WRONG[entry] in text
    assert "ann@" not in text
    assert "one a line" in text


def test_all_wrong_lines_of_all_files_are_listed(shelf: Shelf) -> None:
    shelf.put("a.txt", "bad\nok.example\nworse\n")
    shelf.put("c.txt", b"fine.example\n\xff\n")
    found = problems_of(
        lambda: read_suppressions(shelf, ["a.txt", "b.txt", "c.txt"], Keyer(SECRET))
    )
    assert [(p.path, p.line) for p in found] == [
        *[("a.txt", 1), ("a.txt", 3), ("b.txt", 0), ("c.txt", 2)]
    ]


@pytest.mark.parametrize("kind", ["missing", "directory", "loop"])
def test_a_source_that_cannot_be_read_is_never_passed_over(shelf: Shelf, kind: str) -> None:
    if kind == "directory":
        (shelf.root / PATH).mkdir(parents=True)
    elif kind == "loop":
        (shelf.root / "campaigns/suppressions").mkdir(parents=True)
        (shelf.root / PATH).symlink_to(shelf.root / PATH)
    lists = shelf.lists(suppressions=[PATH])
    text = complaint(lambda: lists.read(inline_list({"email": "a@x.example"})))
    assert text == f"{PATH}:0:0: the suppression file is missing"


def test_a_source_that_fails_while_it_is_read_is_never_passed_over(shelf: Shelf) -> None:
    (shelf.root / "m.txt").symlink_to("/proc/self/mem")
    text = complaint(lambda: read_suppressions(shelf, ["m.txt"], Keyer(SECRET)))
    assert text == "m.txt:0:0: cannot be read: Input/output error"


labels = st.sampled_from(["a", "b", "example", "org"])
names = st.lists(labels, min_size=2, max_size=5).map(".".join)


@given(domains=st.frozensets(names), wildcards=st.frozensets(names), domain=names)
def test_covering_means_equal_or_below_a_wildcard(
    domains: frozenset[str], wildcards: frozenset[str], domain: str
) -> None:
    covered = domain in domains or any(domain.endswith(f".{w}") for w in wildcards)
    assert Suppressions(KeyColumn(), domains, wildcards).covers(domain) is covered


def test_a_path_that_may_not_be_read_is_listed_with_the_rest(shelf: Shelf) -> None:
    """The workspace refuses links that lead out of it; the other files are checked all the same."""

    class Guarded(Shelf):
        def locate(self, path: str) -> Path | None:
            if path == "out.txt":
                raise InputError([Problem(path, 0, 0, "leads out of the workspace")])
            return super().locate(path)

    shelf.put("bad.txt", "bad\n")
    guarded = Guarded(shelf.root)
    found = problems_of(lambda: read_suppressions(guarded, ["out.txt", "bad.txt"], Keyer(SECRET)))
    assert [(p.path, p.line) for p in found] == [("bad.txt", 1), ("out.txt", 0)]


written = st.one_of(
    st.sampled_from([*EVERYBODY, "*.org", "@x.org", "key:12", f"key:{KEY.hex()}", "# no", " "]),
    st.from_regex(r"\A[ \x1f\x85]?[Aa.]{1,3}@[a-z]{1,2}\.(org|test)[ \x1c]?\Z"),
    st.text(max_size=12).map(lambda text: text.replace("\n", "")),
    st.text(max_size=8).map(lambda text: text.replace("\n", "") + "@example.org"),
)


@given(st.lists(written, max_size=12))
def test_many_are_read_as_few_are(lines: list[str]) -> None:
    """Where polars is loaded it hashes them: the same people, or the same complaints."""
    pytest.importorskip("polars_hash")
    text = "\n".join(lines).encode("utf-8", "replace")
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as place:
        shelf = Shelf(Path(place))
        patch.setattr(frames, "loaded", lambda: False)
        slow = outcome(shelf, text)
        patch.setattr(frames, "loaded", lambda: True)
        patch.setattr(frames, "MANY", 0)
        assert outcome(shelf, text) == slow
        patch.setattr(suppressions, "_CHUNK", 20)
        assert outcome(shelf, text) == slow


def outcome(shelf: Shelf, content: bytes) -> object:
    try:
        found = load(shelf, content)
    except InputError as error:
        return list(error.problems)
    return sorted(found.keys), found.domains, found.wildcards


def test_they_are_read_together_with_the_list(shelf: Shelf) -> None:
    """What is wrong with them is said once, and nobody is mailed."""
    shelf.put(PATH, "ann@example.org\nnobody\n")
    lists = shelf.lists(suppressions=[PATH])
    for _ in range(2):
        found = problems_of(lambda: lists.read(inline_list({"email": "bob@example.org"})))
        assert [(problem.path, problem.line) for problem in found] == [(PATH, 2)]
    assert problems_of(lambda: lists.read(inline_list())) == found


def test_a_bad_byte_far_down_is_found_at_its_line(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much of the file is read at a time, and nothing else of it is passed over."""
    monkeypatch.setattr(suppressions, "_CHUNK", 8)
    with pytest.raises(InputError) as caught:
        load(shelf, b"a@x.example\n" * 9 + b"no entry\n\xff@x.example\n")
    assert sorted(one.line for one in caught.value.problems) == [10, 11]
