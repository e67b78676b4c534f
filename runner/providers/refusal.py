"""A message that must not be built: it is refused before any server sees it."""

from __future__ import annotations

from ..model.message import Outcome


class Refusal(ValueError):
    """Its text is a short code without personal data; it becomes the outcome's reason."""

    def outcome(self) -> Outcome:
        """The permanent outcome of a message that cannot be sent."""
        return Outcome("refused", str(self))
