"""``sendoff doctor``: would a run work from here, and if not, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..approval import approved_desks
from ..bootstrap import Site
from ..contacts import ContactLists, length
from ..errors import InputError, SendoffError, StateMissing
from ..hosting import schedule
from ..model.contacts import ContactList, FileSource, InlineSource
from ..model.ledger import BOOK
from ..model.views import Check
from ..planning.book import fold_book
from ..planning.suppressing import freshness
from ..report import doctor as report
from ..report.words import plural
from .outcome import Outcome


def doctor(site: Site, format: str) -> Outcome:  # noqa: A002 - the flag's name
    """Check what a run needs; exit code 1 when something is wrong."""
    site.fetching = "stale"
    checks = list(_checks(site))
    failed = any(check.state == "error" for check in checks)
    return Outcome(report.FORMATS[format](checks, site.terminal), int(failed))


def _checks(site: Site) -> Iterator[Check]:
    yield _attempt("settings", lambda: _settings(site), "mend what sendoff validate reports")
    try:
        settings = site.settings
    except SendoffError:
        return
    name = settings.state.key.env
    yield _attempt(
        "state key",
        lambda: f"set in {name} ({len(site.state_key(settings))} characters)",
        f"set {name}; it must be the same for every run, for ever",
    )
    yield _state(site)
    if settings.state.backend == "git":
        yield _attempt("approved branch", lambda: _approved(site), "look at state.approved_branch")
    yield _attempt(
        f"provider {settings.provider}",
        lambda: _provider(site),
        f"look at providers.{settings.provider} in sendoff.yaml and its secrets",
    )
    yield from _lists(site)
    yield from _suppressions(site)
    yield _clock(site)
    running = schedule(site.environ, site.clock.now())
    if running is not None:
        yield running
    if settings.paused:
        yield Check("paused", "warning", "paused: true, so nothing is sent", "set paused: false")


def _attempt(name: str, look: Callable[[], str], mend: str) -> Check:
    try:
        return Check(name, "ok", look())
    except SendoffError as error:
        return Check(name, "error", str(error).splitlines()[0], mend)


def _settings(site: Site) -> str:
    workspace = site.workspace
    errors = [p for p in workspace.problems if p.severity == "error"]
    if errors:
        raise InputError(errors)
    campaigns, lists = len(workspace.campaigns), len(workspace.lists)
    return f"{plural(campaigns, 'campaign')}, {plural(lists, 'list')}"


def _state(site: Site) -> Check:
    state = site.settings.state
    where = f"branch {state.branch} of {state.remote}" if state.backend == "git" else state.path
    try:
        found = site.store(site.settings).sync()
    except StateMissing as error:
        return Check("state", "warning", str(error), "make it with: sendoff init")
    except SendoffError as error:
        return Check("state", "error", str(error), "see docs/recovery.md")
    count = plural(len(found.campaigns()), "campaign")
    return Check("state", "ok", f"{where}: records of {count}")


def _lists(site: Site) -> Iterator[Check]:
    """Whether lists that lie elsewhere can be had, with the secrets that are set here."""
    lists = site.workspace.lists.values()
    far = [one for one in lists if not isinstance(one.source, FileSource | InlineSource)]
    if far:
        books = site.contact_lists()
        yield from (_list(books, one) for one in far)


def _list(books: ContactLists, one: ContactList) -> Check:
    name = f"list {one.name}"
    try:
        taken = books.taken(one)
    except InputError as error:
        return Check(name, "error", error.problems[0].message, error.problems[0].hint)
    if taken is None or not taken.failure:
        return Check(name, "ok", plural(taken.copy.facts.rows if taken else 0, "row"))
    message = f"a copy {length(taken.age)} old is used: {taken.failure}"
    return Check(name, "warning", message, "mend it before the copy is too old")


def _suppressions(site: Site) -> Iterator[Check]:
    """How fresh what each source told is; nothing where there are none."""
    rules = site.settings.suppressions
    if not rules.sources:
        return
    try:
        book = fold_book(site.store(site.settings).sync().records(BOOK), site.clock.now())
    except SendoffError:
        return  # told as the state's trouble already
    for one in freshness(book, rules, site.clock.now()):
        mend = f"see why with: sendoff suppressions pull (suppressions: sendoff.yaml:{rules.line})"
        name = f"suppressions of {one.source}"
        yield Check(name, "error" if one.stale else "ok", one.message, mend)


def _approved(site: Site) -> str:
    with approved_desks(site) as desks:
        desk = desks.current
        count = plural(len(desk.workspace.campaigns), "campaign")
        return f"commit {desk.commit[:12]}, {count}"


def _provider(site: Site) -> str:
    provider = site.provider(site.settings)
    try:
        provider.check()
    finally:
        provider.close()
    return "ready (nothing was sent)"


def _clock(site: Site) -> Check:
    """A machine's clock that is years off would make everything due, or nothing."""
    now = site.clock.now()
    if now.year < BUILT:
        return Check("clock", "error", f"the clock says {now:%Y-%m-%d}", "set the machine's clock")
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC")


BUILT = 2025
"""No run can be earlier than the program."""
