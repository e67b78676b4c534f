"""The judge: believes the servers and the raw lines of the ledger, and no code of the product."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.bench import Said

from .world import GONE, World, contact_key, keys_of

KINDS = {
    "accepted": "sent",
    "refused": "failed",
    "ambiguous": "in_doubt",
    "temporary": "released",
}


@dataclass(frozen=True)
class Verdict:
    """What became of one world.

    ``contacts`` is how many were to be mailed; ``doubt_mailed``: how many of those in doubt the
    server has after all; ``wrong``: everything else that should not be.
    """

    contacts: int = 0
    mailed: int = 0
    twice: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    in_doubt: int = 0
    doubt_mailed: int = 0
    failed: int = 0
    struck: bool = True
    wrong: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Nobody twice, nobody lost, nothing else wrong."""
        return not (self.twice or self.lost or self.wrong)

    def __str__(self) -> str:
        parts = [f"mailed {self.mailed} of {self.contacts}", f"in doubt {self.in_doubt}"]
        parts += [f"TWICE {', '.join(self.twice)}"] if self.twice else []
        parts += [f"LOST {', '.join(self.lost)}"] if self.lost else []
        return "; ".join([*parts, *self.wrong])


@dataclass
class Books:
    """The ledger, added up by hand: for each contact key what its claims came to."""

    fates: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    open_runs: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, records: Iterable[Mapping[str, Any]]) -> Books:
        books = cls()
        records = list(records)
        receipts = {r["claim"]: r for r in records if r["type"] == "receipt"}
        for claim in (r for r in records if r["type"] == "claim"):
            keys = keys_of(claim["keys"])
            told = dict(_told(receipts.get(claim["id"])))
            if claim["id"] not in receipts:
                books.open_runs.add(claim["run"])
            # The outbox writes one file a send key: what is not certain is simply sent again.
            open_kind = "released" if claim["provider"] == "outbox" else "in_doubt"
            for position, key in enumerate(keys):
                books.fates[key].append(told.get(position, open_kind))
        return books

    def fate(self, email: str) -> str:
        """``sent``, ``failed``, ``in_doubt``, ``owed`` (claimed and given back, or never claimed)
        or ``muddled`` when it was taken again after it may have been sent."""
        found = [kind for kind in self.fates.get(contact_key(email), []) if kind != "released"]
        if len(found) > 1:
            return "muddled"
        return found[0] if found else "owed"

    def claimed(self, email: str) -> bool:
        return contact_key(email) in self.fates


def _told(receipt: Mapping[str, Any] | None) -> Iterator[tuple[int, str]]:
    for part in receipt["parts"] if receipt else ():
        for start, count in part["ranges"]:
            for position in range(start, start + count):
                yield position, KINDS[part["kind"]]


def judge(world: World, last: Said, *, due: int = 0) -> Verdict:
    """The verdict on a world after its last run; ``due``: contacts that are still held by right."""
    books, mails, people = Books.read(world.records()), world.mails(), world.audience()
    fates = {email: books.fate(email) for email in people}
    doubt = [email for email in people if fates[email] == "in_doubt"]
    wrong = [
        *_accounts(world, last, Counter(fates.values()), due),
        *_strangers(books, world, mails),
    ]
    return Verdict(
        contacts=len(people),
        mailed=sum(1 for email in people if mails[email]),
        twice=tuple(email for email in people if mails[email] > 1 or fates[email] == "muddled"),
        lost=tuple(_lost(fates, mails, due)),
        in_doubt=len(doubt),
        doubt_mailed=sum(1 for email in doubt if mails[email]),
        failed=sum(1 for email in people if fates[email] == "failed"),
        wrong=tuple(wrong),
    )


def _lost(fates: Mapping[str, str], mails: Mapping[str, int], due: int) -> Iterator[str]:
    """Who is nowhere: called sent and not mailed, or not sent and not owed by any run either."""
    owed = [email for email, fate in fates.items() if fate == "owed"]
    yield from (email for email, fate in fates.items() if fate == "sent" and not mails.get(email))
    if len(owed) != due:
        yield from owed


def _strangers(books: Books, world: World, mails: Mapping[str, int]) -> Iterator[str]:
    yield from (f"{email} has opted out and was mailed" for email in GONE if mails.get(email))
    for email in world.audience():
        if books.fate(email) == "failed" and mails.get(email):
            yield f"{email} counts as failed and was mailed"
        if mails.get(email) and not books.claimed(email):
            yield f"{email} was mailed without a claim"
    orderly = books.open_runs & world.ended
    if orderly:
        yield f"a run that ended in order left claims without receipt: {sorted(orderly)}"


def unclaimed(world: World) -> tuple[str, ...]:
    """Who was mailed without a claim on the ledger: asked at the very moment of a death."""
    books = Books.read(world.records())
    return tuple(
        f"{email} was mailed without a claim" for email in world.mails() if not books.claimed(email)
    )


def _accounts(world: World, last: Said, fates: Mapping[str, int], due: int) -> Iterator[str]:
    """The product's own numbers must be the judge's, and its exit code must say so."""
    if not last.out.startswith("{"):
        yield f"the last run ended with {last.code}: {last.err[-300:]}"
        return
    told, doubt = last.json, fates.get("in_doubt", 0)
    if told["in_doubt"] + told["in_doubt_before"] != doubt:
        yield (
            f"the run tells of {told['in_doubt']} + {told['in_doubt_before']} in doubt, "
            f"the ledger of {doubt}"
        )
    if doubt and last.code != 4:
        yield f"{doubt} are in doubt, and the run ended with {last.code}"
    if not doubt and not told["failed"] and not due and last.code != 0:
        yield f"all is well, and the run ended with {last.code}"
    plan = world.plan()
    if not plan.out.startswith("{"):
        yield f"plan ended with {plan.code}: {plan.err[-300:]}"
        return
    yield from adds_up(plan.json["jobs"])
    yield from _same(plan.json["jobs"], fates, due)


def _same(jobs: Sequence[Mapping[str, Any]], fates: Mapping[str, int], due: int) -> Iterator[str]:
    wanted = {
        "sent_count": fates.get("sent", 0),
        "failed_count": fates.get("failed", 0),
        "in_doubt_count": fates.get("in_doubt", 0),
        "in_flight_count": 0,
        "due_count": due,
    }
    for name, number in wanted.items():
        told = sum(job[name] for job in jobs)
        if told != number:
            yield f"plan says {name} {told}, the ledger {number}"


def adds_up(jobs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Every contact of a job in exactly one place."""
    places = ("sent", "failed", "in_doubt", "in_flight", "cancelled", "due", "later")
    for job in jobs:
        total = sum(job[f"{place}_count"] for place in places) + sum(job["excluded"].values())
        if total != job["total_contacts"]:
            yield f"{job['job_id']}: the places sum to {total}, not to {job['total_contacts']}"
