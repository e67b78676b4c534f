"""Contact keys: the only form in which the state knows a contact."""

from __future__ import annotations

import hashlib
import hmac
from array import array
from collections.abc import Callable, Iterable

from ..model.contacts import KEY_BYTES

_BLOCK, _DIGEST = 64, 32


def contact_key(secret: bytes, matching: str) -> bytes:
    """The first 8 bytes of HMAC-SHA256(secret, matching form of the address as UTF-8)."""
    return hmac.digest(secret, matching.encode(), "sha256")[:KEY_BYTES]


class Keyer:
    """``contact_key`` for one secret and many addresses.

    HMAC by RFC 2104, its two halves keyed once and then copied: about half the time of
    setting them up for each address.  ``text`` is the secret as text, None when it is none.
    """

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        long = len(secret) > _BLOCK
        padded = (hashlib.sha256(secret).digest() if long else secret).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
        self.text: str | None
        try:
            self.text = secret.decode()
        except UnicodeDecodeError:
            self.text = None

    def key(self, matching: str) -> bytes:
        """The key of one address."""
        return self.pack([matching.encode()])

    def pack(self, addresses: Iterable[bytes]) -> bytes:
        """The keys of addresses' matching forms, as UTF-8, one after another."""
        copy_inner, copy_outer = self._inner.copy, self._outer.copy
        digests: list[bytes] = []
        append = digests.append
        for address in addresses:
            inner, outer = copy_inner(), copy_outer()
            inner.update(address)
            outer.update(inner.digest())
            append(outer.digest())
        # of each digest's four numbers the first
        return array("Q", b"".join(digests))[:: _DIGEST // KEY_BYTES].tobytes()


def key_maker(secret: bytes) -> Callable[[str], bytes]:
    """``contact_key`` for one secret and many addresses, one at a time."""
    return Keyer(secret).key
