"""The data of caniemail.com, and what of it is worth a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.lint import clients

DATA = json.loads(Path(clients.__file__).with_name("clients.json").read_text("utf-8"))


def sheet(text: str) -> list[str]:
    return list(clients.features_of_sheet(text))


def test_the_data_says_where_it_is_from() -> None:
    assert "caniemail" in DATA["source"]
    assert DATA["licence"].startswith("MIT")
    assert "HTeuMeuLeu" in Path(clients.__file__).with_name("clients.LICENSE").read_text("utf-8")
    assert DATA["updated"] >= "2026-01-01"


def test_the_data_knows_the_four_families() -> None:
    named = {name for kind in ("css", "html", "image") for d in DATA[kind].values() for name in d}
    assert named == {"Gmail", "Outlook for Windows", "Apple Mail", "Yahoo"}


@pytest.mark.parametrize(
    ("kind", "feature"),
    [
        ("css", "position"),
        ("css", "display:flex"),
        ("css", "gap"),
        ("css", "clamp()"),
        ("css", "@import"),
        ("html", "video"),
        ("html", "svg"),
        ("html", "[hidden]"),
        ("image", "webp"),
    ],
)
def test_what_is_told(kind: str, feature: str) -> None:
    assert clients.known(kind)[feature]


@pytest.mark.parametrize("feature", ["border-radius", "@media", "max-width", "color", "padding"])
def test_what_is_not(feature: str) -> None:
    assert feature not in clients.known("css")


def test_every_harmless_feature_is_in_the_data() -> None:
    """One that is not would be a slip of the pen."""
    every = {name for kind in ("css", "html") for name in DATA[kind]}
    assert every >= clients._HARMLESS | clients._BREAKS


@pytest.mark.parametrize(
    ("style", "found"),
    [
        ("display:flex", ["display:flex"]),
        ("DISPLAY : Flex !important", ["display:flex"]),
        ("display:block;flex-direction:row", []),
        ("width:clamp(1px, 2px, 3px)", ["clamp()"]),
        ("width:2rem", ["rem"]),
        ("color:#2rem", []),
        ("/* position:absolute */ color:red", []),
        ("x-position:absolute", []),
    ],
)
def test_declarations(style: str, found: list[str]) -> None:
    assert list(clients.features_of_style(style)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (".a{position:absolute}", ["position"]),
        ("@media screen{.a{position:absolute}} .b{color:red}", []),
        ("@media screen{.a{color:red}} .b{position:absolute}", ["position"]),
        ("@import url(x.css); .b{color:red}", ["@import"]),
        ("@import url(x.css); .b{position:absolute}", ["@import", "position"]),
        ("position:absolute", []),
        (".a{color:red}}}.b{position:absolute}", ["position"]),
    ],
)
def test_sheets(text: str, found: list[str]) -> None:
    assert sheet(text) == found
