"""The part of an audience for which a condition holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from ..errors import InputError, Problem
from ..expressions import Expression, ExpressionError, compile_expression
from ..model.contacts import Audience, ContactList, Reason
from .audience import without
from .columns import OutColumns
from .findings import Findings

_REMEMBERED = 1 << 16


def segment(contact_list: ContactList, audience: Audience, where: str, path: str) -> Audience:
    """Who of ``audience`` fulfils ``where``; the others are excluded as ``segment``.

    Raises InputError: at the list when the condition itself is wrong, at the contact's line in
    ``path`` when it cannot be decided for somebody.
    """
    holds = _compiled(contact_list, audience, where)
    findings = Findings()
    reasons: list[Reason | None] = []
    lines = iter(audience.lines)
    for verdict in _verdicts(holds, audience):
        line = next(lines)
        if isinstance(verdict, str):
            message = f"`where` cannot be decided for this contact: {verdict}"
            findings.add(Problem(path, line, 1, message))
        reasons.append(None if verdict is True else "segment")
    findings.raise_if_any()
    return without(audience, reasons, OutColumns(audience.excluded))


def _compiled(contact_list: ContactList, audience: Audience, where: str) -> Expression:
    place = contact_list.place

    def refusal(message: str, hint: str = "") -> Problem:
        text = f"`where` on the list {contact_list.name}: {message}"
        return Problem(place.path, place.line, place.column, text, hint)

    try:
        holds = compile_expression(where)
    except ExpressionError as error:
        raise InputError([refusal(str(error))]) from None
    problems = [
        refusal(f"contacts have no field {name!r}", _near(name, audience.fields))
        for name in sorted(holds.fields - audience.fields.keys())
    ]
    if holds.variables:
        problems.append(refusal("variables are not available here", "write the value itself"))
    if problems:
        raise InputError(problems)
    return holds


def _near(name: str, fields: Mapping[str, Sequence[str]]) -> str:
    close = get_close_matches(name, fields, 1)
    return f"did you mean {close[0]!r}?" if close else "they have: " + ", ".join(sorted(fields))


def _verdicts(holds: Expression, audience: Audience) -> Iterator[bool | str]:
    """For each contact whether it is meant, or why that cannot be said.

    The condition sees the fields that it names and nothing else, so equal values give equal
    verdicts: a million contacts of fifty regions are fifty evaluations.
    """
    names = sorted(holds.fields)
    rows: Iterator[tuple[str, ...]] = zip(*(audience.fields[name] for name in names), strict=True)
    known: dict[tuple[str, ...], bool | str] = {}
    for values in rows if names else iter([()] * len(audience)):
        verdict = known.get(values)
        if verdict is None:
            verdict = _decide(holds, dict(zip(names, values, strict=True)))
            if len(known) < _REMEMBERED:
                known[values] = verdict
        yield verdict


def _decide(holds: Expression, contact: Mapping[str, str]) -> bool | str:
    try:
        return holds({"contact": contact, "variables": {}})
    except ExpressionError as error:
        return error.message
