"""Sources made ready for rendering: what does not depend on what a campaign's variables hold.

Campaigns often send the same template, each with variables of its own.  Its sources are parsed,
looked through and compiled once for all campaigns whose variables have the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from jinja2 import Template, nodes

from ..dataclass import dataclass
from ..sandbox import Sandbox, SandboxError
from .analysis import Analysis, analyse, included
from .analysis import names as read
from .instances import Instances
from .program import Folded
from .programs import Programs
from .sources import Part
from .tracing import Hole, TracingSandbox

MAX_PREPARED: Final = 64


@dataclass(frozen=True, slots=True)
class Names:
    """What can be spoken of: ``constants`` are the same for every contact, ``fields`` are not."""

    constants: frozenset[str]
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One part of a content: with holes (``traced``) and without (``whole``)."""

    trees: Mapping[str, nodes.Template]
    analysis: Analysis
    traced_in: TracingSandbox
    traced: Template
    whole_in: Sandbox
    whole: Template


@dataclass(frozen=True, slots=True)
class Readied:
    """Every part of a content, or what is wrong with it; ``programs``: of those that are sound.

    ``shows_preheader``: the HTML itself says where the preheader goes.
    """

    parts: Mapping[Part, Prepared | SandboxError]
    programs: Programs
    instances: Instances
    shows_preheader: bool


Texts = tuple[tuple[str, str], ...]
"""Sources by name."""


def prepare(parts: Mapping[Part, str], partials: Mapping[str, str], names: Names) -> Readied:
    """A content made ready.  Nothing of it may be changed."""
    return _prepared(tuple(parts.items()), tuple(partials.items()), names)


@lru_cache(maxsize=MAX_PREPARED)
def _prepared(parts: tuple[tuple[Part, str], ...], partials: Texts, names: Names) -> Readied:
    sources = dict(partials)
    holes: list[Hole] = []
    found: dict[Part, Prepared | SandboxError] = {}
    for part, text in parts:
        try:
            found[part] = _part(part, text, sources, names, holes)
        except SandboxError as error:
            found[part] = error
    sound = {
        part: Folded(ready.whole_in, ready.trees, ready.analysis)
        for part, ready in found.items()
        if isinstance(ready, Prepared)
    }
    shown = "html" in sound and any("preheader" in read(t) for t in sound["html"].trees.values())
    return Readied(found, Programs(sound, sorted(names.fields)), Instances(), shown)


def _part(
    part: Part, text: str, partials: Mapping[str, str], names: Names, holes: list[Hole]
) -> Prepared:
    is_html, name = part == "html", f"<{part}>"
    whole_in = Sandbox(partials, autoescape=is_html)
    trees = reachable(whole_in, text, name)
    analysis = analyse(trees, names.constants, names.fields)
    traced_in = TracingSandbox(partials, analysis, holes, autoescape=is_html)
    return Prepared(
        trees=trees,
        analysis=analysis,
        traced_in=traced_in,
        traced=traced_in.load(text, name),
        whole_in=whole_in,
        whole=whole_in.load(text, name),
    )


def reachable(sandbox: Sandbox, source: str, name: str) -> dict[str, nodes.Template]:
    """The tree of a source and of everything it includes, by name.

    Raises SandboxError for what is not Jinja2, and for templates that include each other.
    """
    trees = {name: sandbox.tree(source, name)}
    path: list[str] = []
    done: set[str] = set()

    def visit(current: str) -> None:
        path.append(current)
        for other in included(trees[current]):
            if other in path:
                raise SandboxError(f"{other!r} includes itself", current, 1, other)
            if other not in trees and other in sandbox.sources:
                trees[other] = sandbox.tree(sandbox.sources[other], other)
            if other in trees and other not in done:
                visit(other)
        done.add(path.pop())

    visit(name)
    return trees
