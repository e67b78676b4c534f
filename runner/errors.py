"""What can go wrong, drawn as a tree.

    SendoffError                    one line for people; ``exit_code`` for programs
    ├── InputError            1     problems in files, all of them at once
    ├── UsageError            2     the command was called wrongly
    ├── ProviderError         4     the provider cannot be used at all (credentials, address)
    ├── StateError            5     the ledger cannot be trusted or written: nothing was sent
    │   ├── StateMissing              there is no state where it ought to be
    │   ├── StateKeyChanged           another state key: nothing would look sent
    │   ├── StateCorrupt              a record cannot be read, or contradicts another
    │   ├── StateRefused              a rule or a permission refused the write
    │   └── StateUnreachable          the remote or the disk does not answer
    ├── RaceLost              6     another run wrote first: nothing lost, plan anew
    └── DiskFailed            1     a temporary file cannot be read again

Whatever is not a ``SendoffError`` is a bug (exit 70).  This module imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from .dataclass import dataclass

LIST_UNREAD = "list_unread"
"""Code of a problem: a list that lies elsewhere is not fetched at this place."""
LIST_REFRESH = "list_refresh"
"""Code of a problem: fetching a list failed, and no copy of it may be used."""
SLOW = "slow-template"
"""Code of a problem: each contact's message has to be made anew."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in the input: where it is, what it is, how to mend it.

    ``path`` is relative to the workspace, with ``/``.  ``line`` and ``column`` count from 1;
    0 means "the file as a whole".
    """

    path: str
    line: int
    column: int
    message: str
    hint: str = ""
    code: str = "invalid"
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.path}:{self.line}:{self.column}: {self.message}{hint}"


class SendoffError(Exception):
    """An expected failure: its text is for people, its ``exit_code`` for programs."""

    exit_code: ClassVar[int] = 1


class InputError(SendoffError):
    """The input has problems; ``problems`` holds all of them, sorted by place."""

    exit_code = 1

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class UsageError(SendoffError):
    """The command was called wrongly."""

    exit_code = 2


class ProviderError(SendoffError):
    """The provider cannot be used at all; raised before anything is claimed."""

    exit_code = 4


class StateError(SendoffError):
    """The ledger cannot be trusted or written; nothing was sent after that."""

    exit_code = 5


class StateMissing(StateError):
    """There is no state where it ought to be: never read as "nothing was sent yet"."""


class StateKeyChanged(StateError):
    """The state was written with another key: nothing would look sent."""


class StateCorrupt(StateError):
    """A record is unreadable or contradicts another."""


class StateRefused(StateError):
    """A branch rule or a file permission refused the write."""


class StateUnreachable(StateError):
    """The remote or the disk does not answer."""


class RaceLost(SendoffError):
    """Another run wrote first.  The write did not happen; plan anew from the new tip."""

    exit_code = 6


class DiskFailed(SendoffError):
    """A temporary file cannot be read again: whatever needs it ends here."""
