"""However a text is cut into records, the records are those that csv finds one by one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.contacts.sources import records
from runner.contacts.sources.records import Broken, Ragged, Records
from runner.contacts.sources.table import Block

Found = tuple[int, object]


def slowly(text: str, delimiter: str) -> Iterator[Found]:
    """(line, fields), (line, how many they are) or (line, why not), straight from csv."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    width = start = 0
    try:
        width = len(next(reader, []))
        if not width:
            return  # no table at all: nobody asks for more
        start = reader.line_num + 1
        for row in reader:
            if row:
                yield start, tuple(row) if len(row) == width else len(row)
            start = reader.line_num + 1
    except csv.Error as error:
        yield start, str(error)


def quickly(text: str, delimiter: str) -> Iterator[Found]:
    source = Records(io.BufferedReader(io.BytesIO(text.encode())), "utf-8", delimiter)  # type: ignore[arg-type]  # as good as raw
    try:
        header = source.header() or []
    except csv.Error as error:
        yield 0, str(error)
        return
    if not header:
        return
    # a record that is not right may be told before those that are in its block
    for found in source.blocks(len(header)):
        if isinstance(found, Block):
            rows = zip(*found.columns, strict=True) if found.columns else ()
            yield from zip(found.lines, rows, strict=True)
        elif isinstance(found, Ragged):
            yield found.line, found.fields
        else:
            assert isinstance(found, Broken)
            yield found.line, str(found.error)


PIECES = ("a", "b,c", ",", '"', '""', '"x,y"', '"x\ny"', "\n", "\r\n", "\r", "é", " ", ";")
ALIKE = ("¦", "©", "\u0b26")  # in UTF-8 the second and the third hold the two bytes of the first
pieces = st.sampled_from(PIECES + ALIKE)
texts = st.lists(pieces | st.just("a,b\n"), max_size=40).map("".join)
tables = st.builds("{}{}".format, st.just("h,i\n"), texts) | texts


@given(text=tables, chunk=st.sampled_from([1, 2, 3, 8, 1 << 18]), delimiter=st.sampled_from(",;¦"))
@example(text="h\n\n\na\n\n", chunk=2, delimiter=",")
@example(text='h,i\n"a","b\r\n"\r\nc,d', chunk=8, delimiter=",")
@example(text="h\ra\r\rb\r", chunk=2, delimiter=",")
@example(text='h,i\na"b,c\nd,e\n', chunk=8, delimiter=",")
@example(text="h¦i\n©\u0b26\n", chunk=99, delimiter="¦")
@example(text="\n\nh", chunk=1, delimiter=",")
def test_chunks_of_any_size_give_the_records_of_csv(text: str, chunk: int, delimiter: str) -> None:
    """The same fields on the same lines, and the same complaints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "CHUNK", chunk)
        found = list(quickly(text, delimiter))
    assert sorted(found, key=lambda one: one[0]) == list(slowly(text, delimiter))


def test_a_field_may_be_as_long_as_csv_allows() -> None:
    longest = "x" * csv.field_size_limit()
    assert list(quickly(f"h\n{longest}\n", ",")) == [(2, (longest,))]
    ((line, why),) = quickly(f"h\n{longest}x\n", ",")
    assert line == 2
    assert "field limit" in str(why)
