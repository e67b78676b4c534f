"""Addresses that the mail server itself turned away as nobody's, as suppressions.

A service tells of them later (``gathering``); a mail server that a run talks to tells at once.  A
server that knows nobody is a server with a fault, and no reason to give up the list: of one domain,
no more addresses are believed to be dead than work, beyond a handful.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from .dataclass import dataclass
from .delivery import Claimed
from .model.columns import take
from .model.keys import KeyColumn
from .model.ledger import Suppressed
from .model.message import Outcome
from .planning.book import Stamp, suppressed

A_HANDFUL = 10
"""Dead addresses of one domain in one batch that are believed, whoever else is there."""


@dataclass(frozen=True, slots=True)
class Bounced:
    """``keys``: contact keys of addresses that do not work; ``doubted``: how many more the server
    said that of, and was not believed."""

    keys: Sequence[bytes] = ()
    doubted: int = 0

    def suppressions(self, run: str, source: str, at: datetime) -> Iterator[Suppressed]:
        """The records that keep them from being mailed again."""
        told = dict.fromkeys(self.keys, int(at.timestamp()))
        return suppressed({("bounce", 0): told}, Stamp(run, at, source))


NOBODY = Bounced()


def bounced(item: Claimed, outcomes: Sequence[Outcome]) -> Bounced:
    """Whom a batch's outcomes say to be gone."""
    dead = [position for position, outcome in enumerate(outcomes) if outcome.dead]
    if not dead:
        return NOBODY
    emails = take(item.batch.job.audience.emails, item.batch.indices)
    keys = KeyColumn(item.claim.keys)
    alive = Counter(
        _domain(email)
        for email, outcome in zip(emails, outcomes, strict=True)
        if outcome.kind == "accepted"
    )
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for position in dead:
        found[_domain(emails[position])].append(keys[position])
    believed = [
        key
        for domain, gone in found.items()
        if len(gone) <= max(A_HANDFUL, alive[domain])
        for key in gone
    ]
    return Bounced(believed, len(dead) - len(believed))


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()
