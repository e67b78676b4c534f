"""Whom nobody may mail: from the records to a set of contacts, and back.

Records are facts, each with its time, and may come in any order.  A contact is suppressed for a
reason when it was told so at or after the time at which it was last released.

Times are packed: each is how many seconds it is later than the one before it, as a number of
seven bits a byte, the low ones first, 0x80 set in all bytes but the last.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Final, get_args

from ..dataclass import dataclass
from ..model.contacts import KEY_BYTES
from ..model.feedback import Cause, Told
from ..model.ledger import Pulled, Record, Released, Suppressed, SuppressionReason
from .ranges import split_keys

REASONS: Final[tuple[SuppressionReason, ...]] = get_args(SuppressionReason)
_LINE: Final = 10_000
"""Contacts in one record."""
_CLOCKS: Final = timedelta(minutes=10)
"""How far apart the clocks of machines may be."""


@dataclass(frozen=True)
class Book:
    """What all records say together.

    ``told``: the suppressions, not yet looked into.  ``released``: when contacts were last
    released.  ``pulls``: until when each part of a source is known whole, of the account that was
    asked last.  ``marks``: the same by part and account.  ``accounts``: the one that was asked
    last, by source.  ``counts``: what was told besides and suppresses nobody.
    """

    told: tuple[Suppressed, ...] = ()
    released: Mapping[bytes, int] = field(default_factory=dict)
    pulls: Mapping[str, datetime] = field(default_factory=dict)
    marks: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def active(self) -> Mapping[Cause, Set[bytes]]:
        """The contacts that are suppressed, by cause."""
        found: dict[Cause, set[bytes]] = defaultdict(set)
        for record in self.told:
            found[record.reason, record.group].update(_still(record, self.released))
        return {cause: keys for cause, keys in found.items() if keys}

    @cached_property
    def everywhere(self) -> Mapping[bytes, SuppressionReason]:
        """Whom no campaign may mail, each with the strongest reason."""
        found: dict[bytes, SuppressionReason] = {}
        for reason in REASONS:
            found.update(dict.fromkeys(self.active.get((reason, 0), ()), reason))
        return found

    def banned(self, group: int | None) -> Mapping[bytes, SuppressionReason]:
        """Whom a campaign that unsubscribes from ``group`` may not mail."""
        left = self.active.get(("group_unsubscribed", group or 0), frozenset())
        if not left:
            return self.everywhere
        return dict.fromkeys(left, REASONS[REASONS.index("group_unsubscribed")]) | dict(
            self.everywhere
        )

    def causes(self, key: bytes) -> tuple[Cause, ...]:
        """Everything for which one contact is suppressed, the strongest first."""
        found = [cause for cause, keys in self.active.items() if key in keys]
        return tuple(sorted(found, key=lambda cause: (-REASONS.index(cause[0]), cause[1])))


def fold_book(records: Iterable[Record], now: datetime | None = None) -> Book:
    """The book that these records make, in whatever order they come.

    A pull after ``now`` does not count: a machine whose clock was years ahead would have told that
    everything is known for years.
    """
    told: list[Suppressed] = []
    released: dict[bytes, int] = {}
    until: dict[str, datetime] = {}
    counts: Counter[str] = Counter()
    for record in records:
        if isinstance(record, Suppressed):
            told.append(record)
        elif isinstance(record, Released):
            for key, time in _rows(record):
                released[key] = max(time, released.get(key, time))
        elif isinstance(record, Pulled):
            counts.update(record.counts)
            if now is not None and record.until > now + _CLOCKS:
                continue
            for source in record.sources:
                until[source] = max(record.until, until.get(source, record.until))
    marks = {_mark(source): time for source, time in until.items()}
    asked = _asked_last(marks)
    return Book(tuple(told), released, _pulls(marks, asked), marks, asked, counts)


def account_mark(part: str, account: str) -> str:
    """How ``Pulled`` names a part of a source, or a source, of an account ('': of none)."""
    return f"{part}@{account}" if account else part


def _mark(source: str) -> tuple[str, str]:
    part, _, account = source.partition("@")
    return part, account


def _asked_last(marks: Mapping[tuple[str, str], datetime]) -> dict[str, str]:
    """The account of each source that was asked last; none in ledgers that name none."""
    named = sorted((until, account, part) for (part, account), until in marks.items() if account)
    return {part.partition("/")[0]: account for _, account, part in named}


def _pulls(
    marks: Mapping[tuple[str, str], datetime], asked: Mapping[str, str]
) -> dict[str, datetime]:
    """What is known of the accounts that were asked last.

    Marks that name no account are of the only one there is, as long as there is no other.
    """
    named = [(part.partition("/")[0], account) for part, account in marks if account]
    several = {source for source, account in named if account != asked[source]}
    pulls: dict[str, datetime] = {}
    for (part, account), until in marks.items():
        source = part.partition("/")[0]
        if account == asked.get(source, "") or (not account and source not in several):
            pulls[part] = max(until, pulls.get(part, until))
    return pulls


def _still(record: Suppressed, released: Mapping[bytes, int]) -> Iterable[bytes]:
    """The contacts of a record that were not released since; mostly no time need be unpacked."""
    keys = split_keys(record.keys)
    if not released or released.keys().isdisjoint(keys):
        return keys
    return (key for key, time in _rows(record) if time >= released.get(key, time))


def _rows(record: Suppressed | Released) -> Iterator[tuple[bytes, int]]:
    keys = split_keys(record.keys)
    first = int(record.since.timestamp())
    steps = unpack(record.later) if record.later else [0] * len(keys)
    return zip(keys, accumulate(steps[1:], initial=first + steps[0]), strict=True)


def about(
    records: Iterable[Record], keys: Set[bytes]
) -> Iterator[tuple[int, Suppressed | Released]]:
    """Everything that was written of any of these contacts, each with its epoch second."""
    for record in records:
        if isinstance(record, Suppressed | Released):
            yield from ((time, record) for key, time in _rows(record) if key in keys)


def news(told: Told, book: Book, now: datetime) -> dict[Cause, dict[bytes, int]]:
    """What of this the book does not know yet, and has not been released since.

    A release that lies in the future was written by a clock that was ahead: nobody can tell what
    came after it, so all that is not known yet counts, and from the release's own time on.
    """
    latest = int((now + _CLOCKS).timestamp())
    known_times = _known_times(told, book, latest)
    found: dict[Cause, dict[bytes, int]] = {}
    for cause, times in told.items():
        known = book.active.get(cause, frozenset())
        new: dict[bytes, int] = {}
        for key, time in times.items():
            back = book.released.get(key, time)
            if key in known or (cause, key, time) in known_times:
                continue
            if time >= back or back > latest:
                new[key] = max(time, back)
        if new:
            found[cause] = new
    return found


def _known_times(told: Told, book: Book, latest: int) -> Set[tuple[Cause, bytes, int]]:
    """What is written of those of the told who were released later than ``latest``."""
    ahead = {key for times in told.values() for key in times if book.released.get(key, 0) > latest}
    if not ahead:
        return frozenset()
    return {
        ((record.reason, record.group), key, time)
        for record in book.told
        for key, time in _rows(record)
        if key in ahead
    }


def decided(cause: Cause, keys: Iterable[bytes], book: Book, now: datetime) -> Told:
    """What a person says now of these contacts: it wins against every release before, also against
    one by a clock that was ahead."""
    at = int(now.timestamp())
    return {cause: {key: max(at, book.released.get(key, at)) for key in keys}}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all records of one writing have in common."""

    run: str
    at: datetime
    source: str
    by: str = ""


def suppressed(told: Told, stamp: Stamp) -> Iterator[Suppressed]:
    """The records that tell this."""
    for (reason, group), times in sorted(told.items()):
        for keys, since, later in _columns(times):
            yield Suppressed(
                stamp.run,
                stamp.at,
                stamp.source,
                reason,
                keys,
                since,
                later,
                group=group,
                by=stamp.by,
            )


def released(times: Mapping[bytes, int], stamp: Stamp) -> Iterator[Released]:
    """The records that release these contacts."""
    for keys, since, later in _columns(times):
        yield Released(stamp.run, stamp.at, stamp.source, keys, since, later, stamp.by)


def _columns(times: Mapping[bytes, int]) -> Iterator[tuple[bytes, datetime, bytes]]:
    rows = sorted((time, key) for key, time in times.items())
    for start in range(0, len(rows), _LINE):
        part = rows[start : start + _LINE]
        first = part[0][0]
        seconds = [time for time, _ in part]
        steps = [b - a for a, b in zip([first, *seconds], seconds, strict=False)]
        later = pack(steps) if any(steps) else b""
        yield b"".join(key for _, key in part), datetime.fromtimestamp(first, UTC), later


def pack(numbers: Iterable[int]) -> bytes:
    """Numbers from 0 on, in seven bits a byte."""
    packed = bytearray()
    for number in numbers:
        rest = number
        while rest > 0x7F:
            packed.append(rest & 0x7F | 0x80)
            rest >>= 7
        packed.append(rest)
    return bytes(packed)


def unpack(packed: bytes) -> list[int]:
    """The numbers again."""
    numbers, number, shift = [], 0, 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    return numbers


def key_count(record: Suppressed | Released) -> int:
    """How many contacts a record names."""
    return len(record.keys) // KEY_BYTES
