"""Copies of lists that were fetched, outside git and sealed with the state key.

``NAME.entry`` says what is known of a copy and which data file is its; ``NAME-SALT.data`` holds the
rows.  Both are written under other names and moved into place, so a reader finds the old copy or
the new one, whole.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, BinaryIO, cast

from ...dataclass import dataclass
from ...model.sources import Form
from ...ports import Clock
from .fetching import FetchError, writes
from .sealing import SALT, Sealed, Sealer, Tampered, cipher, seal, unseal

FORMAT = 1
UNUSED = timedelta(days=30)
"""Copies that nobody asked for in this time are deleted."""
_NAME = 32
"""Hex digits of a copy's name."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a copy.  ``fetched``: when it was last what the source gives."""

    fetched: datetime
    rows: int
    form: Form
    validators: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Copy:
    """A list as it was fetched; ``salt`` names its data file, and is '' where none is kept."""

    facts: Facts
    sealed: Sealed
    salt: str = ""


class Spool:
    """For a list that is read while this process lives: its bytes have no name on disk."""

    def __init__(self) -> None:
        self._key = cipher(os.urandom(32), os.urandom(SALT), "spool")
        self._file = cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115 - see close
        self.sink = Sealer(self._file, self._key)

    def close(self) -> None:
        """Let go of the file; what was taken from it stays readable."""
        self._file.close()

    def sealed(self) -> Sealed:
        """What was written, to be read; nothing can be written any more."""
        self.sink.finish()
        return Sealed(self._file, self._key)


class Cache:
    """The copies of one workspace.  ``secret``: the state key.

    Whatever the disk refuses is a FetchError that says how to go on.
    """

    def __init__(self, directory: Path, secret: bytes) -> None:
        self._directory = directory
        self._secret = secret

    def name(self, definition: str) -> str:
        """The name of the copy of what is defined so; it tells nothing to who lacks the key."""
        return hmac.digest(self._secret, b"list:" + definition.encode(), "sha256").hex()[:_NAME]

    @contextmanager
    def locked(self, name: str, clock: Clock, patience: timedelta) -> Iterator[None]:
        """Nobody else fetches or replaces this copy meanwhile.  Raises FetchError."""
        with writes():
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._directory.chmod(0o700)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            lock = os.open(self._directory / f"{name}.lock", flags, 0o600)
            _stamp(lock, clock.now())
        try:
            _wait_for(lock, clock, clock.now() + patience)
            yield
        finally:
            os.close(lock)

    def load(self, name: str) -> Copy | None:
        """The copy, if there is one and every byte of it is as it was written."""
        try:
            sealed = _read(self._entry(name))
            record = json.loads(unseal(self._secret, f"entry {name}", sealed))
            if record["format"] != FORMAT:
                return None
            copy = self._copy(name, record)
            copy.sealed.check()
        except (OSError, Tampered, ValueError, KeyError, TypeError):
            return None
        return copy

    def _copy(self, name: str, record: Mapping[str, object]) -> Copy:
        facts = Facts(
            datetime.fromisoformat(str(record["fetched"])),
            int(str(record["rows"])),
            Form(**cast("dict[str, str]", record["form"])),  # type: ignore[arg-type]  # as written
            cast("dict[str, str]", record["validators"]),
        )
        salt = str(record["salt"])
        with _opened(self._data(name, salt)) as stream:
            return Copy(facts, Sealed(stream, self._key(salt)), salt)

    @contextmanager
    def writing(self, name: str) -> Iterator[Writing]:
        """Write a new copy; it counts once ``keep`` was called."""
        salt = os.urandom(SALT).hex()
        with writes():
            descriptor, path = tempfile.mkstemp(prefix=f"{name}-", dir=self._directory)
        try:
            with os.fdopen(descriptor, "w+b") as stream:
                yield Writing(self, name, salt, Path(path), stream, Sealer(stream, self._key(salt)))
        finally:
            Path(path).unlink(missing_ok=True)

    def write(self, name: str, facts: Facts, salt: str) -> None:
        """Say what is known of the copy, and forget those before it."""
        record = {**asdict(facts), "fetched": facts.fetched.isoformat(), "salt": salt}
        text = json.dumps({"format": FORMAT, **record}).encode()
        with writes():
            descriptor, path = tempfile.mkstemp(prefix=f"{name}-", dir=self._directory)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(seal(self._secret, f"entry {name}", text))
            Path(path).replace(self._entry(name))
            _stamp(self._entry(name), facts.fetched)
            _stamp(self._data(name, salt), facts.fetched)
            for old in self._directory.glob(f"{name}-*"):
                if old != self._data(name, salt):
                    old.unlink(missing_ok=True)

    def sweep(self, now: datetime) -> None:
        """Delete copies that nobody asked for in a long time, and what was left half-written.

        A lock is stamped whenever its copy is asked for.  An old copy that is still asked for is
        what a refresh that fails falls back on.
        """
        since = now.timestamp() - UNUSED.total_seconds()
        with suppress(OSError):
            found = [(path, path.stat().st_mtime) for path in self._directory.iterdir()]
            asked = {path.stem for path, at in found if path.suffix == ".lock" and at >= since}
            for path, at in found:
                if at < since and path.name[:_NAME] not in asked:
                    path.unlink(missing_ok=True)

    def _key(self, salt: str) -> object:
        return cipher(self._secret, bytes.fromhex(salt), "data")

    def _entry(self, name: str) -> Path:
        return self._directory / f"{name}.entry"

    def _data(self, name: str, salt: str) -> Path:
        return self._directory / f"{name}-{salt}.data"


@dataclass(frozen=True, slots=True)
class Writing:
    """A copy that is being written, under a name that does not count."""

    cache: Cache
    name: str
    salt: str
    path: Path
    stream: BinaryIO
    sink: Sealer

    def sealed(self) -> Sealed:
        """What was written, to be read; nothing can be written any more."""
        self.sink.finish()
        return Sealed(self.stream, self.cache._key(self.salt))

    def keep(self, facts: Facts) -> None:
        """Put it in the place of the copy before it."""
        with writes():
            self.path.replace(self.cache._data(self.name, self.salt))
        self.cache.write(self.name, facts, self.salt)


def _wait_for(lock: int, clock: Clock, until: datetime) -> None:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.stopping or clock.now() >= until:
                raise FetchError("another run is fetching it", transient=True) from None
            clock.sleep(0.2)
        else:
            return


def _stamp(file: int | Path, now: datetime) -> None:
    """By the clock of the run, which ``sweep`` goes by."""
    os.utime(file, (now.timestamp(), now.timestamp()))


def _read(path: Path) -> bytes:
    with _opened(path) as stream:
        return stream.read()


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
