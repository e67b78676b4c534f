"""What one step sends, gathered: sources with their places, variables, files, sender."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from ..dataclass import dataclass
from ..errors import InputError, Problem
from ..model.campaign import Attachment, Campaign, Step
from ..model.template import TemplateFile
from ..model.workspace import Workspace
from ..sandbox import SandboxError, plain
from .atoms import holds_atoms

TEMPLATES = "campaigns/templates/"

Part = Literal["subject", "preheader", "html", "text"]

_EMPTY_LINES = re.compile(r"(?:[ \t]*\r?\n)*")

RESERVED = frozenset(
    {"contact", "variables", "campaign", "sender", "unsubscribe_url", "postal_address", "subject"}
    | {"preheader", "token", "list"}
)
"""Names that mean the same in every template."""

PERSONAL = frozenset({"contact", "token", "unsubscribe_url", "subject", "preheader"})
"""The reserved names whose value may differ from contact to contact."""

_FRONT_MATTER = re.compile(
    r"\ufeff?---[ \t]*\r?\n.*?^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Source:
    """A Jinja2 source: ``text`` begins on ``line`` of the file ``path``."""

    path: str
    line: int
    text: str
    inner: str = ""

    def problem(self, error: SandboxError, code: str = "template") -> Problem:
        """What went wrong in this source, at its place in the file."""
        return self.at(error.line, error.word, error.message, error.hint, code=code)

    def at(
        self, line: int, word: str, message: str, hint: str = "", *, code: str = "template"
    ) -> Problem:
        """A problem on ``line`` of this source, in the column where ``word`` stands.

        A source written inside a campaign has no line of its own: the message says where.
        """
        if self.inner:
            message = f"{self.inner}, line {max(line, 1)}: {message}"
            return Problem(self.path, self.line, 1, message, hint, code)
        column = _column(self.text, line, word)
        return Problem(self.path, self.line + max(line, 1) - 1, column, message, hint, code)


@dataclass(frozen=True, slots=True)
class StepContent:
    """Everything that goes into the message of one step.

    ``parts`` are the sources there are; ``variables`` are merged (step over campaign over
    template) and plain; ``partials`` may be included, by path below ``campaigns/templates``.
    """

    campaign: Campaign
    step: Step
    kind: Literal["html", "mjml"]
    parts: Mapping[Part, Source]
    partials: Mapping[str, Source]
    variables: Mapping[str, Any]
    declared: Mapping[str, Any]
    requires: tuple[str, ...]
    attachments: tuple[Attachment, ...]
    postal_address: str

    @property
    def path(self) -> str:
        """The campaign's file."""
        return self.campaign.place.path

    def constants(self) -> dict[str, Any]:
        """The names that mean the same for every contact, with their values."""
        sender = self.campaign.sender
        return {
            **self.variables,
            "variables": dict(self.variables),
            "campaign": {"id": self.campaign.id, "name": self.campaign.name},
            "sender": {"email": sender.email, "name": sender.name},
            "postal_address": self.postal_address,
            "list": self.campaign.audience.title,
        }


def gather(workspace: Workspace, campaign: Campaign, step: Step) -> StepContent:
    """The content of a step.  Raises InputError for what is missing or cannot be used."""
    template = _template(workspace, campaign, step)
    defaults = template.variables if template else {}
    declared = {**campaign.variables, **step.variables}
    parts = _parts(campaign, step, template)
    content = StepContent(
        campaign=campaign,
        step=step,
        kind=template.kind if template and not step.content.html else "html",
        parts=parts,
        partials={name: _partial(name, text) for name, text in workspace.partials.items()},
        variables=_plain(campaign, {**defaults, **declared}),
        declared=declared,
        requires=template.requires if template else (),
        attachments=_attachments(step, template),
        postal_address=workspace.settings.postal_address,
    )
    problems = [*_missing_parts(content), *_reserved(content)]
    if problems:
        raise InputError(problems)
    return content


def _template(workspace: Workspace, campaign: Campaign, step: Step) -> TemplateFile | None:
    name = step.content.template
    if not name:
        return None
    if name not in workspace.templates:
        raise InputError([_at_step(campaign, step, f"there is no template {name!r}")])
    return workspace.templates[name]


def _at_step(campaign: Campaign, step: Step, message: str, hint: str = "") -> Problem:
    place = step.place if step.place.path else campaign.place
    path = place.path or f"campaigns/{campaign.id}.yaml"
    return Problem(path, place.line or 1, place.column or 1, message, hint, "template")


def _parts(campaign: Campaign, step: Step, template: TemplateFile | None) -> dict[Part, Source]:
    place = _at_step(campaign, step, "")
    own: dict[Part, str] = {
        "subject": step.content.subject,
        "preheader": step.content.preheader,
        "html": step.content.html,
        "text": step.content.text,
    }
    parts: dict[Part, Source] = {}
    for part, text in own.items():
        if text:
            parts[part] = Source(place.path, place.line, _trimmed(part, text), inner=part)
        elif template is not None:
            saved = _saved(template, part)
            if saved is not None:
                parts[part] = saved
    return parts


def _saved(template: TemplateFile, part: Part) -> Source | None:
    path = template.place.path or f"{TEMPLATES}{template.name}.{template.kind}"
    if part == "html":
        return Source(path, template.body_line, template.body)
    if part == "text":
        beside = f"{path.rpartition('.')[0]}.txt"
        return None if template.text is None else Source(beside, 1, template.text)
    text = template.subject if part == "subject" else template.preheader
    inner = f"{part} in the front matter"
    return Source(path, 1, _trimmed(part, text), inner=inner) if text else None


def _trimmed(part: Part, text: str) -> str:
    """A subject is one line: YAML's block scalars end with a newline nobody means."""
    return text.strip() if part in {"subject", "preheader"} else text


@lru_cache(maxsize=512)
def _partial(name: str, text: str) -> Source:
    """A partial without its front matter, or the empty lines that a workspace left in its place."""
    front = _FRONT_MATTER.match(text) or _EMPTY_LINES.match(text)
    skipped = front.group() if front else ""
    return Source(TEMPLATES + name, 1 + skipped.count("\n"), text[len(skipped) :])


def _plain(campaign: Campaign, variables: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {name: plain(value) for name, value in variables.items()}
    except TypeError as error:
        place = campaign.place
        message = f"variables hold something that is not plain data: {error}"
        raise InputError([Problem(place.path, place.line, place.column, message)]) from None


def _attachments(step: Step, template: TemplateFile | None) -> tuple[Attachment, ...]:
    """The step's files, and those images of the template that the step does not replace."""
    own = step.content.attachments
    replaced = {attachment.cid for attachment in own if attachment.cid}
    brought = template.attachments if template else ()
    return own + tuple(image for image in brought if image.cid not in replaced)


def _missing_parts(content: StepContent) -> list[Problem]:
    problems = []
    if "subject" not in content.parts:
        hint = "write subject: in the campaign or in the template's front matter"
        problems.append(_at_step(content.campaign, content.step, "there is no subject", hint))
    if "html" not in content.parts and "text" not in content.parts:
        problems.append(_at_step(content.campaign, content.step, "there is no html and no text"))
    for source in [*content.parts.values(), *content.partials.values()]:
        if holds_atoms(source.text):
            message = "holds the characters U+FDD0 or U+FDD1, which mean nothing in any text"
            problems.append(source.at(1, "", message))
    return problems


def _reserved(content: StepContent) -> list[Problem]:
    return [
        _at_step(content.campaign, content.step, f"{name!r} cannot be the name of a variable")
        for name in sorted(RESERVED & content.variables.keys())
    ]


def _column(text: str, line: int, word: str) -> int:
    """Where ``word`` stands in ``line`` of ``text``, counting from 1; 1 when it does not."""
    lines = text.splitlines()
    if not word or not 0 < line <= len(lines):
        return 1
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", lines[line - 1])
    return found.start() + 1 if found else 1
