"""The templates room: what the rest of the house asks of templates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TypeVar

from ..errors import InputError, Problem
from ..model.campaign import Campaign, Step
from ..model.contacts import Audience
from ..model.message import File
from ..model.workspace import Workspace
from ..ports import Files
from . import shelf
from .checks import check_content, check_empty
from .composer import StepComposer
from .files import files_of
from .sources import StepContent, gather
from .unsubscribe import Unsubscribing, unsubscribing

_T = TypeVar("_T")


class TemplateRoom:
    """Compiles and checks what the campaigns of a workspace send (``ports.Templates``)."""

    def __init__(self, workspace: Workspace, files: Files) -> None:
        self._workspace = workspace
        self._files = files
        self._contents: dict[tuple[str, str], StepContent] = {}

    def composer(self, campaign: Campaign, step: Step) -> StepComposer:
        """Raises InputError with every problem of the sources."""
        problems: list[Problem] = []
        content = _tried(lambda: self._gathered(campaign, step), problems)
        leaving = _tried(lambda: unsubscribing(campaign), problems)
        if content is None:
            raise InputError(problems)
        files = _tried(lambda: files_of(content, self._files), problems)
        compiled = _tried(lambda: shelf.compiled(content), problems)
        if problems or leaving is None or files is None or compiled is None:
            raise InputError(problems)
        made = StepComposer(content, leaving, files, lambda: _digest(content, leaving, files))
        made.know(compiled)
        return made

    def check(self, campaign: Campaign, step: Step, fields: frozenset[str]) -> list[Problem]:
        """Every problem of a step's content for contacts that have ``fields``, sorted."""
        problems: list[Problem] = []
        _tried(lambda: unsubscribing(campaign), problems)
        content = _tried(lambda: self._gathered(campaign, step), problems)
        if content is not None:
            _tried(lambda: files_of(content, self._files), problems)
            problems += check_content(content, fields)
        return sorted(set(problems))

    def check_empty(self, campaign: Campaign, step: Step, audience: Audience) -> list[Problem]:
        """A warning for each field that is printed bare though some contacts have none."""
        return sorted(check_empty(self._gathered(campaign, step), audience))

    def _gathered(self, campaign: Campaign, step: Step) -> StepContent:
        known = self._contents.get((campaign.id, step.id))
        if known is None or known.campaign is not campaign or known.step is not step:
            known = gather(self._workspace, campaign, step)
            self._contents[campaign.id, step.id] = known
        return known


def _tried(action: Callable[[], _T], problems: list[Problem]) -> _T | None:
    """The result of an action, or None with its problems added: all are reported at once."""
    try:
        return action()
    except InputError as error:
        problems += error.problems
        return None


def _digest(content: StepContent, leaving: Unsubscribing, files: tuple[File, ...]) -> str:
    """A fingerprint of everything that is sent, contacts' own values apart."""
    sender = content.campaign.sender
    described = {
        "parts": {part: source.text for part, source in content.parts.items()},
        "kind": content.kind,
        "partials": {name: content.partials[name].text for name in shelf.used_partials(content)},
        "constants": content.constants(),
        "sender": [sender.email, sender.name, content.campaign.reply_to],
        "unsubscribe": [leaving.link, leaving.headers],
        "group": content.campaign.unsubscribe.sendgrid_group,
        "files": [
            [file.filename, file.content_type, file.cid, hashlib.sha256(file.data).hexdigest()]
            for file in files
        ],
    }
    text = json.dumps(described, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
