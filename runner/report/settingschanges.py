"""What a merge changes for all campaigns together, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..model.changes import Difference, SettingsAspect
from ..model.settings import Settings
from . import restraint, words
from .changes import Turn

NAME = "All campaigns"
LABELS: Mapping[SettingsAspect, str] = {
    "provider": "Provider",
    "paused": "Paused",
    "limits": "Limits",
    "frequency": "Frequency",
    "suppressions": "Suppressions",
    "state": "Ledger",
}


def turns(found: Difference) -> Iterator[Turn]:
    """What is not as it was, before and after; nothing where the settings of all stay."""
    change = found.settings
    if change is None:
        return
    for aspect in change.aspects:
        old, new = (_SAYS[aspect](one) for one in (change.old, change.new))
        if old == new:
            yield Turn(LABELS[aspect], "", _QUIET[aspect])
        else:
            yield Turn(LABELS[aspect], old, new)


def _provider(settings: Settings) -> str:
    match settings.provider:
        case "smtp":
            return f"smtp, {settings.smtp.host}:{settings.smtp.port}"
        case "sendgrid":
            return f"sendgrid, {settings.sendgrid.base_url}"
        case _:
            return "outbox: mails are written to files, nobody gets one"


def _paused(settings: Settings) -> str:
    return "everything" if settings.paused else "nothing"


def _limits(settings: Settings) -> str:
    return "; ".join(restraint.every_limit(settings.limits)) or "none"


def _frequency(settings: Settings) -> str:
    frequency = settings.frequency
    if frequency is None:
        return "as often as campaigns want"
    span = words.duration(frequency.per)
    what = "later" if frequency.on_capped == "defer" else "not sent"
    return f"{words.plural(frequency.max, 'mail')} in {span} to one contact, others {what}"


def _suppressions(settings: Settings) -> str:
    said = settings.suppressions
    if not said.sources:
        return "files only"
    every, oldest = words.duration(said.every), words.duration(said.max_age)
    return f"from {', '.join(said.sources)} every {every}, at most {oldest} old"


def _state(settings: Settings) -> str:
    """Where the ledger is: in another place nobody has been mailed yet."""
    state = settings.state
    if state.backend == "files":
        return f"directory {state.path}"
    return f"branch {state.branch} of {state.remote}"


_SAYS: Mapping[SettingsAspect, Callable[[Settings], str]] = {
    "provider": _provider,
    "paused": _paused,
    "limits": _limits,
    "frequency": _frequency,
    "suppressions": _suppressions,
    "state": _state,
}
_QUIET: Mapping[SettingsAspect, str] = {
    "provider": "how it is spoken to: credentials, connections, time-outs",
    "paused": "changed",
    "limits": "changed",
    "frequency": "changed",
    "suppressions": "where bounce mails lie",
    "state": "its key, or the branch that is approved",
}
