"""``state/meta.json``: the format of the state, and the fingerprint of its key.

{"created": "2025-10-01T09:00:00Z", "format": 1, "key_id": "1f8a03bc"}

Format 1 is records alone; the branch's history shows what became of them.  Format 2, for a
directory, has besides a check line at the end of each ledger file and ``seal.json`` (``seal.py``).
Format 3 has suppressions besides, in either store.  Both stores read all; the files store raises
the format with the next append that needs it.  On a branch ``meta.json`` is never changed, so a
state that began with format 1 gets ``NEWER`` beside its first suppressions.

A sendoff that knows nothing of suppressions must not send from such a state: it would mail those
who are in them.  It refuses format 3, and it refuses a file in its ledger that has no name of one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Final

from ..errors import StateCorrupt, StateKeyChanged

PLAIN: Final = 1
SEALED: Final = 2
SUPPRESSING: Final = 3
"""The newest format; no newer one is read."""
NEWER: Final = "WRITTEN-BY-A-NEWER-SENDOFF"
"""The name of a file in the ledger's directory: an older sendoff stops, and names it."""
NEWER_TEXT: Final = (
    b"This state holds suppressions (state/suppressions): people who must not be mailed.\n"
    b"A sendoff that does not know them stops at this file.  Install a newer one there too.\n"
)


ANY_KEY = ""
"""In the place of a fingerprint: whoever looks has no key."""


def key_id(state_key: str) -> str:
    """The fingerprint of a state key: 8 hex digits, from which the key cannot be found."""
    digest = hmac.digest(state_key.encode(), b"sendoff key id", hashlib.sha256)
    return digest.hex()[:8]


def encode_meta(fingerprint: str, created: datetime, version: int = SUPPRESSING) -> bytes:
    """The content of a new ``meta.json`` of format ``version``; ``created`` is aware."""
    at = created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    meta = {"created": at, "format": version, "key_id": fingerprint}
    return (json.dumps(meta, sort_keys=True) + "\n").encode()


def raised(content: bytes, version: int, where: str) -> bytes:
    """A sound ``meta.json`` again, of format ``version``, or of its own if that is a newer one."""
    meta = _load(content, where)
    meta["format"] = max(version, int(str(meta["format"])))
    return (json.dumps(meta, sort_keys=True) + "\n").encode()


def check_meta(content: bytes, fingerprint: str, where: str) -> int:
    """Make sure that this state is ours to read; returns its format.

    ``ANY_KEY`` as the fingerprint leaves the key alone: to look at numbers, never to send.

    Raises StateCorrupt for an unreadable or newer format, StateKeyChanged for another key.
    """
    meta = _load(content, where)
    version = meta.get("format")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise StateCorrupt(f"{where}: format is not a whole number above 0")
    if version > SUPPRESSING:
        raise StateCorrupt(
            f"{where}: the state has format {version}, this sendoff knows up to {SUPPRESSING}: "
            "written by a newer sendoff? Install that version here too"
        )
    written = meta.get("key_id")
    if not isinstance(written, str) or not written:
        raise StateCorrupt(f"{where}: key_id is missing")
    if fingerprint != ANY_KEY and not hmac.compare_digest(written.encode(), fingerprint.encode()):
        raise StateKeyChanged(
            f"{where}: the state was written with another state key (its fingerprint is "
            f"{written[:16]}, that of the key given now is {fingerprint}). With another key "
            "nobody would look mailed, so nothing is sent. Set the state key (SENDOFF_STATE_KEY) "
            "to the value it had; if that is lost, the history cannot be matched to contacts"
        )
    return version


def _load(content: bytes, where: str) -> dict[str, object]:
    try:
        meta = json.loads(content)
    except (ValueError, RecursionError):
        raise StateCorrupt(f"{where}: this is not JSON: was it edited or cut off?") from None
    if not isinstance(meta, dict):
        raise StateCorrupt(f"{where}: this is not an object: was it edited?")
    return meta
