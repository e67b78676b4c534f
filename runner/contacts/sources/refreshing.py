"""When a list is fetched, and which copy of it is used when it cannot be.

A copy takes the place of the one before it only when all of it has arrived and reads as a list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import BinaryIO, Literal, cast

from ...dataclass import dataclass
from ...errors import LIST_REFRESH, LIST_UNREAD, InputError, Problem
from ...model.contacts import ContactList, Source
from ...model.settings import Secret
from ...model.sources import (
    AgeSource,
    FetchedSource,
    HttpSource,
    ObjectSource,
    SendgridSource,
    SqlSource,
)
from .cache import Cache, Copy, Facts, Spool
from .fetchers import describe, fetcher_of
from .fetching import Fetched, FetchError, Reach, SecretMissing
from .sealing import Sealed, Sealer

When = Literal["stale", "never", "always"]
"""Fetch copies that are too old, or use whatever is at hand, or fetch in any case."""

Proof = Callable[[ContactList, Copy], int]
"""Reads a copy to its end and counts its rows.  Raises InputError."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A copy that is used.  ``failure``: why none that is fresh enough, '' if this one is."""

    copy: Copy
    age: timedelta
    failure: str = ""


_NO_TIME = (
    "a run spends no more than three quarters of its budget on fetching: raise run.budget in "
    "sendoff.yaml, or let sendoff lists --refresh fetch it before"
)


class _Unsound(FetchError):
    """What was fetched is no list: ``problems`` says why."""

    def __init__(self, error: InputError) -> None:
        first = error.problems[0]
        super().__init__(f"what it gave cannot be read: {first.message}", first.hint)
        self.problems = error.problems


class FetchedLists:
    """Copies of lists, fetched at most once in the life of this object.

    ``cache``: None where there is no state key to seal copies with; nothing is kept then.
    ``always`` also takes no copy for an excuse: a list that cannot be fetched is a problem.
    """

    def __init__(self, reach: Reach, cache: Cache | None, when: When = "stale") -> None:
        self._reach = reach
        self._cache = cache
        self._when = when
        self._taken: dict[object, Taken] = {}

    def take(self, contact_list: ContactList, proof: Proof) -> Taken:
        """The copy to use.  Raises InputError, with the line that releases what it holds."""
        source = cast("FetchedSource", contact_list.source)
        try:
            definition = self._definition(source)
            key = (definition, contact_list.refresh, contact_list.allow_empty)
            if key not in self._taken:
                self._taken[key] = self._find(contact_list, definition, proof)
        except FetchError as error:
            if self._when == "never" and not _is_here(source):
                # whatever it was: nothing was to be fetched
                why = f"{error.message}, and without it no copy is used"
                without = _NotHere(
                    describe(source), why if isinstance(error, SecretMissing) else ""
                )
                raise InputError(_held(contact_list, None, without)) from None
            raise InputError(_held(contact_list, None, error)) from None
        return self._taken[key]

    def _definition(self, source: FetchedSource) -> str:
        """Names what is fetched: another query, server behind a name, or account is another.

        It holds secrets: only its keyed digest, the name of a copy, may leave this process.
        Raises SecretMissing.
        """
        place = ""
        if isinstance(source, HttpSource | SqlSource) and isinstance(source.url, Secret):
            place = self._reach.value(source.url)
        elif isinstance(source, SendgridSource):
            account = self._reach.sendgrid
            place = f"{account.base_url} {self._reach.value(account.api_key)}"
        if secrets := _credentials(source):
            # another account may see another list at the same place
            place += repr([(name, self._reach.value(secret)) for name, secret in secrets])
        return f"{source!r} {place}"

    def _find(self, contact_list: ContactList, definition: str, proof: Proof) -> Taken:
        source = cast("FetchedSource", contact_list.source)
        given = self._time_for(source)
        fetch = _Fetch(self._reach, contact_list, proof, given)
        barred = self._when == "never" and not _is_here(source)
        if self._cache is None:
            if barred:
                raise _NotHere(describe(source))
            return Taken(fetch.into_spool(), timedelta())
        name = self._cache.name(definition)
        with self._cache.locked(name, self._reach.clock, given):
            known = self._cache.load(name)
            taken = None if known is None else Taken(known, self._age(known))
            if taken is not None and self._is_fresh(contact_list, taken):
                return taken
            if barred and taken is not None:
                return replace(taken, failure="a run fetches it anew")
            if barred:
                raise _NotHere(describe(source))
            try:
                return Taken(fetch.into_cache(self._cache, name, known), timedelta())
            except FetchError as error:
                return _instead(contact_list, taken, error, allowed=self._when != "always")

    def _time_for(self, source: FetchedSource) -> timedelta:
        """How long this list may take, of the time that there is for all of them."""
        own: timedelta = getattr(source, "timeout", timedelta(minutes=1))
        if self._reach.until is None:
            return own
        return max(timedelta(), min(own, self._reach.until - self._reach.clock.now()))

    def _age(self, copy: Copy) -> timedelta:
        return self._reach.clock.now() - copy.facts.fetched

    def _is_fresh(self, contact_list: ContactList, taken: Taken) -> bool:
        """A copy from the future is not: a clock was wrong."""
        if self._when == "always" or _is_here(contact_list.source):
            return False
        return timedelta() <= taken.age < contact_list.refresh.max_age


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One list to be fetched, within the time that it is ``given``."""

    reach: Reach
    contact_list: ContactList
    proof: Proof
    given: timedelta

    def into_spool(self) -> Copy:
        """For this process alone."""
        with closing(Spool()) as spool:
            return self._proven(self._ask(spool.sink, {}), spool.sealed())

    def into_cache(self, cache: Cache, name: str, known: Copy | None) -> Copy:
        """In the place of the copy that is at hand, or that copy with its age renewed."""
        now = self.reach.clock.now()
        cache.sweep(now)
        with cache.writing(name) as writing:
            got = self._ask(writing.sink, {} if known is None else known.facts.validators)
            if got is None and known is not None:
                facts = replace(known.facts, fetched=now)
                cache.write(name, facts, known.salt)
                return replace(known, facts=facts)
            copy = self._proven(got, writing.sealed())
            writing.keep(copy.facts)
            return replace(copy, salt=writing.salt)

    def _ask(self, sink: Sealer, validators: Mapping[str, str]) -> Fetched | None:
        source = cast("FetchedSource", self.contact_list.source)
        if isinstance(source, AgeSource) or self.given == source.timeout:
            return fetcher_of(source, self.reach).fetch(cast("BinaryIO", sink), validators)
        if not self.given:
            raise FetchError("no time was left for it", _NO_TIME, transient=True)
        shorter = replace(source, timeout=self.given)
        try:
            return fetcher_of(shorter, self.reach).fetch(cast("BinaryIO", sink), validators)
        except FetchError as error:
            if self.reach.until is None or self.reach.clock.now() < self.reach.until:
                raise
            raise FetchError(error.message, _NO_TIME, transient=True) from None

    def _proven(self, got: Fetched | None, sealed: Sealed) -> Copy:
        """What arrived, read to its end: a page that says "log in" is no list.

        Raises FetchError where it is none, has lost rows, or has none at all.
        """
        if got is None:
            raise FetchError("it says that nothing has changed, and there is no copy")
        if sealed.size() == 0:
            raise FetchError("it gave nothing at all")
        facts = Facts(self.reach.clock.now(), 0, got.form, got.validators)
        try:
            rows = self.proof(self.contact_list, Copy(facts, sealed))
        except InputError as error:
            raise _Unsound(error) from None
        if got.rows is not None and got.rows != rows:
            raise FetchError(f"of {got.rows:,} rows {rows:,} arrived", transient=True)
        if rows == 0 and not self.contact_list.allow_empty:
            hint = "if it may be, write allow_empty: true in the list"
            raise FetchError("it came back empty", hint)
        return Copy(replace(facts, rows=rows), sealed)


def _credentials(source: FetchedSource) -> list[tuple[str, Secret]]:
    """What a server knows the account by, in order of its names."""
    all_given: Mapping[str, object] = {}
    if isinstance(source, HttpSource):
        all_given = source.headers
    elif isinstance(source, ObjectSource):
        all_given = source.options
    return [(name, given) for name, given in sorted(all_given.items()) if isinstance(given, Secret)]


def _is_here(source: Source) -> bool:
    """Whether it lies in the workspace: another version of it counts at once."""
    return isinstance(source, AgeSource) or (
        isinstance(source, SqlSource) and isinstance(source.url, str)
    )


class _NotHere(FetchError):
    """Nothing is fetched here, and no copy is at hand, or ``why`` none is used."""

    def __init__(self, what: str, why: str = "") -> None:
        message = f"{what} is only fetched by a run, and {why or 'there is no copy of it here'}"
        super().__init__(message, "see it with: sendoff lists --refresh")


def _instead(
    contact_list: ContactList, taken: Taken | None, error: FetchError, *, allowed: bool
) -> Taken:
    """The copy at hand, where the list allows it.  Raises InputError otherwise."""
    refresh = contact_list.refresh
    if taken is None or not allowed or refresh.on_error != "use_cached":
        raise InputError(_held(contact_list, taken, error))
    if not timedelta() <= taken.age <= refresh.max_stale:
        raise InputError(_held(contact_list, taken, error))
    return replace(taken, failure=f"it could not be fetched: {error.message}")


def _held(contact_list: ContactList, taken: Taken | None, error: FetchError) -> tuple[Problem, ...]:
    """Why nothing is mailed, and the line that would release it; then what was wrong in detail."""
    refresh, place = contact_list.refresh, contact_list.refresh_place
    hint = error.hint or "see that it can be fetched; the next run tries again"
    state = "there is no copy of it"
    if taken is not None:
        state = f"the copy at hand is {length(taken.age)} old"
        line = f"in {place.path}:{place.line}"
        if refresh.on_error == "use_cached":
            state += f", and refresh.max_stale is {length(refresh.max_stale)}"
            hint += f"; or set refresh.max_stale: {_above(taken.age)} {line} to use the copy"
        elif taken.age <= refresh.max_stale:
            hint += f"; or set refresh.on_error: use_cached {line} to use the copy"
        else:
            both = f"{{on_error: use_cached, max_stale: {_above(taken.age)}}}"
            hint += f"; or set refresh: {both} {line} to use the copy"
    code = LIST_UNREAD if isinstance(error, SecretMissing | _NotHere) else LIST_REFRESH
    message = f"the list {contact_list.name} could not be fetched: {error.message}; {state}"
    if isinstance(error, _NotHere):
        message = f"the list {contact_list.name} was not read: {error.message}"
    first = Problem(place.path, place.line, place.column, message, hint, code)
    return (first, *(error.problems if isinstance(error, _Unsound) else ()))


def length(age: timedelta) -> str:
    """A length of time for people: ``5m``, ``26h``, ``3d``."""
    minutes = int(age.total_seconds()) // 60
    if minutes < 120:
        return f"{minutes}m"
    return f"{minutes // 60}h" if minutes < 48 * 60 else f"{minutes // (24 * 60)}d"


def _above(age: timedelta) -> str:
    return f"{int(age.total_seconds()) // (24 * 3600) + 1}d"
