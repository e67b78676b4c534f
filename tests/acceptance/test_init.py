"""``sendoff init``: in an empty directory, in a repository, and beside what is there already."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.bootstrap import Site
from runner.cli import parser
from runner.clock import SystemClock
from runner.commands.init import init
from runner.commands.starting import AROUND, SAMPLE, WORKFLOWS
from runner.errors import StateCorrupt, StateError, StateKeyChanged, UsageError
from runner.workspace import WorkspaceFiles, load

KEY = "a state key of more than thirty-two characters"
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def site(root: Path, key: str = KEY) -> Site:
    environ = {"SENDOFF_STATE_KEY": key} if key else {}
    return Site(root=root, environ=environ, clock=SystemClock(NOW))


def git(directory: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=directory, check=True, capture_output=True, text=True
    ).stdout


def sendoff(root: Path, *arguments: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    """The command as a user calls it, with nothing of ours in the environment."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    if key:
        environment["SENDOFF_STATE_KEY"] = key
    return subprocess.run(
        [sys.executable, "-m", "runner", *arguments],
        cwd=root,
        env={**environment, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(autouse=True)
def own_git(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither the user's configuration nor the repository that the tests lie in."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in [name for name in os.environ if name.startswith("GIT_") and "CONFIG" not in name]:
        monkeypatch.delenv(name)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A clone with one commit, whose remote is a bare repository."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "remote.git")
    git(tmp_path, "clone", "-q", "remote.git", "work")
    work = tmp_path / "work"
    git(work, "checkout", "-q", "-B", "main")
    git(work, "config", "user.name", "Tester")
    git(work, "config", "user.email", "tester@example.org")
    return work


def files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


# -- a new workspace -----------------------------------------------------------------------------


def test_a_new_workspace_is_whole(tmp_path: Path) -> None:
    outcome = init(site(tmp_path), None)

    assert outcome.exit_code == 0
    made = set(files(tmp_path))
    assert made >= {
        "sendoff.yaml",
        ".gitignore",
        *(f".github/workflows/{name}" for name in WORKFLOWS),
        "schemas/campaign.schema.json",
        "state/meta.json",
        *SAMPLE,
        *AROUND,
    }
    for path in made - {"state/meta.json"}:
        assert path in outcome.output or path.startswith("state/")
    workspace = load(WorkspaceFiles(tmp_path))
    assert workspace.problems == ()
    assert set(workspace.campaigns) == {"welcome"}


def test_the_first_minutes_go_as_the_output_says(tmp_path: Path) -> None:
    """init, then the three commands it names, in that order."""
    first = sendoff(tmp_path, "init")
    assert first.returncode == 0, first.stderr
    named = re.findall(r"^  sendoff (\w+)", first.stdout.partition("Next:")[2], re.MULTILINE)
    assert named == ["validate", "plan", "run"]
    for command in named:
        done = sendoff(tmp_path, command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    mails = list((tmp_path / "outbox").rglob("*.eml"))
    assert len(mails) == 3
    again = json.loads(sendoff(tmp_path, "run", "--json").stdout)
    assert (again["exit_code"], again["sent"]) == (0, 0)


def test_the_sample_says_its_schemas_where_an_editor_finds_them(tmp_path: Path) -> None:
    init(site(tmp_path), None)
    lines = {
        path: re.search(rb"^# yaml-language-server: \$schema=(\S+)$", content, re.MULTILINE)
        for path, content in files(tmp_path).items()
        if path.endswith((".yaml", ".html")) and ".github" not in path
    }
    assert len(lines) == 4
    for path, line in lines.items():
        assert line is not None, path
        schema = (tmp_path / path).parent / line[1].decode()
        assert json.loads(schema.read_text())["description"], path


def test_the_sample_mails_nobody_who_exists(tmp_path: Path) -> None:
    init(site(tmp_path), None)
    for path, content in files(tmp_path).items():
        for domain in re.findall(rb"[\w.+-]+@([\w.-]+\w)", content):
            reserved = domain.startswith(b"example.") or domain.endswith((b".example", b".test"))
            assert reserved or path.startswith((".github", "schemas")), (path, domain)


def test_what_helps_an_editor_fits_the_workspace(tmp_path: Path) -> None:
    """The schemas that the settings name exist, and each of its globs finds a file."""
    init(site(tmp_path), None)
    settings = json.loads((tmp_path / ".vscode/settings.json").read_text())
    for schema, glob in settings["yaml.schemas"].items():
        assert json.loads((tmp_path / schema).read_text())["$schema"]
        assert list(tmp_path.glob(glob)), glob
    assert json.loads((tmp_path / ".vscode/extensions.json").read_text())["recommendations"]


def test_what_the_marketers_read_names_what_exists(tmp_path: Path) -> None:
    init(site(tmp_path), None)
    text = (tmp_path / "campaigns/README.md").read_text()
    names = {
        re.search(r"^name: (.+)$", path.read_text(), re.MULTILINE)[1]  # type: ignore[index]  # all have one
        for path in (tmp_path / ".github/workflows").glob("*.yml")
    }
    named = set(re.findall(r"Actions, \*([^*]+)\*", text))
    assert named == {"Cancel a campaign", "Retry what failed", "Run campaigns"}
    assert named <= names
    calls = re.findall(r"`sendoff ([^`]+)`", text)
    assert len(calls) > 3
    for call in calls:
        parser().parse_args(call.split() if " " in call else [call])
    for path in ("welcome.yaml", "lists/", "templates/"):
        assert f"`{path}`" in text
        assert (tmp_path / "campaigns" / path).exists()


def test_the_example_of_owners_binds_nobody(tmp_path: Path) -> None:
    """Until someone takes the marks away, it is all comments."""
    init(site(tmp_path), None)
    lines = (tmp_path / ".github/CODEOWNERS").read_text().splitlines()
    assert all(line.startswith("#") for line in lines)


@pytest.mark.parametrize("key", ["", "too short"])
def test_a_key_is_asked_for_never_given(tmp_path: Path, key: str) -> None:
    if key:
        with pytest.raises(StateError, match="too short"):
            init(site(tmp_path, key), None)
        assert files(tmp_path) == {}
        return
    outcome = init(site(tmp_path, key), None)
    assert outcome.exit_code == 0
    assert "export SENDOFF_STATE_KEY=" in outcome.output
    assert not re.search(r"[0-9a-f]{16}", outcome.output)
    assert not (tmp_path / "state").exists()

    assert "Made the state" in init(site(tmp_path), None).output


# -- what exists is left alone ---------------------------------------------------------------------


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".github/workflows").mkdir(parents=True)
    own = {
        ".github/workflows/run.yml": b"mine",
        "campaigns/readers-digest.txt": b"mine too",
        ".gitignore": b"/outbox/\nnode_modules",
    }
    for path, content in own.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)

    output = init(site(tmp_path), None).output

    after = files(tmp_path)
    assert after[".github/workflows/run.yml"] == b"mine"
    assert after[".gitignore"].startswith(b"/outbox/\nnode_modules\n")
    assert b"/previews/" in after[".gitignore"]
    assert "Left alone" in output
    # a sample beside someone's own campaigns could pick up their lists
    assert "campaigns/welcome.yaml" not in after


@pytest.mark.parametrize("own", ["CODEOWNERS", "docs/CODEOWNERS"])
def test_owners_that_stand_elsewhere_stay_in_force(tmp_path: Path, own: str) -> None:
    """GitHub reads one file, and the one in ``.github`` first."""
    (tmp_path / own).parent.mkdir(exist_ok=True)
    (tmp_path / own).write_text("* @everyone\n")
    output = init(site(tmp_path), None).output
    assert not (tmp_path / ".github/CODEOWNERS").exists()
    assert ".github/CODEOWNERS" in output.partition("Left alone")[2]


def test_a_second_call_changes_nothing(tmp_path: Path) -> None:
    init(site(tmp_path), None)
    before = files(tmp_path)
    outcome = init(site(tmp_path), None)
    assert outcome.exit_code == 0
    assert "already" in outcome.output
    assert files(tmp_path) == before


def test_another_key_is_refused(tmp_path: Path) -> None:
    init(site(tmp_path), None)
    with pytest.raises(StateKeyChanged):
        init(site(tmp_path, KEY[::-1]), None)


def test_another_backend_than_the_settings_say_is_refused(tmp_path: Path) -> None:
    init(site(tmp_path), None)
    with pytest.raises(UsageError, match=r"state\.backend: files"):
        init(site(tmp_path), "git")


def test_no_ledger_is_begun_in_a_broken_workspace(tmp_path: Path) -> None:
    (tmp_path / "sendoff.yaml").write_text(
        "version: 1\nfrom: {email: hello@example.org}\nsate: 1\n"
    )
    done = sendoff(tmp_path, "init")
    assert done.returncode == 1
    assert "sendoff.yaml:3:1" in done.stderr
    assert not (tmp_path / "state").exists()


# -- git -----------------------------------------------------------------------------------------


def test_git_keeps_the_ledger_on_its_branch(repository: Path) -> None:
    outcome = init(site(repository), "git")
    assert "branch sendoff-state of origin" in outcome.output
    assert git(repository, "ls-remote", "--heads", "origin", "sendoff-state")
    assert load(WorkspaceFiles(repository)).settings.state.backend == "git"
    assert not (repository / "state").exists()

    again = init(site(repository), None)
    assert "There is a state already" in again.output


def test_the_state_branch_alone(repository: Path) -> None:
    """In a workspace that someone else has set up, and a second call leaves it as it is."""
    (repository / "sendoff.yaml").write_text(
        "version: 1\nfrom: {email: hello@example.org, name: Club}\nstate: {backend: git}\n"
    )
    before = files(repository)
    first = sendoff(repository, "init", "--state-branch")
    assert first.returncode == 0, first.stderr
    assert "branch sendoff-state of origin" in first.stdout
    tip = git(repository, "ls-remote", "--heads", "origin", "sendoff-state")
    assert tip
    assert files(repository) == before
    again = sendoff(repository, "init", "--state-branch")
    assert "There is a state already" in again.stdout
    assert git(repository, "ls-remote", "--heads", "origin", "sendoff-state") == tip


@pytest.mark.parametrize(
    ("settings", "key", "code", "said"),
    [
        ("", KEY, 2, "sendoff init --backend git"),
        ("state: {backend: files}", KEY, 2, "state.backend: files"),
        ("state: {backend: git}", "", 5, "SENDOFF_STATE_KEY"),
    ],
    ids=["no workspace", "another backend", "no key"],
)
def test_the_state_branch_is_refused(
    repository: Path, settings: str, key: str, code: int, said: str
) -> None:
    if settings:
        (repository / "sendoff.yaml").write_text(
            f"version: 1\nfrom: {{email: hello@example.org, name: Club}}\n{settings}\n"
        )
    done = sendoff(repository, "init", "--state-branch", key=key)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not git(repository, "ls-remote", "--heads", "origin")


def test_git_sends_what_was_pushed(repository: Path) -> None:
    assert sendoff(repository, "init", "--backend", "git").returncode == 0
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Start with sendoff")
    git(repository, "push", "-q", "origin", "HEAD:main")
    done = sendoff(repository, "run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sent"] == 3


def test_git_without_a_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="git init"):
        init(site(tmp_path), "git")
    assert files(tmp_path) == {}


def test_git_without_a_remote(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(UsageError, match="git remote add origin URL"):
        init(site(tmp_path), "git")
    assert files(tmp_path) == {}


def test_a_workspace_below_the_top_says_where_workflows_belong(repository: Path) -> None:
    (repository / "mail/club").mkdir(parents=True)
    outcome = init(site(repository / "mail/club"), "git")
    assert "sendoff --root mail/club" in outcome.output
    assert "--root" not in init(site(repository), "git").output


def test_a_ledger_that_is_gone_is_never_begun_anew(repository: Path) -> None:
    """Nothing would look sent."""
    init(site(repository), "git")
    git(repository, "push", "-q", "origin", ":sendoff-state")
    with pytest.raises(StateCorrupt, match="is gone"):
        init(site(repository), None)
    assert not git(repository, "ls-remote", "--heads", "origin", "sendoff-state")


# -- the command line ----------------------------------------------------------------------------


def test_root_may_be_a_directory_that_is_not_there_yet(tmp_path: Path) -> None:
    done = sendoff(tmp_path, "--root", "club", "init", "--now", "2026-01-05T09:00:00Z")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "club/sendoff.yaml").exists()
    meta = json.loads((tmp_path / "club/state/meta.json").read_text())
    assert meta["created"].startswith("2026-01-05T09:00")


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A foreign checkout may hold one where a directory would be made."""
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "work"
    root.mkdir()
    (root / ".github").symlink_to(outside)
    with pytest.raises(UsageError, match="symbolic link"):
        init(site(root), None)
    assert not list(outside.iterdir())
