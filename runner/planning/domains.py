"""Caps by domain: which cap counts for whom, and how a claim says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..model.settings import DomainCap

NONE = 255
"""No cap counts for this contact; there are fewer caps than that."""


class Domains:
    """The caps of a workspace by their numbers."""

    def __init__(self, caps: Sequence[DomainCap]) -> None:
        self.caps = tuple(caps)
        self._of = {domain: n for n, cap in enumerate(caps) for domain in cap.domains}
        self._rest = next((n for n, cap in enumerate(caps) if not cap.domains), NONE)

    def column(self, emails: Iterable[str]) -> bytes:
        """The number of each address' cap, ``NONE`` for none."""
        of, rest = self._of, self._rest
        return bytes(of.get(email.rpartition("@")[2], rest) for email in emails)

    def marks(self, numbers: bytes) -> Mapping[str, bytes]:
        """For a claim's record: which of its contacts fall under which cap.

        By the cap's domains, not by its name: another cap may have that name one day.  Who falls
        under the cap for all others follows from the rest.
        """
        return {
            _print(cap): _bits(number == n for number in numbers)
            for n, cap in enumerate(self.caps)
            if cap.domains
        }

    def counted(self, marks: Mapping[str, bytes], count: int) -> Iterator[tuple[int, bytes]]:
        """For every cap, a flag for each of a claim's ``count`` contacts: counts for it.

        What a claim does not say (it was made when there was no such cap) counts for every cap:
        rather too few are sent than too many.
        """
        listed = [_flags(marks.get(_print(cap)), count) for cap in self.caps if cap.domains]
        rest = bytes(not any(column) for column in zip(*listed, strict=True)) if listed else b""
        unsaid = any(cap.domains and _print(cap) not in marks for cap in self.caps)
        columns = iter(listed)
        for number, cap in enumerate(self.caps):
            if cap.domains:
                yield number, next(columns)
            else:
                yield number, bytes([1]) * count if unsaid or not listed else rest


def _print(cap: DomainCap) -> str:
    return "+".join(cap.domains)


def _bits(flags: Iterable[bool]) -> bytes:
    """Flags as bits, the first one the lowest of the first byte."""
    chosen = list(flags)
    number = sum(1 << n for n, flag in enumerate(chosen) if flag)
    return number.to_bytes((len(chosen) + 7) // 8, "little")


def _flags(bits: bytes | None, count: int) -> bytes:
    if bits is None:
        return bytes([1]) * count
    number = int.from_bytes(bits, "little")
    return bytes(number >> n & 1 for n in range(count))
