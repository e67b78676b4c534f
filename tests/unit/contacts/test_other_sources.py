"""JSON Lines, Parquet, age, object storage: what is wrong is said, and stops the list."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.contacts.sources.age import AgeFetcher
from runner.contacts.sources.bucket import BucketFetcher
from runner.contacts.sources.fetchers import fetcher_of
from runner.contacts.sources.fetching import Fetched, FetchError, Reach
from runner.model.settings import Secret
from runner.model.sources import AgeSource, Form, ObjectSource
from tests.servers.clock import StillClock

from .shelf import Shelf, complaint, file_list, problems_of

LINES = "m.jsonl"
ROW = '{"email": "ann@example.org"}\n'


def json_lines(shelf: Shelf, text: str | bytes) -> Any:
    shelf.put(LINES, text)
    return shelf.lists().read(file_list(LINES, format="jsonl"))


def test_names_of_any_line_are_columns(shelf: Shelf) -> None:
    """An opt-out that only the last contact has is obeyed."""
    audience = json_lines(
        shelf, ROW + "\n" + '{"email": "bob@example.org", "opted_out": true, "n": 1.10}\n'
    )
    assert list(audience.emails) == ["ann@example.org"]
    assert list(audience.excluded.reasons) == ["opted_out"]
    assert list(audience.excluded.lines) == [3]


def test_values_are_what_a_csv_would_hold(shelf: Shelf) -> None:
    row = '{"email": "a@example.org", "a": 1.10, "b": true, "c": null, "d": -0, "e": "\\u00e9\\n"}'
    audience = json_lines(shelf, "\ufeff" + row)
    assert audience.contact(0) == {
        "email": "a@example.org",
        "timezone": "",
        "a": "1.10",
        "b": "true",
        "c": "",
        "d": "-0",
        "e": "é",
    }


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ("{", "this line is not JSON"),
        ("[" * 100_000, "this line is not JSON"),
        ('"ann@example.org"', "this line is no object"),
        ('{"email": "a@example.org", "email": "b@example.org"}', "has a name twice"),
        ('{"email": ["ann@example.org"]}', '"email" is a list or an object'),
        ('{"ann@example.org": {}}', "a field is a list or an object"),
        ('{"email": NaN}', "this line is not JSON"),
        (b'{"email": "\xff"}', "this line is not UTF-8"),
        (b'{"email": "\xed\xa0\xbd\xed\xb8\x80"}', "this line is not UTF-8"),
        ('{"email": "x"}'.encode("utf-16-le"), "a NUL byte"),
        (b'{"email": "\\ud83d"}', '"email" holds half a character'),
        ('{"email": "' + "x" * (1 << 20) + '"}', "a line longer than 1,048,576 bytes"),
        (str({f"n{n}": 1 for n in range(1001)}).replace("'", '"'), "more than 1,000 different"),
    ],
)
def test_a_bad_line_stops_the_list(shelf: Shelf, bad: str | bytes, expected: str) -> None:
    """With its number, and without what stands in it."""
    raw = bad if isinstance(bad, bytes) else bad.encode()
    problems = problems_of(lambda: json_lines(shelf, ROW.encode() + raw + b"\n" + ROW.encode()))
    assert problems[0].line == 2
    assert expected in problems[0].message
    assert "ann@" not in str(problems)


def test_a_cut_line_stops_the_list(shelf: Shelf) -> None:
    assert "not JSON" in complaint(lambda: json_lines(shelf, (ROW * 3)[:-9]))


@pytest.fixture
def arrow() -> Any:
    return pytest.importorskip("pyarrow")


def parquet_list(shelf: Shelf, arrow: Any, **columns: Any) -> Any:
    from pyarrow import parquet

    parquet.write_table(arrow.table(columns), shelf.root / "m.parquet", row_group_size=2)
    return file_list("m.parquet", format="parquet")


def test_values_of_parquet_are_what_a_csv_would_hold(shelf: Shelf, arrow: Any) -> None:
    from datetime import date, datetime

    rows = parquet_list(
        shelf,
        arrow,
        email=["a@example.org", "b@example.org", "c@example.org"],
        opted_out=[False, None, True],
        count=[1, None, 3],
        joined=[date(2025, 1, 2), None, None],
        seen=[datetime(2025, 1, 2, 3, 4, 5), None, None],
        kind=arrow.array(["x", None, "x"]).dictionary_encode(),
    )
    audience = shelf.lists().read(rows)
    assert list(audience.excluded.reasons) == ["opted_out"]
    assert {name: list(audience.fields[name]) for name in ("count", "joined", "kind")} == {
        "count": ["1", ""],
        "joined": ["2025-01-02", ""],
        "kind": ["x", ""],
    }
    assert audience.fields["seen"][0].startswith("2025-01-02 03:04:05")


def test_parquet_that_is_none_stops_the_list(shelf: Shelf, arrow: Any) -> None:
    good = parquet_list(shelf, arrow, email=[f"p{n}@example.org" for n in range(100)])
    raw = (shelf.root / "m.parquet").read_bytes()
    for data in (
        b"",
        raw[:-9],
        b"PAR1" + bytes(200) + raw[200:],
        raw[:60] + b"\xff" * 20 + raw[80:],
    ):
        shelf.put("m.parquet", data)
        assert "not a sound Parquet file" in complaint(lambda: shelf.lists().read(good))


def test_lists_inside_of_parquet_stop_the_list(shelf: Shelf, arrow: Any) -> None:
    nested = parquet_list(shelf, arrow, email=["a@example.org"], tags=[["x"]])
    assert 'the column "tags" holds lists or objects' in complaint(
        lambda: shelf.lists().read(nested)
    )


KEY = Secret("AGE_IDENTITY")
CSV = b"email\n" + b"".join(b"p%d@example.org\n" % n for n in range(20_000))


class Age:
    def __init__(self, shelf: Shelf) -> None:
        self.age = pytest.importorskip("pyrage")
        self.identity = self.age.x25519.Identity.generate()
        self.shelf = shelf
        shelf.put("m.age", self.age.encrypt(CSV, [self.identity.to_public()]))
        self.source = AgeSource("m.age", KEY)

    def fetch(self, key: str | None = None, **known: str) -> tuple[bytes, Fetched | None]:
        environ = {"AGE_IDENTITY": str(self.identity) if key is None else key}
        fetcher = AgeFetcher(self.source, Reach(environ, StillClock(), self.shelf))
        sink = io.BytesIO()
        fetched = fetcher.fetch(sink, known)
        return sink.getvalue(), fetched


def test_age_is_decrypted_once_for_each_version(shelf: Shelf) -> None:
    age = Age(shelf)
    plain, fetched = age.fetch()
    assert plain == CSV
    assert fetched is not None
    assert age.fetch(**fetched.validators) == (b"", None)
    assert age.fetch(sha256="another")[0] == CSV


def test_age_without_its_key_is_nothing(shelf: Shelf) -> None:
    """And neither the key nor what is inside is told."""
    age = Age(shelf)
    other = str(age.age.x25519.Identity.generate())
    for key, expected in (
        (other, "it cannot be decrypted"),
        ("x", "holds no secret key"),
        (" ", "holds no secret key"),
    ):
        with pytest.raises(FetchError, match=expected) as caught:
            age.fetch(key)
        assert other[20:] not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("cut", [10, 1000, 100_000])
def test_age_that_is_cut_is_nothing(shelf: Shelf, cut: int) -> None:
    age = Age(shelf)
    path = shelf.root / "m.age"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(FetchError, match=r"cannot be decrypted|cut off"):
        age.fetch()


def test_age_that_is_not_there(shelf: Shelf) -> None:
    age = Age(shelf)
    Path(shelf.root / "m.age").unlink()
    with pytest.raises(FetchError, match=r"m\.age does not exist"):
        age.fetch()


@pytest.fixture
def memory() -> Iterator[Any]:
    fsspec = pytest.importorskip("fsspec")
    storage = fsspec.filesystem("memory")
    storage.pipe_file("/b/m.csv", CSV)
    yield storage
    storage.store.clear()


def fetch_object(shelf: Shelf, url: str = "memory://b/m.csv", **more: Any) -> Any:
    known = more.pop("known", {})
    reach = Reach(more.pop("environ", {}), StillClock(), shelf)
    sink = io.BytesIO()
    fetched = BucketFetcher(replace(ObjectSource(url, Form()), **more), reach).fetch(sink, known)
    return sink.getvalue(), fetched


def test_an_object_is_had_whole(shelf: Shelf, memory: Any) -> None:
    body, fetched = fetch_object(shelf)
    assert body == CSV
    assert isinstance(fetched, Fetched)
    assert fetched.form.compressed is False


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("memory://b/n.csv", "there is no such object"),
        ("file:///etc/passwd", "file:// is no object storage"),
        ("simplecache::file:///etc/passwd", "no object storage"),
        ("s3+file://x/y", "no object storage"),
        ("https://x.example/y", "no object storage"),
        ("nosuch://x/y", "fsspec knows no nosuch://"),
    ],
)
def test_what_is_no_object(shelf: Shelf, memory: Any, url: str, expected: str) -> None:
    with pytest.raises(FetchError, match=expected):
        fetch_object(shelf, url)


def test_an_object_may_be_too_large(shelf: Shelf, memory: Any) -> None:
    with pytest.raises(FetchError, match="larger than"):
        fetch_object(shelf, max_bytes=1000)


def test_an_object_that_changes_while_it_is_read_is_none(shelf: Shelf, memory: Any) -> None:
    """Half of the old and half of the new one is no list."""

    class Swapped(io.BytesIO):
        def write(self, data: Any) -> int:
            memory.pipe_file("/b/m.csv", CSV + b"q@example.org\n")
            return super().write(data)

    fetcher = BucketFetcher(ObjectSource("memory://b/m.csv"), Reach({}, StillClock(), shelf))
    fetcher._length = lambda facts: facts["size"] + 1  # type: ignore[method-assign]  # one byte short
    with pytest.raises(FetchError, match="changed or was cut off"):
        fetcher.fetch(Swapped(), {})


def test_the_words_of_a_storage_are_not_repeated(shelf: Shelf, memory: Any) -> None:
    class Sick(type(memory)):  # type: ignore[misc]  # whatever class it is
        protocol = "sick"

        def info(self, path: str, **_: Any) -> Any:
            raise RuntimeError("https://x.example/?signature=123 for ann@example.org")

    import fsspec

    fsspec.register_implementation("sick", Sick, clobber=True)
    with pytest.raises(FetchError, match="the storage failed") as caught:
        fetch_object(shelf, "sick://b/m.csv")
    assert caught.value.__cause__ is None
    assert "123" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("extra", ["parquet", "object", "age"])
def test_a_package_that_is_missing_is_named(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    for package in ("pyarrow", "fsspec", "pyrage"):
        monkeypatch.setitem(sys.modules, package, None)
    if extra == "parquet":
        shelf.put("m.parquet", b"PAR1")
        said = complaint(lambda: shelf.lists().read(file_list("m.parquet", format="parquet")))
    else:
        shelf.put("m.age", b"x")
        reach = Reach({"AGE_IDENTITY": "x"}, StillClock(), shelf)
        source = AgeSource("m.age", KEY) if extra == "age" else ObjectSource("s3://b/m.csv")
        with pytest.raises(FetchError) as caught:
            fetcher_of(source, reach).fetch(io.BytesIO(), {})
        said = f"{caught.value} {caught.value.hint}"
    assert "not installed" in said
    assert f'pip install "sendoff[{extra}]"' in said


def test_a_storages_own_package_is_named(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(FetchError, match="s3:// is not installed") as caught:
        fetch_object(shelf, "s3://b/m.csv")
    assert caught.value.hint == "pip install s3fs"
