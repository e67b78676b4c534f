"""Where lists come from that are no plain file: what people said, and when it is fetched anew.

A secret is a name here (``Secret``); its value is looked up when the list is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from typing import Literal

from ..dataclass import dataclass
from .settings import Secret

Format = Literal["csv", "tsv", "jsonl", "parquet"]
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Form:
    """How the bytes of a list are to be read; ``delimiter`` '' is the format's own."""

    format: Format = "csv"
    compressed: bool = False
    encoding: str = "utf-8"
    delimiter: str = ""


@dataclass(frozen=True, slots=True)
class HttpSource:
    """A list that a web server gives out.

    ``headers`` of the request, their values in the environment.  ``allow_private``: the server may
    be in a private network.
    """

    url: str | Secret
    form: Form = Form()
    headers: Mapping[str, Secret] = field(default_factory=dict)
    allow_private: bool = False
    timeout: timedelta = MINUTE
    max_bytes: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ObjectSource:
    """A file in object storage, by fsspec's address; ``options`` are for the storage's package."""

    url: str
    form: Form = Form()
    options: Mapping[str, str | int | float | bool | Secret] = field(default_factory=dict)
    timeout: timedelta = MINUTE
    max_bytes: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SqlSource:
    """The rows of one query.  A plain ``url`` is ``sqlite:///`` and a path in the workspace."""

    url: str | Secret
    query: str
    timeout: timedelta = MINUTE


@dataclass(frozen=True, slots=True)
class SendgridSource:
    """A list or a segment of SendGrid Marketing, by name or id."""

    kind: Literal["list", "segment"]
    name: str
    timeout: timedelta = 30 * MINUTE


@dataclass(frozen=True, slots=True)
class AgeSource:
    """A file of the workspace, encrypted with age; ``form`` is that of what is inside."""

    path: str
    identity: Secret
    form: Form = Form()


FetchedSource = HttpSource | ObjectSource | SqlSource | SendgridSource | AgeSource
"""Sources that are fetched whole before a row of theirs is used."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """When a list that is fetched is fetched anew.

    A copy younger than ``max_age`` is used as it is.  When fetching fails, ``hold`` keeps mails
    back; ``use_cached`` takes a copy that is not older than ``max_stale``.
    """

    max_age: timedelta = timedelta(hours=1)
    on_error: Literal["hold", "use_cached"] = "hold"
    max_stale: timedelta = timedelta(days=7)
