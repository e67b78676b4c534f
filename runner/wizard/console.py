"""The terminal: line by line, so that it works in any of them, and for screen readers too."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from .questions import Refused


class TerminalConsole:
    """Standard input and output, which must be terminals; with line editing where there is any."""

    def __init__(self) -> None:
        self._words: Sequence[str] = ()
        with suppress(ImportError):
            import readline  # noqa: PLC0415 - not everywhere

            readline.set_completer(self._complete)
            readline.set_completer_delims("\n")
            readline.parse_and_bind("tab: complete")

    def write(self, text: str) -> None:
        """See ``dialogue.Console``."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def read(self, prompt: str, words: Sequence[str]) -> str:
        """See ``dialogue.Console``."""
        *above, last = prompt.split("\n")
        for line in above:
            self.write(line + "\n")
        self._words = words
        try:
            # readline draws the prompt, or it would be lost when a line is edited
            return input(last)
        except UnicodeDecodeError:
            raise Refused("That is not text in this terminal's encoding.") from None

    def _complete(self, text: str, number: int) -> str | None:
        found = [word for word in self._words if word.casefold().startswith(text.casefold())]
        return found[number] if number < len(found) else None


def is_terminal() -> bool:
    """True when a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it, SIGINT and SIGTERM end the waiting for an answer: they raise KeyboardInterrupt."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
