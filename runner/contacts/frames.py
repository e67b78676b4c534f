"""The quick way through a long plain file, where the extra ``fast`` is installed.

Polars cuts the lines, strips, checks and hashes; what it is given has been looked at before, and
what is not plainly the same as Python would have it is left to Python.  Nothing here is needed for
the result: without the extra the same comes out, later.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from ..dataclass import dataclass
from ..model.columns import CodedColumn, Column

H = TypeVar("H", bound=Hashable)

ReadLines = Callable[[bytes, int, int, str], list[Sequence[str]] | None]

WORTH_IT = 1 << 20
"""Polars takes longer to load than shorter texts take without it."""
_FEW = 256
_SAMPLE = 4096
MANY = 4096
"""Fewer values are looked at sooner without polars."""
_LEFT_TO_PYTHON = b"\0\x1c\x1d\x1e\x1f"
"""What may stand between packed values, and what Python strips and polars does not."""
_DROPPED = b"\xef\xbb\xbf"
"""What polars takes for a byte order mark wherever a text begins."""
_LONGEST = csv.field_size_limit()


_NEEDED = (("polars", (2,)), ("polars-hash", (0, 9)))


@lru_cache(maxsize=1)
def installed() -> bool:
    """Whether the extra is there, new enough; loads none of it."""
    if find_spec("polars") is None:
        return False
    # slow to load for those who have no extra
    from importlib.metadata import PackageNotFoundError  # noqa: PLC0415

    try:
        return all(_release(name) >= wanted for name, wanted in _NEEDED)
    except PackageNotFoundError:
        return False


def reader_for(size: int) -> ReadLines | None:
    """``read_lines`` for a file of ``size`` bytes, if it is there and worth it."""
    return read_lines if size >= WORTH_IT and installed() else None


def _release(name: str) -> tuple[int, ...]:
    from importlib.metadata import version  # noqa: PLC0415 - see above

    return tuple(int(part) for part in version(name).split(".")[:2] if part.isdecimal())


@lru_cache(maxsize=1)
def polars() -> Any:
    """The module.  Takes as long to load as some ten thousand rows without it.

    It takes all processors unless it is told, and then gets into the way of what is done here.
    """
    os.environ.setdefault("POLARS_MAX_THREADS", str(max(1, processors() - 1)))
    return import_module("polars")


def processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def loaded() -> bool:
    """Whether that was done already."""
    return polars.cache_info().currsize > 0


class SeriesColumn(Column[str]):
    """A column of text that polars holds."""

    __slots__ = ("series",)

    def __init__(self, series: Any) -> None:
        self.series = series

    def take(self, indices: Sequence[int]) -> list[str]:
        taken: list[str] = self.series.gather(list(indices)).to_list()
        return taken

    def part(self, start: int, stop: int) -> list[str]:
        """The values from ``start`` to before ``stop``."""
        values: list[str] = self.series.slice(start, stop - start).to_list()
        return values

    def joined(self, start: int, stop: int, rows: int, between: str) -> list[bytes]:
        """The same values (a multiple of ``rows``) as UTF-8, so many rows in one piece."""
        values = self.series.slice(start, stop - start)
        pieces: list[bytes] = (
            values.reshape((-1, rows)).arr.join(between).cast(polars().Binary).to_list()
        )
        return pieces

    def stripped(self) -> SeriesColumn:
        """Without the white space around the values."""
        return SeriesColumn(self.series.str.strip_chars())

    def __len__(self) -> int:
        return len(self.series)

    def __iter__(self) -> Iterator[str]:
        return iter(self.series.to_list())


def _column(series: Any) -> Column[str]:
    """A column, coded where it has few different values."""
    pl, names = polars(), series.head(_SAMPLE).unique(maintain_order=True)
    if len(names) > _FEW:
        return SeriesColumn(series)
    coded = series.cast(pl.Enum(names), strict=False)
    if coded.null_count():  # there are more of them than among the first
        names = series.unique(maintain_order=True)
        if len(names) > _FEW:
            return SeriesColumn(series)
        coded = series.cast(pl.Enum(names))
    codes = coded.to_physical().cast(pl.UInt8).implode().cast(pl.Binary).item()
    return CodedColumn(codes, names.to_list())


def held(values: Sequence[str]) -> Sequence[str]:
    """Values without white space around them, in polars' hands if it is there already and they
    are many."""
    if len(values) < MANY or not loaded():
        return values
    return SeriesColumn(polars().Series(values, dtype=polars().String))


def mapped(column: Sequence[str], look_up: Callable[[str], H]) -> Sequence[H]:
    """What each value is in a book."""
    if isinstance(column, CodedColumn):
        return CodedColumn(column.codes, list(map(look_up, column.values)))
    return list(map(look_up, column))


def stripped(column: Sequence[str]) -> Sequence[str]:
    """The values without the white space around them."""
    if isinstance(column, SeriesColumn):
        return column.stripped()
    return mapped(column, str.strip)


def read_lines(text: bytes, count: int, width: int, delimiter: str) -> list[Sequence[str]] | None:
    """``count`` lines of ``width`` fields without any quote, as columns; None if it is in doubt."""
    if len(text) < WORTH_IT or len(delimiter.encode()) > 1:
        return None
    if any(byte in text for byte in _LEFT_TO_PYTHON) or text.startswith(_DROPPED):
        return None
    pl = polars()
    try:
        frame = pl.read_csv(
            text,
            has_header=False,
            separator=delimiter,
            quote_char=None,
            infer_schema=False,
            empty_string_is_null=False,
        )
    except pl.exceptions.PolarsError:
        return None
    if frame.shape != (count, width) or any(frame.null_count().row(0)):
        return None
    if max(frame.select(pl.all().str.len_bytes().max()).row(0)) > _LONGEST:
        return None
    return list(map(_column, frame.get_columns()))


@dataclass(frozen=True, slots=True)
class Checked:
    """Addresses without the white space around them, their keys, and the rows of those that take
    a closer look: their keys mean nothing."""

    emails: SeriesColumn
    keys: bytearray
    unusual: list[int]


@dataclass(frozen=True, slots=True)
class Plain:
    """What a usual address looks like: like ``pattern``, not like ``but``, and no longer."""

    pattern: str
    but: str
    longest: int


def check(raw: SeriesColumn, plain: Plain, secret: str) -> Checked:
    """Tell usual addresses from others, and hash them in lower case.

    The key of an address is the first 8 bytes of its HMAC-SHA256 under ``secret``.
    """
    pl, plh = polars(), import_module("polars_hash")
    frame = pl.DataFrame({"email": raw.stripped().series})
    lowered = plh.col("email").str.to_lowercase()
    found = frame.select_seq(
        plain=pl.col("email").str.contains(plain.pattern)
        & ~pl.col("email").str.contains(plain.but)
        & (pl.col("email").str.len_bytes() <= plain.longest),
        key=lowered.chash.hmac_sha256(key=secret).str.head(16),
    )
    return Checked(
        emails=SeriesColumn(frame["email"]),
        keys=bytearray.fromhex(found["key"].str.join("").item()),
        unusual=(~found["plain"]).arg_true().to_list(),
    )


def with_values(column: SeriesColumn, rows: Sequence[int], values: Sequence[str]) -> SeriesColumn:
    """The column with other values in some rows."""
    if not rows:
        return column
    return SeriesColumn(column.series.clone().scatter(list(rows), list(values)))
