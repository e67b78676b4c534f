"""``validate`` again: what nothing changed is not checked anew, and the answer is the very same."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.bootstrap import STATE_KEY
from runner.model.settings import StateSettings
from tests.acceptance.bench import Bench
from tests.examples.workspaces import VALID, build, case_names

FORMATS = ("text", "json", "github", "sarif")
PICTURE = (VALID / "every-key/campaigns/files/logo.png").read_bytes()
CAMPAIGN = """\
version: 1
name: News
list: members
content:
  subject: Hello {{ firstName }}
  html: >-
    <html lang="en"><head><title>News</title></head><body>{% include "foot.html" %}
    <p>Hello {{ contact.firstName }} <a href="{{ unsubscribe_url }}">leave</a> {{ postal_address }}
    </p></body></html>
attachments: [{path: files/a.txt}]
schedule: {send: immediate}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A workspace that uses each kind of file there is."""
    bench = Bench(tmp_path / "work", {"SENDOFF_CACHE": str(tmp_path / "cache")})
    bench.workspace().campaign()
    bench.write("campaigns/news.yaml", CAMPAIGN)
    bench.write("campaigns/files/a.txt", "read me")
    bench.write("campaigns/templates/foot.html", "<p>The foot</p>")
    bench.write("campaigns/suppressions/left.txt", "p1@example.com\n")
    bench.write(
        "campaigns/lists/members.yaml",
        "source: {type: csv, path: ../../data/m.csv}\ncolumns: {email: email, firstName: First}\n",
    )
    bench.write("data/m.csv", "email,First\na@example.com,Ann\nb@example.com,Bob\n")
    assert bench.sendoff("validate", SENDOFF_CACHE="").code == 0
    return bench


def said(bench: Bench, *args: str, **environ: str) -> list[tuple[int, str]]:
    found = [bench.sendoff("validate", "--format", name, *args, **environ) for name in FORMATS]
    assert not any(one.err for one in found)
    return [(one.code, one.out) for one in found]


def fresh(bench: Bench, *args: str) -> list[tuple[int, str]]:
    return said(bench, *args, SENDOFF_CACHE="")


def entry(bench: Bench) -> Path:
    (found,) = Path(bench.environ["SENDOFF_CACHE"]).glob("checked-*.json")
    return found


def test_the_second_answer_is_the_first_one(bench: Bench) -> None:
    """In every format, warnings included, and for a part of the files as for all."""
    bench.write("campaigns/wrong.yaml", "version: 1\nlist: nobody\n")
    first = said(bench)
    before = entry(bench).read_bytes()
    assert said(bench) == first == fresh(bench)
    assert entry(bench).read_bytes() == before
    assert "nobody" in first[0][1]
    for path in ("campaigns/wrong.yaml", "campaigns/lists", "campaigns/news.yaml"):
        assert said(bench, path) == fresh(bench, path)


@pytest.mark.parametrize("name", case_names())
def test_a_fault_is_told_again_as_it_was_told(name: str, tmp_path: Path) -> None:
    """Every fault that there is an example of: code and text are those of a check without cache."""
    bench = Bench(tmp_path / "work", {"SENDOFF_CACHE": str(tmp_path / "cache")})
    build(name, bench.root)
    answers = [bench.sendoff("validate", "--format", "json") for _ in range(2)]
    plain = bench.sendoff("validate", "--format", "json", SENDOFF_CACHE="")
    assert answers == [plain, plain]


def write(path: str, text: str) -> Callable[[Bench], object]:
    return lambda bench: bench.write(path, text)


def replace(path: str, old: str, new: str) -> Callable[[Bench], object]:
    def change(bench: Bench) -> None:
        text = (bench.root / path).read_text()
        assert old in text
        bench.write(path, text.replace(old, new))

    return change


CHANGES: dict[str, Callable[[Bench], object]] = {
    "settings": replace("sendoff.yaml", "postal_address:", "# postal_address:"),
    "settings broken": replace("sendoff.yaml", "version: 1", "version: x"),
    "a campaign": replace("campaigns/hello.yaml", "list: people", "list: peopel"),
    "a new campaign": write("campaigns/second.yaml", "version: 1\nnope: 1\n"),
    "a template": replace("campaigns/templates/hello.html", "the inn", "{{ nosuch }}"),
    "an include": replace("campaigns/templates/foot.html", "The foot", "{{ nosuch }}"),
    "an include gone": lambda bench: (bench.root / "campaigns/templates/foot.html").unlink(),
    "a list's file": replace("campaigns/lists/members.yaml", "firstName: First", "firstName: Fist"),
    "a list's header": replace("data/m.csv", "email,First", "email,Fist"),
    "a list's row": replace("data/m.csv", "b@example.com,Bob", "b@example.com,Bob,too,many"),
    "a list's data gone": lambda bench: (bench.root / "data/m.csv").unlink(),
    "an attachment gone": lambda bench: (bench.root / "campaigns/files/a.txt").unlink(),
    "suppressions": write("campaigns/suppressions/left.txt", "not an address\n"),
    "a new suppression file": write("campaigns/suppressions/more.csv", "x\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_checked_anew(bench: Bench, change: str) -> None:
    """After a change of any input the answer is that of a check without cache, and another one
    than before; and so it is when the change is taken back."""
    before = bench.root.parent / "before"
    shutil.copytree(bench.root, before)
    first = said(bench)
    CHANGES[change](bench)
    if "broken" in change:
        assert bench.sendoff("validate") == bench.sendoff("validate", SENDOFF_CACHE="")
    else:
        assert said(bench) == fresh(bench) != first
    shutil.rmtree(bench.root)
    shutil.copytree(before, bench.root)
    assert said(bench) == first


def test_a_file_with_its_old_size_and_times_is_looked_into(bench: Bench) -> None:
    """Nobody can hide a change behind the times of a file."""
    path = bench.root / "data/m.csv"
    first, status = said(bench), path.stat()
    path.write_text(path.read_text().replace("First", "Fjrst"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert said(bench) == fresh(bench) != first


def test_a_packed_list_is_an_input_like_others(bench: Bench) -> None:
    """The bytes on the disk count, whatever is packed in them."""
    path = bench.root / "campaigns/lists/members.yaml"
    path.write_text(path.read_text().replace("m.csv", "m.csv.gz"))
    place = bench.root / "data/m.csv.gz"
    place.write_bytes(gzip.compress(b"email,First\na@example.com,Ann\n"))
    first = said(bench)
    place.write_bytes(gzip.compress(b"email,Fist\na@example.com,Ann\n"))
    assert said(bench) == fresh(bench) != first


def test_lists_that_lie_elsewhere_are_looked_at_each_time(bench: Bench) -> None:
    """What a copy holds, and how old it is, is no matter of the workspace's files."""
    source = 'source: {type: http, url: "https://f3.example/list.csv"}\n'
    bench.write("campaigns/lists/members.yaml", source)
    assert said(bench) == fresh(bench)
    assert not list(Path(bench.environ["SENDOFF_CACHE"]).glob("checked-*"))


def test_a_forged_answer_is_not_believed(bench: Bench) -> None:
    """An entry that was edited is as if it were not there."""
    bench.write("campaigns/wrong.yaml", "version: 1\nlist: nobody\n")
    first = said(bench)
    body = entry(bench).read_bytes()
    entry(bench).write_bytes(body.replace(b"nobody", b"members"))
    assert said(bench) == first


def test_the_key_of_the_cache_is_where_the_state_key_is() -> None:
    """The cache looks for the key where the settings have it when they say nothing."""
    assert StateSettings().key.env == STATE_KEY
