"""A snapshot over immutable ledger files, and the checks that span more than one record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from ..errors import StateCorrupt
from ..model.contacts import KEY_BYTES
from ..model.ledger import Claim, Receipt, Record, Resolution
from .layout import LedgerFile, in_order
from .records import decode

ListFiles = Callable[[], Iterable[LedgerFile]]
ReadFiles = Callable[[Sequence[LedgerFile]], Iterator[bytes]]


class StoredSnapshot:
    """The ledger at one moment.  Reads a campaign's files only when its records are asked for."""

    def __init__(self, version: str, list_files: ListFiles, read_files: ReadFiles) -> None:
        self._version = version
        self._list_files = list_files
        self._read_files = read_files

    @property
    def version(self) -> str:
        """Names this state of the ledger."""
        return self._version

    @cached_property
    def _files(self) -> Mapping[str, tuple[LedgerFile, ...]]:
        return in_order(self._list_files())

    def campaigns(self) -> Sequence[str]:
        """The ids of the campaigns that have records, sorted."""
        return tuple(self._files)

    def records(self, campaign: str) -> Iterator[Record]:
        """A campaign's records in the order in which they were written.

        Raises StateCorrupt when one cannot be read or contradicts another; for the latter the
        iterator has to be read to its end.
        """
        files = self._files.get(campaign, ())
        check = _CrossCheck()
        for file, content in zip(files, self._read_files(files), strict=True):
            for place, record in _lines(file, content):
                check.add(place, record)
                yield record
        check.finish()


def _lines(file: LedgerFile, content: bytes) -> Iterator[tuple[str, Record]]:
    path = f"state/{file.path}"
    if not content.endswith(b"\n"):
        raise StateCorrupt(f"{path}: the last line is cut off: was the file truncated?")
    try:
        lines = content.decode("utf-8").split("\n")[:-1]
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise StateCorrupt(f"{path}:{number}: this is not UTF-8") from None
    for number, line in enumerate(lines, start=1):
        place = f"{path}:{number}"
        record = decode(line, place)
        if record.campaign != file.campaign:
            raise StateCorrupt(f"{place}: a record of another campaign: was the file moved?")
        yield place, record


class _CrossCheck:
    """Claims, receipts and resolutions of one campaign must fit together, in any order."""

    def __init__(self) -> None:
        self._claims: dict[str, int] = {}
        self._settled: list[tuple[str, str, int, bool]] = []

    def add(self, place: str, record: Record) -> None:
        if isinstance(record, Claim):
            if record.id in self._claims:
                raise StateCorrupt(f"{place}: the claim {record.id} is there twice")
            self._claims[record.id] = len(record.keys) // KEY_BYTES
        elif isinstance(record, Receipt):
            ranges = [r for part in record.parts for r in part.ranges]
            end = max(start + count for start, count in ranges)
            self._settled.append((place, record.claim, end, True))
        elif isinstance(record, Resolution):
            end = max(start + count for start, count in record.ranges)
            self._settled.append((place, record.claim, end, False))

    def finish(self) -> None:
        for place, claim, end, whole in self._settled:
            size = self._claims.get(claim)
            if size is None:
                raise StateCorrupt(f"{place}: its claim {claim} is missing: was a file deleted?")
            if end > size or (whole and end < size):
                raise StateCorrupt(f"{place}: settles {end} contacts of a claim of {size}")
