"""From bytes to text; what goes wrong on the way becomes problems with a line."""

from __future__ import annotations

import codecs
import string
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...errors import InputError, Problem
from ...model.campaign import Place
from ...model.contacts import FileSource
from ..findings import Findings
from .raw import RawFile, SourceError, line_at, open_bytes

_UTF8 = frozenset({"utf-8", "utf-8-sig"})


def encoding_of(source: FileSource, place: Place) -> str:
    """Python's name of the encoding; UTF-8 may begin with a byte order mark.

    Raises InputError for one that is unknown or in which ASCII does not stand for itself.
    """
    try:
        name = codecs.lookup(source.encoding).name
        plain = string.printable.encode(name) == string.printable.encode("ascii")
    except (LookupError, ValueError):  # ValueError: UnicodeError, and a NUL in the name
        plain = False
    if not plain or name == "raw-unicode-escape":
        hint = "utf-8, or for files from Excel cp1252; convert UTF-16 to UTF-8"
        message = f"cannot read contacts in the encoding {source.encoding!r}"
        raise InputError([Problem(place.path, place.line, place.column, message, hint)])
    return "utf-8-sig" if name in _UTF8 else name


@contextmanager
def faults(raw: RawFile, findings: Findings) -> Iterator[None]:
    """Turns what reading a file raises into InputError, with what was found before it."""
    try:
        yield
    except UnicodeDecodeError as error:
        _note_undecodable(raw, findings, error)
    except SourceError as fault:
        line, where = 0, ""
        if fault.offset >= 0:
            line, where = line_at(raw, fault.offset), f" at byte {fault.offset}"
        findings.add(Problem(raw.source.path, line, 0, fault.message + where, fault.hint))
    except (OSError, EOFError, zlib.error) as error:
        findings.add(_unreadable(raw.source, error))
    else:
        return
    raise InputError(findings.problems())


def _unreadable(source: FileSource, error: Exception) -> Problem:
    if isinstance(error, OSError) and error.errno is not None:
        return Problem(source.path, 0, 0, f"cannot be read: {error.strerror}")
    if isinstance(error, EOFError):
        return Problem(source.path, 0, 0, "the gzip file is cut off", "copy it again")
    return Problem(source.path, 0, 0, "not a sound gzip file", "copy or compress it again")


def _note_undecodable(raw: RawFile, findings: Findings, first: UnicodeDecodeError) -> None:
    """Note every line that does not decode, reading the file once more."""
    offset = 0
    found = False
    # What else is wrong further down is not what was met first.
    with suppress(SourceError, OSError, EOFError, zlib.error), open_bytes(raw) as data:
        for number, line in enumerate(data, 1):
            try:
                line.decode(first.encoding)
            except UnicodeDecodeError as error:
                found = True
                findings.add(_bad_byte(raw.source, (number, offset, line), error))
            offset += len(line)
    if not found:
        findings.add(Problem(raw.source.path, 0, 0, f"the file is not {raw.source.encoding}"))


def _bad_byte(source: FileSource, at: tuple[int, int, bytes], error: UnicodeDecodeError) -> Problem:
    number, offset, line = at
    column = len(line[: error.start].decode(error.encoding, "replace")) + 1
    byte = f"byte 0x{line[error.start]:02X} at offset {offset + error.start}"
    hint = "save the file as UTF-8"
    if _decodes(line, "cp1252"):
        hint += ", or if it comes from Excel say `encoding: cp1252`"
    return Problem(source.path, number, column, f"{byte} is not {source.encoding}", hint)


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
