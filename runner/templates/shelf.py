"""What was compiled already: the same content is compiled once in a process.

Campaigns often send the same template.  What is compiled depends on the sources, on those constants
that they read, and on the contacts' fields; campaigns that agree in these share it.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from typing import Final

from ..sandbox import Sandbox, SandboxError
from .analysis import names
from .compiled import Compiled
from .prepared import reachable
from .sources import Source, StepContent

MAX_COMPILED: Final = 64

Fields = frozenset[str]
_Key = tuple[object, ...]

_compiled: OrderedDict[_Key, dict[Fields, Compiled]] = OrderedDict()


def compiled(content: StepContent, fields: Fields | None = None) -> Compiled:
    """The content, compiled for contacts with these fields; None: with any.

    Raises InputError for what cannot be compiled.
    """
    key = _key(content)
    known = _compiled.get(key, {})
    if fields is None:
        fields = next(iter(known), frozenset({"email", "timezone"}))
    if fields not in known:
        made = Compiled(content, fields)
        _compiled.setdefault(key, {})[fields] = made
        while len(_compiled) > MAX_COMPILED:
            _compiled.popitem(last=False)
        return made
    _compiled.move_to_end(key)
    return known[fields]


def used_partials(content: StepContent) -> list[str]:
    """The names of the partials that a step's sources reach, sorted."""
    partials = tuple(content.partials.items())
    reached = {
        partial
        for part, source in content.parts.items()
        for partial in _reached(f"<{part}>", source, partials)[0]
    }
    return sorted(name for name, partial in partials if partial in reached)


def _key(content: StepContent) -> _Key:
    """All that compiling depends on, the fields apart."""
    partials = tuple(content.partials.items())
    used: set[str] = set()
    reached: set[Source] = set()
    for part, source in content.parts.items():
        found, read = _reached(f"<{part}>", source, partials)
        used |= read
        reached |= found
    constants = content.constants()
    values = repr([(name, constants[name]) for name in sorted(used & constants.keys())])
    parts = tuple(sorted(content.parts.items()))
    return (content.kind, parts, frozenset(reached), values)


@lru_cache(maxsize=256)
def _reached(
    name: str, source: Source, partials: tuple[tuple[str, Source], ...]
) -> tuple[frozenset[Source], frozenset[str]]:
    """The partials that a source reaches, and all names that are read on the way."""
    by_name = dict(partials)
    sandbox = Sandbox({name: partial.text for name, partial in by_name.items()})
    try:
        trees = reachable(sandbox, source.text, name)
    except SandboxError:
        return frozenset(by_name.values()), frozenset()  # compiling says what is wrong
    read = frozenset(word for tree in trees.values() for word in names(tree))
    return frozenset(by_name[tree] for tree in trees if tree in by_name), read
