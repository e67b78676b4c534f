"""``sendoff templates``: what templates there are, and their use as the ledger knows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..bootstrap import Site
from ..errors import SLOW, InputError, Problem, StateError
from ..model.template import TemplateFile
from ..model.views import TemplateView
from ..planning.history import JobHistory, fold
from ..report import templates as report
from .outcome import Outcome

Use = tuple[str, str, str]
"""(template, campaign, step)."""


def templates(site: Site, format: str) -> Outcome:  # noqa: A002 - the flag's name
    """Every saved template of the working tree."""
    uses = [
        (step.content.template, campaign.id, step.id)
        for campaign in site.workspace.campaigns.values()
        for step in campaign.steps
        if step.content.template
    ]
    histories = _histories(site, {campaign for _, campaign, _ in uses})
    slow = _slow(site)
    views = [
        replace(_view(one, uses, histories), slow=slow.get(one.name))
        for one in site.workspace.templates.values()
    ]
    return Outcome(report.FORMATS[format](views, site.settings, site.terminal))


Histories = dict[tuple[str, str], list[JobHistory]]


def _histories(site: Site, campaigns: set[str]) -> Histories | None:
    """Histories by (campaign, step); None where the ledger cannot be read here."""
    try:
        snapshot, _ = site.ledger(blind=True)
    except StateError:
        return None
    found: Histories = {}
    for campaign in campaigns:
        history = fold(snapshot.records(campaign), site.clock.now())
        for (step, _), job in history.jobs.items():
            found.setdefault((campaign, step), []).append(job)
    return found


def _slow(site: Site) -> dict[str, tuple[Problem, ...]]:
    """Why templates are not compiled, as ``validate`` says it; of those that can be checked."""
    desk = site.desk()
    found: dict[str, set[Problem]] = {}
    for campaign in desk.workspace.campaigns.values():
        lists = [desk.workspace.lists[name] for name in campaign.audience.names]
        try:
            fields = frozenset().union(*map(desk.audiences.columns, lists))
        except InputError:
            continue
        for step in filter(lambda step: step.content.template, campaign.steps):
            problems = desk.templates.check(campaign, step, fields)
            if all(problem.severity != "error" for problem in problems):
                slow = {problem for problem in problems if problem.code == SLOW}
                found.setdefault(step.content.template, set()).update(slow)
    return {name: tuple(sorted(slow)) for name, slow in found.items()}


def _view(one: TemplateFile, uses: list[Use], histories: Histories | None) -> TemplateView:
    mine = [(campaign, step) for name, campaign, step in uses if name == one.name]
    jobs = [job for use in mine for job in (histories or {}).get(use, [])]
    times: list[datetime] = [job.last_send for job in jobs if job.last_send]
    return TemplateView(
        name=one.name,
        kind=one.kind,
        subject=one.subject,
        used_by=tuple(dict.fromkeys(campaign for campaign, _ in mine)),
        sent=None if histories is None else sum(len(job.sent) for job in jobs),
        last_used=max(times, default=None),
    )
