"""What is merged, byte for byte, and nothing that the repository would like to run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.errors import StateCorrupt, StateMissing, UsageError
from runner.repository.approved import (
    approved_tip,
    export,
    repository_root,
    workspace_prefix,
)
from runner.repository.git import Git

RunGit = Callable[..., str]


def no_sleep(seconds: float) -> None:
    assert seconds >= 0


def test_the_default_branch_is_approved_unless_another_is_named(
    git: Git, git_in: RunGit, clone: Path
) -> None:
    git_in(clone, "commit", "-q", "--allow-empty", "-m", "Not merged")
    tip = approved_tip(git, "origin", sleep=no_sleep)
    assert tip.branch == "main"
    assert tip.commit == git_in(clone, "rev-parse", "origin/main").strip()
    git_in(clone, "push", "-q", "origin", "HEAD:release/1")
    release = approved_tip(git, "origin", "release/1", sleep=no_sleep)
    assert release.commit == git_in(clone, "rev-parse", "HEAD").strip()
    seconds = int(git_in(clone, "log", "-1", "--format=%ct", release.commit))
    assert release.committed_at == datetime.fromtimestamp(seconds, UTC)


def test_a_branch_that_is_not_there(git: Git) -> None:
    with pytest.raises(StateMissing, match="'origin' has no branch 'none'"):
        approved_tip(git, "origin", "none", sleep=no_sleep)
    with pytest.raises(UsageError):
        approved_tip(git, "origin", "--upload-pack=x", sleep=no_sleep)


def test_from_a_shallow_clone_whose_branch_moved_on(
    remote: Path, clone: Path, tmp_path: Path, git_in: RunGit
) -> None:
    for number in range(3):
        git_in(clone, "commit", "-q", "--allow-empty", "-m", str(number))
    git_in(clone, "push", "-q", "origin", "main")
    shallow = tmp_path / "shallow"
    git_in(tmp_path, "clone", "-q", "--depth", "1", f"file://{remote}", str(shallow))
    boundary = (shallow / ".git" / "shallow").read_text()
    git_in(clone, "commit", "-q", "--allow-empty", "-m", "New")
    git_in(clone, "push", "-q", "origin", "main")
    tip = approved_tip(Git(shallow), "origin", sleep=no_sleep)
    assert tip.commit == git_in(clone, "rev-parse", "HEAD").strip()
    assert (shallow / ".git" / "shallow").read_text() == boundary
    assert export(Git(shallow), tip.commit, "", ["sendoff.yaml"], tmp_path / "out") == (
        "sendoff.yaml",
    )


def test_bytes_are_those_of_the_commit(
    git: Git, git_in: RunGit, clone: Path, tmp_path: Path
) -> None:
    (clone / ".gitattributes").write_text(
        "* text=auto eol=crlf\n*.html filter=evil ident export-subst\n*.yaml export-ignore\n"
    )
    trace = tmp_path / "trace"
    for stage in ("smudge", "clean", "process"):
        git_in(clone, "config", f"filter.evil.{stage}", f"touch '{trace}'; cat")
    git_in(clone, "config", "core.autocrlf", "true")
    page = b"$Id$ $Format:%H$\nline\n\x00\xff"
    blob = git.run("hash-object", "-w", "--stdin", feed=page).text.strip()
    git_in(clone, "update-index", "--add", "--cacheinfo", f"100755,{blob},campaigns/x.html")
    git_in(clone, "commit", "-q", "-m", "Page")
    trace.unlink(missing_ok=True)
    out = tmp_path / "out"
    commit = git_in(clone, "rev-parse", "HEAD").strip()
    written = export(git, commit, "", ["sendoff.yaml", "campaigns"], out)
    assert written == ("campaigns/news.yaml", "campaigns/x.html", "sendoff.yaml")
    assert (out / "campaigns" / "x.html").read_bytes() == page
    assert (out / "campaigns" / "news.yaml").read_bytes() == b"name: News\r\nstatus: active\r\n"
    assert not trace.exists()


def test_links_and_submodules_are_left_out(
    git: Git, git_in: RunGit, clone: Path, tmp_path: Path
) -> None:
    (clone / "campaigns" / "link.yaml").symlink_to("/etc/passwd")
    (clone / "campaigns" / "out").symlink_to("..")
    git_in(clone, "add", ".")
    head = git_in(clone, "rev-parse", "HEAD").strip()
    git_in(clone, "update-index", "--add", "--cacheinfo", f"160000,{head},campaigns/sub")
    git_in(clone, "commit", "-q", "-m", "Links")
    commit = git_in(clone, "rev-parse", "HEAD").strip()
    out = tmp_path / "out"
    assert export(git, commit, "", ["campaigns"], out) == ("campaigns/news.yaml",)
    assert [path.name for path in (out / "campaigns").iterdir()] == ["news.yaml"]


def test_a_workspace_below_the_root(git: Git, git_in: RunGit, clone: Path, tmp_path: Path) -> None:
    folder = clone / "mail [x]" / "ws"
    (folder / "campaigns" / "ünï").mkdir(parents=True)
    (folder / "campaigns" / "ünï" / "a.yaml").write_text("a: 1\n")
    (clone / "mail x").mkdir()
    (clone / "mail x" / "ws").write_text("")
    git_in(clone, "add", ".")
    git_in(clone, "commit", "-q", "-m", "Folder")
    inside = Git(folder)
    assert repository_root(inside) == clone
    assert workspace_prefix(inside) == "mail [x]/ws"
    assert workspace_prefix(git) == ""
    commit = git_in(clone, "rev-parse", "HEAD").strip()
    written = export(inside, commit, "mail [x]/ws", ["sendoff.yaml", "campaigns"], tmp_path / "o")
    assert written == ("campaigns/ünï/a.yaml",)
    assert (tmp_path / "o" / "campaigns" / "ünï" / "a.yaml").read_text() == "a: 1\n"


def test_the_clone_is_left_as_it_was(git: Git, git_in: RunGit, clone: Path, tmp_path: Path) -> None:
    (clone / "sendoff.yaml").write_text("version: 2\n")
    (clone / "campaigns" / "new.yaml").write_text("x")
    git_in(clone, "add", "campaigns/new.yaml")
    git_in(clone, "checkout", "-q", "--detach")
    index = (clone / ".git" / "index").read_bytes()
    head = (clone / ".git" / "HEAD").read_bytes()
    (clone / ".git" / "index.lock").touch()
    tip = approved_tip(git, "origin", sleep=no_sleep)
    export(git, tip.commit, "", ["sendoff.yaml", "campaigns"], tmp_path / "out")
    assert (tmp_path / "out" / "sendoff.yaml").read_text() == "version: 1\n"
    assert not (tmp_path / "out" / "campaigns" / "new.yaml").exists()
    assert (clone / ".git" / "index").read_bytes() == index
    assert (clone / ".git" / "HEAD").read_bytes() == head
    assert not (clone / ".git" / "FETCH_HEAD").exists()


def test_a_tree_with_a_path_that_leads_out(git: Git, clone: Path, tmp_path: Path) -> None:
    blob = git.run("hash-object", "-w", "--stdin", feed=b"x").text.strip()
    inner = git.run("mktree", feed=f"100644 blob {blob}\tevil\n".encode()).text.strip()
    middle = b"40000 ..\0" + bytes.fromhex(inner)
    made = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"],
        cwd=clone,
        input=middle,
        capture_output=True,
        check=True,
    )
    tree = git.run(
        "mktree", feed=f"040000 tree {made.stdout.decode().strip()}\tcampaigns\n".encode()
    )
    commit = git.run("commit-tree", "-m", "x", tree.text.strip()).text.strip()
    if not commit:
        commit = tree.text.strip()
    with pytest.raises(StateCorrupt, match="unsafe path"):
        export(git, commit, "", ["campaigns"], tmp_path / "deep" / "out")
    assert not (tmp_path / "deep" / "evil").exists()


def test_outside_of_a_repository(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="not a git repository"):
        repository_root(Git(tmp_path))
