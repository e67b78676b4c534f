"""Who the rows of a long list are, found out beside the reading of it: see ``second`` for how."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from ..dataclass import dataclass
from .frames import SeriesColumn, processors
from .identities import Identities, identify
from .keys import Keyer
from .second import SecondProcess

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

WORTH_IT = 1 << 15
"""After so many rows a list is long: starting Python takes as long as thousands of rows."""
_IN_THREAD = 2
"""Columns that are waited for at most, the one that is looked at included: they are large."""


@dataclass(frozen=True, slots=True)
class _Promised:
    """What a thread is finding out: is it done, and what is it?"""

    done: Callable[[], bool]
    result: Callable[[], Identities]


class Identifier:
    """``identify``, block by block: ``ask``, do something else, ``answers``.

    While the other process has enough to do, what is asked is found out here.  Columns that polars
    holds it does not get: a thread is enough for them, since polars lets go of the interpreter.
    """

    def __init__(self, keyer: Keyer, worth_it: int = WORTH_IT) -> None:
        self._keyer = keyer
        self._left = worth_it if _spare_processor() else None  # rows before it is worth it
        self._other: SecondProcess | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._asked: deque[Sequence[str] | Identities | _Promised] = deque()

    def ask(self, raw: Sequence[str]) -> None:
        """An address column, as it stands in the list."""
        if isinstance(raw, SeriesColumn):
            self._asked.append(self._in_thread(raw))
            return
        other = self._long_enough(len(raw))
        if other is not None and other.ask(raw):
            self._asked.append(raw)
        else:
            self._asked.append(identify(raw, self._keyer))

    def answers(self, *, all_of_them: bool = False) -> Iterator[Identities]:
        """Who they are, in the order in which it was asked, as far as it is known by now."""
        while self._asked:
            first = self._asked[0]
            if isinstance(first, _Promised):
                if not (all_of_them or first.done() or len(self._asked) >= _IN_THREAD):
                    return
                first = first.result()
            elif not isinstance(first, Identities):
                if not (all_of_them or self._other is None or self._other.is_done()):
                    return
                told = None if self._other is None else self._other.answer(len(first))
                first = told or identify(first, self._keyer)
            self._asked.popleft()
            yield first

    def _in_thread(self, raw: SeriesColumn) -> _Promised:
        if self._thread is None:
            # Slow to import, and most lists are not held by polars.
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

            self._thread = ThreadPoolExecutor(1)
        future = self._thread.submit(identify, raw, self._keyer)
        return _Promised(future.done, future.result)

    def _long_enough(self, rows: int) -> SecondProcess | None:
        """The other process, once the list has turned out to be long."""
        if self._left is not None:
            self._left -= rows
            if self._left < 0:
                self._left, self._other = None, SecondProcess.start(self._keyer.secret)
        return self._other

    def __enter__(self) -> Identifier:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
            self._thread = None
        if self._other is not None:
            self._other.end()
            self._other = None


def _spare_processor() -> bool:
    """Whether there is a second one, and pipes that can be asked whether something is in them."""
    return os.name == "posix" and processors() > 1
