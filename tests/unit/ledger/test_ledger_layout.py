"""Paths that name exactly one campaign, and files whose loss is noticed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import StateCorrupt
from runner.ledger.layout import (
    LedgerFile,
    by_month,
    document_files,
    escape,
    in_order,
    ledger_file,
    next_seq,
)
from runner.model.ledger import Closed, Document, Planned

SEGMENT = st.from_regex(re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", re.ASCII), fullmatch=True)
CAMPAIGN = st.lists(SEGMENT, min_size=1, max_size=3).map("/".join)
MONTH = st.dates().map(lambda day: day.isoformat()[:7])


@given(CAMPAIGN, MONTH, SEGMENT, st.integers(1, 20_000))
def test_a_path_leads_back_to_its_file(campaign: str, month: str, run: str, seq: int) -> None:
    file = LedgerFile(campaign, month, run, seq)
    assert ledger_file(file.path, "", 0) == file


@given(st.lists(CAMPAIGN, min_size=2, max_size=2, unique=True))
def test_no_campaign_lies_in_another(campaigns: list[str]) -> None:
    one, other = (f"ledger/{escape(campaign)}/" for campaign in campaigns)
    assert not one.startswith(other)


def test_a_campaign_named_like_a_month_is_told_apart() -> None:
    assert LedgerFile("a", "2025-10", "r", 1).path == "ledger/a/2025-10/r-0001.jsonl"
    assert LedgerFile("a/2025-10", "2025-11", "r", 1).path == (
        "ledger/a%2F2025-10/2025-11/r-0001.jsonl"
    )


@pytest.mark.parametrize(
    "path",
    [
        "ledger/a/2025-10/r-0001.jsonl.bak",
        "ledger/a/2025-10/r-0001.json",
        "ledger/a/2025-10/r-1.jsonl",
        "ledger/a/2025-10/r-00001.jsonl",
        "ledger/a/2025-10/r.jsonl",
        "ledger/a/2025-10/r-0001 (1).jsonl",
        "ledger/a/2025-13/r-0001.jsonl",
        "ledger/a/r-0001.jsonl",
        "ledger/r-0001.jsonl",
        "ledger/a/b/2025-10/r-0001.jsonl",
        "ledger/a%2fb/2025-10/r-0001.jsonl",
        "ledger/a b/2025-10/r-0001.jsonl",
        "ledger/%2Ea/2025-10/r-0001.jsonl",
        "ledger/a/2025-10/%2Er-0001.jsonl",
        "ledger/a/2025-10/r-٠٠٠١.jsonl",
        "ledger//2025-10/r-0001.jsonl",
        "ledger/\udcff/2025-10/r-0001.jsonl",
    ],
)
def test_a_file_under_another_name_is_not_overlooked(path: str) -> None:
    with pytest.raises(StateCorrupt, match="renamed"):
        ledger_file(path, "", 0)


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden"])
def test_ids_that_would_be_hidden_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="empty or begins with a dot"):
        escape(name)


def test_files_are_ordered_by_month_run_and_number_not_by_text() -> None:
    many = [LedgerFile("a", "2025-10", "r1", seq) for seq in range(1, 10_002)]
    later = LedgerFile("a", "2025-11", "r0", 1)
    other = LedgerFile("a", "2025-10", "r2", 1)
    assert in_order([later, other, *reversed(many)])["a"] == (*many, other, later)


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_missing_file_is_named(lost: int) -> None:
    files = [LedgerFile("a", "2025-10", "r", seq) for seq in range(1, 5) if seq != lost]
    with pytest.raises(StateCorrupt, match=rf"r-000{lost}\.jsonl is missing"):
        in_order(files)


def test_numbers_count_for_each_run_alone() -> None:
    names = ["r-0001.jsonl", "r-0009.jsonl", "r-0002.jsonl", "r-2-0011.jsonl", ".r-0012.jsonl.tmp"]
    assert next_seq(names, "r") == 10
    assert next_seq(names, "r-2") == 12
    assert next_seq(names, "other") == 1


def test_an_append_is_one_file_for_each_campaign() -> None:
    at = datetime(2025, 10, 31, 23, 59, tzinfo=UTC)
    records = [
        Planned("a", "r", at, at, 1),
        Planned("b", "r", at.replace(month=11, day=1), at, 2),
        Closed("a", "main", "", "r", at.replace(month=11, day=1)),
    ]
    files = by_month(records)
    assert list(files) == [("a", "2025-10"), ("b", "2025-11")]
    assert files["a", "2025-10"].count(b"\n") == 2


def test_documents_are_readable_json() -> None:
    files = document_files([Document("a/ü", [{"job_id": "a/ü/main", "sent_count": 3}])])
    content = files["jobs/a%2F%C3%BC.json"]
    assert json.loads(content) == {
        "campaign": "a/ü",
        "jobs": [{"job_id": "a/ü/main", "sent_count": 3}],
    }
    assert content.decode().splitlines()[1] == '  "campaign": "a/ü",'
