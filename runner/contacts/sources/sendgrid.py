"""A list or a segment of SendGrid Marketing, by an export job: asked for, waited for, counted.

Contract: Twilio's OpenAPI description (``twilio/sendgrid-oai``, ``tsg_mc_contacts_v3.json``).  It
does not say that the files are gzip-compressed, that each has a header, or that the names in it are
in capitals; others who read them report so.  Here they may be compressed or not, and names are in
lower case whatever they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any, BinaryIO, cast

from ...dataclass import dataclass
from ...errors import InputError
from ...model.campaign import Place
from ...model.contacts import FileSource
from ...model.sources import Form, HttpSource, SendgridSource
from .cache import Spool
from .delimited import read_delimited
from .fetching import Fetched, FetchError, Reach
from .raw import RawFile
from .sendgrid_names import id_of
from .sendgrid_service import NotFound, Service
from .sql_text import RowWriter
from .table import Table
from .web import WebFetcher

EXPORTS = "/v3/marketing/contacts/exports"
MAX_FILE_MB = 5000
_LONGEST_WAIT = 15.0


@dataclass(frozen=True, slots=True)
class SendgridFetcher:
    """See ``fetching.Fetcher``."""

    source: SendgridSource
    reach: Reach

    def fetch(self, sink: BinaryIO, known: Mapping[str, str]) -> Fetched | None:
        """All contacts; SendGrid cannot say whether they have changed."""
        del known
        service = Service.within(self.reach, self.source.timeout)
        export = _export(service, self.source)
        urls, expected = _files_of(export)
        merged = _Merged(sink)
        for url in urls:
            with self._downloaded(service, url) as table:
                merged.add(table)
        if not urls:
            # a list without contacts, which is another thing than no list
            sink.write(b"email\n")
        if expected is not None and merged.rows < expected:
            message = f"SendGrid exports {expected:,} contacts, and {merged.rows:,} arrived"
            raise FetchError(message, transient=True)
        return Fetched(Form("csv"), merged.rows)

    @contextmanager
    def _downloaded(self, service: Service, url: str) -> Iterator[Table]:
        """A file of the export, downloaded whole.  It lies elsewhere: no key goes along."""
        left = timedelta(seconds=service.patience.left())
        file = HttpSource(url, Form("csv"), {}, service.inward, left, MAX_FILE_MB * 1_000_000)
        with closing(Spool()) as spool:
            try:
                got = WebFetcher(file, self.reach).fetch(cast("BinaryIO", spool.sink), {})
            except FetchError as error:
                raise FetchError(
                    f"a file of SendGrid's export: {error.message}", transient=True
                ) from None
            form = FileSource("export", "csv", got is not None and got.form.compressed)
            try:
                with read_delimited(RawFile(form, spool.sealed()), Place()) as table:
                    yield table
            except InputError as error:
                message = f"a file of SendGrid's export: {error.problems[0].message}"
                raise FetchError(message, transient=True) from None


def _export(service: Service, source: SendgridSource) -> Mapping[str, Any]:
    """An export that is ready.  Raises FetchError when it fails, or is not ready in time."""
    number = id_of(service, source.kind, source.name)
    asked = {f"{source.kind}_ids": [number], "file_type": "csv", "max_file_size": MAX_FILE_MB}
    try:
        job = service.ask("POST", EXPORTS, asked).get("id")
    except NotFound:
        raise FetchError(f"SendGrid has no such {source.kind}", "was it deleted?") from None
    if not isinstance(job, str) or not job.replace("-", "").isalnum():
        raise FetchError("SendGrid began no export", transient=True)
    wait = 1.0
    while True:
        export = service.ask("GET", f"{EXPORTS}/{job}")
        if export.get("status") == "ready":
            return export
        if export.get("status") == "failure":
            raise FetchError("SendGrid's export failed", transient=True)
        # beyond the end of patience there is no use in waiting
        service.reach.clock.sleep(min(wait, service.patience.left()))
        service.patience.left()
        wait = min(_LONGEST_WAIT, wait * 2)


def _files_of(export: Mapping[str, Any]) -> tuple[Sequence[str], int | None]:
    """Where an export's files are, and how many contacts it has, if that is said."""
    urls, count = export.get("urls") or (), export.get("contact_count")
    if not isinstance(urls, list | tuple) or not all(isinstance(url, str) for url in urls):
        raise FetchError("SendGrid's export names no files", transient=True)
    expected = count if isinstance(count, int) and not isinstance(count, bool) else None
    if not urls and expected != 0:
        raise FetchError("SendGrid's export names no files", transient=True)
    return urls, expected


class _Merged:
    """The files of an export as one CSV: columns as in the first, their names in lower case."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._writer: RowWriter | None = None
        self._columns: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return self._writer.rows if self._writer is not None else 0

    def add(self, table: Table) -> None:
        """Add all rows of a file.  Raises FetchError when its columns are others."""
        names = tuple(name.lower() for name in table.header)
        if self._writer is None:
            if len(set(names)) < len(names):
                raise FetchError("two columns of SendGrid's export have the same name")
            self._columns = names
            self._writer = RowWriter(self._sink, names)
        if sorted(names) != sorted(self._columns):
            raise FetchError("the files of SendGrid's export have different columns")
        order = [names.index(name) for name in self._columns]
        for block in table.blocks:
            self._writer.write(zip(*(block.columns[at] for at in order), strict=True))
