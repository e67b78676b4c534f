"""The time in which something may still be begun."""

from __future__ import annotations

from datetime import datetime

from ..dataclass import dataclass
from ..model.message import Outcome
from ..ports import Clock

NOT_BEGUN = Outcome("temporary", "not begun")
"""What is said of a message that was left for the next run."""


@dataclass(frozen=True, slots=True)
class Window:
    """Open until ``deadline``, or until the clock says that the run is to stop."""

    clock: Clock
    deadline: datetime

    @property
    def open(self) -> bool:
        """True while a new message or request may begin."""
        return not self.clock.stopping and self.clock.now() < self.deadline

    def pause(self, seconds: float) -> bool:
        """Wait, unless that would end after the deadline; True if the window is open still."""
        remaining = (self.deadline - self.clock.now()).total_seconds()
        if self.clock.stopping or seconds >= remaining:
            return False
        self.clock.sleep(seconds)
        return self.open
