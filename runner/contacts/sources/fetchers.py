"""Which fetcher fetches what, and what a source is called."""

from __future__ import annotations

from urllib.parse import urlsplit

from ...model.settings import Secret
from ...model.sources import (
    AgeSource,
    FetchedSource,
    HttpSource,
    ObjectSource,
    SendgridSource,
    SqlSource,
)
from .fetching import Fetcher, Reach


def fetcher_of(source: FetchedSource, reach: Reach) -> Fetcher:
    """What fetches this source.  Raises FetchError where a package is missing.

    Each kind brings libraries along that the others do without: they are imported here.
    """
    if isinstance(source, SqlSource):
        from .sql import sql_fetcher  # noqa: PLC0415 - few lists are in a database

        return sql_fetcher(source, reach)
    if isinstance(source, HttpSource):
        from .web import WebFetcher  # noqa: PLC0415

        return WebFetcher(source, reach)
    if isinstance(source, ObjectSource):
        from .bucket import BucketFetcher  # noqa: PLC0415

        return BucketFetcher(source, reach)
    if isinstance(source, AgeSource):
        from .age import AgeFetcher  # noqa: PLC0415

        return AgeFetcher(source, reach)
    from .sendgrid import SendgridFetcher  # noqa: PLC0415

    return SendgridFetcher(source, reach)


def describe(source: FetchedSource) -> str:
    """The source for people and in problems: where it is, without secrets."""
    if isinstance(source, HttpSource):
        return _address(source.url)
    if isinstance(source, ObjectSource):
        return source.url
    if isinstance(source, SqlSource):
        return f"the query on {_address(source.url)}"
    if isinstance(source, SendgridSource):
        return f"the {source.kind} {source.name} of SendGrid"
    return source.path


def _address(url: str | Secret) -> str:
    """Without a query: tokens are handed out in it."""
    if isinstance(url, Secret):
        return f"env:{url.env}"
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
