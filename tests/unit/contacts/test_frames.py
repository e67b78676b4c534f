"""With the extra `fast` everything comes out as it does without."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runner.contacts import framekeys, frames
from runner.contacts.identifier import Identifier
from runner.contacts.identities import identify
from runner.contacts.keys import Keyer
from runner.contacts.lists import ContactLists
from runner.contacts.sources import records
from runner.errors import InputError
from runner.model.columns import CodedColumn
from runner.model.contacts import Audience

from .shelf import CSV, SECRET, Shelf, file_list
from .test_addresses import INVALID, addresses, plain

pytest.importorskip("polars_hash")

HEADER = "email,name,opted_out,timezone\n"
QUIRKS = (
    *('"a@x.example",b,,\n', "a@x.example,b,,\r\n", "\n", "a@x.example\n", "b@x.example,\x1cn,,\n"),
    *("a@bücher.example,Łódź,no,Europe/Paris\n", "A@X.example,\u2003n\u00a0,,Nowhere\n", ",,,\n"),
    *('c@x.example,"two\nlines",,\n', 'd@x.example,5" pipe,yes,UTC\n', "e@x.example,\t,x,\n"),
    *(
        "f@x.invalid,n,,\n",
        "g@a--b.example,n,,\n",
        "H@x.example,\x85,maybe,\n",
        "é@x.example,n,,\n",
    ),
    *("U3@X.EXAMPLE,N,yes,\n", " u4@x.example ,  ,,\n", "\u3000u5@x.example\t,n,,\n"),
    *("\ufeffu6@x.example,n,,\n", "u7@x.example,\0,,\n", "u8@x.example,\u2028,,\n"),
    *(f"u9@x.example,{'ü' * 70_000},,\n", "u1@x.example,n,no, \n", ",,,nowhere\n", "\r\n"),
)
lines = st.sampled_from(QUIRKS) | st.builds(
    "u{}@x.example,Name {},{},{}\n".format,
    st.integers(0, 30),
    st.integers(0, 600),
    st.sampled_from(["", "no", "yes", "2024-05-01"]),
    st.sampled_from(["", "UTC", " Europe/Paris ", "Moon"]),
)


def outcome(lists: ContactLists) -> object:
    """All of an audience and its warnings, or the complaint instead.

    Of a file with a NUL byte that is all: what is said besides depends on how much was read.
    """
    try:
        audience = lists.read(file_list())
    except InputError as error:
        nul = [one for one in error.problems if one.message.startswith("a NUL byte")]
        return nul or list(error.problems)
    return everything(audience), lists.warnings(file_list())


def everything(audience: Audience) -> object:
    out = audience.excluded
    fields = {name: list(column) for name, column in audience.fields.items()}
    rows = (list(audience.emails), list(audience.keys), list(audience.lines))
    return rows, fields, list(out.keys), list(out.reasons), list(out.lines)


@given(
    st.lists(st.one_of(lines, lines, lines, st.sampled_from(QUIRKS)), max_size=25),
    st.sampled_from(["", "\ufeff"]),
    st.sampled_from([40, 300, 1 << 22]),
)
@example(["a@x.example,n,,\n"] * 3 + ["\n"], "\ufeff", 1 << 22)
@example([f"u{n}@x.example,{n},,UTC\n" for n in range(5000)], "", 1 << 22)
@example([f"U{n % 4000}@x.example,{n},,UTC\n" for n in range(9000)], "", 1 << 16)
@example([f"u{n}@x.example,{n // 20},,UTC\n" for n in range(9000)], "", 1 << 15)
@example([f"u{n}@x.example,n,,\n" for n in range(4000)] + [QUIRKS[5], "x,y,,\n"] * 9, "", 1 << 17)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_list_is_the_same_list(shelf: Shelf, rows: list[str], mark: str, chunk: int) -> None:
    """Quotes, blank and ragged lines, other line ends, marks, letters beyond ASCII, duplicates,
    addresses that are none, unknown words, wherever a chunk ends: the audience, or the complaints,
    are the same."""
    shelf.put(CSV, mark + HEADER + "".join(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "WORTH_IT", 0)
        patch.setattr(framekeys, "FEWEST", 1)
        patch.setattr(records, "QUICK_CHUNK", chunk)
        quick = outcome(shelf.lists())
        patch.setattr(frames, "installed", lambda: False)
        patch.setattr(frames, "loaded", lambda: False)
        assert outcome(shelf.lists()) == quick


@given(st.lists(addresses | plain | st.sampled_from([raw for raw, _ in INVALID]), max_size=12))
@settings(max_examples=50)
def test_addresses_have_the_same_keys(raw: list[str]) -> None:
    import polars

    raw = [one for one in raw if not set(one) & set("\ud800\x1c\x1d\x1e\x1f")]
    column = frames.SeriesColumn(polars.Series(raw, dtype=polars.String))
    quick, slow = identify(column, Keyer(SECRET)), identify(raw, Keyer(SECRET))
    assert (list(quick.emails), quick.keys, quick.invalid) == (
        slow.emails,
        slow.keys,
        slow.invalid,
    )


def test_a_secret_that_is_no_text_is_hashed_by_python() -> None:
    import polars

    column = frames.SeriesColumn(polars.Series(["a@x.example"]))
    keyer = Keyer(b"\xff\xfe")
    assert identify(column, keyer).keys == keyer.key("a@x.example")


@given(st.lists(st.tuples(st.booleans(), st.lists(plain, min_size=1, max_size=3)), max_size=9))
@settings(max_examples=30)
def test_a_thread_answers_in_order(blocks: list[tuple[bool, list[str]]]) -> None:
    """Whoever finds out which part, and whether it takes its time; few are waited for at a time."""
    import polars

    keyer, found, asked = Keyer(SECRET), [], 0
    with Identifier(keyer, 1 << 40) as identifier:
        for number, (quick, raw) in enumerate(blocks, 1):
            identifier.ask(frames.SeriesColumn(polars.Series(raw)) if quick else raw)
            found += [bytes(one.keys) for one in identifier.answers()]
            asked = max(asked, number - len(found))
        found += [bytes(one.keys) for one in identifier.answers(all_of_them=True)]
    assert found == [bytes(identify(raw, keyer).keys) for _, raw in blocks]
    assert asked < 2


def test_a_fault_in_the_thread_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    import polars

    def broken(raw: object, keyer: Keyer) -> None:
        raise MemoryError

    monkeypatch.setattr("runner.contacts.identifier.identify", broken)
    with Identifier(Keyer(SECRET)) as identifier:
        identifier.ask(frames.SeriesColumn(polars.Series(["a@x.example"])))
        with pytest.raises(MemoryError):
            list(identifier.answers(all_of_them=True))


def test_white_space_is_what_python_strips() -> None:
    """All but four characters, for which a text is left to Python."""
    import polars

    characters = [chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n <= 0xDFFF]
    stripped = frames.SeriesColumn(polars.Series(["x" + c for c in characters])).stripped()
    found = [c for c, text in zip(characters, stripped, strict=True) if len(text) == 1]
    expected = [c for c in characters if c.isspace() and c not in "\x1c\x1d\x1e\x1f"]
    assert found == expected


def test_what_is_short_is_not_worth_loading_it() -> None:
    assert frames.read_lines(b"a,b\n", 1, 2, ",") is None


@pytest.mark.parametrize("row", ["\ufeffann@example.org,Ann", "ann@example.org," + "x" * 140_000])
def test_what_polars_takes_otherwise_is_left_to_python(shelf: Shelf, row: str) -> None:
    """A mark that it would drop amid a file, and a field longer than any may be."""
    shelf.put(CSV, f"email,name\n{row}\nbob@example.org,Bob\n")
    found = []
    for worth_it in (1 << 40, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(frames, "WORTH_IT", worth_it)
            try:
                found.append([*shelf.lists().read(file_list()).emails])
            except InputError as error:
                found.append([str(problem) for problem in error.problems])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "rows", ["{}@x.example\n", "{}@x.example\n\nb@x.example\n", "\n{}@x.example\n"]
)
def test_lists_of_one_column_are_the_same(shelf: Shelf, rows: str) -> None:
    """Where no delimiter tells a blank line from a row."""
    shelf.put(CSV, "email\n" + "".join(map(rows.format, range(400))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "WORTH_IT", 0)
        quick = outcome(shelf.lists())
        patch.setattr(frames, "installed", lambda: False)
        assert outcome(shelf.lists()) == quick


def test_columns_of_few_values_are_coded() -> None:
    """And those of more than a byte can tell apart are not, be they many only further down."""
    rows = [f"{n % 256},{n % 257},{n // 4096}\n" for n in range(300 * 4096)]
    few, many, late = frames.read_lines("".join(rows).encode(), len(rows), 3, ",") or ()
    assert isinstance(few, CodedColumn)
    assert not isinstance(many, CodedColumn)
    assert not isinstance(late, CodedColumn)
    assert list(few) == [str(n % 256) for n in range(len(rows))]
    assert list(late) == [str(n // 4096) for n in range(len(rows))]


@pytest.mark.parametrize(("told", "threads"), [("3", 3), ("", max(1, frames.processors() - 1))])
def test_polars_leaves_a_processor_to_what_is_done_here(told: str, threads: int) -> None:
    """Unless somebody has said how many it may have."""
    code = "from runner.contacts import frames; print(frames.polars().thread_pool_size())"
    environ = {"PATH": os.environ["PATH"], **({"POLARS_MAX_THREADS": told} if told else {})}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == threads
