"""What shows that a ledger in a directory was cut, edited, or that a file of it was taken away.

On a branch the history shows that.  A directory forgets, so there

- every ledger file ends with a check line, which names the file of the campaign that was written
  before it:

      {"after":"2025-10/RUN-0003.jsonl","digest":"…","records":7,"type":"end"}

- ``seal.json`` counts each campaign's files and bytes and names the last one (those of the
  suppressions under the name ""); it is written with every append, in the same step:

      {"campaigns":{"news":{"bytes":4711,"files":12,"last":"2025-10/RUN-0004.jsonl","plain":0}}}

Each file names the one before it and the seal names the last: whichever is taken away, another
still names it.  ``plain`` counts the files from before format 2, which have no check line.

This finds accidents and careless hands.  It does not stop someone who means to deceive, nor does
it notice that the whole directory was put back to an older copy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from ..dataclass import dataclass
from ..errors import StateCorrupt
from .layout import LedgerFile, home

SEAL: Final = "seal.json"
_START: Final = b'{"after":'
_DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class End:
    """A check line: ``after`` is the path of the file before, below the campaign's directory.

    ``fault``: why it does not fit the records above it, '' when it does.
    """

    after: str
    records: int
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a campaign's directory holds; ``last`` is the path, below it, of the newest file."""

    files: int = 0
    bytes: int = 0
    last: str = ""
    plain: int = 0


Seal = Mapping[str, Sealed]
"""By campaign."""


# -- check lines -----------------------------------------------------------------------------


def with_end(body: bytes, after: str) -> bytes:
    """A file's records with the check line below them."""
    return body + _end_line(body, End(after, body.count(b"\n")))


def split_end(content: bytes) -> tuple[bytes, End | None]:
    """A file's records, and its check line when it has one."""
    begin = content.rfind(b"\n", 0, len(content) - 1) + 1
    if not content.startswith(_START, begin):
        return content, None
    body, line = content[:begin], content[begin:]
    try:
        values = json.loads(line)
        end = End(values["after"], values["records"])
        sound = line == _end_line(body, end)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return body, End("", 0, "its check line cannot be read")
    return body, end if sound else replace(end, fault=_misfit(body.count(b"\n"), end.records))


def _misfit(found: int, wanted: int) -> str:
    if found != wanted:
        records = "1 record" if found == 1 else f"{found} records"
        return f"it holds {records}, and its check line counts {wanted}"
    return "its records are not those of its check line"


def _end_line(body: bytes, end: End) -> bytes:
    digest = hashlib.sha256(body + end.after.encode()).hexdigest()[: 2 * _DIGEST_BYTES]
    values = {"after": end.after, "digest": digest, "records": end.records, "type": "end"}
    return (json.dumps(values, separators=(",", ":")) + "\n").encode()


# -- the seal --------------------------------------------------------------------------------


def dump_seal(seal: Seal) -> bytes:
    """The content of ``seal.json``."""
    campaigns = {
        name: {"bytes": one.bytes, "files": one.files, "last": one.last, "plain": one.plain}
        for name, one in seal.items()
    }
    text = json.dumps({"campaigns": campaigns}, sort_keys=True, indent=0, ensure_ascii=True)
    return text.encode() + b"\n"


def load_seal(content: bytes) -> Seal:
    """Raises StateCorrupt when it is not what ``dump_seal`` could have written."""
    try:
        values = json.loads(content)["campaigns"]
        seal = {name: Sealed(**one) for name, one in values.items()}
        sound = dump_seal(seal) == content
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise StateCorrupt(f"state/{SEAL}: this is no seal: was it edited, merged or cut off?")
    return seal


def grown(seal: Seal, added: Iterable[LedgerFile]) -> Seal:
    """The seal after new files with check lines."""
    after = dict(seal)
    for file in added:
        one = after.get(file.campaign, Sealed())
        after[file.campaign] = replace(
            one, files=one.files + 1, bytes=one.bytes + file.size, last=inner(file)
        )
    return after


def first_seal(files: Iterable[LedgerFile]) -> Seal:
    """The seal of a ledger from before there were seals: what is there is taken as it is."""
    seal: dict[str, Sealed] = {}
    for file in files:
        one = seal.get(file.campaign, Sealed())
        seal[file.campaign] = replace(
            one, files=one.files + 1, bytes=one.bytes + file.size, plain=one.plain + 1
        )
    return seal


def inner(file: LedgerFile) -> str:
    """A file's path below its campaign's directory."""
    return file.path.removeprefix(f"{home(file.campaign)}/")


def broken(seal: Seal, files: Iterable[LedgerFile]) -> list[str]:
    """The campaigns whose files are not those that the seal counts; nothing is read for it."""
    found: dict[str, tuple[int, int]] = {}
    last: set[tuple[str, str]] = set()
    for file in files:
        number, size = found.get(file.campaign, (0, 0))
        found[file.campaign] = (number + 1, size + file.size)
        last.add((file.campaign, inner(file)))
    return sorted(
        name
        for name in seal.keys() | found.keys()
        if name not in seal
        or found.get(name) != (seal[name].files, seal[name].bytes)
        or (seal[name].last and (name, seal[name].last) not in last)
    )


def explain(
    campaign: str, sealed: Sealed | None, ends: Mapping[str, End | None], size: int
) -> Iterator[tuple[str, str]]:
    """(path below ``state/``, what is wrong) of a campaign's files against the seal.

    ``ends``: the check line of each file, by its path below the campaign's directory.
    """
    place = home(campaign)
    if sealed is None:
        yield place, f"state/{SEAL} does not know this campaign: was it copied here?"
        return
    named = {end.after for end in ends.values() if end} | {sealed.last}
    found = [
        (path, "this file is missing: was it deleted?")
        for path in sorted(named - ends.keys() - {""})
    ]
    # Among files from before format 2 it cannot be said which one is wrong.
    if not sealed.plain:
        bare = [path for path, end in ends.items() if end is None]
        found += [(path, "its check line is missing: was it cut off?") for path in bare]
    # The file before one that is gone or damaged has lost the one that names it.
    if not found and not sealed.plain and not any(end and end.fault for end in ends.values()):
        unknown = f"state/{SEAL} does not know this file: was it copied here?"
        found += [(path, unknown) for path in sorted(ends.keys() - named)]
    yield from ((f"{place}/{path}", what) for path, what in found)
    if not found:
        yield from _sizes(place, sealed, len(ends), size)


def _sizes(place: str, sealed: Sealed, number: int, size: int) -> Iterator[tuple[str, str]]:
    if number != sealed.files:
        yield place, f"holds {number} files, and state/{SEAL} counts {sealed.files}"
    elif size != sealed.bytes:
        yield place, f"holds {size} bytes of records, and state/{SEAL} counts {sealed.bytes}"
