"""What the campaigns of a ledger came to when they were last read, kept outside of git.

A ledger's files are never changed, so what names the content of a campaign's files (git's own
digest of its directory) names what they come to.  The shelf may be empty at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..cache import Cache
from ..dataclass import dataclass
from ..edition import edition
from ..model.ledger import Glance
from ..stored import NotStorableError, dump, restore


@dataclass(frozen=True)
class Shelf:
    """Glances in a cache, under a name of the ledger's."""

    cache: Cache
    slot: str

    def known(self, tokens: Mapping[str, str]) -> dict[str, Any]:
        """By campaign, what is known of the content that its token names, for ``seen`` to read.

        Empty where the files were looked for and nobody asked what is in them.
        """
        kept = self.cache.get(self.slot, edition()) or {}
        return {
            name: kept[name][1]
            for name, token in tokens.items()
            if name in kept and kept[name][0] == token
        }

    def keep(
        self,
        tokens: Mapping[str, str],
        known: Mapping[str, Any],
        fresh: Mapping[str, Glance | None],
    ) -> None:
        """Keep what is known, and what was found besides, in the place of what was kept."""
        with suppress(NotStorableError):
            rows = {**known, **{name: dump(found) for name, found in fresh.items()}}
            entry = {name: [token, rows.get(name, [])] for name, token in tokens.items()}
            self.cache.put(self.slot, edition(), entry)


def seen(rows: Any) -> Glance | None:
    """What is known of a campaign; None: it has to be folded."""
    found: Glance | None = restore(rows)
    return found
