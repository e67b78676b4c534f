"""A second process that finds out who rows are, while this one cuts and packs the other columns.

Half of reading a long list is checking addresses and hashing them.  The other process is another
Python with this module in it; it is told the secret and the addresses through a pipe, knows no
file, and ends when the pipe does.  Nothing here is needed for the result: where the other process
cannot be had, or dies, the same is done here, later.
"""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, cast

from ..model.contacts import KEY_BYTES
from .addresses import ADDRESS_LIMIT
from .frames import SeriesColumn
from .identities import Identities, identify
from .keys import Keyer

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

WORTH_IT = 1 << 15
"""After so many rows a list is long: starting Python takes as long as thousands of rows."""
_LENGTH = struct.Struct("<Q")
_ANSWER = struct.Struct("<QQ")
_APART = "\n"
_ON_THEIR_WAY = 3
_IN_THREAD = 2
"""Columns that are waited for at most, the one that is looked at included: they are large."""
_WIDE, _NARROW = 1 << 20, 1 << 9
"""Bytes in a pipe: what Linux allows to everybody, and what POSIX promises."""
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from runner.contacts.second import serve; serve()"
)
_PASSED_ON = ("LD_LIBRARY_PATH", "SYSTEMROOT", "TZ")
"""All of the environment that the other Python gets: there may be secrets in the rest."""


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
        self._other: _Other | None = None
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

    def _long_enough(self, rows: int) -> _Other | None:
        """The other process, once the list has turned out to be long."""
        if self._left is not None:
            self._left -= rows
            if self._left < 0:
                self._left, self._other = None, _Other.start(self._keyer.secret)
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
    if os.name != "posix":
        return False
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) > 1
    return (os.cpu_count() or 1) > 1


class _Other:
    """This side of the other process.  After the first failure it is not asked any more.

    Some questions are on their way at a time, so that it always has one, but only as many as fit
    into the pipes, answers included: else each process might wait for the other to read.
    """

    def __init__(self, process: subprocess.Popen[bytes], to: BinaryIO, back: BinaryIO) -> None:
        self._process = process
        self._to = to
        self._back = back
        self._room = min(_widened(to), _widened(back))
        self._readable = select.poll()
        self._readable.register(back, select.POLLIN)
        self._asked: deque[int] = deque()  # bytes
        self._failed = False

    @classmethod
    def start(cls, secret: bytes) -> _Other | None:
        """None when there is none to be had."""
        if not sys.executable:  # Python is part of another program
            return None
        root = str(Path(__file__).resolve().parents[2])
        try:
            process = subprocess.Popen(  # noqa: S603 -- an argument list, never a shell
                [sys.executable, "-I", "-c", _START, root],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # a traceback might hold an address
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                # Ctrl-C is for this process, which ends the other one
                start_new_session=True,
                # what was read ahead could not be seen by ``is_done``
                bufsize=0,
            )
        except OSError:
            return None
        to, back = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
        other = cls(process, to, back)
        other._send(secret)
        return other

    def ask(self, raw: Sequence[str]) -> bool:
        """Whether there will be an answer: it is not too busy, and nothing is wrong."""
        if self._failed or len(self._asked) == _ON_THEIR_WAY:
            return False
        text = _APART.join(raw)
        if text.count(_APART) != len(raw) - 1:  # a line break within an address, or no rows
            return False
        data = text.encode("utf-8", "surrogatepass")
        size = 2 * len(data) + KEY_BYTES * len(raw) + _ANSWER.size
        if self._asked and sum(self._asked) + size > self._room:
            return False
        self._asked.append(size)
        return self._send(data)

    def is_done(self) -> bool:
        """Whether the first answer is there, or will never be."""
        return self._failed or bool(self._readable.poll(0))

    def answer(self, rows: int) -> Identities | None:
        """Waits for it.  None when there is none."""
        self._asked.popleft()
        if self._failed:
            return None
        try:
            keys_length, text_length = _ANSWER.unpack(_read(self._back, _ANSWER.size))
            if keys_length != rows * KEY_BYTES or text_length > rows * (ADDRESS_LIMIT + 1):
                raise EOFError  # it is no answer, and there will be none
            keys = bytearray(_read(self._back, keys_length))
            emails = _read(self._back, text_length).decode().split(_APART)
        except (OSError, EOFError, struct.error, UnicodeDecodeError):
            self._failed = True
            return None
        if len(emails) != rows:
            self._failed = True
            return None
        invalid = [row for row, email in enumerate(emails) if not email] if "" in emails else []
        return Identities(emails, keys, invalid)

    def end(self) -> None:
        """Let it go."""
        self._process.kill()
        for pipe in (self._to, self._back):
            try:
                pipe.close()
            except OSError:  # what was not written yet is not wanted any more
                continue
        self._process.wait()

    def _send(self, data: bytes) -> bool:
        if not self._failed:
            try:
                _write(self._to, _LENGTH.pack(len(data)) + data)
            except OSError:
                self._failed = True
        return not self._failed


def _widened(pipe: BinaryIO) -> int:
    """How many bytes fit into a pipe, once it was made as wide as it may be."""
    import fcntl  # noqa: PLC0415 - not everywhere

    try:
        return fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _WIDE)
    except (OSError, AttributeError):  # not Linux, or there are too many wide ones
        return _NARROW


def _read(stream: BinaryIO, length: int) -> bytes:
    parts = []
    while length:
        part = stream.read(length)
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _write(stream: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]


def serve() -> None:
    """The other process: answers until nobody asks any more."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    try:
        keyer = Keyer(_question(asked))
        while True:
            raw = _question(asked).decode("utf-8", "surrogatepass").split(_APART)
            found = identify(raw, keyer)
            text = _APART.join(found.emails).encode()
            answers.write(_ANSWER.pack(len(found.keys), len(text)) + found.keys + text)
            answers.flush()
    except (EOFError, OSError):
        return


def _question(stream: BinaryIO) -> bytes:
    (length,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
    return _read(stream, length)
