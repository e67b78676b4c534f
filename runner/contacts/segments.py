"""The part of an audience for which a condition holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import compress

from ..errors import InputError, Problem
from ..expressions import Expression, ExpressionError, compile_expression
from ..model.contacts import Audience, ContactList
from .audience import Rows, mailed
from .findings import Findings
from .persons import IS_MAILED, verdict_of

_REMEMBERED = 1 << 16
_SEGMENT = verdict_of("segment")


def segment(
    contact_list: ContactList, rows: Rows, where: str, path_of: Callable[[str], str]
) -> Audience:
    """Who of the whole list's audience fulfils ``where``; the others are excluded as ``segment``.

    Raises InputError: at the list when the condition itself is wrong, at the contact's line when
    it cannot be decided for somebody; ``path_of`` gives the path of a list's contacts.
    """
    audience = mailed(rows)
    holds = _compiled(contact_list, audience, where)
    findings = Findings()
    verdicts = bytearray(rows.verdicts)
    still_in = compress(range(len(verdicts)), rows.verdicts.translate(IS_MAILED))
    for row, answer in zip(still_in, _answers(holds, audience), strict=True):
        if answer is True:
            continue
        verdicts[row] = _SEGMENT
        if isinstance(answer, str):
            message = f"`where` cannot be decided for this contact: {answer}"
            findings.add(Problem(path_of(rows.origin(row)), rows.lines[row], 1, message))
    findings.raise_if_any()
    return mailed(replace(rows, verdicts=bytes(verdicts)))


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


def _answers(holds: Expression, audience: Audience) -> Iterator[bool | str]:
    """For each contact whether it is meant, or why that cannot be said.

    The condition sees the fields that it names and nothing else, so equal values give equal
    answers: a million contacts of fifty regions are fifty evaluations.
    """
    names = sorted(holds.fields)
    rows: Iterator[tuple[str, ...]] = zip(*(audience.fields[name] for name in names), strict=True)
    known: dict[tuple[str, ...], bool | str] = {}
    for values in rows if names else iter([()] * len(audience)):
        answer = known.get(values)
        if answer is None:
            answer = _decide(holds, dict(zip(names, values, strict=True)))
            if len(known) < _REMEMBERED:
                known[values] = answer
        yield answer


def _decide(holds: Expression, contact: Mapping[str, str]) -> bool | str:
    try:
        return holds({"contact": contact, "variables": {}})
    except ExpressionError as error:
        return error.message
