"""``sendoff run``: send what is due, and record it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ..announcing import append_summary, on_github, ping
from ..approval import approved_desks
from ..bootstrap import Site
from ..errors import SendoffError
from ..model.ledger import BOOK
from ..model.result import RunResult
from ..model.settings import Settings
from ..ports import LedgerStore, Snapshot
from ..reconcile import Reconciler, RunOptions
from ..report import run as report
from ..report.progress import observer
from .outcome import Outcome


def run(site: Site, budget: timedelta | None, format: str) -> Outcome:  # noqa: A002 - the flag's name
    """One run over what is approved; the exit code is the result's."""
    site.fetching = "stale"
    try:
        return _run(site, budget, format)
    except SendoffError as error:
        # nobody reads a log that nobody points to: what kept the run from starting is said too
        append_summary(site.environ, report.failure_markdown(str(error)))
        raise


def _run(site: Site, budget: timedelta | None, format: str) -> Outcome:  # noqa: A002
    with approved_desks(site) as desks:
        settings = desks.current.workspace.settings
        options = RunOptions(
            run_id=site.new_run_id(),
            budget=budget or settings.run.budget,
            look_ahead=settings.run.look_ahead,
        )
        store = site.store(settings)
        begun_at = site.clock.now()
        # lists are fetched when the first campaign needs them; the others are to be sent still
        site.fetch_until = begun_at + options.budget * 3 / 4
        unheard, begun = _hear_of_suppressions(site, settings, store, options)
        options = replace(options, budget=options.budget - (site.clock.now() - begun_at))
        provider = site.provider(settings)
        hears = observer(site.environ)
        try:
            result = Reconciler(desks, store, provider, site.clock, hears, options).run(begun)
        finally:
            hears.close()
            provider.close()
    text = report.FORMATS[format](result, settings, site.terminal, site.clock.now())
    notes = [unheard, _announce(site, settings, result)]
    return Outcome(text, result.exit_code, "\n".join(note for note in notes if note))


def _hear_of_suppressions(
    site: Site, settings: Settings, store: LedgerStore, options: RunOptions
) -> tuple[str, Snapshot | None]:
    """Ask who must not be mailed any more, before anything is planned.

    Returns what went wrong, and the state as it is now, if it was read.  A source that does not
    answer stops no run: when what is known becomes too old, that does.
    """
    rules = settings.suppressions
    if not rules.sources:
        return "", None
    # most workspaces have no such sources
    from ..gathering import due, gather  # noqa: PLC0415
    from ..planning.book import fold_book  # noqa: PLC0415

    snapshot, now = store.sync(), site.clock.now()
    accounts, book = site.feedback_accounts(settings), fold_book(snapshot.records(BOOK), now)
    if not due(book, rules.sources, rules.every, now, accounts):
        return "", snapshot
    with site.feedback_sources(settings, options.budget / 4) as sources:
        found = gather(
            store, sources, now, run=options.run_id, every=rules.every, accounts=accounts
        )
    return "\n".join(f"suppressions: {problem}" for problem in found.problems), found.snapshot


def _announce(site: Site, settings: Settings, result: RunResult) -> str:
    """The job summary, annotations, and the heartbeat of a good run; what to say on stderr."""
    summary = report.markdown(result, settings, site.terminal, site.clock.now())
    notes = [append_summary(site.environ, summary)]
    if on_github(site.environ):
        notes.append(report.workflow_commands(result))
    if settings.run.heartbeat is not None and result.exit_code == 0:
        url = site.environ.get(settings.run.heartbeat.env, "")
        notes.append(ping(url) if url else f"{settings.run.heartbeat.env} is not set: no heartbeat")
    return "\n".join(note for note in notes if note)
