"""Which program this is: another answer may be expected from another one, of the same files."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from . import __version__

_HERE: Final = Path(__file__).resolve().parent
_ZONES: Final = Path("/usr/share/zoneinfo")


@cache
def edition() -> str:
    """Changes when Sendoff, a library it may use, Python, or the system's time zones change.

    An installed package is known by what its installer noted of its files; a checkout by names,
    sizes and times, so that whoever works on Sendoff sees what they wrote.
    """
    digest = hashlib.sha256()
    for part in _parts():
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def _parts() -> Iterator[str]:
    yield __version__
    yield sys.version
    records = sorted(_HERE.parent.glob("sendoff-*.dist-info/RECORD"))
    yield from (path.read_text("utf-8", "replace") for path in records)
    if not records:
        for directory in (_HERE, _HERE.parent / "schemas"):
            yield from _stats(directory)
    yield from sorted(_libraries())
    if _ZONES.is_dir():
        yield str(_ZONES.stat().st_mtime_ns)


def _libraries() -> Iterator[str]:
    """Names and versions of everything installed, as the directories of its metadata say."""
    for place in sys.path:
        if place and os.path.isdir(place):  # noqa: PTH112 - a thousand times a day, at every start
            with os.scandir(place) as entries:
                yield from (e.name for e in entries if e.name.endswith((".dist-info", ".egg-info")))


def _stats(directory: Path) -> Iterator[str]:
    if not directory.is_dir():
        return
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.name == "__pycache__":
                continue
            if entry.is_dir():
                yield from _stats(Path(entry.path))
            else:
                status = entry.stat()
                yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"
