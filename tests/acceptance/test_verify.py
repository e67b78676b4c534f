"""What was cut, edited or taken away from a ledger is named, and nothing is sent before it is
mended: through the command line, in both stores."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .bench import Bench, GitBench, git

NOW = "2025-10-20T14:00:00Z"
LATER = "2025-10-20T18:00:00Z"
Edit = Callable[[bytes], bytes | None]
"""What becomes of a file; None: it is deleted."""


@dataclass
class Place:
    """A workspace whose first campaign was sent, and a way for careless hands into its state."""

    bench: Bench

    def files(self) -> list[str]:
        """The ledger's files, below ``state/``."""
        raise NotImplementedError

    def harm(self, path: str, edit: Edit) -> None:
        """Change a file of the state."""
        raise NotImplementedError

    def undo(self) -> None:
        """Bring the state back as it was."""
        raise NotImplementedError

    @property
    def claims(self) -> str:
        return self.files()[0]

    @property
    def receipts(self) -> str:
        return self.files()[-1]


class FilesPlace(Place):
    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        state = bench.root / "state"
        self._before = {p: p.read_bytes() for p in state.rglob("*") if p.is_file()}

    def files(self) -> list[str]:
        state = self.bench.root / "state"
        return sorted(p.relative_to(state).as_posix() for p in state.rglob("ledger/**/*.jsonl"))

    def harm(self, path: str, edit: Edit) -> None:
        target = self.bench.root / "state" / path
        after = edit(target.read_bytes() if target.exists() else b"")
        if after is None:
            target.unlink()
        else:
            target.write_bytes(after)

    def undo(self) -> None:
        for path in (self.bench.root / "state").rglob("*"):
            if path.is_file() and path not in self._before:
                path.unlink()
        for path, content in self._before.items():
            path.write_bytes(content)


class GitPlace(Place):
    def __init__(self, bench: GitBench) -> None:
        super().__init__(bench)
        self._remote = bench.remote
        self._hands = bench.root.parent / "hands"
        git(bench.root.parent, "clone", "-q", "-b", "sendoff-state", str(bench.remote), "hands")
        self._tip = git(self._hands, "rev-parse", "HEAD").strip()

    def files(self) -> list[str]:
        names = git(self._remote, "ls-tree", "-r", "--name-only", self._tip, "state/ledger")
        return sorted(name.removeprefix("state/") for name in names.split())

    def harm(self, path: str, edit: Edit) -> None:
        target = self._hands / "state" / path
        after = edit(target.read_bytes() if target.exists() else b"")
        if after is None:
            target.unlink()
        else:
            target.write_bytes(after)
        git(self._hands, "add", "-A")
        git(self._hands, "commit", "-q", "-m", "Tidy up")
        git(self._hands, "push", "-q", "origin", "HEAD:sendoff-state")

    def undo(self) -> None:
        git(self._hands, "push", "-q", "-f", "origin", f"{self._tip}:sendoff-state")
        git(self._hands, "reset", "-q", "--hard", self._tip)


def begun(bench: Bench) -> Bench:
    """The first of two campaigns is sent."""
    bench.workspace(backend="git" if isinstance(bench, GitBench) else "files")
    bench.campaign("first")
    if isinstance(bench, GitBench):
        bench.write(".gitignore", "outbox/\n")
        bench.merge()
    assert bench.sendoff("init", "--now", NOW).code == 0
    assert bench.sendoff("run", "--now", NOW).code == 0
    assert len(bench.outbox()) == 5
    bench.people(6)
    bench.campaign("second")
    if isinstance(bench, GitBench):
        bench.merge()
    return bench


@pytest.fixture(params=["files", "git"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "files":
        return FilesPlace(begun(Bench(tmp_path)))
    bench = GitBench.make(tmp_path)
    begun(bench)
    return GitPlace(bench)


def verify(bench: Bench, code: int) -> dict[str, Any]:
    said = bench.sendoff("verify", "--json", "--now", LATER)
    assert said.code == code, said
    found: dict[str, Any] = said.json
    return found


def test_a_ledger_that_nobody_touched_is_well(place: Place) -> None:
    said = place.bench.sendoff("verify", "--now", LATER)
    assert said.code == 0
    assert "all well: 1 claim, 5 mails sent\n" in said.out
    found = verify(place.bench, 0)
    assert found["problems"] == []
    assert (found["campaigns"], found["claims"], found["files"]) == (1, 1, len(place.files()))
    assert found["mails"]["sent"] == 5


def without_first_line(content: bytes) -> bytes:
    return content.split(b"\n", 1)[1]


def without_last_line(content: bytes) -> bytes:
    return content[: content.rfind(b"\n", 0, -1) + 1]


def another_reason(content: bytes) -> bytes:
    """Of the same length and well formed: only a digest can tell."""
    return content.replace(b'"accepted"', b'"refused"').replace(b'"ref":"', b'"ref":"x', 1)


def a_key_less(content: bytes) -> bytes:
    lines = content.decode().splitlines(keepends=True)
    claim = next(line for line in lines if '"type":"claim"' in line)
    return content.replace(claim.encode(), b"")


HARM: dict[str, tuple[str, Edit]] = {
    "receipts deleted": ("receipts", lambda content: None),
    "claims deleted": ("claims", lambda content: None),
    "cut off": ("receipts", lambda content: content[:-30]),
    "emptied": ("receipts", lambda content: b""),
    "first line gone": ("receipts", without_first_line),
    "last line gone": ("receipts", without_last_line),
    "claim gone": ("claims", a_key_less),
    "edited": ("receipts", another_reason),
    "broken": ("claims", lambda content: content.replace(b'"keys"', b'"kezs"')),
}


@pytest.mark.parametrize("harm", sorted(HARM))
def test_harm_is_named_and_nothing_is_sent(place: Place, harm: str) -> None:
    which, edit = HARM[harm]
    path = getattr(place, which)
    place.harm(path, edit)
    bench = place.bench
    run = bench.sendoff("run", "--now", LATER)
    assert run.code == 5
    assert f"state/{path}" in run.err
    assert "docs/recovery.md" in run.err or "Put the branch back" in run.err
    assert len(bench.outbox()) == 5
    found = verify(bench, 5)
    assert f"state/{path}" in {problem["path"] for problem in found["problems"]}
    assert "@" not in json.dumps(found["problems"])
    place.undo()
    verify(bench, 0)
    assert bench.sendoff("run", "--now", LATER).code == 0
    assert len(bench.outbox()) == 11


def test_all_of_it_is_said_at_once(place: Place) -> None:
    claims, receipts = place.claims, place.receipts
    place.harm(claims, lambda content: content.replace(b'"keys"', b'"kezs"'))
    place.harm(receipts, lambda content: b"{}\nnonsense\n" + content)
    place.harm("ledger/first/notes.txt", lambda content: b"do not forget\n")
    found = verify(place.bench, 5)
    places = {(problem["path"], problem["line"]) for problem in found["problems"]}
    assert {
        (f"state/{receipts}", 1),
        (f"state/{receipts}", 2),
        ("state/ledger/first/notes.txt", 0),
    } <= places
    assert any(path == f"state/{claims}" and line for path, line in places)
    assert found["errors"] >= 4


def test_another_key_is_a_finding_among_others(place: Place) -> None:
    place.harm(place.receipts, lambda content: b"{}\n" + content)
    place.bench.environ["SENDOFF_STATE_KEY"] = "another-key-0123456789abcdef0123456789"
    found = verify(place.bench, 5)
    assert "another state key" in " ".join(problem["message"] for problem in found["problems"])
    assert (f"state/{place.receipts}", 1) in {(p["path"], p["line"]) for p in found["problems"]}


def test_where_there_is_no_state_there_is_nothing_to_verify(tmp_path: Path) -> None:
    said = Bench(tmp_path).workspace().sendoff("verify")
    assert (said.code, said.out) == (5, "")
    assert "sendoff init" in said.err


# -- a directory -----------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> FilesPlace:
    return FilesPlace(begun(Bench(tmp_path)))


@pytest.mark.parametrize("content", [None, b"", b"{}\n", b'{"campaigns":{}}\n'])
def test_a_seal_that_is_gone_or_edited_is_noticed(files: FilesPlace, content: bytes | None) -> None:
    files.harm("seal.json", lambda _: content)
    run = files.bench.sendoff("run", "--now", LATER)
    assert run.code == 5
    assert "state/seal.json" in run.err
    assert "state/seal.json" in json.dumps(verify(files.bench, 5)["problems"])
    assert len(files.bench.outbox()) == 5


def test_a_whole_campaign_that_was_taken_away_is_noticed(files: FilesPlace) -> None:
    paths = files.files()
    for path in paths:
        files.harm(path, lambda _: None)
    run = files.bench.sendoff("run", "--now", LATER)
    assert run.code == 5
    assert f"state/{paths[-1]}" in run.err
    assert len(files.bench.outbox()) == 5


def test_a_file_that_was_copied_in_is_noticed(files: FilesPlace) -> None:
    text = (files.bench.root / "state" / files.claims).read_bytes()
    planned = text.split(b"\n", 1)[0] + b"\n"
    files.harm("ledger/first/2025-10/copy-0001.jsonl", lambda _: planned)
    run = files.bench.sendoff("run", "--now", LATER)
    assert run.code == 5
    assert "state/ledger/first" in run.err
    found = verify(files.bench, 5)
    assert "copy-0001.jsonl" in json.dumps(found["problems"])


def test_what_lies_about_in_the_state_is_only_a_warning(files: FilesPlace) -> None:
    files.harm("notes.txt", lambda _: b"x")
    said = files.bench.sendoff("verify", "--now", LATER)
    assert said.code == 0
    assert "state/notes.txt" in said.out
    assert "1 warning in the directory state/" in said.out


def test_what_is_of_this_machine_stays_out_of_commits(files: FilesPlace) -> None:
    root = files.bench.root
    git(root, "init", "-q")
    (root / "state" / ".journal").write_text("[]")
    (root / "state" / "ledger" / ".x.tmp").write_text("")
    added = git(root, "add", "--all", "--dry-run", "state")
    assert "seal.json" in added
    assert not [name for name in (".lock", ".journal", ".tmp") if name in added]


def as_format_1(bench: Bench) -> None:
    """The state as the first version of sendoff wrote it."""
    state = bench.root / "state"
    for path in state.rglob("ledger/**/*.jsonl"):
        path.write_bytes(without_last_line(path.read_bytes()))
    meta = json.loads((state / "meta.json").read_bytes()) | {"format": 1}
    (state / "meta.json").write_text(json.dumps(meta, sort_keys=True) + "\n")
    (state / "seal.json").unlink()
    (state / ".gitignore").unlink()


def test_an_old_ledger_is_read_and_sealed_with_the_next_write(files: FilesPlace) -> None:
    bench, old = files.bench, files.files()
    as_format_1(bench)
    before = {path: (bench.root / "state" / path).read_bytes() for path in old}
    assert (verify(bench, 0)["format"], verify(bench, 0)["mails"]["sent"]) == (1, 5)
    assert bench.sendoff("run", "--now", LATER).code == 0
    assert len(bench.outbox()) == 11
    assert verify(bench, 0)["format"] == 2
    assert {path: (bench.root / "state" / path).read_bytes() for path in old} == before
    assert (bench.root / "state" / ".gitignore").exists()
    for path in files.files():
        content = (bench.root / "state" / path).read_bytes()
        files.harm(path, lambda _: None)
        run = bench.sendoff("run", "--now", LATER)
        assert run.code == 5, path
        assert "state/ledger/" in run.err
        files.harm(path, lambda _, content=content: content)
    assert bench.sendoff("run", "--now", LATER).code == 0


def test_a_loss_for_good_can_be_lived_with(files: FilesPlace) -> None:
    """As docs/recovery.md says: what is there counts as whole.

    The lost receipts leave doubt, which the outbox, that cannot mail twice, settles by itself; and
    that the first job was over is lost with them, so whoever joined since gets its mail, too.
    """
    bench = files.bench
    files.harm(files.receipts, lambda _: None)
    assert bench.sendoff("run", "--now", LATER).code == 5
    files.harm("meta.json", lambda content: re.sub(rb'"format": \d', b'"format": 1', content))
    files.harm("seal.json", lambda _: None)
    assert verify(bench, 0)["mails"]["in_doubt"] == 5
    assert bench.sendoff("run", "--now", LATER).code == 0
    assert len(bench.outbox()) == 12
    assert verify(bench, 0)["format"] == 2


# -- a branch --------------------------------------------------------------------------------------


@pytest.fixture
def branch(tmp_path: Path) -> GitPlace:
    bench = GitBench.make(tmp_path)
    begun(bench)
    return GitPlace(bench)


def test_history_does_not_forget_what_was_put_right_again(branch: GitPlace) -> None:
    """The tip is as it was: only the way there shows that somebody was at it."""
    kept: list[bytes] = []
    branch.harm(branch.receipts, lambda content: kept.append(content) or None)
    branch.harm(branch.receipts, lambda _: kept[0])
    fresh = branch.bench
    found = verify(fresh, 5)
    assert {(p["path"], p["code"]) for p in found["problems"]} == {
        (f"state/{branch.receipts}", "rewritten")
    }
    assert fresh.sendoff("run", "--now", LATER).code == 5


def test_a_branch_that_was_put_back_is_noticed_by_who_saw_it(branch: GitPlace) -> None:
    git(branch._hands, "push", "-q", "-f", "origin", "HEAD~1:sendoff-state")
    found = verify(branch.bench, 5)
    assert "went backwards" in json.dumps(found["problems"])


def test_a_branch_that_is_gone_is_not_an_empty_ledger(branch: GitPlace) -> None:
    git(branch._hands, "push", "-q", "origin", ":sendoff-state")
    for command in ("verify", "status", "plan", "run"):
        said = branch.bench.sendoff(command, "--now", LATER)
        assert said.code == 5, command
        assert "git push origin" in said.err


def test_a_merge_is_pointed_out(branch: GitPlace) -> None:
    hands = branch._hands
    git(hands, "checkout", "-q", "-b", "side", "HEAD~1")
    (hands / "state" / "notes.txt").write_text("x\n")
    git(hands, "add", "-A")
    git(hands, "commit", "-q", "-m", "Aside")
    git(hands, "merge", "-q", "--no-edit", "sendoff-state")
    git(hands, "push", "-q", "origin", "HEAD:sendoff-state")
    found = verify(branch.bench, 0)
    assert [(p["code"], p["severity"]) for p in found["problems"]] == [("merged", "warning")]
