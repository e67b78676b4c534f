"""One server for all tests of a process: it takes a second to make."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.postgres.database import Database


@pytest.fixture(scope="session")
def server() -> Iterator[Database]:
    from tests.postgres.database import Database

    # not pytest's: the server's user must get in, and the path of a socket must be short
    directory = Path(tempfile.mkdtemp(prefix="sendoff-pg-"))
    database = Database(directory / "data")
    try:
        yield database
    finally:
        database.close()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def database(server: Database) -> Database:
    server.members(5)
    return server
