"""PostgreSQL in the suite of all list sources: the same contacts give the same audience."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.contacts import ContactLists, FetchedLists, Reach
from runner.model.contacts import ContactList
from runner.model.settings import Secret
from runner.model.sources import SqlSource
from tests.contract import test_list_sources as suite
from tests.servers.clock import StillClock

if TYPE_CHECKING:
    from tests.postgres.database import Database

pytestmark = pytest.mark.postgres


def test_the_same_contacts_give_the_same_audience(tmp_path: Path, database: Database) -> None:
    names = list(suite.CONTACTS[0])
    columns = ", ".join(f'"{name}" text' for name in ("n", *names))
    with database.connect() as connection:
        connection.execute(f"drop table if exists contract; create table contract ({columns})")
        connection.execute("grant select on contract to reader")
        for number, contact in enumerate(suite.CONTACTS):
            values = [str(number), *(contact[name] or None for name in names)]
            connection.execute("insert into contract values (%s, %s, %s, %s, %s, %s)", values)
    wanted = ", ".join(f'"{name}"' for name in names)
    source = SqlSource(Secret("DATABASE_URL"), f"select {wanted} from contract order by n")  # noqa: S608
    directory = suite.Directory(tmp_path)
    reach = Reach({"DATABASE_URL": database.url()}, StillClock(), directory)
    lists = ContactLists(directory, suite.SECRET, fetched=FetchedLists(reach, None))
    ours = lists.read(ContactList("members", source, suite.COLUMNS, place=suite.PLACE))
    theirs = suite.books(tmp_path).read(suite.list_of(tmp_path, suite.write_csv))
    assert list(ours.keys) == list(theirs.keys)
    assert list(ours.emails) == list(theirs.emails)
    assert list(ours.lines) == list(theirs.lines)
    assert list(ours.excluded.reasons) == list(theirs.excluded.reasons)
    for name, column in theirs.fields.items():
        assert list(ours.fields[name]) == list(column)
