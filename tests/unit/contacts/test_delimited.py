"""A contact file is read strictly; what is wrong is said with its line, and all of it."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runner.contacts.sources.delimited import open_delimited
from runner.contacts.sources.raw import Limits
from runner.contacts.sources.table import BLOCK_ROWS
from runner.errors import InputError
from runner.model.contacts import FileSource

from .shelf import CSV, PLACE, Shelf, complaint, file_list, problems_of

Rows = list[tuple[int, tuple[str, ...]]]


def rows_of(shelf: Shelf, source: FileSource, limits: Limits | None = None) -> Rows:
    """(line, values) of each row of a file."""
    with open_delimited(source, shelf, PLACE, limits) as table:
        rows: Rows = []
        for block in table.blocks:
            rows += zip(block.lines, zip(*block.columns, strict=True), strict=True)
        return rows


def read(shelf: Shelf, content: str | bytes, path: str = CSV, **more: object) -> Rows:
    shelf.put(path, content)
    return rows_of(shelf, FileSource(path, compressed=path.endswith(".gz"), **more))  # type: ignore[arg-type]  # passed through


def refused(shelf: Shelf, content: str | bytes, path: str = CSV, **more: object) -> str:
    return complaint(lambda: read(shelf, content, path, **more))


def test_rows_come_with_the_line_on_which_they_begin(shelf: Shelf) -> None:
    """Quoted line breaks and blank lines count as the lines that they are."""
    content = (
        'email,note\na@x.example,"one\ntwo"\n\nb@x.example,"\r\n"\nc@x.example,"say ""hi"""\n\n\n'
    )
    assert read(shelf, content) == [
        (2, ("a@x.example", "one\ntwo")),
        (5, ("b@x.example", "\r\n")),
        (7, ("c@x.example", 'say "hi"')),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(shelf: Shelf, end: str) -> None:
    content = end.join(["email,name", "a@x.example,A", "b@x.example,B"])
    expected = [(2, ("a@x.example", "A")), (3, ("b@x.example", "B"))]
    assert read(shelf, content) == read(shelf, content + end) == expected


def test_a_byte_order_mark_is_no_part_of_the_first_name(shelf: Shelf) -> None:
    shelf.put(CSV, b"\xef\xbb\xbfemail\na@x.example\n")
    with open_delimited(FileSource(CSV), shelf, PLACE) as table:
        assert table.header == ("email",)


def test_white_space_around_the_names_of_columns_is_taken_off(shelf: Shelf) -> None:
    shelf.put(CSV, "email , First Name\n")
    with open_delimited(FileSource(CSV), shelf, PLACE) as table:
        assert table.header == ("email", "First Name")
        assert list(table.blocks) == []


@pytest.mark.parametrize("count", [BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 3 * BLOCK_ROWS])
def test_blocks_lose_nothing_at_their_edges(shelf: Shelf, count: int) -> None:
    content = "n\n" + "".join(f"{n}\n" for n in range(count))
    assert read(shelf, content) == [(n + 2, (str(n),)) for n in range(count)]


def test_other_delimiters_and_encodings_are_read_when_named(shelf: Shelf) -> None:
    assert read(shelf, "a;b\n1;ä\n".encode("cp1252"), delimiter=";", encoding="cp1252") == [
        (2, ("1", "ä"))
    ]
    assert read(shelf, "a\tb\n1\t2,3\n", "m.tsv", format="tsv") == [(2, ("1", "2,3"))]
    assert read(shelf, "a,b\n1,2\n", "m.csv.gz") == [(2, ("1", "2"))]


WRONG = {
    "empty": (b"", "members.csv:1:1: the file is empty"),
    "only a mark": (b"\xef\xbb\xbf", "the file is empty"),
    "blank first line": (b"\nemail\n", "members.csv:1:1: the first line is blank"),
    "nameless first line": (b" ,,\nx,y,z\n", "the first line is blank"),
    "excel sep line": (b"sep=;\nemail;name\n", "remove the line `sep=`"),
    "too many": (b"a,b\n1,2\n1,2,3\n", "members.csv:3:1: 3 fields where the header has 2 (quote"),
    "too few": (b"a,b\n1\n", "members.csv:2:1: 1 field where the header has 2 (is a value"),
    "open quote": (b'a,b\n1,2\n3,"4\n5,6\n', "members.csv:3:1: a quote that this record opens"),
    "open header quote": (b'a,"b\n1,2\n', "members.csv:1:1: a quote that this record opens"),
    "text after quote": (b'a,b\n"1"x,2\n', "members.csv:2:1: text after a closing quote"),
    "long field": (b"a\n" + b"x" * 131_073, "members.csv:2:1: a field longer than 131,072"),
    "nul": (b"a,b\n1,2\n1,\0\n", "members.csv:3:0: a NUL byte at byte 10"),
    "utf-16 le": ("a,b\n1,2\n".encode("utf-16"), "members.csv:0:0: the file is UTF-16 (save"),
    "utf-16 be": (b"\xfe\xff\0a", "the file is UTF-16 (save"),
    "utf-16 without mark": ("a,b\n".encode("utf-16-le"), "the file is UTF-16 or binary"),
    "excel": (b"PK\x03\x04\x14\x00", "the file is a spreadsheet"),
    "old excel": (b"\xd0\xcf\x11\xe0\xa1\xb1", "the file is a spreadsheet"),
    "gzip without .gz": (gzip.compress(b"a\n", mtime=0), "let its name end in .gz"),
    "latin": (
        b"email,n\na@x.example,Andr\xe9\n",
        "members.csv:2:17: byte 0xE9 at offset 24 is not utf-8 (save the file as UTF-8, or if",
    ),
    "neither": (b"email\n\x81\n", "byte 0x81 at offset 6 is not utf-8 (save the file as UTF-8)"),
    "cut off": (b"email\n\xc3", "members.csv:2:1: byte 0xC3 at offset 6"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("path", [CSV, "members.csv.gz"])
def test_what_is_no_table_is_refused_with_its_place(shelf: Shelf, name: str, path: str) -> None:
    """Packed files give the same complaints."""
    content, expected = WRONG[name]
    assert expected in refused(shelf, content, path).replace("csv.gz:", "csv:")


def test_all_problems_are_listed_up_to_the_one_that_ends_the_reading(shelf: Shelf) -> None:
    content = b'a,b\n1\n1,2\n3\n"x"y,1\n4\n'
    shelf.put(CSV, content)
    found = problems_of(lambda: rows_of(shelf, FileSource(CSV)))
    assert [p.line for p in found] == [2, 4, 5]


def test_what_was_found_before_a_bad_byte_is_listed_too(shelf: Shelf) -> None:
    shelf.put(CSV, b"a,b\n1\n" + b"1,2\n" * 20_000 + b"\xe9,2\nx,\xe9\n")
    found = problems_of(lambda: rows_of(shelf, FileSource(CSV)))
    assert [(p.line, p.column) for p in found] == [(2, 1), (20_003, 1), (20_004, 3)]


def test_a_million_bad_rows_are_one_page(shelf: Shelf) -> None:
    text = refused(shelf, "a,b\n" + "1\n" * 1_000)
    assert text.count("\n") == 20
    assert text.endswith("… and 980 more")


def test_utf8_read_as_something_else_is_noticed(shelf: Shelf) -> None:
    text = refused(shelf, b"\xef\xbb\xbfemail\n", encoding="cp1252")
    assert "the file is UTF-8 (remove the list's `encoding`)" in text


@pytest.mark.parametrize(
    "encoding",
    [
        "utf-16",
        "utf-32",
        "utf-7",
        "idna",
        "punycode",
        "base64",
        "raw_unicode_escape",
        "nonsense",
        "a\0b",
    ],
)
def test_encodings_that_cannot_hold_a_list_are_refused(shelf: Shelf, encoding: str) -> None:
    text = refused(shelf, "email\n", encoding=encoding)
    assert text.startswith("campaigns/lists/members.yaml:2:3: cannot read contacts in the encoding")


@pytest.mark.parametrize("delimiter", [";;", '"', "\n", "a", "1"])
def test_delimiters_that_cannot_be_one_are_refused(shelf: Shelf, delimiter: str) -> None:
    assert "the delimiter must be one character" in refused(shelf, "a\n", delimiter=delimiter)


def test_a_missing_file_is_a_problem_of_the_list(shelf: Shelf) -> None:
    text = complaint(lambda: rows_of(shelf, FileSource(CSV)))
    assert text == "campaigns/lists/members.yaml:2:3: the contact file members.csv does not exist"


@pytest.mark.parametrize("kind", ["directory", "pipe", "dangling link"])
def test_what_is_no_file_is_not_waited_for(shelf: Shelf, kind: str) -> None:
    place = shelf.root / CSV
    if kind == "directory":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("nowhere")
    expected = "does not exist" if kind == "dangling link" else "members.csv:0:0: not a regular"
    assert expected in complaint(lambda: rows_of(shelf, FileSource(CSV)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_input_error(shelf: Shelf) -> None:
    shelf.put(CSV, "a\n")
    (shelf.root / CSV).chmod(0)
    assert "cannot be read: Permission denied" in complaint(lambda: rows_of(shelf, FileSource(CSV)))


def test_a_file_that_fails_while_it_is_read_is_an_input_error(shelf: Shelf) -> None:
    """The memory of another address space answers reads at 0 with EIO."""
    (shelf.root / CSV).symlink_to("/proc/self/mem")
    assert "members.csv:0:0: cannot be read: Input/output error" in complaint(
        lambda: rows_of(shelf, FileSource(CSV))
    )


def whole_gzip() -> bytes:
    return gzip.compress(b"a,b\n" + b"".join(b"%d,x\n" % n for n in range(5_000)), mtime=0)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a,b\n1,2\n", "not a sound gzip file"),
        (whole_gzip()[:-400], "the gzip file is cut off"),
        (whole_gzip()[:-4], "the gzip file is cut off"),
        (whole_gzip()[:6], "the gzip file is cut off"),
        (whole_gzip()[:-8] + b"\0" * 8, "not a sound gzip file"),
        (whole_gzip()[:20] + b"\xff" * 40 + whole_gzip()[60:], "not a sound gzip file"),
        (whole_gzip() + b"rubbish", "not a sound gzip file"),
        (b"", "the file is empty"),
    ],
)
def test_damaged_gzip_gives_no_shorter_list(shelf: Shelf, data: bytes, expected: str) -> None:
    (shelf.root / "m.csv.gz").write_bytes(data)
    source = FileSource("m.csv.gz", compressed=True)
    assert expected in complaint(lambda: rows_of(shelf, source))


def test_several_gzip_members_are_one_file(shelf: Shelf) -> None:
    (shelf.root / "m.csv.gz").write_bytes(gzip.compress(b"a\n1\n", mtime=0) + gzip.compress(b"2\n"))
    rows = rows_of(shelf, FileSource("m.csv.gz", compressed=True))
    assert rows == [(2, ("1",)), (3, ("2",))]


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [
        (Limits(unpacked=1_000), "unpacks to more than 1,000 bytes"),
        (Limits(ratio=10, grace=20_000), "unpacks to more than 20,000 bytes"),
        (Limits(ratio=2_000, grace=1), ""),
    ],
)
def test_what_unpacks_without_end_is_refused(shelf: Shelf, limits: Limits, refusal: str) -> None:
    shelf.put("m.csv.gz", "a\n" + "x\n" * 100_000)
    source = FileSource("m.csv.gz", compressed=True)
    if refusal:
        assert refusal in complaint(lambda: rows_of(shelf, source, limits))
    else:
        assert len(rows_of(shelf, source, limits)) == 100_000


def test_a_plain_file_may_be_as_long_as_it_is(shelf: Shelf) -> None:
    shelf.put(CSV, "a\n" + "x\n" * 1_000)
    assert len(rows_of(shelf, FileSource(CSV), Limits(10, 1, 1))) == 1_000


def test_problems_hold_nothing_of_the_rows(shelf: Shelf) -> None:
    """What is printed in a public CI log must not hold anybody's address."""
    content = b'email,n\nann@x.example\n"bob@x.example"z,1\nJos\xe9@x.example,2\n'
    for start in (content, content.replace(b'"', b"")):
        assert not re.search("ann|bob|Jos|x.example", refused(shelf, start))


fields = st.text(st.sampled_from("ab,;\"\n\r \t'é中\x0b\x85\u2028"), max_size=5)


def written(rows: Iterable[Iterable[str]], end: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=end).writerows(rows)
    return text.getvalue()


@given(
    rows=st.integers(1, 3).flatmap(
        lambda width: st.lists(st.tuples(*[fields] * width), max_size=12)
    ),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
@example(rows=[("\r",), ("\n",)], end="\n")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_as_csv_is_read_back(
    shelf: Shelf, rows: list[tuple[str, ...]], end: str
) -> None:
    """Values as they were, and each row's line is where its text begins."""
    header = [f"c{n}" for n in range(len(rows[0]) if rows else 1)]
    found = read(shelf, written([header, *rows], end))
    assert [values for _, values in found] == rows
    for at, (line, _) in enumerate(found):
        before = written([header, *rows[:at]], end)
        assert line == len(re.findall("\r\n|\r|\n", before)) + 1


@given(data=st.binary(max_size=60), packed=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_table_or_an_input_error(shelf: Shelf, data: bytes, packed: bool) -> None:
    """Never a traceback, and every problem names a file of the workspace."""
    path = "m.csv.gz" if packed else "m.csv"
    (shelf.root / path).write_bytes(data)
    paths = {path}
    try:
        rows_of(shelf, FileSource(path, compressed=packed))
    except InputError as error:
        paths = {problem.path for problem in error.problems}
    assert paths == {path}


def test_only_the_header_is_read_for_the_names(shelf: Shelf) -> None:
    """A broken row further down does not concern ``columns``."""
    shelf.put(CSV, "email,a\n" + "x@x.example,1\n" * 50_000 + "broken\n")
    assert shelf.lists().columns(file_list()) == {"email", "timezone", "a"}


def test_a_text_that_is_wrong_as_a_whole_is_refused_too(shelf: Shelf) -> None:
    """Each line by itself decodes, the file does not: its first line leaves a shift open."""
    text = refused(shelf, b"email\n\x1b$B\n!\n", encoding="iso2022_jp")
    assert text == "members.csv:0:0: the file is not iso2022_jp"
