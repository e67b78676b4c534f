"""The saved templates and their use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..model.settings import Settings
from ..model.views import TemplateView
from ..planning.view import stamp
from . import times, words
from .jsontext import dump
from .page import Fact, Page
from .problems import place, record
from .terminal import PLAIN, Screen


def text(views: Sequence[TemplateView], settings: Settings, screen: Screen = PLAIN) -> str:
    """One block a template."""
    page = Page(screen)
    if not views:
        page.text("No templates yet: a template is a file in campaigns/templates/.")
    for view in views:
        page.blank()
        page.title(view.name, aside=view.kind)
        if view.description:
            page.text(view.description, indent=2)
        page.facts(
            [
                Fact("Subject", (view.subject or "given by the campaign",), " "),
                Fact("Used by", words.campaigns(view.used_by)),
                Fact("Sent", _sent(view, settings)),
                Fact("Compiled", _compiled(view)),
            ]
        )
    return str(page)


def _sent(view: TemplateView, settings: Settings) -> tuple[str, ...]:
    if view.sent is None:
        return ("the ledger cannot be read here",)
    if not view.sent:
        return ("never",)
    number = words.plural(view.sent, "mail")
    if view.last_used is None:
        return (number,)
    return (number, f"last {times.when(view.last_used, times.zone_of(settings.timezone))}")


def _compiled(view: TemplateView) -> tuple[str, ...]:
    if view.slow is None:
        return ("not known: no campaign that uses it can be checked here",)
    if not view.slow:
        return ("yes",)
    return tuple(f"no: {place(problem)}: {problem.message}" for problem in view.slow)


def as_json(views: Sequence[TemplateView], settings: Settings, screen: Screen = PLAIN) -> str:
    """``templates``: one record a template; ``compiled`` is null where that is not known."""
    return dump({"templates": [_record(view) for view in views]})


def _record(view: TemplateView) -> dict[str, object]:
    return {
        "name": view.name,
        "kind": view.kind,
        "subject": view.subject,
        "description": view.description,
        "used_by": list(view.used_by),
        "sent": view.sent,
        "last_used": stamp(view.last_used),
        "compiled": None if view.slow is None else not view.slow,
        "slow": list(map(record, view.slow or ())),
    }


FORMATS: Mapping[str, Callable[[Sequence[TemplateView], Settings, Screen], str]] = {
    "text": text,
    "json": as_json,
}
