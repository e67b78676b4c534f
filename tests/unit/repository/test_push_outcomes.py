"""The four ends of a push: a table of real answers, and real pushes."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.repository.git import Answer, Git
from runner.repository.objects import commit_files
from runner.repository.push import PushOutcome, Verdict, classify, push

REF = "1f2e:refs/heads/sendoff-state"


def status(flag: str, summary: str) -> str:
    return f"To https://github.com/f3/mail.git\n{flag}\t{REF}\t{summary}\nDone\n"


def rejected(summary: str) -> str:
    return status("!", summary)


# As printed by git 2.39 against a bare repository, by GitHub and by GitLab.
ANSWERS: list[tuple[Verdict, int | None, str, str]] = [
    ("accepted", 0, status(" ", "1f2e..3a4b"), ""),
    ("accepted", 0, status("*", "[new branch]"), ""),
    ("accepted", 0, status("=", "[up to date]"), ""),
    ("unknown", 1, status(" ", "1f2e..3a4b"), "error: update_ref failed for ref"),
    ("lost", 1, rejected("[rejected] (fetch first)"), "hint: Updates were rejected"),
    ("lost", 1, rejected("[rejected] (non-fast-forward)"), ""),
    ("lost", 1, rejected("[rejected] (stale info)"), ""),
    ("lost", 1, rejected("[rejected] (remote ref updated since checkout)"), ""),
    (
        "lost",
        1,
        rejected(
            "[remote rejected] (cannot lock ref 'refs/heads/sendoff-state': is at 3a4b but "
            "expected 1f2e)"
        ),
        "",
    ),
    ("lost", 1, rejected("[remote rejected] (failed to update ref)"), ""),
    ("lost", 1, rejected("[remote rejected] (incorrect old value provided)"), ""),
    ("lost", 1, rejected("[remote rejected] (reference already exists)"), ""),
    (
        "refused",
        1,
        rejected("[remote rejected] (failed to update ref)"),
        (
            "remote: error: cannot lock ref 'refs/heads/x': Unable to create "
            "'/srv/x.lock': Permission denied"
        ),
    ),
    (
        "refused",
        1,
        rejected("[remote rejected] (protected branch hook declined)"),
        (
            "remote: error: GH006: Protected branch update failed for refs/heads/sendoff-state.\n"
            "remote: error: Changes must be made through a pull request."
        ),
    ),
    (
        "refused",
        1,
        rejected("[remote rejected] (push declined due to repository rule violations)"),
        "remote: error: GH013: Repository rule violations found for refs/heads/sendoff-state.",
    ),
    (
        "refused",
        1,
        rejected("[remote rejected] (pre-receive hook declined)"),
        "remote: GitLab: You are not allowed to push code to protected branches on this project.",
    ),
    ("refused", 1, rejected("[remote rejected] (hook declined)"), ""),
    ("refused", 1, rejected("[remote rejected] (shallow update not allowed)"), ""),
    (
        "refused",
        1,
        rejected("[remote rejected] (n/a (unpacker error))"),
        "error: remote unpack failed: unable to create temporary object directory",
    ),
    ("unknown", 1, rejected("[remote rejected] (Internal Server Error)"), ""),
    ("unknown", 1, rejected("[remote rejected] (failure)"), ""),
    ("unknown", 1, rejected("[remote failure] (remote failed to report status)"), ""),
    (
        "refused",
        128,
        "",
        (
            "remote: Permission to f3/mail.git denied to github-actions[bot].\n"
            "fatal: unable to access 'https://github.com/f3/mail.git/': "
            "The requested URL returned error: 403"
        ),
    ),
    ("refused", 128, "", "git@github.com: Permission denied (publickey).\n"),
    ("refused", 128, "", "remote: Write access to repository not granted."),
    ("refused", 128, "", "ERROR: Permission to f3/mail.git denied to deploy key"),
    (
        "refused",
        128,
        "",
        "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
    ),
    (
        "refused",
        128,
        "",
        "remote: HTTP Basic: Access denied. The provided password or token is incorrect",
    ),
    ("unknown", 128, "", "fatal: the remote end hung up unexpectedly"),
    ("unknown", 128, "", "fatal: unable to access 'https://x/': Could not resolve host: x"),
    (
        "unknown",
        128,
        "",
        "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502",
    ),
    ("unknown", 128, "", "fatal: '/nowhere' does not appear to be a git repository"),
    ("unknown", None, "", ""),
    ("unknown", None, status(" ", "1f2e..3a4b"), ""),
    ("unknown", 0, "", ""),
    ("unknown", 0, "Everything up-to-date\n", ""),
    ("unknown", -9, "", ""),
]


@pytest.mark.parametrize(("verdict", "code", "out", "err"), ANSWERS)
def test_an_answer_has_one_meaning(verdict: Verdict, code: int | None, out: str, err: str) -> None:
    assert classify(Answer(code, out.encode(), err)).verdict == verdict


def test_the_reason_quotes_the_remote_and_no_secret() -> None:
    err = (
        "remote: error: GH006: Protected branch update failed for refs/heads/x.\n"
        "error: failed to push some refs to 'https://bot:ghp_s3cret@github.com/f3/mail.git'\n"
    )
    out = rejected("[remote rejected] (protected branch hook declined)")
    reason = classify(Answer(1, out.encode(), err)).reason
    assert "protected branch hook declined" in reason
    assert "GH006" in reason
    assert "s3cret" not in reason
    fatal = "fatal: unable to access 'https://x:ghp_s3cret@github.com/': error: 403"
    assert "s3cret" not in classify(Answer(128, b"", fatal)).reason


def write(git: Git, parent: str | None, name: str) -> str:
    return commit_files(git, parent, {name: b"x\n"}, f"Add {name}")


def tip(git: Git) -> str:
    return git.run("ls-remote", "origin", "refs/heads/log").text.partition("\t")[0]


def test_real_pushes(git: Git) -> None:
    first = write(git, None, "a")
    assert push(git, "origin", first, "log", "") == PushOutcome("accepted")
    second = write(git, first, "b")
    assert push(git, "origin", second, "log", first) == PushOutcome("accepted")
    assert push(git, "origin", second, "log", first) == PushOutcome("accepted")
    assert push(git, "origin", write(git, first, "c"), "log", first).verdict == "lost"
    assert push(git, "origin", write(git, None, "d"), "log", "").verdict == "lost"
    assert tip(git) == second


def test_a_branch_that_was_deleted_is_not_made_anew(git: Git) -> None:
    first = write(git, None, "a")
    assert push(git, "origin", first, "log", "").verdict == "accepted"
    assert git.run("push", "-q", "origin", ":log").code == 0
    assert push(git, "origin", write(git, first, "b"), "log", first).verdict == "lost"
    assert tip(git) == ""


def test_a_branch_that_was_put_back_is_not_gone_over(git: Git) -> None:
    first = write(git, None, "a")
    second = write(git, first, "b")
    assert push(git, "origin", second, "log", "").verdict == "accepted"
    assert git.run("push", "-q", "-f", "origin", f"{first}:refs/heads/log").code == 0
    assert push(git, "origin", write(git, second, "c"), "log", second).verdict == "lost"
    assert tip(git) == first


def test_a_push_that_a_hook_of_the_remote_declines(git: Git, remote: Path) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'GH013: not for bots' >&2\nexit 1\n")
    hook.chmod(0o755)
    outcome = push(git, "origin", write(git, None, "a"), "log", "")
    assert outcome.verdict == "refused"
    assert "GH013: not for bots" in outcome.reason


def test_a_push_to_a_remote_with_a_stale_lock_is_lost_not_refused(git: Git, remote: Path) -> None:
    (remote / "refs" / "heads" / "log.lock").touch()
    assert push(git, "origin", write(git, None, "a"), "log", "").verdict == "lost"


def test_a_push_to_a_remote_that_is_gone_is_unknown(git: Git, remote: Path) -> None:
    commit = write(git, None, "a")
    remote.rename(remote.with_name("elsewhere.git"))
    assert push(git, "origin", commit, "log", "").verdict == "unknown"


def test_hooks_of_the_clone_do_not_run(git: Git, clone: Path) -> None:
    trace = clone / "ran"
    for name in ("pre-push", "reference-transaction", "post-update"):
        hook = clone / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch '{trace}'\nexit 1\n")
        hook.chmod(0o755)
    assert push(git, "origin", write(git, None, "a"), "log", "").verdict == "accepted"
    assert not trace.exists()
