"""Any change to a sealed file, and any file that comes or goes, is found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runner.errors import StateCorrupt
from runner.ledger.layout import LedgerFile
from runner.ledger.seal import (
    End,
    Sealed,
    broken,
    dump_seal,
    explain,
    first_seal,
    grown,
    inner,
    load_seal,
    split_end,
    with_end,
)

LINES = st.lists(st.binary(max_size=30).filter(lambda b: b"\n" not in b), min_size=1, max_size=5)
BODY = LINES.map(lambda lines: b"".join(b'{"at":' + line + b"\n" for line in lines))
PATH = "2025-10/r-0001.jsonl"


@given(BODY, st.sampled_from(["", PATH]))
def test_a_check_line_comes_off_again(body: bytes, after: str) -> None:
    assert split_end(with_end(body, after)) == (body, End(after, body.count(b"\n")))
    assert split_end(body) == (body, None)


@given(BODY, st.data())
def test_any_other_byte_is_found(body: bytes, data: st.DataObject) -> None:
    content = with_end(body, PATH)
    index = data.draw(st.integers(0, len(content) - 2))
    byte = data.draw(st.integers(0, 255))
    assume(byte not in (content[index], ord("\n")))
    changed = content[:index] + bytes([byte]) + content[index + 1 :]
    end = split_end(changed)[1]
    # the line is no check line any more (and then no record either), or it does not fit
    assert end is None or end.fault


@given(BODY, BODY)
def test_any_line_taken_away_or_added_is_found(body: bytes, other: bytes) -> None:
    content = with_end(body, PATH)
    first = content.index(b"\n") + 1
    for changed in (content[first:], other + content):
        end = split_end(changed)[1]
        assert end
        assert "check line" in end.fault


def files(*sizes: int, campaign: str = "a") -> list[LedgerFile]:
    return [
        LedgerFile(campaign, "2025-10", "r", number, size=size)
        for number, size in enumerate(sizes, start=1)
    ]


def test_a_seal_is_read_as_it_was_written() -> None:
    seal = grown(first_seal(files(3, 4, campaign="ä/ö")), files(5, 6))
    assert load_seal(dump_seal(seal)) == seal
    assert seal == {
        "ä/ö": Sealed(2, 7, "", 2),
        "a": Sealed(2, 11, "2025-10/r-0002.jsonl", 0),
    }


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"[" * 100_000, b'{"campaigns":3}', dump_seal({}) + b" ", b"\xff"],
)
def test_what_is_no_seal_is_corrupt(content: bytes) -> None:
    with pytest.raises(StateCorrupt, match=r"^state/seal\.json: this is no seal"):
        load_seal(content)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.data())
def test_whatever_file_goes_comes_or_grows_breaks_the_seal(
    sizes: list[int], data: st.DataObject
) -> None:
    every = files(*sizes)
    seal = grown({}, every)
    assert broken(seal, every) == []
    index = data.draw(st.integers(0, len(every) - 1))
    rest = [file for file in every if file is not every[index]]
    assert broken(seal, rest) == ["a"]
    assert broken(seal, [*rest, replace(every[index], size=every[index].size + 1)]) == ["a"]
    assert broken(seal, [*every, *files(1, campaign="b")]) == ["b"]


@given(st.integers(1, 6), st.data())
def test_the_file_that_is_missing_is_named(number: int, data: st.DataObject) -> None:
    every = files(*[9] * number)
    sealed = grown({}, every)["a"]
    paths = [inner(file) for file in every]
    ends = {p: End(b, 1) for p, b in zip(paths, ["", *paths], strict=False)}
    assert list(explain("a", sealed, ends, 9 * number)) == []
    gone = data.draw(st.sampled_from(paths))
    del ends[gone]
    found = list(explain("a", sealed, ends, 9 * number - 9))
    assert found == [(f"ledger/a/{gone}", "this file is missing: was it deleted?")]
