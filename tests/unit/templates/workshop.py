"""Builds small workspaces for the tests of the templates room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner.model.campaign import Campaign, Content, ListUse, Place, Scheduled, Step
from runner.model.contacts import Audience
from runner.model.keys import KeyColumn
from runner.model.settings import Mailbox, Settings, Unsubscribe
from runner.model.template import TemplateFile
from runner.model.workspace import Workspace
from runner.templates import StepComposer, TemplateRoom

SENDER = Mailbox("hello@example.org", "Hello")
LEAVING = Unsubscribe(url="https://example.org/u?t={{ token }}")
AT = Scheduled(datetime(2026, 1, 5, 9, tzinfo=UTC), "UTC")


class Disk:
    """``ports.Files`` over a directory of the test."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def locate(self, path: str) -> Path | None:
        found = self.root / path
        return found if found.exists() else None


def campaign(content: Content, **changes: Any) -> Campaign:
    step = Step("main", content, variables=changes.pop("step_variables", {}))
    values: dict[str, Any] = {
        "id": "spring",
        "name": "Spring",
        "audience": ListUse("members"),
        "steps": (step,),
        "schedule": AT,
        "sender": SENDER,
        "unsubscribe": LEAVING,
        "place": Place("campaigns/spring.yaml", 3, 1),
    }
    return Campaign(**{**values, **changes})


def template(body: str, **changes: Any) -> TemplateFile:
    values: dict[str, Any] = {
        "name": "invite",
        "kind": "html",
        "body": body,
        "body_line": 1,
        "subject": "Hello",
        "place": Place(f"campaigns/templates/invite.{changes.get('kind', 'html')}", 1, 1),
    }
    return TemplateFile(**{**values, **changes})


def workspace(*templates: TemplateFile, partials: Mapping[str, str] | None = None) -> Workspace:
    return Workspace(
        settings=Settings(SENDER, postal_address="1 Main Street, Springfield"),
        campaigns={},
        lists={},
        templates={item.name: item for item in templates},
        partials=partials or {},
    )


def room(
    *templates: TemplateFile, partials: Mapping[str, str] | None = None, root: Path = Path("/none")
) -> TemplateRoom:
    return TemplateRoom(workspace(*templates, partials=partials), Disk(root))


def composer(
    body: str,
    *,
    variables: Mapping[str, Any] | None = None,
    partials: Mapping[str, str] | None = None,
    unsubscribe: Unsubscribe = LEAVING,
    **changes: Any,
) -> StepComposer:
    built = campaign(Content(template="invite"), variables=variables or {}, unsubscribe=unsubscribe)
    return room(template(body, **changes), partials=partials).composer(built, built.steps[0])


def audience(contacts: Sequence[Mapping[str, str]]) -> Audience:
    names = dict.fromkeys(["email", "timezone", *(name for c in contacts for name in c)])
    rows = [
        {"email": f"c{number}@example.org", **contact} for number, contact in enumerate(contacts)
    ]
    return Audience(
        list_name="members",
        emails=[row["email"] for row in rows],
        keys=KeyColumn.of(number.to_bytes(8, "big") for number in range(len(rows))),
        fields={name: [row.get(name, "") for row in rows] for name in names},
        lines=[number + 2 for number in range(len(rows))],
    )
