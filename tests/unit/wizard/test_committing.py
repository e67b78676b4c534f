"""The file and git: all of it or nothing, and never anybody else's changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.repository.git import Git
from runner.wizard.committing import NotCommitted, branch_fault, commit, look, write_new
from runner.wizard.draft import Commit, Draft
from tests.acceptance.bench import git

DRAFT = Draft("people", file="open-house", name="Open: house")


@pytest.fixture(autouse=True)
def scrubbed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of the machine's."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{name}_NAME", raising=False)
        monkeypatch.delenv(f"GIT_{name}_EMAIL", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    (root / "campaigns").mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main", str(root))
    git(root, "config", "user.name", "Ann")
    git(root, "config", "user.email", "ann@example.com")
    (root / "sendoff.yaml").write_text("version: 1\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "Start")
    return root


def state(root: Path) -> tuple[str, str, str]:
    return (
        git(root, "for-each-ref"),
        git(root, "status", "--porcelain", "--branch"),
        git(root, "stash", "list"),
    )


def dirty(root: Path) -> None:
    (root / "sendoff.yaml").write_text("version: 1 # mine\n")
    (root / "staged.txt").write_text("mine\n")
    git(root, "add", "staged.txt")
    (root / "staged.txt").write_text("mine, and more\n")


class TestLook:
    def test_a_repository(self, root: Path) -> None:
        found = look(Git(root))
        assert (found.exists, found.branch, found.problem) == (True, "main", "")

    def test_none(self, tmp_path: Path) -> None:
        assert not look(Git(tmp_path)).exists

    def test_detached(self, root: Path) -> None:
        git(root, "checkout", "-q", "--detach")
        assert look(Git(root)).branch == ""
        assert look(Git(root)).problem == ""

    def test_nothing_is_committed_during_a_merge(self, root: Path) -> None:
        (root / ".git/MERGE_HEAD").write_text(git(root, "rev-parse", "HEAD"))
        assert "under way" in look(Git(root)).problem

    def test_nor_during_a_rebase(self, root: Path) -> None:
        (root / ".git/rebase-merge").mkdir()
        assert "under way" in look(Git(root)).problem

    def test_nor_before_the_first_commit(self, tmp_path: Path) -> None:
        git(tmp_path, "init", "-q", "new")
        assert "no commit yet" in look(Git(tmp_path / "new")).problem

    def test_nor_what_git_ignores(self, root: Path) -> None:
        (root / ".gitignore").write_text("campaigns/\n")
        assert "ignores" in look(Git(root)).problem

    def test_nor_by_nobody(self, root: Path) -> None:
        git(root, "config", "--unset", "user.name")
        git(root, "config", "--unset", "user.email")
        git(root, "config", "user.useConfigOnly", "true")
        assert "your name" in look(Git(root)).problem


class TestBranches:
    @pytest.mark.parametrize("name", ["campaign/open-house", "x", "a/b/c", "ümläut"])
    def test_good(self, root: Path, name: str) -> None:
        assert branch_fault(Git(root), name) == ""

    @pytest.mark.parametrize(
        "name", ["", "-x", "a b", "a..b", "a.lock", "@{x}", "/a", "a/", "HEAD", "main", "MAIN"]
    )
    def test_bad(self, root: Path, name: str) -> None:
        assert branch_fault(Git(root), name)

    def test_a_branch_is_no_folder(self, root: Path) -> None:
        assert "cannot be" in branch_fault(Git(root), "main/x")
        git(root, "branch", "campaign/one")
        assert "cannot be" in branch_fault(Git(root), "campaign")
        assert branch_fault(Git(root), "campaign/two") == ""


class TestCommit:
    def add(self, root: Path, how: Commit) -> str:
        assert write_new(root, DRAFT.path, "version: 1\n")
        return commit(Git(root), DRAFT, how)

    @pytest.mark.parametrize("how", [Commit(), Commit("campaign/open-house")], ids=str)
    def test_that_file_and_nothing_else(self, root: Path, how: Commit) -> None:
        dirty(root)
        before = git(root, "status", "--porcelain")
        staged = git(root, "diff", "--cached")
        assert self.add(root, how) == (how.branch or "main")
        changed = git(root, "show", "--name-only", "--format=%s%n%b", "HEAD").split("\n")
        assert [line for line in changed if line] == [
            "Add the campaign open-house",
            "Open: house",
            DRAFT.path,
        ]
        assert git(root, "status", "--porcelain") == before
        assert git(root, "diff", "--cached") == staged

    def test_hooks_do_not_run(self, root: Path) -> None:
        hook = root / ".git/hooks/pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
        assert self.add(root, Commit()) == "main"

    def test_from_a_detached_head(self, root: Path) -> None:
        git(root, "checkout", "-q", "--detach")
        assert self.add(root, Commit("b")) == "b"
        assert git(root, "branch", "--show-current").strip() == "b"

    @pytest.mark.parametrize("detached", [False, True])
    @pytest.mark.parametrize("how", [Commit(), Commit("b")], ids=str)
    def test_a_commit_that_fails_leaves_git_as_it_was(
        self, root: Path, how: Commit, detached: bool
    ) -> None:
        if detached:
            git(root, "checkout", "-q", "--detach")
        dirty(root)
        git(root, "config", "commit.gpgSign", "true")
        git(root, "config", "gpg.program", "/bin/false")
        assert write_new(root, DRAFT.path, "version: 1\n")
        before = state(root)
        with pytest.raises(NotCommitted) as refused:
            commit(Git(root), DRAFT, how)
        assert "sign" in refused.value.reason
        assert state(root) == before
        assert (root / DRAFT.path).read_text() == "version: 1\n"

    def test_a_branch_made_in_the_meantime_is_left_alone(self, root: Path) -> None:
        git(root, "branch", "b")
        assert write_new(root, DRAFT.path, "version: 1\n")
        before = state(root)
        with pytest.raises(NotCommitted, match="already exists"):
            commit(Git(root), DRAFT, Commit("b"))
        assert state(root) == before

    def test_a_workspace_below_the_repository(self, root: Path) -> None:
        below = root / "mail"
        below.mkdir()
        assert write_new(below, DRAFT.path, "version: 1\n")
        commit(Git(below), DRAFT, Commit())
        assert git(root, "show", "--name-only", "--format=").strip() == f"mail/{DRAFT.path}"


class TestWriting:
    def test_folders_are_made(self, tmp_path: Path) -> None:
        assert write_new(tmp_path, "campaigns/a/b.yaml", "é\n")
        assert (tmp_path / "campaigns/a/b.yaml").read_bytes() == "é\n".encode()
        assert [path.name for path in (tmp_path / "campaigns/a").iterdir()] == ["b.yaml"]

    def test_nothing_is_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "b.yaml").write_text("first")
        assert not write_new(tmp_path, "b.yaml", "second")
        assert (tmp_path / "b.yaml").read_text() == "first"
        assert [path.name for path in tmp_path.iterdir()] == ["b.yaml"]

    def test_a_leftover_of_a_crash_is_in_nobodys_way(self, tmp_path: Path) -> None:
        (tmp_path / ".b.yaml.sendoff").write_text("half")
        assert write_new(tmp_path, "b.yaml", "whole")
        assert [path.name for path in tmp_path.iterdir()] == ["b.yaml"]
