"""What can be derived again, kept on this machine, so that it need not be.

The directory is ``$SENDOFF_CACHE``, else ``$XDG_CACHE_HOME/sendoff``, else ``~/.cache/sendoff``;
with ``SENDOFF_CACHE=`` (empty) there is none.  Nothing depends on what lies there: it may vanish,
be cut off, be of another version, or have been written by somebody else, and is then as if it were
not there.  Each entry is authenticated with a key, its slot and its token, so none can be made up,
or put in the place of another.  No entry holds a contact.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from .dataclass import dataclass

VARIABLE: Final = "SENDOFF_CACHE"
_LOCAL_KEY: Final = "key"
_DIGEST: Final = 64
"""Hex digits of an entry's seal, which is its first line."""
_LARGEST: Final = 256 * 1024 * 1024
_KEPT_SECONDS: Final = 30 * 24 * 3600
_ENTRY: Final = re.compile(r"[a-z]+-[0-9a-f]{24}\.json")
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def cache_home(environ: Mapping[str, str]) -> Path | None:
    """The directory for what can be derived again, not made yet; None when there shall be none."""
    if VARIABLE in environ:
        chosen = environ[VARIABLE]
        return Path(chosen).absolute() if chosen else None
    for name, below in (("XDG_CACHE_HOME", ""), ("HOME", ".cache")):
        base = environ.get(name, "")
        if base.startswith("/"):
            return Path(base) / below / "sendoff"
    return None


@dataclass(frozen=True)
class Cache:
    """Entries by slot: one JSON value each, good for exactly one token.

    ``home`` None keeps nothing.  ``key`` is a secret that whoever could forge an entry does not
    know.
    """

    home: Path | None
    key: bytes

    def get(self, slot: str, token: str) -> Any:
        """The value that was put into a slot for this very token; None when there is none."""
        content = self._read(slot)
        seal, _, body = content.partition(b"\n")
        if not hmac.compare_digest(seal, self._seal(slot, token, body)):
            return None
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return None

    def put(self, slot: str, token: str, value: object) -> None:
        """Keep a JSON value in a slot, in the place of what was there.

        A disk that is full or may not be written costs time at the next run, and nothing else.
        """
        body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )
        place = self._place(slot)
        if place is None:
            return
        with suppress(OSError):
            _write(place, self._seal(slot, token, body) + b"\n" + body)
            _sweep(place)

    def _read(self, slot: str) -> bytes:
        place = self._place(slot)
        if place is None:
            return b""
        return _content(place)

    def _place(self, slot: str) -> Path | None:
        if self.home is None:
            return None
        # with another key another file: commands with and without the state key do not compete
        name = hmac.new(self.key, os.fsencode(slot), hashlib.sha256).hexdigest()[:24]
        return self.home / f"{slot.partition(':')[0]}-{name}.json"

    def _seal(self, slot: str, token: str, body: bytes) -> bytes:
        about = f"{slot}\0{token}\0".encode("utf-8", "surrogateescape")
        return hmac.new(self.key, about + body, hashlib.sha256).hexdigest().encode()


def local_key(home: Path | None) -> bytes:
    """A secret of this machine's for what only people look at, made when there is none."""
    if home is None:
        return b""
    place = home / _LOCAL_KEY
    key = _content(place)
    if len(key) < _DIGEST:
        key = os.urandom(_DIGEST)
        with suppress(OSError):
            _write(place, key)
    return key


def _content(place: Path) -> bytes:
    """A file's bytes; none at all when it is no ordinary file of a reasonable size."""
    try:
        descriptor = os.open(place, _READ)
    except OSError:
        return b""
    with suppress(OSError), os.fdopen(descriptor, "rb") as stream:
        if os.fstat(descriptor).st_size <= _LARGEST:
            return stream.read()
    return b""


def _sweep(newest: Path) -> None:
    """Remove what nobody wrote for a month: of workspaces that are gone, or under another key."""
    since = newest.stat().st_mtime - _KEPT_SECONDS
    for path in newest.parent.iterdir():
        if _ENTRY.fullmatch(path.name) and path.lstat().st_mtime < since:
            path.unlink()


def _write(place: Path, content: bytes) -> None:
    import tempfile  # noqa: PLC0415 - mostly there is nothing to be written

    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # a name that nobody can know beforehand, readable by nobody else
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=place.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        Path(name).replace(place)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
