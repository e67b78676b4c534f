"""Everything wrong with a step's content that can be found before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache

from ..errors import InputError, Problem
from ..expressions import ExpressionError, compile_expression
from ..model.contacts import Audience
from ..sandbox import Sandbox, SandboxError
from . import shelf
from .compiled import Compiled
from .names import Reader, Use
from .prepared import reachable
from .shapes import fill
from .sources import RESERVED, Part, Source, StepContent

_UNQUOTED = re.compile(r"<[a-zA-Z][^<>]*?\s([\w:-]+)=[^\s\"'<>{]*\{\{")

_MEMBERS = {"campaign": ("id", "name"), "sender": ("email", "name")}


def check_content(content: StepContent, fields: frozenset[str]) -> list[Problem]:
    """Every problem of a step's content for contacts that have ``fields``."""
    problems: list[Problem] = []
    uses: list[tuple[Source, Use]] = []
    for part in content.parts:
        found, used = _read(content, part)
        problems += found
        uses += used
    problems += _unknown(content, fields, uses)
    problems += _required(content, fields)
    problems += _unused(content, uses)
    if not any(problem.severity == "error" for problem in problems):
        problems += _rendered(content, fields)
    return problems


def check_empty(content: StepContent, audience: Audience) -> list[Problem]:
    """A warning for each field that is printed as it is though some contacts have none."""
    printed: dict[str, tuple[Source, Use]] = {}
    for part in content.parts:
        for source, use in _read(content, part)[1]:
            if use.printed and use.name in audience.fields and use.owner in {"", "contact"}:
                printed.setdefault(use.name, (source, use))
    problems = []
    for name, (source, use) in printed.items():
        empty = sum(1 for value in audience.fields[name] if not value)
        if empty:
            message = f"{name} is empty for {empty} of {len(audience)} contacts"
            hint = f"write {{{{ {name}|default('…', true) }}}}"
            problem = source.at(use.line, name, message, hint, code="empty-field")
            problems.append(replace(problem, severity="warning"))
    return problems


def names_used(content: StepContent) -> frozenset[str]:
    """Every bare name and contact field that any part of the content looks at."""
    uses = (use for part in content.parts for _, use in _read(content, part)[1])
    return frozenset(use.name for use in uses if use.owner in {"", "contact"})


def _read(content: StepContent, part: Part) -> tuple[list[Problem], list[tuple[Source, Use]]]:
    """The faults of a part and of what it includes, and the names they read."""
    found, uses = _read_once(part, content.parts[part], tuple(content.partials.items()))
    return [*found], [*uses]


@lru_cache(maxsize=512)
def _read_once(
    part: Part, source: Source, partials: tuple[tuple[str, Source], ...]
) -> tuple[tuple[Problem, ...], tuple[tuple[Source, Use], ...]]:
    main = f"<{part}>"
    sources = {main: source, **dict(partials)}
    sandbox = Sandbox({name: partial.text for name, partial in partials})
    try:
        trees = reachable(sandbox, source.text, main)
    except SandboxError as error:
        return (sources.get(error.name or main, source).problem(error),), ()
    problems = [
        sources[name].at(fault.line, fault.word, fault.message, fault.hint)
        for name, tree in trees.items()
        for fault in sandbox.faults(tree)
    ]
    if part == "html":
        problems += [p for name in trees for p in _unquoted(sources[name])]
    reader = Reader(trees, {"contact", "variables", *_MEMBERS})
    reader.read(main)
    return tuple(problems), tuple((sources[use.template], use) for use in reader.uses)


def _unquoted(source: Source) -> Iterator[Problem]:
    """Attributes whose value could end at a contact's space and begin another attribute."""
    for match in _UNQUOTED.finditer(source.text):
        line = source.text.count("\n", 0, match.start(1)) + 1
        name = match.group(1)
        hint = f'write {name}="{{{{ … }}}}"'
        yield source.at(line, name, f"the value of {name} needs quotes", hint, code="unquoted")


def _unknown(
    content: StepContent, fields: frozenset[str], uses: list[tuple[Source, Use]]
) -> Iterator[Problem]:
    known: Mapping[str, frozenset[str]] = {
        "": RESERVED | fields | content.variables.keys() | {"range"},
        "contact": fields,
        "variables": frozenset(content.variables),
        "import": frozenset({"range"}),
        **{name: frozenset(members) for name, members in _MEMBERS.items()},
    }
    for source, use in uses:
        names = known[use.owner]
        if use.optional or use.name in names:
            continue
        yield source.at(use.line, use.name, *_unknown_name(use, names), code="unknown-name")


def _unknown_name(use: Use, known: frozenset[str]) -> tuple[str, str]:
    if use.owner == "import":
        hint = "write {% import '…' as x with context %} or hand it over as an argument"
        return f"{use.name!r} is not known in an imported template", hint
    name = f"{use.owner}.{use.name}" if use.owner else use.name
    close = get_close_matches(use.name, sorted(known), 1)
    hint = f"did you mean {close[0]!r}?" if close else "neither the contact nor a variable has it"
    return f"{name!r} is not defined", hint


def _required(content: StepContent, fields: frozenset[str]) -> Iterator[Problem]:
    for name in content.requires:
        if name not in content.declared and name not in fields:
            message = f"the template {content.step.content.template!r} requires {name!r}"
            hint = f"add {name} to the campaign's variables or to the list"
            yield _at_step(content, message, hint, "requires")


def _unused(content: StepContent, uses: list[tuple[Source, Use]]) -> Iterator[Problem]:
    """Variables that nothing reads; a drip's own may be meant for its other steps."""
    if any(use.owner == "" and use.name == "variables" for _, use in uses):
        return
    used = {use.name for _, use in uses if use.owner in {"", "variables"}}
    used |= _in_conditions(content)
    declared = dict(content.step.variables)
    if len(content.campaign.steps) == 1:
        declared |= content.campaign.variables
    for name in sorted(declared.keys() - used - set(content.requires)):
        problem = _at_step(content, f"the variable {name!r} is not used", "", "unused-variable")
        yield replace(problem, severity="warning")


def _in_conditions(content: StepContent) -> frozenset[str]:
    used: frozenset[str] = frozenset()
    for source in (content.step.only_if, content.campaign.audience.where):
        try:
            expression = compile_expression(source, frozenset({"sent"})) if source else None
        except ExpressionError:
            continue  # reported where it is read
        used |= expression.variables if expression else frozenset()
    return used


def _rendered(content: StepContent, fields: frozenset[str]) -> Iterator[Problem]:
    """What shows only in a finished message: markup that is not valid, and what makes it slow.

    A made-up contact stands in; what fails on its values alone is no problem of the content.
    """
    try:
        compiled = shelf.compiled(content, fields)
    except InputError:
        return  # said where it was read
    problems, is_blank = _sampled(compiled)
    yield from problems
    if is_blank:
        yield _at_step(content, "the subject is empty", "", "header")
    slow = compiled.slow_at()
    if slow is not None:
        yield slow


@lru_cache(maxsize=64)
def _sampled(compiled: Compiled) -> tuple[tuple[Problem, ...], bool]:
    """What is wrong with the message of a made-up contact, and whether its subject is empty."""
    contact = {name: name for name in compiled.fields}
    try:
        form, values = compiled.traced(compiled.scope(contact, "0" * 16, "https://example.org/"))
    except InputError as error:
        return tuple(p for p in error.problems if p.code in {"markup", "header"}), False
    return (), not fill(form.subject, values).strip()


def _at_step(content: StepContent, message: str, hint: str, code: str) -> Problem:
    place = content.step.place if content.step.place.path else content.campaign.place
    return Problem(place.path, place.line, place.column, message, hint, code)
