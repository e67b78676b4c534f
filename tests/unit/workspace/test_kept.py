"""Workspaces that need not be read again, while nothing that they were read from changed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from runner.cache import Cache
from runner.errors import InputError
from runner.model.workspace import Workspace
from runner.stored import NotStorableError, dump, restore
from runner.workspace import WorkspaceFiles, load
from runner.workspace.kept import Kept
from tests.examples.workspaces import BASE, VALID, build, case_names

INLINE = "campaigns/lists/board.yaml"
WHOLE = sorted(path.name for path in VALID.iterdir())


@dataclass
class Counted:
    """``load``, and how often it was needed."""

    times: int = 0

    def __call__(self, files: WorkspaceFiles) -> Workspace:
        self.times += 1
        return load(files)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(Cache(tmp_path / "cache", b"a key"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Every key there is, its contacts in files."""
    root = tmp_path / "work"
    shutil.copytree(VALID / "every-key", root)
    (root / "campaigns/lists/board.csv").write_text("email,firstName\nann@example.org,Ann\n")
    (root / INLINE).write_text("source: {type: csv, path: board.csv}\n")
    return root


def through_text(value: object) -> object:
    return restore(json.loads(json.dumps(dump(value))))


class TestStored:
    @pytest.mark.parametrize("name", WHOLE)
    def test_a_workspace_comes_back_as_it_was(self, name: str) -> None:
        """To the type of every value: what is restored prints and counts like what was read."""
        found = load(WorkspaceFiles(VALID / name))
        again = through_text(found)
        assert again == found
        assert repr(again) == repr(found)

    @pytest.mark.parametrize("name", case_names())
    def test_problems_come_back_as_they_were(self, name: str, tmp_path: Path) -> None:
        """A workspace with faults is kept like any other, its problems included."""
        build(name, tmp_path)
        try:
            found = load(WorkspaceFiles(tmp_path))
        except InputError:
            return
        assert repr(through_text(found)) == repr(found)

    @pytest.mark.parametrize(
        "value",
        [
            {1: "a", "x": [1, 1.0, True, None, "", ()], "y": {True: 0}},
            (timedelta(days=-1, microseconds=5), datetime(2025, 1, 2, 3), date(2025, 1, 2)),
            frozenset({"a", "b"}),
            float("inf"),
        ],
    )
    def test_what_python_takes_for_equal_is_kept_apart(self, value: object) -> None:
        """1, 1.0 and True are three values; so are a list and a tuple."""
        assert repr(through_text(value)) == repr(value)

    @pytest.mark.parametrize("value", [{1, 2}, b"bytes", Counted(), object(), Path("/x")])
    def test_what_would_not_come_back_is_refused(self, value: object) -> None:
        """Nothing is kept as something else than it is."""
        with pytest.raises(NotStorableError):
            dump(value)

    def test_a_table_names_nothing_but_data(self) -> None:
        """A forged table could make no object but those of the model."""
        for name in ("os.system", "runner.cache.Cache", "runner.model.ledger.job_id"):
            with pytest.raises(NotStorableError):
                restore([[name, "x"], ["list", [0]]])


def write(path: str, text: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)

    return change


def append(path: str, text: str) -> Callable[[Path], None]:
    return lambda root: write(path, (root / path).read_text() + text)(root)


def some(pattern: str) -> str:
    return str(min((VALID / "every-key").glob(pattern)).relative_to(VALID / "every-key"))


CHANGES: dict[str, Callable[[Path], None]] = {
    "settings": append("sendoff.yaml", "# a word\n"),
    "a campaign": append(some("campaigns/*.yaml"), "# a word\n"),
    "a list": append(some("campaigns/lists/*.yaml"), "# a word\n"),
    "a template": append(some("campaigns/templates/*.html"), "<!-- a word -->\n"),
    "a new campaign": write("campaigns/new.yaml", "version: 1\n"),
    "a new layout": write("campaigns/templates/layouts/new.html", "<p></p>"),
    "a new suppression file": write("campaigns/suppressions/new.txt", "x@example.com\n"),
    "a file too many": write("campaigns/new.yml", "version: 1\n"),
    "a campaign gone": lambda root: (root / some("campaigns/*.yaml")).unlink(),
    "a campaign renamed": lambda root: (
        (root / some("campaigns/*.yaml")).rename(root / "campaigns/another.yaml") and None
    ),
    "an attachment gone": lambda root: (
        [path.unlink() for path in (root / "campaigns/files").rglob("*") if path.is_file()] and None
    ),
}


class TestKept:
    def test_nothing_is_read_again_when_nothing_changed(self, kept: Kept, root: Path) -> None:
        """The second answer is that of the first, to the letter."""
        reader = Counted()
        first, second = (kept.by_files("tree:x", root, reader) for _ in range(2))
        assert reader.times == 1
        assert repr(first) == repr(second) == repr(load(WorkspaceFiles(root)))

    @pytest.mark.parametrize("change", CHANGES)
    def test_whatever_changes_is_read(self, kept: Kept, root: Path, change: str) -> None:
        """An answer is never older than any file that it was worked out from."""
        reader = Counted()
        kept.by_files("tree:x", root, reader)
        CHANGES[change](root)
        found = kept.by_files("tree:x", root, reader)
        assert reader.times == 2
        assert repr(found) == repr(load(WorkspaceFiles(root)))

    def test_neither_times_nor_sizes_are_believed(self, kept: Kept, root: Path) -> None:
        """A file that was changed and given its old size and times back is read anew."""
        reader = Counted()
        path = root / some("campaigns/*.yaml")
        kept.by_files("tree:x", root, reader)
        before = path.stat()
        path.write_text(path.read_text().replace("list:", "lisp:"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size
        assert kept.by_files("tree:x", root, reader).problems
        assert reader.times == 2

    def test_a_file_that_could_not_be_read_and_now_can_is_read(
        self, kept: Kept, tmp_path: Path
    ) -> None:
        """What was wrong with a file is an input like what was in it."""
        root, reader = tmp_path / "base", Counted()
        shutil.copytree(BASE, root)
        target = root / "campaigns/lists/members.yaml"
        good = target.read_bytes()
        target.write_bytes(b"\xff\xfe")
        assert kept.by_files("tree:x", root, reader).problems
        target.write_bytes(good)
        assert not kept.by_files("tree:x", root, reader).problems
        assert reader.times == 2

    def test_contacts_written_in_a_list_are_not_kept(
        self, kept: Kept, root: Path, tmp_path: Path
    ) -> None:
        """Entries are not encrypted, and CI carries them along: no contact is in any."""
        shutil.copy(VALID / "every-key" / INLINE, root / INLINE)
        reader = Counted()
        first, second = (kept.by_files("tree:x", root, reader) for _ in range(2))
        third = kept.by_token("approved:x", "token", lambda: load(WorkspaceFiles(root)))
        assert repr(first) == repr(second) == repr(third)
        assert reader.times == 2
        assert not list(tmp_path.glob("cache/*.json"))

    def test_another_key_or_slot_does_not_answer(
        self, kept: Kept, root: Path, tmp_path: Path
    ) -> None:
        """What is kept for one workspace, or under another key, is nobody else's answer."""
        reader = Counted()
        kept.by_files("tree:x", root, reader)
        kept.by_files("tree:y", root, reader)
        Kept(Cache(tmp_path / "cache", b"another")).by_files("tree:x", root, reader)
        assert reader.times == 3

    def test_settings_that_cannot_be_read_are_an_error_each_time(
        self, kept: Kept, root: Path
    ) -> None:
        """An error is raised again, not kept."""
        (root / "sendoff.yaml").unlink()
        for _ in range(2):
            with pytest.raises(InputError, match=r"no sendoff\.yaml"):
                kept.by_files("tree:x", root, load)
