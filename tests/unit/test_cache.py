"""What is kept on this machine: believed only when it is what was put there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.cache import Cache, cache_home, local_key

KEY = b"a key that nobody else knows"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def entry(home: Path) -> Path:
    (found,) = home.glob("*.json")
    return found


def test_what_was_put_into_a_slot_is_there_for_its_token(home: Path) -> None:
    """Any JSON value comes back as it was, lone surrogates included."""
    value = {"a": [1, 2.5, None, True, "é\udc80"]}
    Cache(home, KEY).put("kind:slot", "token", value)
    assert Cache(home, KEY).get("kind:slot", "token") == value


def test_another_token_slot_or_key_finds_nothing(home: Path) -> None:
    """An entry is good for one key, one slot and one token."""
    Cache(home, KEY).put("kind:slot", "token", 1)
    assert Cache(home, KEY).get("kind:slot", "another") is None
    assert Cache(home, b"another").get("kind:slot", "token") is None
    entry(home).rename(Cache(home, KEY)._place("kind:other") or home)
    assert Cache(home, KEY).get("kind:other", "token") is None


@pytest.mark.parametrize("change", ["edit", "cut", "empty", "noise", "directory", "link"])
def test_an_entry_that_somebody_touched_is_as_if_it_were_not_there(
    home: Path, tmp_path: Path, change: str
) -> None:
    """An entry that was edited, cut off or replaced is never believed."""
    Cache(home, KEY).put("kind:slot", "token", [1, 2, 3])
    place = entry(home)
    content = place.read_bytes()
    place.unlink()
    if change == "directory":
        place.mkdir()
    elif change == "link":
        (tmp_path / "elsewhere").write_bytes(content)
        place.symlink_to(tmp_path / "elsewhere")
    else:
        edited = content.replace(b"2", b"4")
        edits = {"edit": edited, "cut": content[:-2], "empty": b"", "noise": b"\xff\n[1"}
        place.write_bytes(edits[change])
    assert Cache(home, KEY).get("kind:slot", "token") is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Where a file stands in the way of the directory nothing is kept, and nothing fails."""
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file/cache", KEY)
    cache.put("kind:slot", "token", 1)
    assert cache.get("kind:slot", "token") is None
    assert local_key(tmp_path / "file/cache")


def test_what_nobody_wrote_for_a_month_goes(home: Path) -> None:
    """The cache does not grow for ever; what is not its own is left alone."""
    cache = Cache(home, KEY)
    cache.put("old:slot", "token", 1)
    (home / "notes.json").write_text("mine")
    for path in home.iterdir():
        os.utime(path, (0, 0))
    cache.put("kind:slot", "token", 2)
    assert cache.get("old:slot", "token") is None
    assert cache.get("kind:slot", "token") == 2
    assert (home / "notes.json").exists()


def test_no_home_keeps_nothing() -> None:
    """Whoever wants no cache gets none."""
    cache = Cache(None, KEY)
    cache.put("kind:slot", "token", 1)
    assert cache.get("kind:slot", "token") is None


def test_nobody_else_can_read_it(home: Path) -> None:
    """The directory and what is in it are the owner's alone."""
    Cache(home, local_key(home)).put("kind:slot", "token", 1)
    assert home.stat().st_mode & 0o077 == 0
    assert [path.stat().st_mode & 0o077 for path in home.iterdir()] == [0, 0]
    assert local_key(home) == local_key(home)


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"SENDOFF_CACHE": "/x", "XDG_CACHE_HOME": "/y", "HOME": "/z"}, "/x"),
        ({"XDG_CACHE_HOME": "/y", "HOME": "/z"}, "/y/sendoff"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/z"}, "/z/.cache/sendoff"),
        ({"HOME": "/z"}, "/z/.cache/sendoff"),
        ({"SENDOFF_CACHE": "", "HOME": "/z"}, None),
        ({}, None),
    ],
)
def test_where_the_cache_is(environ: dict[str, str], wanted: str | None) -> None:
    """As the XDG base directories say, unless SENDOFF_CACHE says otherwise."""
    assert cache_home(environ) == (Path(wanted) if wanted else None)
