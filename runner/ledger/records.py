"""Records as lines of JSON, and back.

One record is one line: UTF-8, sorted keys, no spaces, instants in RFC 3339 UTC with whole seconds,
contact keys as one base64 string.  The names are the model's; a field that is empty is left out.

    {"at":"2025-10-20T14:00:03Z","campaign":"news","id":"…","keys":"q83vASNFZ4k=",…,"type":"claim"}

Reading is strict.  What this version does not know may have been written by a newer one and may
mean "already mailed", so it is never skipped.  Writing checks the same rules: nothing is written
that could not be read again.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, get_args

from ..dataclass import dataclass
from ..errors import StateCorrupt
from ..model.contacts import KEY_BYTES
from ..model.ledger import (
    Claim,
    Closed,
    Planned,
    Pulled,
    Range,
    Receipt,
    ReceiptKind,
    Record,
    Released,
    Resolution,
    Settled,
    Suppressed,
    SuppressionReason,
)

_NEWER: Final = "written by a newer sendoff?"
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_REQUIRED: Final = object()


class _UnreadableError(ValueError):
    """What is wrong with a value; ``decode`` adds the place."""


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field is written and read; left out when it equals ``empty``."""

    write: Callable[[Any], object]
    read: Callable[[object], Any]
    empty: object = _REQUIRED


def _write_text(value: str) -> str:
    # A lone surrogate (from an undecodable answer of a provider) has no UTF-8 form, and a receipt
    # must not be lost for it.
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def _read_text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _UnreadableError("is not a text")
    return value


def _write_instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise _UnreadableError("has no time zone")
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _read_instant(value: object) -> datetime:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise _UnreadableError("is not a time like 2025-10-20T14:00:00Z")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise _UnreadableError("is not a time that exists") from None


def _read_integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _UnreadableError("is not a whole number")
    return value


def _read_count(value: object) -> int:
    number = _read_integer(value)
    if number < 0:
        raise _UnreadableError("is negative")
    return number


def _write_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _read_bytes(value: object) -> bytes:
    try:
        return base64.b64decode(_read_text(value), validate=True)
    except ValueError:
        raise _UnreadableError("is not base64") from None


def _read_keys(value: object) -> bytes:
    keys = _read_bytes(value)
    if not keys or len(keys) % KEY_BYTES:
        raise _UnreadableError(f"is not a whole number of {KEY_BYTES}-byte contact keys")
    return keys


def _read_list(value: object) -> list[object]:
    if not isinstance(value, list) or not value:
        raise _UnreadableError("is not a list with something in it")
    return value


def _read_texts(value: object) -> tuple[str, ...]:
    return tuple(_read_text(item) for item in _read_list(value))


def _read_numbers(value: object, length: int) -> tuple[int, ...]:
    numbers = tuple(_read_integer(item) for item in _read_list(value))
    if len(numbers) != length or numbers[-1] < 1:
        raise _UnreadableError(f"needs {length} whole numbers, the last one above 0, in each entry")
    return numbers


def _read_times(value: object) -> tuple[tuple[int, int, int], ...]:
    entries = (_read_numbers(item, 3) for item in _read_list(value))
    return tuple((first, step, count) for first, step, count in entries)


def _read_ranges(value: object) -> tuple[Range, ...]:
    entries = (_read_numbers(item, 2) for item in _read_list(value))
    return tuple((start, count) for start, count in entries)


def _write_pairs(value: Sequence[Sequence[int]]) -> list[list[int]]:
    return [list(item) for item in value]


def _one_of(*choices: str) -> _Field:
    def read(value: object) -> str:
        if value not in choices:
            raise _UnreadableError(f"is none of {', '.join(choices)}: {_NEWER}")
        return str(value)

    return _Field(str, read)


def _read_counts(value: object) -> dict[str, int]:
    return {_read_text(name): _read_count(number) for name, number in _object(value).items()}


def _write_marks(value: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _write_bytes(bits) for name, bits in value.items()}


def _read_marks(value: object) -> dict[str, bytes]:
    try:
        return {
            _read_text(name): base64.b64decode(_read_text(bits), validate=True)
            for name, bits in _object(value).items()
        }
    except binascii.Error:
        raise _UnreadableError("is not base64") from None


_TEXT = _Field(_write_text, _read_text)
_TEXT_OR_NOTHING = _Field(_write_text, _read_text, "")
_TIME = _Field(_write_instant, _read_instant)
_COUNT = _Field(int, _read_count)
_RANGES = _Field(_write_pairs, _read_ranges)

_SETTLED: Final[Mapping[str, _Field]] = {
    "kind": _one_of(*get_args(ReceiptKind)),
    "ranges": _RANGES,
    "reason": _TEXT_OR_NOTHING,
    "ref": _TEXT_OR_NOTHING,
}


def _write_parts(value: Iterable[Settled]) -> list[dict[str, object]]:
    return [_write_fields(part, _SETTLED) for part in value]


def _read_parts(value: object) -> tuple[Settled, ...]:
    return tuple(Settled(**_read_fields(_object(item), _SETTLED)) for item in _read_list(value))


_JOB: Final[Mapping[str, _Field]] = {
    "campaign": _TEXT,
    "step": _TEXT,
    "occurrence": _TEXT_OR_NOTHING,
    "run": _TEXT,
    "at": _TIME,
}
_BOOKED: Final[Mapping[str, _Field]] = {
    "run": _TEXT,
    "at": _TIME,
    "source": _TEXT,
    "keys": _Field(_write_bytes, _read_keys),
    "since": _TIME,
    "later": _Field(_write_bytes, _read_bytes, b""),
    "by": _TEXT_OR_NOTHING,
}
_FIELDS: Final[Mapping[type[Record], Mapping[str, _Field]]] = {
    Planned: {
        "campaign": _TEXT,
        "run": _TEXT,
        "at": _TIME,
        "anchor": _TIME,
        "total": _COUNT,
        "shape": _TEXT_OR_NOTHING,
        "schedule": _TEXT_OR_NOTHING,
    },
    Claim: {
        **_JOB,
        "id": _TEXT,
        "lease_until": _TIME,
        "provider": _TEXT,
        "keys": _Field(_write_bytes, _read_keys),
        "times": _Field(_write_pairs, _read_times),
        "total": _COUNT,
        "content": _TEXT_OR_NOTHING,
        "revision": _COUNT,
        "commit": _TEXT_OR_NOTHING,
        "enrolled": _Field(_write_instant, _read_instant, None),
        "handle": _TEXT_OR_NOTHING,
        "domains": _Field(_write_marks, _read_marks, {}),
    },
    Receipt: {
        "claim": _TEXT,
        "campaign": _TEXT,
        "run": _TEXT,
        "at": _TIME,
        "parts": _Field(_write_parts, _read_parts),
    },
    Closed: {**_JOB, "counts": _Field(dict, _read_counts, {})},
    Resolution: {
        "claim": _TEXT,
        "campaign": _TEXT,
        "at": _TIME,
        "ranges": _RANGES,
        "verdict": _one_of("sent", "not_sent"),
        "by": _TEXT,
        "evidence": _TEXT_OR_NOTHING,
    },
    Suppressed: {
        **_BOOKED,
        "reason": _one_of(*get_args(SuppressionReason)),
        "group": _Field(int, _read_count, 0),
    },
    Released: _BOOKED,
    Pulled: {
        "run": _TEXT,
        "at": _TIME,
        "sources": _Field(list, _read_texts),
        "until": _TIME,
        "counts": _Field(dict, _read_counts, {}),
    },
}
_TYPES: Final[Mapping[str, type[Record]]] = {kind.__name__.lower(): kind for kind in _FIELDS}


def encode(record: Record) -> str:
    """The record as one line, without the line end.

    Fractions of a second are dropped.  Raises ValueError for a record that breaks a rule of the
    format (that is a bug of the caller, not a state of the world).
    """
    name = type(record).__name__.lower()
    fields = _write_fields(record, _FIELDS[type(record)])
    line = json.dumps(
        {**fields, "type": name}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    _parse(line)
    return line


def decode(line: str, where: str) -> Record:
    """The record of one line; ``where`` is its place, for the error.

    Raises StateCorrupt when it is not exactly what ``encode`` could have written.
    """
    try:
        return _parse(line)
    except (ValueError, RecursionError) as error:
        reason = error if isinstance(error, _UnreadableError) else "this is not a line of JSON"
        raise StateCorrupt(f"{where}: {reason}") from None


def _parse(line: str) -> Record:
    values = _object(_JSON.decode(line))
    name = values.pop("type", None)
    kind = _TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise _UnreadableError(f"unknown record type {json.dumps(name)[:40]}: {_NEWER}")
    record = kind(**_read_fields(values, _FIELDS[kind]))
    _check(record)
    return record


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise _UnreadableError("a field is given twice")
    return values


def _no_constant(name: str) -> object:
    raise _UnreadableError(f"{name} is not a value")


_JSON: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
"""Made once: a ledger has millions of lines."""


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _UnreadableError("is not an object")
    return value


def _write_fields(source: object, fields: Mapping[str, _Field]) -> dict[str, object]:
    values = ((name, field, getattr(source, name)) for name, field in fields.items())
    return {name: field.write(value) for name, field, value in values if value != field.empty}


def _read_fields(values: Mapping[str, object], fields: Mapping[str, _Field]) -> dict[str, Any]:
    unknown = sorted(values.keys() - fields.keys())
    if unknown:
        raise _UnreadableError(f"unknown field {json.dumps(unknown[0])[:40]}: {_NEWER}")
    return {name: _read_field(values, name, field) for name, field in fields.items()}


def _read_field(values: Mapping[str, object], name: str, field: _Field) -> Any:
    if name in values:
        try:
            return field.read(values[name])
        except _UnreadableError as error:
            raise _UnreadableError(f"{name}: {error}") from None
    if field.empty is _REQUIRED:
        raise _UnreadableError(f"the field {name} is missing")
    return field.empty


def _check(record: Record) -> None:
    """Refuse a record whose fields contradict each other."""
    if isinstance(record, Claim):
        keys = len(record.keys) // KEY_BYTES
        timed = sum(count for _, _, count in record.times)
        if timed != keys:
            raise _UnreadableError(f"times are given for {timed} contacts, keys for {keys}")
        if any(len(bits) != (keys + 7) // 8 for bits in record.domains.values()):
            raise _UnreadableError(f"domains: needs one bit for each of {keys} contacts")
    elif isinstance(record, Receipt):
        _check_ranges((r for part in record.parts for r in part.ranges), complete=True)
    elif isinstance(record, Resolution):
        _check_ranges(record.ranges, complete=False)
    elif isinstance(record, Suppressed | Released):
        _check_book(record)


_MORE_TO_COME = bytes(range(0x80, 0x100))
"""The bytes of a packed number that are not its last one."""


def _check_book(record: Suppressed | Released) -> None:
    keys = len(record.keys) // KEY_BYTES
    # without decoding them: a book of a million contacts is read by every run
    timed = len(record.later.translate(None, _MORE_TO_COME))
    if record.later and (timed != keys or record.later[-1] in _MORE_TO_COME):
        raise _UnreadableError(f"times are given for {timed} contacts, keys for {keys}")
    if isinstance(record, Suppressed) and (record.reason == "group_unsubscribed") != bool(
        record.group
    ):
        raise _UnreadableError("a group belongs to group_unsubscribed, and to nothing else")


def _check_ranges(ranges: Iterable[Range], *, complete: bool) -> None:
    end = 0
    for start, count in sorted(ranges):
        if start < end:
            raise _UnreadableError(f"contact {start} is settled twice")
        if complete and start > end:
            raise _UnreadableError(f"contacts {end} to {start - 1} are not settled")
        end = start + count
