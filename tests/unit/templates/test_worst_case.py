"""Previews show the contacts that are most likely to look wrong."""

from __future__ import annotations

from runner.templates.worst_case import choose

from .workshop import audience

PEOPLE = [
    {"firstName": "O'Neil", "city": "Cork"},
    {"firstName": "Ann", "city": "Rome"},
    {"firstName": "שלום", "city": "Haifa"},
    {"firstName": "Zoë 🎉", "city": "Köln"},
    {"firstName": "Иван", "city": "Omsk"},
    {"firstName": "", "city": ""},
    {"firstName": "Bo", "city": "Llanfairpwllgwyngyll"},
]


def test_each_difficulty_is_shown_once() -> None:
    chosen = choose(audience(PEOPLE), {"firstName", "city", "unknown"})
    assert {label: PEOPLE[index]["firstName"] for label, index in chosen} == {
        "plain": "Ann",
        "without city, firstName": "",
        "longest city": "Bo",
        "longest firstName": "O'Neil",
        "right-to-left": "שלום",
        "emoji": "Zoë 🎉",
        "not Latin": "Иван",
    }


def test_fields_that_are_not_used_do_not_matter() -> None:
    assert choose(audience(PEOPLE), ()) == [("plain", 0)]


def test_nobody_gives_nothing() -> None:
    assert choose(audience([]), {"firstName"}) == []
