"""Contact keys compared by polars, where a list was read with it: ``KeyColumn``, only quicker."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from ..model.keys import KEY_WIDTH, KeyColumn, KeySet, packed_keys
from ..model.packed import Packed, another, pieces
from . import frames

FEWEST, MOST = 1 << 14, 1 << 22
"""Fewer keys are compared sooner without polars, and more in less room."""


def key_column(packed: Packed) -> KeyColumn:
    """A column of these keys: for polars if it is there already."""
    return FrameKeys(packed) if frames.loaded() else KeyColumn(packed)


class FrameKeys(KeyColumn):
    """Many keys."""

    __slots__ = ()

    def among(self, keys: Iterable[bytes]) -> bytes:
        """See ``KeyColumn``."""
        wanted = packed_keys(keys)
        if not len(wanted) or not self._is_for_polars(len(wanted)):
            return super().among(keys)
        return _as_bytes(_numbers(self.packed).is_in(_numbers(wanted).implode()))

    def only(self, mask: bytes) -> KeyColumn:
        """See ``KeyColumn``."""
        if not self._is_for_polars():
            return FrameKeys(super().only(mask).packed)
        masks, found = BytesIO(mask), another(self.packed)
        for one in pieces(self.packed):
            found.append(_chosen(one, masks.read(len(one) // KEY_WIDTH)))
        return FrameKeys(found.closed())

    def repeated(self) -> Iterable[tuple[int, int]]:
        """See ``KeyColumn``."""
        if not self._is_for_polars():
            return super().repeated()
        numbers = _numbers(self.packed)
        ordered = numbers.sort()
        behind = ordered.slice(1)
        found = behind.filter(behind == ordered.slice(0, len(behind))).unique()
        rows: list[int] = numbers.is_in(found.implode()).arg_true().to_list()
        first: dict[bytes, int] = {}
        heads = map(first.setdefault, self.take(rows), rows)
        return [(head, row) for head, row in zip(heads, rows, strict=True) if head != row]

    def as_set(self) -> KeySet | None:
        """See ``KeyColumn``."""
        if not self._is_for_polars():
            return super().as_set()
        different: int = _numbers(self.packed).n_unique()
        return KeySet(self.packed) if different == len(self) else None

    def _is_for_polars(self, more: int = 0) -> bool:
        return len(self) >= FEWEST and len(self.packed) + more <= MOST * KEY_WIDTH


def _numbers(packed: Packed) -> Any:
    """Keys (at least one) as a series of numbers."""
    pl = frames.polars()
    # a piece at a time: on the way polars needs many times the room
    found = [_reinterpreted(piece, pl.UInt64) for piece in pieces(packed)]
    return pl.concat(found, rechunk=False)


def _chosen(packed: bytes, mask: bytes) -> bytes:
    """The keys whose byte in the mask is not 0."""
    pl = frames.polars()
    keys = _reinterpreted(packed, pl.UInt8).reshape((-1, KEY_WIDTH))
    chosen = keys.filter(_reinterpreted(mask, pl.UInt8) != 0)
    return _as_bytes(chosen.explode()) if len(chosen) else b""


def _reinterpreted(data: bytes, kind: Any) -> Any:
    """Bytes (at least one value) as a series of numbers."""
    pl = frames.polars()
    count = len(data) if kind == pl.UInt8 else len(data) // KEY_WIDTH
    whole = pl.Series([data], dtype=pl.Binary)
    return whole.bin.reinterpret(dtype=pl.Array(kind, count)).explode()


def _as_bytes(series: Any) -> bytes:
    """The inverse for bytes and truths: one byte for each value."""
    pl = frames.polars()
    data: bytes = series.cast(pl.UInt8).implode().cast(pl.Binary).item()
    return data
