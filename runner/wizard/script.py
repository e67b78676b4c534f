"""The whole conversation, from the first question to the last yes."""

from __future__ import annotations

from dataclasses import replace

from ..errors import UsageError
from .closing import closing
from .draft import Decision, Draft
from .insight import Insight
from .questions import Flow, heading, say
from .what import what
from .when import when
from .who import who

DOCS = "docs/writing-campaigns.md"


def script(insight: Insight) -> Flow[Decision]:
    """Four parts: who, what, when, and a last look.  Raises UsageError where nobody can be asked
    anything yet."""
    _refuse_empty(insight)
    yield say(
        "A new campaign, in four steps. ? explains a question, < goes back to the one before, "
        "Ctrl-C leaves. Nothing is written before your last yes."
    )
    people = yield from who(insight)
    draft = Draft(people.list.name, people.where)
    yield heading(2, "What do they get?")
    found = yield from what(insight, draft)
    draft = draft.sends(found.mail, found.variables)
    yield heading(3, "When?")
    schedule, draft = yield from when(insight, draft)
    return (yield from closing(insight, replace(draft, when=schedule)))


def _refuse_empty(insight: Insight) -> None:
    if not insight.lists:
        raise UsageError(
            "there are no lists yet, and a campaign needs one: write campaigns/lists/NAME.yaml "
            "first (see docs/lists.md), or begin with: sendoff init"
        )
    if all(one.problem or not one.audience for one in insight.lists):
        raise UsageError("nobody on any list may be mailed; see: sendoff lists")
