"""Contact keys: the only form in which the state knows a contact."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable

from ..model.contacts import KEY_BYTES

_BLOCK = 64


def contact_key(secret: bytes, matching: str) -> bytes:
    """The first 8 bytes of HMAC-SHA256(secret, matching form of the address as UTF-8)."""
    return hmac.digest(secret, matching.encode(), "sha256")[:KEY_BYTES]


def key_packer(secret: bytes) -> Callable[[Iterable[bytes]], bytes]:
    """``contact_key`` for one secret and a million addresses (as UTF-8): their keys in a row.

    HMAC by RFC 2104, its two halves keyed once and then copied: about half the time of
    setting them up for each address.
    """
    padded = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(
        _BLOCK, b"\0"
    )
    copy_inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded)).copy
    copy_outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded)).copy

    def pack(addresses: Iterable[bytes]) -> bytes:
        keys: list[bytes] = []
        append = keys.append
        for address in addresses:
            inner, outer = copy_inner(), copy_outer()
            inner.update(address)
            outer.update(inner.digest())
            append(outer.digest()[:KEY_BYTES])
        return b"".join(keys)

    return pack


def key_maker(secret: bytes) -> Callable[[str], bytes]:
    """``contact_key`` for one secret and many addresses, one at a time."""
    pack = key_packer(secret)
    return lambda matching: pack([matching.encode()])
