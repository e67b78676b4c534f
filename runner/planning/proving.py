"""Was this mail ours, and to whom?  Asked of the ledger, by the name that a mail carries.

The name of a mail (the part of its ``Message-ID`` before the @) is made of its job and the contact
key.  Who has neither the state key nor the mail itself cannot make one, so a report that gives back
such a name is about a mail that we sent to that contact; and none of it need be believed but that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import field

from ..dataclass import dataclass
from ..model.ledger import Claim, Record
from .ranges import expand_times, split_keys

_NAME = 32


def mail_name(job: str, key: bytes) -> str:
    """The name of a contact's mail of a job, as providers write it that make whole mails."""
    return hashlib.sha256(job.encode() + b"\0" + key).hexdigest()[:_NAME]


@dataclass
class SentMails:
    """Looks mails up by job and name.  ``records``: those of a campaign; read once for each job."""

    records: Callable[[str], Iterable[Record]]
    _jobs: dict[str, dict[str, tuple[bytes, int]]] = field(default_factory=dict)

    def find(self, job: str, name: str) -> tuple[bytes, int] | None:
        """The contact key and the send time (epoch seconds) of a mail; None for none of ours."""
        if job not in self._jobs:
            self._jobs[job] = self._read(job)
        return self._jobs[job].get(name)

    def _read(self, job: str) -> dict[str, tuple[bytes, int]]:
        campaign = job.partition("@")[0].rpartition("/")[0]
        found: dict[str, tuple[bytes, int]] = {}
        for record in self.records(campaign) if campaign else ():
            if isinstance(record, Claim) and record.job_id == job:
                keys, times = split_keys(record.keys), expand_times(record.times)
                for key, time in zip(keys, times, strict=True):
                    found[mail_name(job, key)] = (key, time)
        return found
