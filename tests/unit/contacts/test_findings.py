"""All problems at once, but never a million of them."""

from __future__ import annotations

import pytest

from runner.contacts.findings import SHOWN, Findings
from runner.errors import InputError, Problem


def filled(count: int) -> Findings:
    findings = Findings()
    findings.extend(Problem("a.csv", line, 1, f"wrong {line}") for line in range(1, count + 1))
    return findings


def test_nothing_found_is_no_error() -> None:
    findings = Findings()
    findings.raise_if_any()
    assert not findings
    assert findings.problems() == ()


@pytest.mark.parametrize("count", [1, SHOWN])
def test_few_problems_are_all_shown(count: int) -> None:
    assert [p.line for p in filled(count).problems()] == list(range(1, count + 1))
    assert filled(count).full is (count == SHOWN)


def test_many_problems_end_with_how_many_more() -> None:
    """Also once InputError has sorted them."""
    with pytest.raises(InputError) as caught:
        filled(SHOWN + 980).raise_if_any()
    problems = caught.value.problems
    assert len(problems) == SHOWN + 1
    assert problems[-1].message == "… and 980 more"
    assert (problems[-1].line, problems[-1].code) == (SHOWN, "more")
