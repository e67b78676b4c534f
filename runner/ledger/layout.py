"""Where things lie below ``state/``, the same in both stores.

    meta.json
    seal.json                                  in a directory only, rewritten: see ``seal.py``
    ledger/CAMPAIGN/YYYY-MM/RUN-SEQ.jsonl      records; one new file per campaign and append
    suppressions/YYYY-MM/RUN-SEQ.jsonl         whom nobody may mail; the same kind of files
    jobs/CAMPAIGN.json                         derived, may be rewritten

CAMPAIGN and RUN are the ids with every character but ``A-Z a-z 0-9 _ . - ~`` percent-encoded:
``spring/invite`` is the directory ``spring%2Finvite``.  A campaign is therefore exactly one
directory, and ``a/2025-10`` cannot be taken for a month of ``a``.  YYYY-MM is the month of the
file's first record, SEQ counts from 0001 within campaign, month and run without gaps, so that a
lost file is noticed.

The order of a campaign's records is that of month, run id and SEQ, then of the lines.  A run
writes in this order; between runs that overlapped it says little, and need not: records about one
contact mean the same in any order, but for resolutions, which carry their time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from functools import lru_cache
from itertools import groupby
from typing import Final
from urllib.parse import quote, unquote

from ..dataclass import dataclass
from ..errors import StateCorrupt
from ..model.ledger import BOOK, Document, Record
from .records import encode

META: Final = "meta.json"
LEDGER: Final = "ledger"
SUPPRESSIONS: Final = "suppressions"
RECORDS: Final = (LEDGER, SUPPRESSIONS)
"""What holds files that are written once and never changed."""
SEE: Final = "Nothing is sent until it is mended: see sendoff verify, and docs/recovery.md"
_NAME: Final = re.compile(r"(?P<run>.+)-(?P<seq>\d{4,})\.jsonl", re.ASCII)
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class LedgerFile:
    """One immutable file of records; sorts in the order of writing.

    ``source`` tells the store where its ``size`` bytes are (a blob id, a path on disk).
    """

    campaign: str
    month: str
    run: str
    seq: int
    source: str = ""
    size: int = 0

    @property
    def path(self) -> str:
        """Its path below the state directory."""
        return f"{month_path(self.campaign, self.month)}/{escape(self.run)}-{self.seq:04}.jsonl"


@lru_cache(maxsize=8192)
def escape(name: str) -> str:
    """An id as one path segment.  ValueError for one that would be empty or hidden."""
    if not name or name.startswith("."):
        raise ValueError("an id is empty or begins with a dot")
    return quote(name, safe="")


def home(campaign: str) -> str:
    """The directory of a campaign's records, or of the suppressions (``BOOK``)."""
    return SUPPRESSIONS if campaign == BOOK else f"{LEDGER}/{escape(campaign)}"


def month_path(campaign: str, month: str) -> str:
    """The directory of a campaign's records of one month."""
    return f"{home(campaign)}/{month}"


def ledger_file(path: str, source: str, size: int) -> LedgerFile:
    """The ledger file at ``path``, which is relative to the state directory.

    Raises StateCorrupt for a path that ``LedgerFile.path`` could not have given: under another
    name, records would be overlooked.
    """
    file = _parse(path, source, size)
    try:
        sound = file is not None and file.path == path
    except ValueError:
        sound = False
    if file is None or not sound:
        raise StateCorrupt(
            f"{'state/' + path!a}: no ledger file is named so: was it renamed? {SEE}"
        )
    return file


def _parse(path: str, source: str, size: int) -> LedgerFile | None:
    segments = path.split("/")
    match = _NAME.fullmatch(segments[-1])
    depth = 3 if segments[0] == SUPPRESSIONS else 4
    if len(segments) != depth or match is None or not _MONTH.fullmatch(segments[-2]):
        return None
    campaign = unquote(segments[1]) if depth == 4 else BOOK
    return LedgerFile(
        campaign, segments[-2], unquote(match["run"]), int(match["seq"]), source, size
    )


def in_order(files: Iterable[LedgerFile]) -> Mapping[str, tuple[LedgerFile, ...]]:
    """The files of each campaign in the order of writing.

    Raises StateCorrupt when one of a run's files is missing.
    """
    result: dict[str, tuple[LedgerFile, ...]] = {}
    for campaign, group in groupby(sorted(files), key=lambda file: file.campaign):
        result[campaign] = tuple(group)
        for missing in gaps(result[campaign]):
            raise StateCorrupt(f"state/{missing.path} is missing: was it deleted? {SEE}")
    return result


def gaps(files: Iterable[LedgerFile]) -> Iterator[LedgerFile]:
    """The first file that is missing before each one whose SEQ does not follow; ``files`` sorted.

    One of each gap, not all: a SEQ that somebody made up must not fill the screen.
    """
    runs = groupby(files, key=lambda file: (file.campaign, file.month, file.run))
    for (campaign, month, run), group in runs:
        expected = 1
        for file in group:
            if file.seq != expected:
                yield LedgerFile(campaign, month, run, expected)
            expected = file.seq + 1


def next_seq(names: Iterable[str], run: str) -> int:
    """The next SEQ of a run, given the file names in the month's directory."""
    matches = (_NAME.fullmatch(name) for name in names)
    wanted = escape(run)
    return 1 + max((int(m["seq"]) for m in matches if m and m["run"] == wanted), default=0)


def by_month(records: Iterable[Record]) -> Mapping[tuple[str, str], bytes]:
    """The content of each new file, by campaign and month."""
    lines: dict[str, list[str]] = {}
    months: dict[str, str] = {}
    for record in records:
        months.setdefault(record.campaign, record.at.astimezone(UTC).isoformat()[:7])
        lines.setdefault(record.campaign, []).append(encode(record) + "\n")
    return {(name, months[name]): "".join(text).encode() for name, text in lines.items()}


def document_files(documents: Iterable[Document]) -> Mapping[str, bytes]:
    """The content of each derived document, by its path below the state directory."""
    return {f"jobs/{escape(doc.campaign)}.json": _document(doc) for doc in documents}


def _document(document: Document) -> bytes:
    content = {"campaign": document.campaign, "jobs": [dict(job) for job in document.jobs]}
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)
    return text.encode("utf-8", "backslashreplace") + b"\n"
