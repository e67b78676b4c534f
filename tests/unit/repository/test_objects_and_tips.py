"""Commits made and read without a working tree; tips of the remote without refs of the user."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import StateCorrupt, StateMissing, StateUnreachable
from runner.repository import objects
from runner.repository.git import Git
from runner.repository.objects import (
    changed_afterwards,
    commit_files,
    list_files,
    list_names,
    read_blobs,
    read_file,
)
from runner.repository.push import push
from runner.repository.tips import (
    default_tip,
    fetch,
    has_commit,
    is_ancestor,
    recall,
    remember,
    remote_tip,
)


def no_sleep(seconds: float) -> None:
    assert seconds >= 0


def test_a_commit_adds_to_what_was_there(git: Git) -> None:
    first = commit_files(git, None, {"s/a/1": b"one\n", "s/b/1": b"\x00\xff\r\n"}, "First\n\nWhy")
    second = commit_files(git, first, {"s/a/2": b"", "s/a%2Fx/1": b"x" * 70_000}, "Second")
    assert [blob.path for blob in list_files(git, second, "s")] == [
        "s/a%2Fx/1",
        "s/a/1",
        "s/a/2",
        "s/b/1",
    ]
    blobs = list_files(git, second, "s")
    contents = list(read_blobs(git, [(blob.oid, blob.size) for blob in blobs]))
    assert contents == [b"x" * 70_000, b"one\n", b"", b"\x00\xff\r\n"]
    assert read_file(git, second, "s/a/1") == b"one\n"
    assert read_file(git, second, "s/a") is None
    assert read_file(git, second, "s/none") is None
    assert sorted(list_names(git, second, ["s/a", "s/none"])) == ["s/a/1", "s/a/2"]
    assert git.run("fsck", "--strict", second).code == 0
    assert git.run("for-each-ref", "refs/sendoff").text == ""


def test_who_commits(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = commit_files(git, None, {"a": b"a"}, "Say ünïcode")
    shown = git.ask("show", "-s", "--format=%an|%ae|%cn|%ce|%s", commit).decode().strip()
    assert shown == "sendoff|sendoff@localhost|sendoff|sendoff@localhost|Say ünïcode"
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Bot <x>\n")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "bot@example.org")
    commit = commit_files(git, None, {"a": b"a"}, "x")
    shown = git.ask("show", "-s", "--format=%an|%cn|%ce", commit).decode().strip()
    assert shown == "sendoff|Bot x|bot@example.org"


def test_a_repository_with_long_ids(tmp_path: Path) -> None:
    git = Git(tmp_path)
    assert git.run("init", "-q", "--object-format=sha256").code == 0
    first = commit_files(git, None, {"a": b"a"}, "x")
    second = commit_files(git, first, {"b": b"b"}, "y")
    assert len(second) == 64
    assert read_file(git, second, "a") == b"a"


def test_much_is_read_in_pieces(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [bytes([n]) * (n * 10) for n in range(9)]
    files = {f"s/{n}": content for n, content in enumerate(contents)}
    blobs = list_files(git, commit_files(git, None, files, "x"), "s")
    monkeypatch.setattr(objects, "_CHUNK_BYTES", 100)
    assert list(read_blobs(git, [(blob.oid, blob.size) for blob in blobs])) == contents


def test_a_missing_object_is_named(git: Git) -> None:
    with pytest.raises(StateCorrupt, match=r"1{40} is missing"):
        list(read_blobs(git, [("1" * 40, 3)]))


def test_a_commit_on_a_parent_that_is_not_there(git: Git) -> None:
    with pytest.raises(StateUnreachable, match="the commit cannot be made"):
        commit_files(git, "1" * 40, {"a": b"a"}, "x")


def test_changes_to_what_was_written_are_seen(git: Git) -> None:
    first = commit_files(git, None, {"s/1": b"1", "t": b"t"}, "x")
    added = commit_files(git, first, {"s/2": b"2"}, "x")
    edited = commit_files(git, added, {"s/1": b"other"}, "x")
    mended = commit_files(git, edited, {"s/1": b"1", "t": b"u"}, "x")
    assert changed_afterwards(git, added, None, "s") == []
    assert changed_afterwards(git, edited, None, "s") == ["s/1"]
    assert changed_afterwards(git, mended, added, "s") == ["s/1"]
    assert changed_afterwards(git, mended, mended, "s") == []
    assert changed_afterwards(git, mended, None, "s/2") == []


def test_tips_of_the_remote(git: Git, remote: Path) -> None:
    main = git.run("rev-parse", "main").text.strip()
    assert remote_tip(git, "origin", "main") == main
    assert remote_tip(git, "origin", "heads/main") is None
    assert default_tip(git, "origin") == (main, "main")
    assert remote_tip(git, str(remote), "main") == main


def test_a_name_that_only_ends_like_the_branch_is_not_it(git: Git, clone: Path) -> None:
    assert git.run("push", "-q", "origin", "main:refs/x/refs/heads/log").code == 0
    assert remote_tip(git, "origin", "log") is None


def test_a_remote_without_a_default_branch(git: Git, remote: Path) -> None:
    (remote / "HEAD").write_text("ref: refs/heads/none\n")
    with pytest.raises(StateMissing, match=r"state\.approved_branch"):
        default_tip(git, "origin")


def test_a_remote_that_is_not_there(git: Git, remote: Path) -> None:
    remote.rename(remote.with_name("gone.git"))
    with pytest.raises(StateUnreachable, match="'origin' cannot be read: fatal"):
        remote_tip(git, "origin", "main")


def test_a_secret_in_the_url_of_a_remote_stays_secret(git: Git) -> None:
    url = "https://bot:s3cret@127.0.0.1:1/x.git"
    with pytest.raises(StateUnreachable) as caught:
        remote_tip(git, url, "main")
    assert "s3cret" not in str(caught.value)


def test_fetching_writes_objects_and_no_ref(git: Git, remote: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert git.run("clone", "-q", str(remote), str(other)).code == 0
    elsewhere = Git(other)
    new = commit_files(elsewhere, None, {"x": b"x"}, "x")
    assert push(elsewhere, "origin", new, "log", "").verdict == "accepted"
    before = git.run("for-each-ref").text
    assert not has_commit(git, new)
    fetch(git, "origin", "log", new)
    assert has_commit(git, new)
    assert git.run("for-each-ref").text == before
    assert not (git.directory / ".git" / "FETCH_HEAD").exists()


def test_remembering_in_spite_of_a_stale_lock(git: Git) -> None:
    first = commit_files(git, None, {"x": b"x"}, "x")
    second = commit_files(git, first, {"y": b"y"}, "y")
    ref = "refs/sendoff/state/log"
    assert recall(git, ref) is None
    remember(git, ref, first, None, no_sleep)
    lock = git.directory / ".git" / f"{ref}.lock"
    lock.touch()
    remember(git, ref, second, first, no_sleep)
    assert recall(git, ref) == second
    assert not lock.exists()
    assert is_ancestor(git, first, second)
    assert not is_ancestor(git, second, first)


def test_another_process_may_have_remembered_something_else(git: Git) -> None:
    commits = [commit_files(git, None, {"x": b"%d" % n}, "x") for n in range(3)]
    ref = "refs/sendoff/state/log"
    remember(git, ref, commits[0], None, no_sleep)
    remember(git, ref, commits[2], commits[1], no_sleep)
    assert recall(git, ref) == commits[0]
