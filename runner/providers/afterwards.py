"""What most providers cannot do once a mail is handed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model.ledger import Claim
from ..model.message import Verdict


class Irrevocable:
    """Nothing can be called back, and nothing is known of what was handed over."""

    def handle(self, job_id: str) -> str:
        """No handle."""
        return ""

    def recall(self, handle: str) -> bool:
        """Never certain."""
        return False

    def evidence(
        self,
        claim: Claim,
        contacts: Sequence[tuple[int, str, bytes]],
    ) -> Mapping[int, Verdict]:
        """None."""
        return {}
