"""A second process that finds out who rows are, while this one cuts and packs the other columns.

Half of reading a long list is checking addresses and hashing them.  The other process is another
Python with this module in it; it is told the secret and the addresses through a pipe, knows no
file, and ends when the pipe does.  Nothing here is needed for the result: where the other process
cannot be had, or dies, the same is done elsewhere, later.
"""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from ..model.contacts import KEY_BYTES
from .addresses import ADDRESS_LIMIT
from .identities import Identities, identify
from .keys import Keyer

_LENGTH = struct.Struct("<Q")
_ANSWER = struct.Struct("<QQ")
_APART = "\n"
_ON_THEIR_WAY = 3
_WIDE, _NARROW = 1 << 20, 1 << 9
"""Bytes in a pipe: what Linux allows to everybody, and what POSIX promises."""
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from runner.contacts.second import serve; serve()"
)
_PASSED_ON = ("LD_LIBRARY_PATH", "SYSTEMROOT", "TZ")
"""All of the environment that the other Python gets: there may be secrets in the rest."""


class SecondProcess:
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
    def start(cls, secret: bytes) -> SecondProcess | None:
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
