"""Claims whose keys lie apart from them."""

from __future__ import annotations

from dataclasses import replace

from ..dataclass import dataclass
from ..model.contacts import KEY_BYTES
from ..model.ledger import Claim
from ..model.packed import Packed, Stored
from .ranges import split_keys


@dataclass(frozen=True, slots=True)
class Kept:
    """A claim, and where in ``packed`` its keys lie, from ``start`` (bytes) on: if there are
    millions they would fill the memory."""

    claim: Claim
    packed: Packed
    start: int = 0

    @classmethod
    def of(cls, claim: Claim, store: Stored | None) -> Kept:
        """The claim itself, or one without its keys, which are in the store."""
        if store is None:
            return cls(claim, claim.keys)
        start = len(store)
        store.append(claim.keys)
        return cls(replace(claim, keys=b""), store, start)

    def keys(self, start: int, count: int) -> bytes:
        """Some of its keys, from the one at ``start`` on."""
        at = self.start + start * KEY_BYTES
        return self.packed[at : at + count * KEY_BYTES]

    def all_keys(self) -> list[bytes]:
        """All of them, taken apart."""
        return split_keys(self.keys(0, sum(count for _, _, count in self.claim.times)))
