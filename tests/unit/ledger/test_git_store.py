"""The git store against lost answers, rules, rewritten branches and every kind of clone."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from runner.errors import (
    RaceLost,
    StateCorrupt,
    StateRefused,
    StateUnreachable,
    UsageError,
)
from runner.ledger.git_store import GitStore
from runner.model.ledger import Claim, Receipt, Settled
from runner.ports import Snapshot
from runner.repository.git import Git
from runner.repository.objects import commit_files, read_file

MakeClaim = Callable[..., Claim]
BRANCH = "sendoff-state"
REF = f"refs/sendoff/state/{BRANCH}"


def no_sleep(seconds: float) -> None:
    assert seconds >= 0


def sh(directory: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=directory, check=True, capture_output=True
    )
    return done.stdout.decode()


def hook(remote: Path, name: str, text: str) -> None:
    path = remote / "hooks" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def open_store(clone: Path, branch: str = BRANCH) -> GitStore:
    git = Git(clone, timeout=20.0)
    return GitStore(git, "origin", branch, "0123abcd", sleep=no_sleep, jitter=lambda: 0.0)


def append(store: GitStore, base: Snapshot, *claims: Claim, run: str = "r") -> Snapshot:
    return store.append(base, claims, run=run, message="Claim")


def settle(store: GitStore, claim: Claim) -> Snapshot:
    parts = (Settled("accepted", ((0, 3),)),)
    fact = Receipt(claim.id, claim.campaign, claim.run, claim.at, parts)
    return store.add_facts([fact], run=claim.run, message="Settle")


def ids(snapshot: Snapshot) -> list[str]:
    records = snapshot.records("news")
    return [record.id if isinstance(record, Claim) else record.campaign for record in records]


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    path = tmp_path / "remote.git"
    sh(tmp_path, "init", "-q", "--bare", "-b", "main", str(path))
    seed = tmp_path / "seed"
    sh(tmp_path, "init", "-q", "-b", "main", str(seed))
    for number in range(3):
        (seed / "file").write_text(str(number))
        sh(seed, "add", ".")
        sh(seed, "commit", "-q", "-m", str(number))
    sh(seed, "push", "-q", str(path), "main")
    return path


@pytest.fixture
def clone(tmp_path: Path, remote: Path) -> Path:
    path = tmp_path / "clone"
    sh(tmp_path, "clone", "-q", str(remote), str(path))
    return path


@pytest.fixture
def store(clone: Path, created: datetime) -> GitStore:
    opened = open_store(clone)
    opened.initialise(created)
    return opened


@pytest.fixture
def elsewhere(store: GitStore, remote: Path, tmp_path: Path) -> GitStore:
    """The same ledger from another machine."""
    path = tmp_path / "elsewhere"
    sh(tmp_path, "clone", "-q", str(remote), str(path))
    return open_store(path)


def test_the_answer_is_lost_but_the_push_was_taken(
    store: GitStore, remote: Path, make_claim: MakeClaim
) -> None:
    base = store.sync()
    hook(remote, "post-receive", "kill -9 $PPID")
    after = append(store, base, make_claim("1"))
    assert ids(after) == ["1"]
    assert sh(remote, "rev-parse", BRANCH).strip() == after.version
    settled = settle(store, make_claim("1"))
    assert ids(settled) == ["1", "news"]
    assert sh(remote, "rev-list", "--count", BRANCH).strip() == "3"


def test_the_answer_is_lost_and_the_push_was_not_taken(
    store: GitStore, remote: Path, make_claim: MakeClaim, tmp_path: Path
) -> None:
    base = store.sync()
    hook(remote, "pre-receive", f"echo x >> {tmp_path / 'tries'}; kill -9 $PPID")
    with pytest.raises(StateUnreachable, match="did not succeed"):
        append(store, base, make_claim("1"))
    assert (tmp_path / "tries").read_text() == "x\n" * 3
    assert sh(remote, "rev-parse", BRANCH).strip() == base.version
    (remote / "hooks" / "pre-receive").unlink()
    assert ids(append(store, base, make_claim("1"))) == ["1"]


def test_the_answer_is_lost_once_and_then_it_works(
    store: GitStore, remote: Path, make_claim: MakeClaim, tmp_path: Path
) -> None:
    once = tmp_path / "once"
    hook(remote, "pre-receive", f"[ -e {once} ] || {{ touch {once}; kill -9 $PPID; }}")
    assert ids(append(store, store.sync(), make_claim("1"))) == ["1"]
    assert sh(remote, "rev-list", "--count", BRANCH).strip() == "2"


def test_the_answer_is_lost_and_another_run_was_faster(
    store: GitStore, elsewhere: GitStore, remote: Path, make_claim: MakeClaim, tmp_path: Path
) -> None:
    base = store.sync()
    rival = append(elsewhere, base, make_claim("rival", run="q"), run="q").version
    sh(remote, "update-ref", f"refs/heads/{BRANCH}", base.version)
    # The rival's push lands while ours is being looked at, and ours is never answered.
    move = f"env -u GIT_QUARANTINE_PATH git update-ref refs/heads/{BRANCH} {rival}"
    hook(remote, "pre-receive", f"{move}; kill -9 $PPID")
    with pytest.raises(RaceLost):
        append(store, base, make_claim("1"))
    assert sh(remote, "rev-parse", BRANCH).strip() == rival


def test_the_answer_to_the_first_push_of_all_is_lost(
    clone: Path, remote: Path, created: datetime, make_claim: MakeClaim
) -> None:
    hook(remote, "post-receive", "kill -9 $PPID")
    store = open_store(clone)
    base = store.initialise(created)
    assert store.sync().version == base.version
    assert ids(append(store, base, make_claim("1"))) == ["1"]


def test_runs_that_share_one_clone(store: GitStore, clone: Path, make_claim: MakeClaim) -> None:
    stores = [open_store(clone) for _ in range(3)]
    base = store.sync()
    start = threading.Barrier(3)

    def go(index: int) -> bool:
        start.wait()
        claim = make_claim(str(index), run=f"r{index}")
        try:
            append(stores[index], base, claim, run=claim.run)
        except RaceLost:
            append(stores[index], stores[index].sync(), claim, run=claim.run)
            return False
        return True

    def persistent(index: int) -> bool:
        try:
            return go(index)
        except RaceLost:
            append(stores[index], stores[index].sync(), make_claim(str(index)), run=f"s{index}")
            return False

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(persistent, range(3))) == 1
    assert sorted(ids(store.sync())) == ["0", "1", "2"]


def test_from_a_clone_without_blobs(
    store: GitStore, remote: Path, tmp_path: Path, make_claim: MakeClaim
) -> None:
    sh(remote, "config", "uploadpack.allowFilter", "true")
    sh(remote, "config", "uploadpack.allowAnySHA1InWant", "true")
    append(store, store.sync(), make_claim("0"))
    partial = tmp_path / "partial"
    sh(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{remote}", str(partial))
    opened = open_store(partial)
    assert ids(append(opened, opened.sync(), make_claim("1", run="s"), run="s")) == ["0", "1"]


def test_facts_wait_for_a_remote_that_is_away_for_a_moment(
    store: GitStore, clone: Path, remote: Path, make_claim: MakeClaim
) -> None:
    append(store, store.sync(), make_claim("1"))
    away = remote.with_name("away.git")
    remote.rename(away)
    waits: list[float] = []

    def come_back(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            away.rename(remote)

    patient = GitStore(Git(clone), "origin", BRANCH, "0123abcd", sleep=come_back)
    assert ids(settle(patient, make_claim("1"))) == ["1", "news"]
    assert waits == [0.5, 2.0]


def test_two_machines_make_the_state_at_once(clone: Path, remote: Path, created: datetime) -> None:
    main = sh(remote, "rev-parse", "main").strip()
    other = f"env -u GIT_QUARANTINE_PATH git update-ref refs/heads/{BRANCH} {main}"
    hook(remote, "pre-receive", other)
    with pytest.raises(StateRefused, match="exists already"):
        open_store(clone).initialise(created)
    assert sh(remote, "rev-parse", BRANCH).strip() == main


def test_the_first_push_of_all_is_never_taken(clone: Path, remote: Path, created: datetime) -> None:
    hook(remote, "pre-receive", "kill -9 $PPID")
    with pytest.raises(StateUnreachable, match="did not succeed"):
        open_store(clone).initialise(created)
    assert sh(remote, "branch", "--list", BRANCH) == ""


def test_a_clone_that_cannot_be_written(clone: Path, created: datetime) -> None:
    (clone / ".git" / "refs" / "sendoff").write_text("in the way")
    with pytest.raises(StateRefused, match=f"{REF} cannot be written"):
        open_store(clone).initialise(created)


def test_a_rule_that_declines_is_told_with_the_words_of_the_remote(
    store: GitStore, remote: Path, make_claim: MakeClaim
) -> None:
    base = store.sync()
    hook(remote, "pre-receive", "echo 'GH006: Protected branch update failed' >&2; exit 1")
    for act in (
        lambda: append(store, base, make_claim("1")),
        lambda: settle(store, make_claim("1")),
    ):
        with pytest.raises(StateRefused, match="GH006: Protected branch update failed"):
            act()
    assert sh(remote, "rev-parse", BRANCH).strip() == base.version


def test_a_remote_that_is_gone(store: GitStore, remote: Path, make_claim: MakeClaim) -> None:
    base = append(store, store.sync(), make_claim("1"))
    remote.rename(remote.with_name("moved.git"))
    for act in (
        store.sync,
        lambda: append(store, base, make_claim("2")),
        lambda: settle(store, make_claim("1")),
    ):
        with pytest.raises(StateUnreachable, match="'origin'"):
            act()
    assert ids(base) == ["1"]


def test_a_remote_that_hangs(clone: Path, tmp_path: Path) -> None:
    script = tmp_path / "ssh"
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    script.chmod(0o755)
    git = Git(clone, timeout=0.5, environment={"GIT_SSH_COMMAND": str(script)})
    store = GitStore(git, "ssh://example.org/x.git", BRANCH, "0123abcd", sleep=no_sleep)
    with pytest.raises(StateUnreachable, match="no answer in time"):
        store.sync()


def test_a_push_that_hangs_after_it_was_taken(
    store: GitStore, clone: Path, remote: Path, make_claim: MakeClaim
) -> None:
    base = store.sync()
    hook(remote, "post-receive", "exec sleep 600")
    hasty = GitStore(Git(clone, timeout=2.0), "origin", BRANCH, "0123abcd", sleep=no_sleep)
    assert ids(append(hasty, base, make_claim("1"))) == ["1"]


def test_pushes_that_never_answer_are_not_tried_for_ever(
    store: GitStore, clone: Path, remote: Path, tmp_path: Path, make_claim: MakeClaim
) -> None:
    base = store.sync()
    tries = tmp_path / "tries"
    hook(remote, "pre-receive", f"echo >> {tries}; exec sleep 600")
    hasty = GitStore(Git(clone, timeout=0.7), "origin", BRANCH, "0123abcd", sleep=no_sleep)
    with pytest.raises(StateUnreachable, match="no answer in time"):
        append(hasty, base, make_claim("1"))
    assert len(tries.read_text().splitlines()) == 1
    with pytest.raises(StateUnreachable, match="no answer in time"):
        settle(hasty, make_claim("1"))
    # a receipt is worth a second time-out, and a run's budget no third
    assert len(tries.read_text().splitlines()) == 3


def test_a_branch_that_was_deleted_is_no_empty_ledger_and_the_way_back_is_told(
    store: GitStore, clone: Path, remote: Path, make_claim: MakeClaim
) -> None:
    base = append(store, store.sync(), make_claim("1"))
    sh(remote, "update-ref", "-d", f"refs/heads/{BRANCH}")
    way_back = f"git push origin {base.version}:refs/heads/{BRANCH}"
    with pytest.raises(StateCorrupt, match=way_back):
        store.sync()
    sh(clone, *way_back.split()[1:])
    assert ids(store.sync()) == ["1"]


def test_a_claim_does_not_bring_a_deleted_branch_back(
    store: GitStore, remote: Path, make_claim: MakeClaim
) -> None:
    base = append(store, store.sync(), make_claim("1"))
    sh(remote, "update-ref", "-d", f"refs/heads/{BRANCH}")
    with pytest.raises(RaceLost):
        append(store, base, make_claim("2"))
    with pytest.raises(StateCorrupt):
        settle(store, make_claim("1"))
    assert sh(remote, "branch", "--list", BRANCH) == ""


def test_a_branch_that_went_backwards(
    store: GitStore, elsewhere: GitStore, remote: Path, make_claim: MakeClaim
) -> None:
    base = append(store, store.sync(), make_claim("1"))
    append(store, base, make_claim("2"))
    sh(remote, "update-ref", f"refs/heads/{BRANCH}", base.version)
    with pytest.raises(StateCorrupt, match=r"went backwards.*update-ref -d"):
        store.sync()
    with pytest.raises(StateCorrupt, match="went backwards"):
        settle(store, make_claim("2"))


def test_a_branch_that_was_rewritten(store: GitStore, clone: Path, make_claim: MakeClaim) -> None:
    base = append(store, store.sync(), make_claim("1"))
    git = Git(clone)
    meta = read_file(git, base.version, "state/meta.json")
    assert meta
    new = commit_files(git, None, {"state/meta.json": meta}, "Clean up")
    sh(clone, "push", "-q", "-f", "origin", f"{new}:refs/heads/{BRANCH}")
    with pytest.raises(StateCorrupt, match="was rewritten"):
        store.sync()
    sh(clone, "update-ref", "-d", REF)
    assert store.sync().campaigns() == ()


@pytest.mark.parametrize("deleted", [True, False])
def test_a_record_that_was_changed_later_is_noticed_by_everyone(
    store: GitStore, elsewhere: GitStore, clone: Path, make_claim: MakeClaim, deleted: bool
) -> None:
    append(store, store.sync(), make_claim("1"))
    sh(clone, "checkout", "-q", "-b", "edit", f"origin/{BRANCH}")
    path = clone / "state/ledger/news/2025-10/r-0001.jsonl"
    if deleted:
        sh(clone, "rm", "-q", str(path))
    else:
        path.write_text(path.read_text().replace("outbox", "smtp"))
    sh(clone, "commit", "-q", "-a", "-m", "Tidy")
    sh(clone, "push", "-q", "origin", f"edit:{BRANCH}")
    for reader in (store, elsewhere):
        with pytest.raises(StateCorrupt, match=r"r-0001\.jsonl was changed or deleted"):
            reader.sync()


def test_a_branch_that_holds_something_else(clone: Path) -> None:
    with pytest.raises(StateCorrupt, match=r"holds no state/meta\.json"):
        open_store(clone, "main").sync()


def test_a_record_behind_a_link_is_refused(
    store: GitStore, clone: Path, make_claim: MakeClaim
) -> None:
    append(store, store.sync(), make_claim("1"))
    sh(clone, "checkout", "-q", "-b", "edit", f"origin/{BRANCH}")
    (clone / "state/ledger/news/2025-10/q-0001.jsonl").symlink_to("r-0001.jsonl")
    sh(clone, "add", ".")
    sh(clone, "commit", "-q", "-m", "Link")
    sh(clone, "push", "-q", "origin", f"edit:{BRANCH}")
    with pytest.raises(StateCorrupt, match="not an ordinary file"):
        store.sync().campaigns()


def fingerprint(clone: Path) -> dict[str, str]:
    """Everything of the user's in a clone, in one comparable piece."""
    files = {}
    for path in sorted(clone.rglob("*")):
        inside = path.relative_to(clone).as_posix()
        ours = ("objects", "refs/sendoff", "refs/remotes", "logs/refs/remotes")
        if path.is_file() and not inside.startswith(tuple(f".git/{name}" for name in ours)):
            files[inside] = hashlib.sha256(path.read_bytes()).hexdigest()
    return files


@pytest.mark.parametrize("kind", ["dirty", "detached", "unborn", "locked"])
def test_the_users_work_is_not_touched(
    clone: Path, created: datetime, make_claim: MakeClaim, kind: str
) -> None:
    (clone / "file").write_text("edited")
    (clone / "new").write_text("new")
    (clone / "staged").write_text("staged")
    sh(clone, "add", "staged")
    if kind == "detached":
        sh(clone, "checkout", "-q", "--detach")
    elif kind == "unborn":
        sh(clone, "checkout", "-q", "--orphan", "fresh")
    elif kind == "locked":
        (clone / ".git" / "refs" / "sendoff").mkdir(parents=True)
        for name in ("index", "HEAD", "config", "packed-refs", "refs/heads/main", "shallow"):
            (clone / ".git" / f"{name}.lock").touch()
    status = sh(clone, "status", "--porcelain=v2", "--branch")
    branches, stash = sh(clone, "branch", "--list"), sh(clone, "stash", "list")
    before = fingerprint(clone)
    store = open_store(clone)
    base = append(store, store.initialise(created), make_claim("1"))
    settle(store, make_claim("1"))
    assert ids(store.sync()) == ["1", "news"]
    assert base.version != store.sync().version
    assert fingerprint(clone) == before
    assert sh(clone, "status", "--porcelain=v2", "--branch") == status
    assert (sh(clone, "branch", "--list"), sh(clone, "stash", "list")) == (branches, stash)


def test_locks_of_a_killed_git_are_not_in_the_way(
    store: GitStore, elsewhere: GitStore, clone: Path, make_claim: MakeClaim
) -> None:
    git_dir = clone / ".git"
    (git_dir / "refs/remotes/origin").mkdir(parents=True, exist_ok=True)
    names = (REF, f"refs/remotes/origin/{BRANCH}", "packed-refs", "refs/sendoff/scratch")
    for name in names:
        (git_dir / f"{name}.lock").parent.mkdir(parents=True, exist_ok=True)
        (git_dir / f"{name}.lock").touch()
    append(elsewhere, elsewhere.sync(), make_claim("0", run="q"), run="q")
    base = append(store, store.sync(), make_claim("1"))
    assert ids(base) == ["0", "1"]
    assert sh(clone, "rev-parse", REF).strip() == base.version


def test_from_a_clone_of_depth_one_and_a_worktree_and_a_folder(
    store: GitStore, remote: Path, tmp_path: Path, make_claim: MakeClaim
) -> None:
    append(store, store.sync(), make_claim("0"))
    shallow = tmp_path / "shallow"
    sh(tmp_path, "clone", "-q", "--depth", "1", f"file://{remote}", str(shallow))
    boundary = (shallow / ".git" / "shallow").read_text()
    opened = open_store(shallow)
    assert ids(append(opened, opened.sync(), make_claim("1", run="s"), run="s")) == ["0", "1"]
    assert (shallow / ".git" / "shallow").read_text() == boundary
    tree = tmp_path / "tree"
    sh(shallow, "worktree", "add", "-q", "--detach", str(tree))
    opened = open_store(tree)
    assert ids(append(opened, opened.sync(), make_claim("2", run="t"), run="t")) == ["0", "1", "2"]
    (tree / "ws").mkdir()
    opened = open_store(tree / "ws")
    assert len(ids(append(opened, opened.sync(), make_claim("3", run="u"), run="u"))) == 4


def test_from_a_clone_that_has_only_the_tip_of_the_state(
    store: GitStore, elsewhere: GitStore, remote: Path, tmp_path: Path, make_claim: MakeClaim
) -> None:
    base = append(store, store.sync(), make_claim("0"))
    append(store, base, make_claim("1"))
    shallow = tmp_path / "shallow"
    url = f"file://{remote}"
    sh(tmp_path, "clone", "-q", "--depth", "1", "--no-single-branch", url, str(shallow))
    opened = open_store(shallow)
    base = append(opened, opened.sync(), make_claim("2", run="s"), run="s")
    append(elsewhere, elsewhere.sync(), make_claim("3", run="t"), run="t")
    assert ids(opened.sync()) == ["0", "1", "2", "3"]


def test_only_what_is_new_is_sent_however_large_the_ledger(
    store: GitStore, clone: Path, make_claim: MakeClaim
) -> None:
    git = Git(clone)
    base = store.sync()
    lone = append(store, base, make_claim("0", "first"))
    many = [make_claim(str(n), f"c{n}") for n in range(1, 60)]
    base = append(store, lone, *many)
    after = append(store, base, make_claim("x", "c7", run="s"), run="s")
    new = git.ask("rev-list", "--objects", after.version, f"^{base.version}").splitlines()
    # commit, root, state, ledger, c7, month, blob
    assert len(new) == 7


def test_what_a_commit_says(store: GitStore, clone: Path, make_claim: MakeClaim) -> None:
    message = "Claim 3 contacts\n\nRun: r\n"
    after = store.append(store.sync(), [make_claim("1")], run="r", message=message)
    assert sh(clone, "log", "-1", "--format=%B", after.version).strip() == message.strip()
    assert sh(clone, "log", "-1", "--format=%an <%ae>", after.version).strip() == (
        "sendoff <sendoff@localhost>"
    )


def test_facts_give_up_after_a_while(store: GitStore, remote: Path, make_claim: MakeClaim) -> None:
    base = append(store, store.sync(), make_claim("1"))
    (remote / "refs" / "heads" / f"{BRANCH}.lock").touch()
    with pytest.raises(StateUnreachable, match=r"cannot lock ref|failed to update ref"):
        settle(store, make_claim("1"))
    with pytest.raises(RaceLost):
        append(store, base, make_claim("2"))


def test_tries_are_spaced_further_and_further_apart(
    store: GitStore, clone: Path, remote: Path, make_claim: MakeClaim
) -> None:
    append(store, store.sync(), make_claim("1"))
    (remote / "refs" / "heads" / f"{BRANCH}.lock").touch()
    waits: list[float] = []
    patient = GitStore(
        Git(clone), "origin", BRANCH, "0123abcd", sleep=waits.append, jitter=lambda: 0.5
    )
    with pytest.raises(StateUnreachable):
        settle(patient, make_claim("1"))
    assert waits[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert max(waits) == 8.0


def test_two_branches_in_one_clone_do_not_confuse_each_other(
    store: GitStore, clone: Path, created: datetime, make_claim: MakeClaim
) -> None:
    append(store, store.sync(), make_claim("1"))
    other = open_store(clone, "ledgers/two")
    append(other, other.initialise(created), make_claim("2"))
    assert (ids(store.sync()), ids(other.sync())) == (["1"], ["2"])


def test_names_that_git_would_take_for_options(clone: Path) -> None:
    git = Git(clone)
    with pytest.raises(UsageError):
        GitStore(git, "origin", "--force", "0123abcd", sleep=no_sleep)
    with pytest.raises(UsageError):
        GitStore(git, "--exec=touch x", BRANCH, "0123abcd", sleep=no_sleep)


def test_outside_of_a_repository(tmp_path: Path) -> None:
    with pytest.raises(StateUnreachable, match="not a git repository"):
        open_store(tmp_path).sync()


def test_hooks_and_settings_of_the_clone_do_not_matter(
    clone: Path, created: datetime, make_claim: MakeClaim
) -> None:
    trace = clone.parent / "trace"
    for name in ("pre-push", "reference-transaction", "commit-msg", "post-checkout"):
        hook(clone / ".git", name, f"touch {trace}; exit 1")
    for setting in (
        "push.followTags=true",
        "push.gpgSign=if-asked",
        "push.recurseSubmodules=check",
        "fetch.prune=true",
        "fetch.pruneTags=true",
        "remote.origin.tagOpt=--tags",
        "commit.gpgSign=true",
        "core.autocrlf=true",
        "log.showSignature=true",
        "core.quotePath=false",
        "transfer.fsckObjects=true",
        "fastimport.unpackLimit=0",
        "color.ui=always",
    ):
        sh(clone, "config", *setting.split("=", 1))
    store = open_store(clone)
    append(store, store.initialise(created), make_claim("1"))
    assert ids(settle(store, make_claim("1"))) == ["1", "news"]
    assert not trace.exists()
    assert sorted(path.name for path in clone.iterdir()) == [".git", "file"]
