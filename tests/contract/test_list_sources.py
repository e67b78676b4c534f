"""One suite for every list source: the same contacts give the same audience, wherever they are.

A new source joins by adding how its contacts are written to ``WRITERS``.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from runner.contacts import ContactLists, FetchedLists, ListCache, Reach, contact_key
from runner.errors import InputError
from runner.model.campaign import Place
from runner.model.contacts import ColumnMap, ContactList, FileSource, InlineSource, Source
from runner.model.settings import Secret, SendgridSettings
from runner.model.sources import (
    AgeSource,
    Form,
    HttpSource,
    ObjectSource,
    SendgridSource,
    SqlSource,
)
from tests.servers.clock import StillClock
from tests.servers.sendgrid_marketing import MarketingServer
from tests.servers.web import WebServer, plain

SECRET = b"a state key for tests"
PLACE = Place("campaigns/lists/members.yaml", 1, 1)
Contacts = Sequence[dict[str, str]]

CONTACTS: Contacts = (
    {"Mail": "Ann@X.example", "Name": "Ann", "city": "Łódź", "Off": "", "TZ": "Europe/Warsaw"},
    {"Mail": "b@bücher.example", "Name": 'O"Brien', "city": "a,b;c\td", "Off": "no", "TZ": ""},
    {"Mail": "ann@x.example", "Name": "Again", "city": "", "Off": "", "TZ": "Nowhere"},
    {"Mail": "c@x.example", "Name": "C", "city": "", "Off": "2024-05-01", "TZ": "UTC"},
    {"Mail": "nobody", "Name": "D", "city": "", "Off": "", "TZ": ""},
    {"Mail": "e@x.example", "Name": "  ", "city": "two\nlines", "Off": "0", "TZ": "Moon/Base"},
)
COLUMNS = ColumnMap(email="Mail", timezone="TZ", opted_out="Off", fields={"firstName": "Name"})


@dataclass(frozen=True)
class Directory:
    root: Path

    def locate(self, path: str) -> Path | None:
        place = self.root / path
        return place if place.exists() else None


def delimited(contacts: Contacts, names: Sequence[str], delimiter: str = ",") -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(contacts)
    return text.getvalue()


def write_csv(root: Path, contacts: Contacts, names: Sequence[str]) -> Source:
    (root / "m.csv").write_text(delimited(contacts, names), encoding="utf-8", newline="")
    return FileSource("m.csv")


def write_german_csv(root: Path, contacts: Contacts, names: Sequence[str]) -> Source:
    data = delimited(contacts, names, ";").encode("cp1250")
    (root / "m.csv").write_bytes(data)
    return FileSource("m.csv", delimiter=";", encoding="cp1250")


def write_tsv(root: Path, contacts: Contacts, names: Sequence[str]) -> Source:
    text = delimited(contacts, names, "\t")
    (root / "m.tsv").write_text(text, encoding="utf-8-sig", newline="")
    return FileSource("m.tsv", format="tsv")


def write_gzip(root: Path, contacts: Contacts, names: Sequence[str]) -> Source:
    (root / "m.csv.gz").write_bytes(gzip.compress(delimited(contacts, names).encode()))
    return FileSource("m.csv.gz", compressed=True)


def write_inline(_: Path, contacts: Contacts, __: Sequence[str]) -> Source:
    return InlineSource(tuple(contacts), tuple(range(8, 8 + len(contacts))))


def write_json_lines(root: Path, contacts: Contacts, _: Sequence[str]) -> Source:
    """As an exporter writes them who leaves out what is empty, most of the time."""
    rows: list[dict[str, str | None]]
    rows = [{name: value for name, value in one.items() if value} for one in contacts[:-1]]
    rows += [{name: value or None for name, value in one.items()} for one in contacts[-1:]]
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    (root / "m.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return FileSource("m.jsonl.gz", format="jsonl", compressed=True)


def write_parquet(root: Path, contacts: Contacts, names: Sequence[str]) -> Source:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {name: [one[name] or None for one in contacts] for name in names}
    schema = arrow.schema([(name, arrow.string()) for name in names])
    parquet.write_table(arrow.table(columns, schema), root / "m.parquet", row_group_size=100)
    return FileSource("m.parquet", format="parquet")


@pytest.fixture(scope="module", autouse=True)
def web() -> Iterator[WebServer]:
    with WebServer({}) as server:
        WEB.append(server)
        yield server
        WEB.clear()


WEB: list[WebServer] = []
MARKETING: list[MarketingServer] = []


@pytest.fixture
def marketing() -> Iterator[MarketingServer]:
    with MarketingServer() as server:
        server.polls = 0
        MARKETING.append(server)
        yield server
        MARKETING.clear()


def write_http(root: Path, contacts: Contacts, names: Sequence[str]) -> Source:
    WEB[0].answers[f"/{root.name}"] = plain(gzip.compress(delimited(contacts, names).encode()))
    return HttpSource(WEB[0].url(f"/{root.name}"), allow_private=True)


def write_object(root: Path, contacts: Contacts, names: Sequence[str]) -> Source:
    fsspec = pytest.importorskip("fsspec")
    place = f"/{root.name}/m.tsv"
    data = delimited(contacts, names, "\t").encode()
    fsspec.filesystem("memory").pipe_file(place, data)
    return ObjectSource(f"memory:/{place}", Form("tsv"))


@cache
def identity() -> str:
    try:
        import pyrage
    except ImportError:
        return ""
    return str(pyrage.x25519.Identity.generate())


def write_age(root: Path, contacts: Contacts, names: Sequence[str]) -> Source:
    age = pytest.importorskip("pyrage")
    recipient = age.x25519.Identity.from_str(identity()).to_public()
    data = gzip.compress(delimited(contacts, names).encode())
    (root / "m.csv.gz.age").write_bytes(age.encrypt(data, [recipient]))
    return AgeSource("m.csv.gz.age", Secret("AGE_IDENTITY"), Form(compressed=True))


def write_sqlite(root: Path, contacts: Contacts, names: Sequence[str]) -> Source:
    pytest.importorskip("sqlalchemy")
    quoted = ", ".join(f'"{name}"' for name in names)
    connection = sqlite3.connect(root / "m.db")
    connection.execute(f"create table members ({quoted})")
    rows = [[one[name] or None for name in names] for one in contacts]
    marks = ", ".join("?" * len(names))
    connection.executemany(f"insert into members values ({marks})", rows)  # noqa: S608 - question marks
    connection.commit()
    connection.close()
    return SqlSource("sqlite:///m.db", f"select {quoted} from members order by rowid")  # noqa: S608


def write_sendgrid(root: Path, contacts: Contacts, names: Sequence[str]) -> Source:
    """``Mail`` and ``Name`` are fields that SendGrid has itself, the others are custom."""
    own = {"Mail": "email", "Name": "first_name", "city": "city"}
    MARKETING[0].custom = tuple(name for name in names if name not in own)
    people = [{own.get(name, name): value for name, value in one.items()} for one in contacts]
    return SendgridSource("list", MARKETING[0].add_list(root.name, people))


Writer = Callable[[Path, Contacts, Sequence[str]], Source]
WRITERS: dict[str, Writer] = {
    "csv": write_csv,
    "csv from a German Excel": write_german_csv,
    "tsv": write_tsv,
    "csv.gz": write_gzip,
    "inline": write_inline,
    "jsonl": write_json_lines,
    "parquet": write_parquet,
    "http": write_http,
    "object": write_object,
    "age": write_age,
    "sql": write_sqlite,
}
FIRST = {"inline": 8, "jsonl": 1, "parquet": 1}
"""The line of the first contact, where it is not the second."""
ONE_LINE_EACH = ("inline", "jsonl", "parquet")


@pytest.fixture(params=WRITERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def writer(kind: str) -> Writer:
    return WRITERS[kind]


def books(root: Path) -> ContactLists:
    """What reads lists, with a cache and the secrets that they take."""
    files = Directory(root)
    reach = Reach({"AGE_IDENTITY": identity()}, StillClock(), files)
    copies = ListCache(root / "cache", b"k" * 32)
    return ContactLists(files, SECRET, fetched=FetchedLists(reach, copies))


def list_of(root: Path, writer: Writer, contacts: Contacts = CONTACTS) -> ContactList:
    source = writer(root, contacts, list(CONTACTS[0]))
    return ContactList("members", source, COLUMNS, place=PLACE)


def test_the_same_contacts_give_the_same_audience(tmp_path: Path, writer: Writer) -> None:
    audience = books(tmp_path).read(list_of(tmp_path, writer))
    assert list(audience.emails) == [
        *("Ann@x.example", "b@xn--bcher-kva.example", "e@x.example"),
    ]
    assert list(audience.keys) == [
        contact_key(SECRET, text)
        for text in ("ann@x.example", "b@xn--bcher-kva.example", "e@x.example")
    ]
    assert {name: list(column) for name, column in audience.fields.items()} == {
        "email": ["Ann@x.example", "b@xn--bcher-kva.example", "e@x.example"],
        "timezone": ["Europe/Warsaw", "", ""],
        "firstName": ["Ann", 'O"Brien', ""],
        "city": ["Łódź", "a,b;c\td", "two\nlines"],
    }
    assert list(audience.excluded.reasons) == ["duplicate", "opted_out", "invalid_address"]
    assert audience.rows == len(CONTACTS)


def test_lines_lead_to_the_contact(tmp_path: Path, kind: str, writer: Writer) -> None:
    """The line is the physical one: in a file the header is line 1, inline they are given.

    A row of a Parquet file is its number.
    """
    audience = books(tmp_path).read(list_of(tmp_path, writer))
    first = FIRST.get(kind, 2)
    assert list(audience.lines) == [first, first + 1, first + 5]
    assert list(audience.excluded.lines) == [first + 2, first + 3, first + 4]


def test_the_header_alone_tells_the_fields(tmp_path: Path, writer: Writer) -> None:
    lists = books(tmp_path)
    assert lists.columns(list_of(tmp_path, writer)) == {"email", "timezone", "firstName", "city"}


def test_the_same_things_are_warned_of(tmp_path: Path, kind: str, writer: Writer) -> None:
    """An address that is none, and the time zones of the third and the last contact."""
    contacts = list_of(tmp_path, writer)
    found = books(tmp_path).warnings(contacts)
    first = FIRST.get(kind, 2)
    path = {
        "sql": "the query on sqlite:///m.db",
        "inline": PLACE.path,
        "http": WEB[0].url(f"/{tmp_path.name}"),
    }.get(kind, "")
    path = path or getattr(contacts.source, "path", f"memory://{tmp_path.name}/m.tsv")
    assert [(p.path, p.line, p.code) for p in found] == [
        (path, first + 4, "invalid_address"),
        (path, first + 5, "time_zone"),
    ]


def test_a_list_without_contacts_is_a_list(tmp_path: Path, kind: str, writer: Writer) -> None:
    """Where its columns can be told; and one that is fetched must say that it may be empty."""
    lists = books(tmp_path)
    empty = replace(list_of(tmp_path, writer, ()), allow_empty=True)
    if kind == "jsonl":
        with pytest.raises(InputError, match="there is no contact"):
            lists.read(empty)
        return
    assert len(lists.read(empty)) == lists.read(empty).rows == 0
    assert lists.columns(empty) >= {"email", "timezone", "firstName"}


def test_a_word_that_is_no_flag_stops_the_list(tmp_path: Path, kind: str, writer: Writer) -> None:
    contacts = [*CONTACTS, {**CONTACTS[0], "Off": "perhaps"}]
    lists = books(tmp_path)
    with pytest.raises(InputError, match="opted_out column holds neither yes nor no") as caught:
        lists.read(list_of(tmp_path, writer, contacts))
    # The sixth contact of a file takes two lines.
    assert caught.value.problems[0].line == FIRST.get(kind, 3) + 6


def test_a_column_that_is_missing_stops_the_list(tmp_path: Path, writer: Writer) -> None:
    columns = replace(COLUMNS, fields={"firstName": "Nmae"})
    contacts = replace(list_of(tmp_path, writer), columns=columns)
    lists = books(tmp_path)
    for ask in (lists.columns, lists.read):
        with pytest.raises(InputError, match=r'no column "Nmae".*did you mean "Name"'):
            ask(contacts)


def test_segments_see_the_fields(tmp_path: Path, writer: Writer) -> None:
    lists = books(tmp_path)
    audience = lists.read(list_of(tmp_path, writer), "contact.city == 'Łódź'")
    assert list(audience.fields["firstName"]) == ["Ann"]
    assert audience.excluded.counts()["segment"] == 2
    assert audience.rows == len(CONTACTS)


@pytest.mark.parametrize("count", [255, 256, 257, 1_000])
def test_no_contact_is_lost_between_blocks(tmp_path: Path, writer: Writer, count: int) -> None:
    contacts = [{**CONTACTS[0], "Mail": f"p{n}@x.example"} for n in range(count)]
    audience = books(tmp_path).read(list_of(tmp_path, writer, contacts))
    assert list(audience.emails) == [f"p{n}@x.example" for n in range(count)]


def test_sendgrid_gives_the_same_audience(tmp_path: Path, marketing: MarketingServer) -> None:
    """Its columns have names of its own; what they hold is the same."""
    settings = SendgridSettings(Secret("SG_KEY"), marketing.url)
    reach = Reach({"SG_KEY": marketing.key}, StillClock(), Directory(tmp_path), settings)
    lists = ContactLists(Directory(tmp_path), SECRET, fetched=FetchedLists(reach, None))
    columns = ColumnMap("email", "tz", "off", fields={"firstName": "first_name"})
    source = write_sendgrid(tmp_path, CONTACTS, list(CONTACTS[0]))
    ours = lists.read(ContactList("members", source, columns, place=PLACE))
    theirs = books(tmp_path).read(list_of(tmp_path, write_csv))
    assert list(ours.keys) == list(theirs.keys)
    assert list(ours.emails) == list(theirs.emails)
    for name, column in theirs.fields.items():
        assert list(ours.fields[name]) == list(column)
    assert list(ours.excluded.reasons) == list(theirs.excluded.reasons)
    assert list(ours.lines) == list(theirs.lines)
