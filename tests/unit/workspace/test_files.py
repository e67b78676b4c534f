"""Files are found inside the workspace, read with limits, and nowhere else."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import InputError
from runner.workspace import WorkspaceFiles, load
from runner.workspace.paths import within
from runner.workspace.text import MAX_BYTES, decode

SETTINGS = "from: {email: hello@example.org}\nunsubscribe: {mailto: leave@example.org}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "workspace"
    (place / "campaigns/lists").mkdir(parents=True)
    (place / "sendoff.yaml").write_text(SETTINGS)
    (place / "campaigns/lists/a.csv").write_text("email\n")
    (tmp_path / "secret").write_text("secret")
    return place


def refusal(files: WorkspaceFiles, path: str) -> str:
    with pytest.raises(InputError) as caught:
        files.locate(path)
    return caught.value.problems[0].message


def said(root: Path) -> list[str]:
    return [str(problem) for problem in load(WorkspaceFiles(root)).problems]


def test_a_file_is_found(root: Path) -> None:
    files = WorkspaceFiles(root)
    assert files.locate("campaigns/lists/a.csv") == root / "campaigns/lists/a.csv"
    assert files.locate("campaigns/./lists/../lists/a.csv") == root / "campaigns/lists/a.csv"
    assert files.locate("campaigns/lists/b.csv") is None
    assert files.locate("sendoff.yaml/x") is None


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../secret",
        "campaigns/../../secret",
        "campaigns\\lists\\a.csv",
        "C:/secret",
        "c:secret",
        "a\0b",
        "a\nb",
        "a:b",
        "",
        ".",
        "campaigns/..",
        ".git/config",
        ".GIT/config",
        "x/.git. /config",
        "campaigns/lists/a.csv.",
        "campaigns/lists/a.csv ",
    ],
)
def test_a_path_that_is_none_is_refused(root: Path, path: str) -> None:
    (root / ".git").mkdir()
    (root / ".git/config").write_text("x")
    assert refusal(WorkspaceFiles(root), path)


@given(st.lists(st.sampled_from(["..", ".", "a", "b", ""]), max_size=9))
def test_no_path_leaves_the_workspace(parts: list[str]) -> None:
    try:
        path = within("campaigns/lists", "/".join(parts))
    except ValueError:
        return
    assert ".." not in path.split("/")
    expected = os.path.normpath("/".join(["campaigns/lists", *parts]))
    assert path == expected


def test_links_inside_are_followed_links_outside_refused(root: Path) -> None:
    files = WorkspaceFiles(root)
    (root / "inside").symlink_to("campaigns/lists/a.csv")
    (root / "outside").symlink_to("../secret")
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    (root / "nowhere").symlink_to("missing")
    assert files.locate("inside") == root / "campaigns/lists/a.csv"
    assert "leads out" in refusal(files, "outside")
    assert "leads out" in refusal(files, "up/secret")
    assert "cannot be read" in refusal(files, "loop") or "link" in refusal(files, "loop")
    assert files.locate("nowhere") is None


def test_a_link_into_git_is_refused(root: Path) -> None:
    (root / ".git").mkdir()
    (root / ".git/config").write_text("x")
    (root / "innocent").symlink_to(".git/config")
    assert "git's own" in refusal(WorkspaceFiles(root), "innocent")


def test_what_is_no_file_is_refused(root: Path) -> None:
    os.mkfifo(root / "pipe")
    files = WorkspaceFiles(root)
    assert refusal(files, "pipe") == "not a regular file"
    assert refusal(files, "campaigns") == "not a regular file"


def test_the_fallback_serves_data_only(root: Path, tmp_path: Path) -> None:
    working = tmp_path / "working"
    (working / "campaigns/lists").mkdir(parents=True)
    (working / "campaigns/lists/a.csv").write_text("other\n")
    (working / "campaigns/lists/b.csv").write_text("email\n")
    (working / "campaigns/unmerged.yaml").write_text("nonsense\n")
    files = WorkspaceFiles(root, working)
    assert files.locate("campaigns/lists/a.csv") == root / "campaigns/lists/a.csv"
    assert files.locate("campaigns/lists/b.csv") == working / "campaigns/lists/b.csv"
    workspace = load(files)
    assert (workspace.problems, workspace.campaigns, workspace.broken) == ((), {}, {})
    (working / "link").symlink_to(tmp_path / "secret")
    assert "leads out" in refusal(files, "link")


def test_a_root_that_is_a_link_is_fine(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    assert WorkspaceFiles(tmp_path / "alias").locate("sendoff.yaml") == root / "sendoff.yaml"


@pytest.mark.parametrize(
    "name",
    [
        "campaigns/c.yaml",
        "campaigns/lists/l.yaml",
        "campaigns/templates/t.html",
        "campaigns/templates/t.txt",
    ],
)
@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_what_people_wrote_stands_in_real_files(root: Path, name: str, kind: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "link":
        (root / "target").write_text("from: {}\n")
        path.symlink_to(root / "target")
    else:
        os.mkfifo(path)
    message = "a symbolic link" if kind == "link" else "not a regular file"
    assert any(line.startswith(f"{name}:0:0: {message}") for line in said(root))


def test_a_linked_suppression_file_is_told(root: Path) -> None:
    (root / "campaigns/suppressions").mkdir()
    (root / "campaigns/suppressions/s.txt").symlink_to(root / "sendoff.yaml")
    assert any("a symbolic link" in line for line in said(root))


def test_a_linked_directory_is_told(root: Path) -> None:
    (root / "campaigns/spring").symlink_to(root / "campaigns/lists")
    assert said(root) == [
        "campaigns/spring:0:0: a symbolic link (put the file itself here)",
    ]


def test_linked_settings_are_refused(root: Path) -> None:
    (root / "sendoff.yaml").rename(root / "real.yaml")
    (root / "sendoff.yaml").symlink_to("real.yaml")
    with pytest.raises(InputError, match="symbolic link"):
        load(WorkspaceFiles(root))


def test_large_files_are_refused_before_they_are_read(root: Path) -> None:
    with (root / "campaigns/c.yaml").open("wb") as stream:
        stream.truncate(MAX_BYTES * 1000)
    assert said(root) == ["campaigns/c.yaml:0:0: larger than 1024 KiB"]


def test_hidden_files_are_left_alone(root: Path) -> None:
    (root / "campaigns/.c.yaml.swp").write_bytes(b"\xff")
    (root / "campaigns/.hidden").mkdir()
    (root / "campaigns/.hidden/d.yaml").write_text("x")
    assert said(root) == []


def test_names_that_cannot_be_printed(root: Path) -> None:
    (root / "campaigns" / os.fsdecode(b"a\xff.yaml")).write_text("x: 1\n")
    (root / "campaigns" / "b\n.yaml").write_text("x: 1\n")
    lines = said(root)
    assert len(lines) == 2
    assert all("cannot be printed" in line and line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("data", "place", "message"),
    [
        (b"a: b\nc: caf\xe9\n", (2, 7), "byte 11 (0xe9)"),
        (b"\xef\xbb\xbfa: \xff", (1, 4), "byte 6 (0xff)"),
        ("é: ".encode() + b"\xc3", (1, 4), "byte 4 (0xc3)"),
        (b"a: \xed\xa0\x80", (1, 4), "byte 3 (0xed)"),
        (b"a: x\0y", (1, 5), "U+0000"),
        (b"a\nb: \x1b[1m", (2, 4), "U+001B"),
        (b"\xff\xfea\0", (1, 1), "UTF-16"),
        (b"\xfe\xff\0a", (1, 1), "UTF-16"),
    ],
)
def test_what_is_not_utf_8_is_named(data: bytes, place: tuple[int, int], message: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(data, "f.yaml")
    problem = caught.value.problems[0]
    assert (problem.line, problem.column) == place
    assert message in problem.message


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_utf_8_is_read_as_it_is(text: str) -> None:
    assert decode(text.encode(), "f") == text.removeprefix("\ufeff")
