"""Git: a checkout is data, a name is never an option, and only what is merged is sent."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from runner.errors import SendoffError
from runner.repository.approved import approved_tip, export
from runner.repository.git import Git
from tests.acceptance.bench import GitBench, git

NOW = ("--now", "2025-10-20T14:00:00Z")
OPTIONS = [
    "--upload-pack=touch pwned",
    "--receive-pack=touch pwned",
    "--exec=touch pwned",
    "-oProxyCommand=touch pwned",
    "--output=pwned",
    "-c",
    "--help",
    "-",
    "--",
    "HEAD --output=pwned",
    "$(touch pwned)",
    "`touch pwned`",
    "a;touch pwned",
]
REMOTES = [
    "ext::sh -c 'touch pwned'",
    "ext::touch% pwned",
    "-upload-pack=x",
    "ssh://-oProxyCommand=touch%20pwned/x",
    "-oProxyCommand=touch pwned:x",
    "fd::7",
]


@pytest.fixture
def bench(tmp_path: Path) -> GitBench:
    bench = GitBench.make(tmp_path)
    bench.workspace(backend="git")
    bench.campaign()
    bench.merge()
    assert bench.sendoff("init", *NOW).code == 0
    return bench


def nothing_ran(bench: GitBench) -> None:
    assert list(bench.root.parent.rglob("pwned*")) == []


@pytest.mark.parametrize("name", OPTIONS)
def test_a_base_is_no_option(bench: GitBench, name: str) -> None:
    said = bench.sendoff("plan", f"--base={name}", *NOW)
    assert said.code == 2
    nothing_ran(bench)


@pytest.mark.parametrize("key", ["branch", "approved_branch", "remote"])
@pytest.mark.parametrize("name", [*OPTIONS, *REMOTES])
def test_no_name_in_the_settings_is_an_option(bench: GitBench, key: str, name: str) -> None:
    settings = (bench.root / "sendoff.yaml").read_text()
    shown = name.replace('"', '\\"')
    bench.write(
        "sendoff.yaml", settings.replace("{backend: git}", f'{{backend: git, {key}: "{shown}"}}')
    )
    for command in ("run", "plan", "status", "doctor"):
        said = bench.sendoff(command, *NOW)
        assert said.code != 0, (command, said.out)
        assert "this is a bug" not in said.err
    nothing_ran(bench)
    assert bench.outbox() == []


@pytest.mark.parametrize(
    "branch", ["main\n::error::x", "a..b", "a b", "@{-1}", "refs/heads/../x", ".x", "x.lock"]
)
def test_a_branch_is_a_name(bench: GitBench, branch: str) -> None:
    with pytest.raises(SendoffError):
        approved_tip(Git(bench.root), "origin", branch, sleep=lambda _: None)


HOOKS = [
    *("pre-commit", "pre-push", "post-checkout", "reference-transaction", "post-index-change"),
    *("fsmonitor-watchman", "pre-auto-gc", "post-merge", "commit-msg", "prepare-commit-msg"),
]


def test_no_hook_of_the_clone_runs(bench: GitBench) -> None:
    pwned = bench.root.parent / "pwned"
    for name in HOOKS:
        hook = bench.root / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\necho {name} >> {pwned}\n")
        hook.chmod(0o755)
    git(bench.root, "config", "core.fsmonitor", str(bench.root / ".git/hooks/fsmonitor-watchman"))
    git(bench.root, "config", "gc.auto", "1")
    pwned.unlink(missing_ok=True)
    assert bench.sendoff("plan", "--base", "HEAD", *NOW).code == 0
    assert bench.sendoff("run", *NOW).code == 0
    nothing_ran(bench)


def test_no_attribute_of_a_pull_request_runs_anything(bench: GitBench) -> None:
    """.gitattributes and .gitmodules come with a checkout.  Even with the drivers they name
    configured, files are taken as they were committed."""
    pwned = bench.root.parent / "pwned"
    for key in (
        "filter.evil.smudge",
        "filter.evil.clean",
        "diff.evil.textconv",
        "diff.evil.command",
        "merge.evil.driver",
    ):
        git(bench.root, "config", key, f"touch {pwned}")
    (bench.root / ".gitattributes").write_text(
        "* filter=evil diff=evil merge=evil export-subst ident\n"
    )
    bench.write(".gitmodules", '[submodule "x"]\npath = x\nurl = ext::touch pwned\n')
    tree = bench.root
    git(tree, "-c", "filter.evil.clean=cat", "-c", "filter.evil.smudge=cat", "add", "-A")
    git(
        tree,
        "-c",
        "filter.evil.clean=cat",
        "-c",
        "filter.evil.smudge=cat",
        "commit",
        "-q",
        "-m",
        "x",
    )
    git(tree, "push", "-q", "origin", "HEAD:main")
    pwned.unlink(missing_ok=True)
    assert bench.sendoff("plan", "--base", "HEAD^", *NOW).code == 0
    assert bench.sendoff("run", *NOW).code == 0
    nothing_ran(bench)
    assert len(bench.outbox()) == 5


@pytest.mark.parametrize(
    "link", ["campaigns/lists/people.csv", "campaigns/templates/hello.html", "sendoff.yaml"]
)
def test_a_link_in_a_commit_is_not_followed(bench: GitBench, link: str) -> None:
    outside = bench.root.parent / "outside"
    (bench.root / link).rename(outside)
    (bench.root / link).symlink_to(outside)
    bench.merge()
    assert bench.sendoff("run", *NOW).code != 0
    assert bench.outbox() == []


@pytest.mark.parametrize("name", ["..", ".git", ".", "a\\..\\b"])
def test_a_tree_made_by_hand_cannot_write_elsewhere(
    bench: GitBench, tmp_path: Path, name: str
) -> None:
    blob = git(bench.root, "hash-object", "-w", "sendoff.yaml").strip()
    inner = _tree(bench, f"100644 blob {blob}\tpwned")
    middle = _tree(bench, f"040000 tree {inner}\t{name}")
    top = _tree(bench, f"040000 tree {middle}\tcampaigns")
    commit = git(bench.root, "commit-tree", top, "-m", "x").strip()
    into = tmp_path / "deep/into"
    into.mkdir(parents=True)
    with suppress(SendoffError):
        export(Git(bench.root), commit, "", ("campaigns",), into)
    written = list(tmp_path.rglob("pwned*"))
    assert all(path.is_relative_to(into / "campaigns") for path in written)


def _tree(bench: GitBench, entry: str) -> str:
    source = bench.root / "entry"
    source.write_bytes(entry.encode() + b"\0")
    with source.open("rb") as stream:
        made = subprocess.run(
            ["git", "mktree", "-z"], cwd=bench.root, stdin=stream, check=True, capture_output=True
        )
    source.unlink()
    return made.stdout.decode().strip()


def test_a_password_in_a_remote_is_never_shown(bench: GitBench) -> None:
    git(
        bench.root,
        "remote",
        "set-url",
        "origin",
        "http://user:CANARY-pw@127.0.0.1:9/x?token=CANARY-tk",
    )
    for command in ("run", "plan", "status", "doctor"):
        said = bench.sendoff(command, *NOW, SENDOFF_DEBUG="1")
        assert said.code != 0
        assert "CANARY" not in said.out + said.err


def test_what_is_not_merged_is_not_sent(bench: GitBench) -> None:
    bench.campaign("unmerged")
    bench.write("campaigns/templates/hello.html", "---\nsubject: Evil\n---\n<p>Evil</p>")
    assert bench.sendoff("run", *NOW).code == 0
    assert {mail["Subject"] for mail in bench.outbox()} == {f"Hello Name{n}" for n in range(5)}
    assert "unmerged" not in str([record["campaign"] for record in bench.ledger()])


@pytest.mark.parametrize("key", ["branch: evil", "remote: evil", "approved_branch: evil"])
def test_an_edit_cannot_point_a_run_elsewhere(bench: GitBench, key: str) -> None:
    """Not to another ledger, where nothing looks sent, nor to other campaigns."""
    settings = (bench.root / "sendoff.yaml").read_text()
    git(bench.root, "push", "-q", "origin", "HEAD:evil")
    git(bench.root, "remote", "add", "evil", str(bench.remote))
    bench.write("sendoff.yaml", settings.replace("{backend: git}", f"{{backend: git, {key}}}"))
    assert bench.sendoff("run", *NOW).code == 5
    assert bench.outbox() == []


def test_a_branch_does_not_approve_itself(bench: GitBench) -> None:
    """A checkout of a branch whose settings call that branch the approved one."""
    settings = (bench.root / "sendoff.yaml").read_text()
    git(bench.root, "checkout", "-q", "-b", "evil")
    bench.write("sendoff.yaml", settings.replace("git}", "git, approved_branch: evil}"))
    bench.campaign("evil")
    git(bench.root, "add", "-A")
    git(bench.root, "commit", "-q", "-m", "x")
    git(bench.root, "push", "-q", "origin", "HEAD:evil")
    said = bench.sendoff("run", *NOW)
    assert said.code == 5
    assert "default branch" in said.err
    assert bench.outbox() == []


def test_another_branch_is_approved_by_the_default_one(bench: GitBench) -> None:
    settings = (bench.root / "sendoff.yaml").read_text()
    bench.write("sendoff.yaml", settings.replace("git}", "git, approved_branch: mail}"))
    bench.merge()
    git(bench.root, "push", "-q", "origin", "HEAD:mail")
    assert bench.sendoff("run", *NOW).code == 0
    assert len(bench.outbox()) == 5


def test_a_repository_in_the_files_approves_nothing(bench: GitBench) -> None:
    """A path or an address as the remote: a repository that came with the pull request."""
    inner = bench.root / "inner.git"
    git(bench.root, "clone", "-q", "--bare", str(bench.remote), str(inner))
    settings = (bench.root / "sendoff.yaml").read_text()
    for remote in ("./inner.git", inner.as_uri(), str(inner), "inner.git"):
        bench.write("sendoff.yaml", settings.replace("git}", f'git, remote: "{remote}"}}'))
        assert bench.sendoff("run", *NOW).code in (1, 5)
    assert bench.outbox() == []


@pytest.mark.parametrize(
    "name",
    [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_EXTERNAL_DIFF",
        "GIT_TRACE",
        "GIT_NAMESPACE",
    ],
)
def test_the_environment_points_nowhere_else(bench: GitBench, name: str) -> None:
    said = bench.sendoff("run", *NOW, **{name: str(bench.root.parent / "pwned")})
    assert said.code == 0, said.err
    nothing_ran(bench)


def test_a_remote_is_no_terminal(bench: GitBench) -> None:
    """What a remote's hook says is shown without what a terminal or a CI would obey."""
    hook = bench.remote / "hooks/pre-receive"
    hook.write_text(
        "#!/bin/sh\nprintf '\\033[31mred\\n::error::pwned\\n##[error]pwned\\n' >&2\nexit 1\n"
    )
    hook.chmod(0o755)
    said = bench.sendoff("run", *NOW, GITHUB_ACTIONS="true")
    assert said.code == 5
    for line in (said.out + said.err).split("\n"):
        assert "\x1b" not in line
        assert "##[" not in line
        assert not line.lstrip().startswith("::error::pwned")
    assert os.environ.get("GIT_DIR") is None
