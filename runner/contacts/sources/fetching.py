"""Lists that are not at hand: what it takes to fetch one, whole, before a row of it is used.

A fetch that fails, is cut or is killed leaves nothing behind, so it can never shrink an audience.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from datetime import datetime
from typing import BinaryIO, Protocol

from ...dataclass import dataclass
from ...model.settings import Secret, SendgridSettings
from ...model.sources import Form
from ...ports import Clock, Files


class FetchError(Exception):
    """The list could not be fetched.

    ``message`` and ``hint`` hold no personal data and no secret: neither a row, nor an address
    that was asked for, nor what a server said about either.  ``transient``: it may work later.
    """

    def __init__(self, message: str, hint: str = "", *, transient: bool = False) -> None:
        super().__init__(message)
        self.message, self.hint, self.transient = message, hint, transient


class SecretMissing(FetchError):
    """A secret that it takes is not set here, as on a pull request."""

    def __init__(self, secret: Secret) -> None:
        hint = f"set the environment variable {secret.env} (a CI secret)"
        super().__init__(f"{secret.env} is not set here", hint)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a fetcher reaches the world with.

    ``until``: when all fetching ends, whatever time each list is given; None where nobody waits.
    """

    environ: Mapping[str, str] = field(repr=False)
    clock: Clock
    files: Files
    sendgrid: SendgridSettings = field(default_factory=SendgridSettings)
    until: datetime | None = None

    def value(self, given: str | Secret) -> str:
        """A text as it stands, or a secret's value.  Raises SecretMissing."""
        if isinstance(given, str):
            return given
        value = self.environ.get(given.env, "")
        if not value:
            raise SecretMissing(given)
        return value


@dataclass(frozen=True, slots=True)
class Fetched:
    """A list that was written to the sink from its first to its last byte.

    ``rows``: how many, where the source says so itself; it is compared with what arrived.
    ``validators`` are handed to the next fetch, so that it can ask "has it changed since?".
    """

    form: Form
    rows: int | None = None
    validators: Mapping[str, str] = field(default_factory=dict)


class Fetcher(Protocol):
    """Fetches one list."""

    def fetch(self, sink: BinaryIO, known: Mapping[str, str]) -> Fetched | None:
        """Write the whole list to ``sink``, in blocks: it may be larger than memory.

        ``known``: the validators of the copy that is at hand, or nothing; None says that the copy
        is still what a fetch would give, and nothing was written.  Keeps to the source's time-out
        as a whole, by ``Reach.clock``.  Raises FetchError; whatever the sink raises passes through.
        """
        ...


@contextmanager
def writes() -> Iterator[None]:
    """What the disk refuses, as a FetchError: no fetcher shall take it for the network's fault."""
    try:
        yield
    except OSError as error:
        message = f"the cache of lists cannot be written: {error.strerror}"
        hint = "let SENDOFF_CACHE name a directory with room that can be written"
        raise FetchError(message, hint) from None
