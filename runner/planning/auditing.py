"""Do the records of a ledger fit together?  Every contradiction, not only the first.

``history.fold`` believes its records.  Here they are doubted: is each claim there once, does each
receipt settle a claim and all of it, and is no contact kept by two claims of one job?
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal

from ..dataclass import dataclass
from ..errors import Problem
from ..model.contacts import KEY_BYTES
from ..model.ledger import BOOK, Claim, Entry, Range, Receipt, Resolution
from .ranges import outcome_ranges, split_keys

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Audit:
    """``outcomes``: how many mails are ``sent``, ``failed``, ``in_doubt``, ``in_flight``."""

    campaigns: int
    claims: int
    outcomes: Mapping[str, int]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Case:
    """A claim and what was written about it."""

    entry: Entry
    claim: Claim
    receipts: list[Entry] = field(default_factory=list)
    resolutions: list[Entry] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.claim.keys) // KEY_BYTES

    def outcomes(self, now: datetime) -> list[tuple[str, Range, str]]:
        receipts = [e.record for e in self.receipts if isinstance(e.record, Receipt)]
        resolutions = [e.record for e in self.resolutions if isinstance(e.record, Resolution)]
        return outcome_ranges(self.claim, receipts, resolutions, now)


def audit(entries: Iterable[Entry], now: datetime, resends: Collection[str] = ()) -> Audit:
    """Hold the records of a whole ledger against each other.

    ``resends``: the names of providers for which sending again cannot mail twice.
    """
    entries = list(entries)
    problems: list[Problem] = []
    cases = _cases(entries, problems)
    for case in cases.values():
        problems += _doubtful(case)
    outcomes: Counter[str] = Counter()
    jobs: dict[str, list[_Case]] = {}
    for case in cases.values():
        jobs.setdefault(case.claim.job_id, []).append(case)
    for own in jobs.values():
        problems += _taken_twice(own, now, resends, outcomes)
    campaigns = {entry.record.campaign for entry in entries} - {BOOK}
    return Audit(len(campaigns), len(cases), outcomes, tuple(problems))


# -- claims, and what was written about them -----------------------------------------------------


def _cases(entries: Iterable[Entry], problems: list[Problem]) -> dict[tuple[str, str], _Case]:
    """The claims by campaign and id; what has no claim, or a claim that is there already, is a
    problem."""
    cases: dict[tuple[str, str], _Case] = {}
    about: list[tuple[Entry, Receipt | Resolution]] = []
    for entry in entries:
        record = entry.record
        if isinstance(record, Receipt | Resolution):
            about.append((entry, record))
        elif isinstance(record, Claim):
            first = cases.setdefault((record.campaign, record.id), _Case(entry, record))
            if first.entry is not entry:
                text = f"the claim {record.id} is there already, at {_place(first.entry)}"
                problems.append(_problem(entry, text, "twice"))
    for entry, record in about:
        case = cases.get((record.campaign, record.claim))
        if case is None:
            text = f"its claim {record.claim} is missing: was a file deleted?"
            problems.append(_problem(entry, text, "orphan", _BRING_BACK))
        else:
            (case.receipts if isinstance(record, Receipt) else case.resolutions).append(entry)
    return cases


def _doubtful(case: _Case) -> Iterator[Problem]:
    claim = case.claim
    if claim.lease_until < claim.at:
        yield _problem(case.entry, "its lease ends before it begins", "times")
    for entry in (*case.receipts, *case.resolutions):
        yield from _misfit(case, entry)
    for entry in case.receipts[1:]:
        text = f"the claim {claim.id} is settled already, at {_place(case.receipts[0])}"
        yield _problem(entry, text, "twice")


def _misfit(case: _Case, entry: Entry) -> Iterator[Problem]:
    record, size = entry.record, case.size
    if isinstance(record, Receipt):
        end = max(start + count for part in record.parts for start, count in part.ranges)
        if end != size:
            text = f"settles {end} contacts of a claim of {size}, at {_place(case.entry)}"
            yield _problem(entry, text, "range")
    elif isinstance(record, Resolution):
        end = max(start + count for start, count in record.ranges)
        if end > size:
            text = f"speaks of contact {end} of a claim of {size}, at {_place(case.entry)}"
            yield _problem(entry, text, "range")
    if record.at < case.claim.at:
        text = f"is dated before its claim, at {_place(case.entry)}: did a clock jump?"
        yield _problem(entry, text, "times", severity="warning")


# -- twice ---------------------------------------------------------------------------------------


def _taken_twice(
    cases: list[_Case], now: datetime, resends: Collection[str], outcomes: Counter[str]
) -> Iterator[Problem]:
    """Contacts that two claims of one job keep: those may have been mailed twice.

    A claim keeps a contact unless it was proven, or said, that nothing was sent.  Times are not
    asked: runners' clocks differ.
    """
    keeper: dict[bytes, int] = {}
    cases = sorted(cases, key=lambda case: (case.claim.at, case.claim.id))
    for number, case in enumerate(cases):
        keys = split_keys(case.claim.keys)
        again: Counter[int] = Counter()
        for kind, (start, count), _ in case.outcomes(now):
            outcomes[kind] += count
            open_end = kind in ("in_doubt", "in_flight") and case.claim.provider in resends
            if kind == "released" or open_end:
                continue
            for key in keys[start : start + count]:
                if key in keeper:
                    again[keeper[key]] += 1
                else:
                    keeper[key] = number
        for before, count in sorted(again.items()):
            yield _problem(case.entry, _double(cases[before], case, count), "double")


def _double(before: _Case, case: _Case, count: int) -> str:
    who = "1 contact" if count == 1 else f"{count} contacts"
    if before is case:
        return f"the claim {case.claim.id} of {case.claim.job_id} holds {who} twice"
    return (
        f"{who} of {case.claim.job_id} had been claimed before, at {_place(before.entry)}, and "
        "not released: possibly mailed twice"
    )


_BRING_BACK = "bring it back as it was: from git, or from a backup"


def _place(entry: Entry) -> str:
    return f"{entry.path}:{entry.line}"


def _problem(
    entry: Entry, message: str, code: str, hint: str = "", *, severity: Severity = "error"
) -> Problem:
    return Problem(entry.path, entry.line, 0, message, hint, code, severity)
