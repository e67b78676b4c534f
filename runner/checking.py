"""What ``validate`` checks beyond single files: templates against the columns of real lists, and
campaigns against what their provider can do, finished messages against what mailboxes and the law
ask for.  Through ports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from .errors import LIST_UNREAD, InputError, Problem
from .expressions import compile_expression
from .model.campaign import Campaign, Place, Step
from .model.contacts import Audience
from .model.message import Capabilities
from .model.workspace import Workspace
from .ports import Audiences, Composer, Templates

Draft = tuple[Campaign, Step, Audience, Composer]
"""A step that compiles, with those who get it."""


class Lint(Protocol):
    """Looks at finished messages."""

    def lint(self, drafts: Sequence[Draft]) -> list[Problem]:
        """What is amiss in them, each finding once."""
        ...


def check(
    workspace: Workspace,
    audiences: Audiences,
    templates: Templates,
    provider: Capabilities,
    linter: Lint | None = None,
) -> list[Problem]:
    """Every problem of the workspace, those of single files included, sorted, each once."""
    problems = set(workspace.problems)
    columns: dict[str, frozenset[str] | None] = {}
    for name, contact_list in workspace.lists.items():
        columns[name] = None
        try:
            # the whole list, so that a ragged row is found now and not on the night it is sent
            audiences.read(contact_list)
            columns[name] = audiences.columns(contact_list)
        except InputError as error:
            problems.update(map(_lenient, error.problems))
    drafts: list[Draft] = []
    for campaign in workspace.campaigns.values():
        own = [columns.get(name) for name in campaign.audience.every]
        if all(fields is not None for fields in own):
            fields = frozenset().union(*filter(None, own[: len(campaign.audience.names)]))
            found = list(_check_campaign(campaign, fields, templates))
            if all(problem.severity != "error" for problem in found):
                ready, refused = _drafts(workspace, campaign, audiences, templates)
                found += refused
                found += _lacking(campaign, columns, [draft[3] for draft in ready])
                drafts += ready
            problems.update(found)
        problems.update(_check_capabilities(campaign, provider, workspace.settings.provider))
    if linter is not None:
        problems.update(linter.lint(drafts))
    return sorted(problems)


def _lenient(problem: Problem) -> Problem:
    """That a list cannot be read *here*, where its secrets are not, is no fault of the files."""
    return replace(problem, severity="warning") if problem.code == LIST_UNREAD else problem


def _drafts(
    workspace: Workspace, campaign: Campaign, audiences: Audiences, templates: Templates
) -> tuple[list[Draft], list[Problem]]:
    """The steps of a campaign that can be made, and why others cannot.

    None of what is called off.  That it can be made is tried with the first and the last contact:
    what a template does with values is not seen in its source.
    """
    drafts: list[Draft] = []
    if campaign.status == "cancelled":
        return drafts, []
    problems: list[Problem] = []
    try:
        audience = audiences.select(workspace.selection(campaign))
        for step in campaign.steps:
            drafts.append((campaign, step, audience, templates.composer(campaign, step)))
            problems += _tried(drafts[-1])
    except InputError as error:
        problems += error.problems
    return drafts, problems


def _tried(draft: Draft) -> list[Problem]:
    _, _, audience, composer = draft
    ends = sorted({0, len(audience) - 1}) if len(audience) else []
    try:
        composer.compose(audience, ends)
    except InputError as error:
        return list(error.problems)
    return []


def _check_campaign(
    campaign: Campaign, fields: frozenset[str], templates: Templates
) -> Iterator[Problem]:
    for step in campaign.steps:
        yield from templates.check(campaign, step, fields)
        if step.only_if:
            place = step.place if step.place.line else campaign.place
            yield from _unknown_fields(step.only_if, "only_if", fields, place)
    if campaign.audience.where:
        yield from _unknown_fields(campaign.audience.where, "where", fields, campaign.place)


def _lacking(
    campaign: Campaign,
    columns: Mapping[str, frozenset[str] | None],
    composers: Sequence[Composer],
) -> Iterator[Problem]:
    """Fields that are used and that only some of the campaign's lists have."""
    use, place = campaign.audience, campaign.place
    if not use.others:
        return
    asked: set[str] = set().union(*(composer.uses for composer in composers))
    for condition in filter(None, [use.where, *(step.only_if for step in campaign.steps)]):
        asked |= compile_expression(condition, frozenset({"sent"})).fields
    asked &= frozenset().union(*(columns[name] or () for name in use.names))
    for name in use.names:
        for field in sorted(asked - (columns[name] or frozenset())):
            message = f"the list {name} has no field {field}: it is empty for its contacts"
            hint = f"add it there, or write {{{{ {field}|default('…', true) }}}}"
            code = "partial-field"
            yield Problem(place.path, place.line, place.column, message, hint, code, "warning")


def _unknown_fields(
    source: str, key: str, fields: frozenset[str], place: Place
) -> Iterator[Problem]:
    expression = compile_expression(source, frozenset({"sent"}))
    for field in sorted(expression.fields - fields):
        yield Problem(
            place.path,
            place.line,
            place.column,
            f"{key} uses contact.{field}, which the list does not have",
            f"the list has: {', '.join(sorted(fields))}",
            "unknown-field",
        )


def _check_capabilities(campaign: Campaign, provider: Capabilities, name: str) -> Iterator[Problem]:
    """What a campaign needs and its provider lacks is an error here, not a surprise at run."""
    ways = campaign.unsubscribe
    if name != "outbox" and not provider.asm_groups and not ways.url and not ways.mailto:
        yield Problem(
            campaign.place.path,
            campaign.place.line,
            campaign.place.column,
            f"the provider {name} knows no unsubscribe groups, and there is no other way to leave",
            'add unsubscribe: {url: "https://…"} or {mailto: …}',
            "capability",
        )
