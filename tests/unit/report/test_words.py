from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model.contacts import Reason
from runner.model.plan import JobStatus, Spot
from runner.model.settings import Pacing
from runner.report import words


def test_every_reason_has_words() -> None:
    exclusions = [spot.reason for spot in Spot if spot.excluded]
    assert set(words.REASONS) == {*get_args(Reason), *exclusions}


def test_every_spot_and_status_has_words() -> None:
    assert set(words.SPOTS) == {spot.reason for spot in Spot}
    statuses = set(get_args(JobStatus))
    assert statuses == set(words.STATUSES)
    assert statuses <= set(words.SIGNS)
    assert set(words.SIGNS) == set(words.STYLES)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.5, "0.5 s"),
        (1, "1 s"),
        (60, "1 min"),
        (178, "2 min 58 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (5400, "1 h 30 min"),
        (86400, "1 day"),
        (86405, "1 day"),
        (3 * 86400, "3 days"),
        (90061, "1 day 1 h"),
        (timedelta(days=1000), "1,000 days"),
    ],
)
def test_durations(seconds: float | timedelta, shown: str) -> None:
    assert words.duration(seconds) == shown


def test_excluded_reasons_are_sorted_by_size_and_agree_in_number() -> None:
    counts = {"duplicate": 1, "opted_out": 1200, "suppressed": 2, "segment": 0}
    assert words.excluded_reasons(counts) == (
        "1,200 opted out",
        "2 are on a suppression list",
        "1 is a duplicate of another row",
    )


def test_a_reason_without_words_is_read_as_it_is() -> None:
    assert words.excluded("on_holiday", 3) == "3 on holiday"
    assert words.spot("on_holiday") == "not sent: on holiday"


@pytest.mark.parametrize(
    ("word", "shown"),
    [("sent", "sent"), ("opted_out", "not sent: opted out"), ("later", "to be sent later")],
)
def test_spot_takes_spots_and_reasons(word: str, shown: str) -> None:
    assert words.spot(word) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("jonathan@example.com", "j•••@e•••.com"),
        ("ann@example.com", "•••@e•••.com"),
        ("j@f3.example", "•••@•••.example"),
        ("jonathan@mail.example.co.uk", "j•••@m•••.uk"),
        ("jonathan@localhost", "j•••@•••"),
        ('"a@b"@example.com', "•••@e•••.com"),
        ("no address at all", "•••"),
        ("@example.com", "•••"),
        ("", "•••"),
    ],
)
def test_mask(address: str, shown: str) -> None:
    assert words.mask(address) == shown


@given(st.from_regex(r"[a-z]{1,12}", fullmatch=True), st.from_regex(r"[a-z]{1,12}", fullmatch=True))
def test_a_mask_gives_at_most_the_first_letters_away(local: str, host: str) -> None:
    masked = words.mask(f"{local}@{host}.example")
    assert len(masked) <= len("j•••@e•••.example")
    shown = masked.removesuffix(".example").replace("•", "").split("@")
    for part, name in zip(shown, (local, host), strict=True):
        assert part == (name[0] if len(name) >= words.SHOW_FROM else "")


@pytest.mark.parametrize(
    ("pacing", "shown"),
    [
        (Pacing(), ()),
        (Pacing(delay_seconds=0.5), ("one every 0.5 s",)),
        (Pacing(2, 100, 1000), ("one every 2 s", "at most 1,000 an hour")),
    ],
)
def test_pace(pacing: Pacing, shown: tuple[str, ...]) -> None:
    assert words.pace(pacing) == shown


def test_percent_is_only_full_when_all_is_done() -> None:
    assert [words.percent(part, 1000) for part in (0, 999, 1000)] == ["0 %", "99 %", "100 %"]
    assert words.percent(0, 0) == "0 %"


def test_named_leaves_out_what_there_is_none_of() -> None:
    assert words.named({"campaign": 3, "list": 1, "template": 0}) == "3 campaigns, 1 list"
    assert words.plural(2, "entry", "entries") == "2 entries"
