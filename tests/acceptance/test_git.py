"""``sendoff run`` in a repository with a bare remote: what is merged is sent, no more touched."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.acceptance.bench import GitBench, git

NOW = ("--now", "2025-10-20T14:00:00Z")


@pytest.fixture
def bench(tmp_path: Path) -> GitBench:
    bench = GitBench.make(tmp_path)
    bench.workspace(backend="git").campaign()
    bench.write(".gitignore", "outbox/\n")
    bench.merge("Add the campaign")
    assert bench.sendoff("init", *NOW).code == 0
    return bench


def fingerprint(root: Path) -> dict[str, str]:
    """Everything that a user can see of a clone, but the outbox: files, index, HEAD, branches."""
    seen = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.parts and "outbox" not in path.parts
    }
    seen["index"] = hashlib.sha256((root / ".git/index").read_bytes()).hexdigest()
    seen["HEAD"] = (root / ".git/HEAD").read_text()
    seen["heads"] = git(root, "for-each-ref", "refs/heads", "refs/tags", "refs/stash")
    seen["status"] = git(root, "status", "--porcelain=v2", "--branch", "--ignored=no")
    return seen


class TestClones:
    def test_a_depth_one_clone_sends_and_its_state_lands_on_the_remote(self, bench):
        shallow = bench.clone("shallow", "--depth=1")
        before = fingerprint(shallow.root)
        ran = shallow.sendoff("run", "--json", *NOW)
        assert (ran.code, ran.json["sent"]) == (0, 5), ran.err
        assert fingerprint(shallow.root) == before
        kinds = [record["type"] for record in bench.ledger()]
        assert kinds.count("claim") == kinds.count("receipt") == 1

    def test_a_dirty_tree_is_left_alone_and_its_edits_are_not_sent(self, bench):
        bench.write("campaigns/hello.yaml", "nonsense that nobody approved: [")
        bench.write("campaigns/templates/hello.html", "---\nsubject: Evil\n---\n<p>Evil</p>")
        bench.write("campaigns/unmerged.yaml", "also nonsense")
        git(bench.root, "add", "campaigns/templates/hello.html")
        before = fingerprint(bench.root)
        ran = bench.sendoff("run", "--json", *NOW)
        assert (ran.code, ran.json["sent"]) == (0, 5), ran.err
        assert fingerprint(bench.root) == before
        assert {mail["Subject"] for mail in bench.outbox()} == {f"Hello Name{n}" for n in range(5)}

    def test_a_committed_but_unmerged_change_is_not_sent(self, bench):
        git(bench.root, "checkout", "-q", "-b", "idea")
        bench.campaign("second")
        git(bench.root, "add", "-A")
        git(bench.root, "commit", "-q", "-m", "Not approved")
        before = fingerprint(bench.root)
        ran = bench.sendoff("run", "--json", *NOW)
        assert [job["job_id"] for job in ran.json["jobs"]] == ["hello/main"]
        assert fingerprint(bench.root) == before

    def test_a_detached_head_and_an_old_commit_send_what_is_merged_now(self, bench):
        bench.campaign("second")
        bench.merge("Approve a second one")
        git(bench.root, "checkout", "-q", "--detach", "HEAD~1")
        before = fingerprint(bench.root)
        ran = bench.sendoff("run", "--json", *NOW)
        assert ran.json["sent"] == 10
        assert fingerprint(bench.root) == before

    def test_contacts_need_not_be_in_git(self, bench):
        git(bench.root, "rm", "-q", "--cached", "campaigns/lists/people.csv")
        bench.write(".gitignore", "outbox/\n*.csv\n")
        bench.merge("Keep people out of git")
        assert bench.sendoff("run", "--json", *NOW).json["sent"] == 5

    def test_a_second_clone_sends_nothing_again(self, bench):
        other = bench.clone("other")
        assert bench.sendoff("run", "--json", *NOW).json["sent"] == 5
        again = other.sendoff("run", "--json", *NOW)
        assert (again.code, again.json["sent"]) == (0, 0)

    def test_the_claim_names_the_approved_commit(self, bench):
        commit = git(bench.root, "rev-parse", "HEAD").strip()
        bench.sendoff("run", *NOW)
        claims = [record for record in bench.ledger() if record["type"] == "claim"]
        assert [claim["commit"] for claim in claims] == [commit]


class TestFailClosed:
    def test_without_a_state_branch_nothing_is_sent(self, bench):
        git(bench.remote, "update-ref", "-d", "refs/heads/sendoff-state")
        ran = bench.sendoff("run", *NOW)
        assert (ran.code, bench.outbox()) == (5, [])
        assert "sendoff-state" in ran.err

    def test_with_another_key_nothing_is_sent(self, bench):
        ran = bench.sendoff("run", *NOW, SENDOFF_STATE_KEY="another-key-" * 4)
        assert (ran.code, bench.outbox()) == (5, [])
        assert "another-key" not in ran.err

    def test_without_a_key_nothing_is_sent(self, bench):
        ran = bench.sendoff("run", *NOW, SENDOFF_STATE_KEY="")
        assert (ran.code, bench.outbox()) == (5, [])
        assert "SENDOFF_STATE_KEY" in ran.err

    def test_with_the_remote_gone_nothing_is_sent(self, bench):
        shutil.move(bench.remote, bench.remote.with_name("elsewhere.git"))
        ran = bench.sendoff("run", *NOW)
        assert (ran.code, bench.outbox()) == (5, [])

    def test_a_push_that_a_rule_refuses_sends_nothing(self, bench):
        hook = bench.remote / "hooks/pre-receive"
        hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed' >&2\nexit 1\n")
        hook.chmod(0o755)
        ran = bench.sendoff("run", *NOW)
        assert (ran.code, bench.outbox()) == (5, [])

    def test_an_edit_here_cannot_point_the_run_at_another_ledger(self, bench):
        settings = (bench.root / "sendoff.yaml").read_text()
        bench.write("sendoff.yaml", settings.replace("{backend: git}", "{backend: git, branch: x}"))
        ran = bench.sendoff("run", *NOW)
        assert (ran.code, bench.outbox()) == (5, [])
        assert "differs from the approved one" in ran.err

    def test_a_campaign_with_errors_is_held_and_the_others_go(self, bench):
        bench.write("campaigns/broken.yaml", "version: 1\nlist: nobody\n")
        bench.merge("Break one")
        ran = bench.sendoff("run", "--json", *NOW)
        assert (ran.code, ran.json["sent"]) == (3, 5)
        assert [hold["campaign"] for hold in ran.json["held"]] == ["broken"]


def test_no_address_reaches_the_remote_or_the_log(bench):
    ran = bench.sendoff("run", *NOW)
    everything = ran.out + ran.err
    names = git(bench.remote, "ls-tree", "-r", "--name-only", "sendoff-state").split()
    everything += "".join(git(bench.remote, "show", f"sendoff-state:{name}") for name in names)
    everything += git(bench.remote, "log", "--format=%B", "sendoff-state")
    assert "claim" in everything
    assert "@example.com" not in everything
    assert "Name1" not in everything
