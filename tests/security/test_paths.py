"""File names, paths and links: nothing outside of the workspace is read or written."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from runner.timetable import zones
from runner.workspace.paths import within
from tests.acceptance.bench import Bench

from .attack import CONTENT, apart

OUTSIDE = [
    "/etc/passwd",
    "../../../etc/passwd",
    "../../../../../../../../etc/passwd",
    "people.csv/../../../../etc/passwd",
    "..\\..\\..\\etc\\passwd",
    "C:/Windows/win.ini",
    "C:people.csv",
    "//host/share/people.csv",
    "../../.git/config",
    "../../.GIT/config",
    "../../.git./config",
    "../../.git /config",
    "people.csv\0.txt",
    "people.csv:stream",
    "file:///etc/passwd",
    ".",
    "",
]
ALSO_NOT_THERE = [
    "~/people.csv",
    "$HOME/people.csv",
    "a" * 5_000,
    "a/" * 3_000 + "a",
    "Pe\u006fple\u0301.csv",
]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/people.csv").write_text("email\noutside@example.com\n")
    (tmp_path / "outside/page.html").write_text("---\nsubject: x\n---\n<p>outside</p>")
    bench = Bench(tmp_path / "work").workspace()
    bench.campaign()
    return bench


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_leaves_the_workspace_is_none(path: str) -> None:
    with pytest.raises(ValueError, match=r"path|name|file|bounds"):
        within("campaigns/lists" if path not in (".", "") else "", path)


def quoted(path: str) -> str:
    return '"' + path.encode("unicode_escape").decode().replace('"', '\\"') + '"'


@pytest.mark.parametrize("path", [*OUTSIDE, *ALSO_NOT_THERE])
@pytest.mark.parametrize("key", ["list", "attachment", "image"])
def test_no_file_outside_is_read(bench: Bench, path: str, key: str) -> None:
    if key == "list":
        bench.write("campaigns/lists/people.yaml", f"source: {{type: csv, path: {quoted(path)}}}\n")
    else:
        files = f"attachments: [{{path: {quoted(path)}}}]"
        images = f"images: {{logo: {quoted(path)}}}"
        more = files if key == "attachment" else images
        bench.write("campaigns/hello.yaml", f"{CONTENT}template: hello\n{more}\n")
    checked = bench.sendoff("validate")
    assert checked.code == 1
    assert "root:" not in checked.out + checked.err
    assert "this is a bug" not in checked.err
    assert bench.sendoff("run").code != 0
    assert bench.outbox() == []


LINKS = {
    "list data": "campaigns/lists/people.csv",
    "list": "campaigns/lists/people.yaml",
    "template": "campaigns/templates/hello.html",
    "text part": "campaigns/templates/hello.txt",
    "campaign": "campaigns/hello.yaml",
    "settings": "sendoff.yaml",
    "suppressions": "campaigns/suppressions/all.txt",
    "folder of lists": "campaigns/lists",
    "folder of templates": "campaigns/templates",
    "folder of campaigns": "campaigns",
}


@pytest.mark.parametrize("what", LINKS)
def test_a_link_that_leads_out_is_refused(bench: Bench, what: str) -> None:
    place = bench.root / LINKS[what]
    place.parent.mkdir(parents=True, exist_ok=True)
    target = bench.root.parent / "outside" / "moved"
    if place.exists():
        place.rename(target)
    else:
        target.write_text("canary@example.com\n")
    place.symlink_to(target)
    checked = bench.sendoff("validate")
    assert checked.code == 1, checked.out
    assert "this is a bug" not in checked.err
    assert "canary@" not in checked.out + checked.err
    ran = bench.sendoff("run")
    assert ran.code != 0
    assert bench.outbox() == []


@pytest.mark.parametrize("kind", ["fifo", "device", "loop", "directory", "socket"])
@pytest.mark.parametrize(
    "place", ["campaigns/lists/people.csv", "campaigns/hello.yaml", "sendoff.yaml"]
)
def test_what_is_no_file_is_not_waited_for(bench: Bench, kind: str, place: str) -> None:
    path = bench.root / place
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "directory":
        path.mkdir()
    else:
        os.chdir(path.parent)  # the name of a socket may not be long
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    said = apart(bench, "validate", seconds=40)
    # a directory called hello.yaml is a folder of campaigns like any other
    folder = kind == "directory" and place.startswith("campaigns/hello")
    assert said.code == (0 if folder else 1), said
    assert "this is a bug" not in said.err


@pytest.fixture(autouse=True)
def _same_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path.cwd())


@pytest.mark.parametrize("path", ["state", "state/ledger", "state/jobs", "outbox"])
def test_nothing_is_written_through_a_link(bench: Bench, path: str) -> None:
    assert bench.sendoff("init").code == 0
    outside = bench.root.parent / "outside/elsewhere"
    place = bench.root / path
    if place.exists():
        place.rename(outside)
    else:
        outside.mkdir()
    place.symlink_to(outside)
    before = sorted(outside.rglob("*"))
    assert bench.sendoff("run").code in (4, 5)
    assert sorted(outside.rglob("*")) == before


def test_no_record_is_read_through_a_link(bench: Bench) -> None:
    assert bench.sendoff("init").code == 0
    assert bench.sendoff("run").code == 0
    (record,) = (bench.root / "state/ledger").rglob("*0001.jsonl")
    outside = bench.root.parent / "outside/record"
    record.rename(outside)
    record.symlink_to(outside)
    assert bench.sendoff("run").code == 5


@pytest.mark.parametrize("path", ["../outbox", "/tmp/outbox", ".", "", "outbox/../../outside"])
@pytest.mark.parametrize("key", ["outbox", "state"])
def test_neither_outbox_nor_state_can_be_elsewhere(bench: Bench, key: str, path: str) -> None:
    settings = (bench.root / "sendoff.yaml").read_text()
    if key == "outbox":
        settings += f'providers: {{outbox: {{path: "{path}"}}}}\n'
    else:
        settings = settings.replace("{backend: files}", f'{{backend: files, path: "{path}"}}')
    bench.write("sendoff.yaml", settings)
    before = sorted(bench.root.parent.rglob("*"))
    assert bench.sendoff("init").code != 0 or bench.sendoff("run").code != 0
    left = {one for one in bench.root.parent.rglob("*") if one not in before}
    assert all(one.is_relative_to(bench.root / "state") for one in left), left


def test_cancelling_writes_through_no_link(bench: Bench) -> None:
    """A checkout may hold any link beside a campaign, under any name that could be guessed."""
    victim = bench.root.parent / "outside/victim"
    victim.write_text("precious")
    for name in (".hello.yaml.sendoff", ".hello.yaml.tmp", "hello.yaml.tmp", "hello.yaml~"):
        (bench.root / "campaigns" / name).symlink_to(victim)
    bench.sendoff("cancel", "hello")
    assert victim.read_text() == "precious"


def test_a_preview_is_written_through_no_link(bench: Bench) -> None:
    victim = bench.root.parent / "outside/victim"
    victim.write_text("precious")
    pages = bench.root / "previews/hello"
    pages.mkdir(parents=True)
    (pages / "index.html").symlink_to(victim)
    bench.sendoff("preview", "hello")
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("link", ["previews", "previews/hello"])
def test_nor_into_a_folder_that_is_a_link(bench: Bench, link: str) -> None:
    outside = bench.root.parent / "outside/pages"
    outside.mkdir()
    (bench.root / link).parent.mkdir(exist_ok=True)
    (bench.root / link).symlink_to(outside)
    bench.sendoff("preview", "hello")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../x",
        "/x",
        "x//y",
        "x/../y",
        ".x",
        "-x",
        "x y",
        "x\\y",
        "x\ny",
        "x\0y",
        "~",
        "x/",
        "é",
        "x" * 300,
    ],
)
def test_an_id_is_a_path_that_stays(bench: Bench, name: str) -> None:
    shown = name.encode("unicode_escape").decode()
    bench.write("campaigns/hello.yaml", f'{CONTENT}template: hello\nid: "{shown}"\n')
    checked = bench.sendoff("validate")
    assert (checked.code, "this is a bug" in checked.err) == (1, False)
    assert bench.sendoff("run").code != 0


@pytest.mark.parametrize("pair", [("News", "news"), ("a.b", "A.B")])
def test_ids_that_differ_in_case_alone_are_one_file_elsewhere(
    bench: Bench, pair: tuple[str, str]
) -> None:
    for number, name in enumerate(pair):
        bench.write(f"campaigns/c{number}.yaml", f"{CONTENT}template: hello\nid: {name}\n")
    assert bench.sendoff("validate").code == 1


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/localtime",
        "..",
        "America/../UTC",
        "UTC\0",
        "America",
        "posixrules/x",
        "a" * 5000,
    ],
)
def test_a_zone_is_no_path(name: str) -> None:
    with pytest.raises(LookupError):
        zones.zone(name)


def test_a_zone_in_a_list_is_no_path(bench: Bench) -> None:
    bench.write("campaigns/lists/people.csv", "email,timezone\na@example.com,../../../etc/passwd\n")
    bench.campaign(
        schedule="{send: scheduled, at: 2025-10-20 09:00, timezone: recipient, "
        "fallback_timezone: UTC}"
    )
    checked = bench.sendoff("validate")
    assert "etc/passwd" not in checked.out + checked.err
    assert "this is a bug" not in checked.err
