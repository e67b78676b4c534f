"""``sendoff run``: send what is due, and record it."""

from __future__ import annotations

import secrets
from datetime import timedelta

from ..bootstrap import Site
from ..model.result import RunResult
from ..reconcile import Reconciler, RunOptions
from ..report import run as report
from ..report.progress import observer
from .outcome import Outcome


def run(site: Site, budget: timedelta | None, format: str) -> Outcome:  # noqa: A002 - the flag's name
    """One run over what is approved; the exit code is the result's."""
    with site.approved_desks() as desks:
        settings = desks.current.workspace.settings
        options = RunOptions(
            run_id=f"{site.clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            budget=budget or settings.run.budget,
            look_ahead=settings.run.look_ahead,
        )
        provider = site.provider(settings)
        hears = observer(site.environ)
        try:
            result: RunResult = Reconciler(
                desks, site.store(settings), provider, site.clock, hears, options
            ).run()
        finally:
            hears.close()
            provider.close()
        text = report.FORMATS[format](result, settings, site.terminal, site.clock.now())
    return Outcome(text, result.exit_code)
