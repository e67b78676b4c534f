"""What a template may spend: steps, characters, depth and time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from jinja2.exceptions import SecurityError

from ..dataclass import dataclass
from ..errors import SendoffError

MAX_SOURCE = 512 * 1024
"""Characters in one template source."""

MAX_OUTPUT = 2 * 1024 * 1024
"""Characters that one rendering may give."""

MAX_WORK = 4 * MAX_OUTPUT
"""Steps and characters that one rendering may spend, discarded ones included."""

MAX_STRING = 100_000
"""Length of the longest text that one operation may make out of shorter ones."""

MAX_SECONDS = 2.0
MAX_CALL_DEPTH = 40


class SandboxError(SendoffError):
    """A source could not be compiled or rendered.

    ``name`` is the template's (None for an expression), ``line`` counts from 1 in its source,
    ``word`` is the name at fault, if there is one.  The message holds names, lines and limits,
    never a contact's value.
    """

    def __init__(
        self, message: str, name: str | None = None, line: int = 0, word: str = "", hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.name = name
        self.line = line
        self.word = word
        self.hint = hint


@dataclass(slots=True)
class Budget:
    """What one rendering may still spend."""

    work: int = MAX_WORK
    depth: int = MAX_CALL_DEPTH
    deadline: float = float("inf")

    def spend(self, amount: int) -> None:
        """Pay ``amount`` steps or characters, or stop the rendering."""
        self.work -= amount
        if self.work < 0:
            raise SecurityError("makes too much text or loops too often")
        if time.monotonic() > self.deadline:
            raise SecurityError("takes too long")


_budget: ContextVar[Budget | None] = ContextVar("sandbox_budget", default=None)


@contextmanager
def budget(seconds: float = MAX_SECONDS) -> Iterator[Budget]:
    """Everything rendered inside is paid for from one new budget."""
    fresh = Budget(deadline=time.monotonic() + seconds)
    token = _budget.set(fresh)
    try:
        yield fresh
    finally:
        _budget.reset(token)


def present() -> Budget | None:
    """The budget in force, if any."""
    return _budget.get()


def spend(amount: int) -> None:
    """Pay from the present budget; without one, only the size of one operation is limited."""
    current = _budget.get()
    if current is not None:
        current.spend(amount)
    elif amount > MAX_STRING:
        raise SecurityError("makes too much text")


def within(length: int) -> int:
    """``length``, unless it is more than one operation may make."""
    if length > MAX_STRING:
        raise SecurityError(f"makes a text longer than {MAX_STRING} characters")
    return max(length, 0)
