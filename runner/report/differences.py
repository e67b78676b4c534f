"""What a merge changes: the difference between two plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..model.changes import CampaignChange, Difference
from ..model.settings import Settings
from ..planning.view import hold_record, job_record, stamp
from .jsontext import dump
from .terminal import PLAIN, Screen


def as_json(found: Difference, settings: Settings, screen: Screen = PLAIN, note: str = "") -> str:
    """``base``, ``digest``, ``changes``, and the plan that the merge would make."""
    return dump(
        {
            "base": found.base,
            "digest": found.digest,
            "now": stamp(found.after.now),
            "changes": [_change(change) for change in found.changes],
            "jobs": [job_record(job, found.after.now) for job in found.after.jobs],
            "holds": [hold_record(hold) for hold in found.after.every_hold],
            "note": note,
        }
    )


def _change(change: CampaignChange) -> dict[str, object]:
    return {
        "campaign": change.campaign,
        "kind": change.kind,
        "path": change.path,
        "changed": list(change.aspects),
        "steps": list(change.steps),
        "former": change.former,
        "had_old": change.had_old,
        "to_go": change.to_go,
    }


Format = Callable[[Difference, Settings, Screen, str], str]
FORMATS: Mapping[str, Format] = {"json": as_json}
