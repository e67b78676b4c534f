"""``sendoff run``: send what is due, and record it."""

from __future__ import annotations

from datetime import timedelta

from ..announcing import append_summary, on_github, ping
from ..approval import approved_desks
from ..bootstrap import Site
from ..errors import SendoffError
from ..model.result import RunResult
from ..model.settings import Settings
from ..reconcile import Reconciler, RunOptions
from ..report import run as report
from ..report.progress import observer
from .outcome import Outcome


def run(site: Site, budget: timedelta | None, format: str) -> Outcome:  # noqa: A002 - the flag's name
    """One run over what is approved; the exit code is the result's."""
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
        provider = site.provider(settings)
        hears = observer(site.environ)
        try:
            result = Reconciler(
                desks, site.store(settings), provider, site.clock, hears, options
            ).run()
        finally:
            hears.close()
            provider.close()
    text = report.FORMATS[format](result, settings, site.terminal, site.clock.now())
    return Outcome(text, result.exit_code, _announce(site, settings, result))


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
