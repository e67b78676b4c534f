"""Which variables a template needs that nobody has given yet."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import InputError
from ..model.campaign import Campaign
from ..model.workspace import Workspace
from ..sandbox import Sandbox, SandboxError
from ..templates.names import Reader, Use
from ..templates.prepared import reachable
from ..templates.sources import RESERVED, StepContent, gather


def missing(workspace: Workspace, campaign: Campaign, fields: frozenset[str]) -> tuple[str, ...]:
    """Names to ask for, those that the template requires first; () for one that is broken."""
    try:
        content = gather(workspace, campaign, campaign.steps[0])
    except InputError:
        return ()  # reported when the mail is checked
    known = RESERVED | fields | {"range"}
    wanted = [name for name in content.requires if name not in content.declared]
    wanted += [use.name for use in _uses(content) if use.name not in content.variables]
    return tuple(dict.fromkeys(name for name in wanted if name not in known))


def _uses(content: StepContent) -> Iterator[Use]:
    sources = {name: source.text for name, source in content.partials.items()}
    for part, source in content.parts.items():
        main = f"<{part}>"
        try:
            trees = reachable(Sandbox(sources), source.text, main)
        except SandboxError:
            continue  # reported when the mail is checked
        reader = Reader(trees, {"contact", "variables", "campaign", "sender"})
        reader.read(main)
        yield from (
            use for use in reader.uses if not use.optional and use.owner in ("", "variables")
        )
