"""Git is called so that it cannot ask, hang, run hooks or give secrets away."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from runner.errors import StateRefused, StateUnreachable, UsageError
from runner.repository.git import Answer, Git, check_branch, check_remote, mask


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://u:p4ss@example.org/x.git", "https://***@example.org/x.git"),
        ("https://ghp_abc@example.org", "https://***@example.org"),
        ("https://example.org/x@y", "https://example.org/x@y"),
        ("ssh://git@example.org/x", "ssh://***@example.org/x"),
        (
            "'https://a:b@example.org' and https://c@d.test",
            "'https://***@example.org' and https://***@d.test",
        ),
        (
            "https://example.org/x?private_token=abc&y=1",
            "https://example.org/x?private_token=***&y=1",
        ),
        ("/srv/git/x.git", "/srv/git/x.git"),
    ],
)
def test_secrets_in_urls_are_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize("name", ["main", "sendoff-state", "a/b.c", "état", "release-1.0"])
def test_names_of_branches(name: str) -> None:
    assert check_branch(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-f",
        "--force",
        "a b",
        "a..b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "*",
        "a[",
        "a\\b",
        "a\nb",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a.",
        "a@{1}",
        "+a\x7f",
    ],
)
def test_what_is_no_name_of_a_branch(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a branch"):
        check_branch(name)


@pytest.mark.parametrize("name", ["", "-o", "--upload-pack=touch /tmp/x", "a b", "a\tb"])
def test_what_is_no_name_of_a_remote(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a remote"):
        check_remote(name)


@pytest.mark.parametrize("name", ["origin", "https://example.org/x.git", "/srv/x.git"])
def test_names_of_remotes(name: str) -> None:
    assert check_remote(name) == name


def test_git_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StateUnreachable, match="git was not found: install it"):
        Git(tmp_path, environment={"PATH": str(tmp_path)}).run("status")


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StateUnreachable, match="gone is not a directory"):
        Git(tmp_path / "gone").run("status")


def test_git_that_cannot_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").write_bytes(b"\x7fELFnonsense")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StateRefused, match="git cannot be started"):
        Git(tmp_path).run("status")


def test_git_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "bin" / "git", "echo git version 2.17.1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(StateUnreachable, match=r"git 2\.17 is too old: .* 2\.30"):
        Git(tmp_path).run("status")


def test_a_remote_that_hangs_is_given_up_with_all_its_helpers(git: Git, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    end = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    ssh = script(tmp_path / "ssh", f"exec 9> {alive}\necho up >&9\nexec sleep 600")
    slow = Git(git.directory, timeout=1.0, environment={"GIT_SSH_COMMAND": str(ssh)})
    answer = slow.run("ls-remote", "ssh://example.org/x.git", remote=True)
    assert answer.code is None
    assert answer.reason == "no answer in time"
    assert os.read(end, 10) == b"up\n"
    select.select([end], [], [], 10.0)
    assert os.read(end, 10) == b"", "the helper is still alive"
    os.close(end)


def test_a_helper_that_left_the_session_does_not_keep_us(git: Git, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    ssh = script(tmp_path / "ssh", f"setsid sleep 600 &\necho $! > {pid_file}\nexec sleep 600")
    slow = Git(git.directory, timeout=1.0, environment={"GIT_SSH_COMMAND": str(ssh)})
    assert slow.run("ls-remote", "ssh://example.org/x.git", remote=True).code is None
    os.kill(int(pid_file.read_text()), 9)


def test_nobody_is_asked_for_a_password(git: Git, tmp_path: Path) -> None:
    ssh = script(tmp_path / "ssh", "read answer < /dev/tty && echo got-an-answer >&2; exit 1")
    asking = Git(git.directory, timeout=20.0, environment={"GIT_SSH_COMMAND": str(ssh)})
    answer = asking.run("ls-remote", "ssh://example.org/x.git", remote=True)
    assert answer.code == 128
    assert "got-an-answer" not in answer.err


def test_commands_as_remotes_are_refused(git: Git, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    answer = git.run("ls-remote", f"ext::touch {trace}", remote=True)
    assert answer.code != 0
    assert not trace.exists()


def test_the_surroundings_do_not_choose_the_repository(
    git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_TRACE", "2")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    answer = Git(git.directory).run("rev-parse", "--show-toplevel")
    assert answer.text.strip() == str(git.directory)
    assert answer.err == ""


def test_a_failing_command_says_why_without_hints(git: Git) -> None:
    with pytest.raises(StateUnreachable, match="git rev-parse failed: fatal: "):
        git.ask("rev-parse", "nothing-like-this")
    assert Answer(1, b"", "hint: try\nfatal: no\n").reason == "fatal: no"
    assert Answer(3, b"", "").reason == "git ended with status 3"
