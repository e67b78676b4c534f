"""Commits, trees and blobs, read and written without a working tree or an index."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ..dataclass import dataclass
from ..errors import StateCorrupt, StateUnreachable
from .git import Git

FILE: Final = "100644"
SCRIPT: Final = "100755"

_CHUNK_BYTES: Final = 16 * 1024 * 1024
_SCRATCH_REF: Final = "refs/sendoff/scratch"


@dataclass(frozen=True, slots=True)
class Blob:
    """A file in a commit; ``size`` in bytes, -1 for what is no blob (a submodule)."""

    mode: str
    oid: str
    size: int
    path: str


def list_files(git: Git, commit: str, *paths: str) -> list[Blob]:
    """Every file at or below ``paths`` (relative to the repository) in a commit, by path."""
    out = git.ask("ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", *paths)
    return [_blob(entry) for entry in out.split(b"\0") if entry]


def list_names(git: Git, commit: str, directories: Sequence[str]) -> list[str]:
    """The paths of the files directly in ``directories``, those that exist, in a commit."""
    wanted = [f"{directory}/" for directory in directories]
    out = git.ask("ls-tree", "-z", "--name-only", "--full-tree", commit, "--", *wanted)
    return [os.fsdecode(name) for name in out.split(b"\0") if name]


def list_trees(git: Git, commit: str, directory: str) -> list[tuple[str, str]]:
    """(name, object id) of what lies directly in a directory; the id is '' for what is none."""
    out = git.ask("ls-tree", "-z", "--full-tree", commit, "--", f"{directory}/")
    found = []
    for entry in out.split(b"\0")[:-1]:
        about, _, path = entry.partition(b"\t")
        _, kind, oid = about.decode("ascii").split()
        found.append((os.fsdecode(path).rpartition("/")[2], oid if kind == "tree" else ""))
    return found


def _blob(entry: bytes) -> Blob:
    about, _, path = entry.partition(b"\t")
    mode, _, oid, size = about.decode("ascii").split()
    return Blob(mode, oid, -1 if size == "-" else int(size), os.fsdecode(path))


def read_blobs(git: Git, blobs: Sequence[tuple[str, int]]) -> Iterator[bytes]:
    """The contents of (object id, size)s, in order; a bounded number of bytes at a time.

    Raises StateCorrupt when an object is missing or damaged.
    """
    chunk: list[str] = []
    waiting = 0
    for oid, size in blobs:
        chunk.append(oid)
        waiting += size
        if waiting >= _CHUNK_BYTES:
            yield from _read_chunk(git, chunk)
            chunk, waiting = [], 0
    if chunk:
        yield from _read_chunk(git, chunk)


def _read_chunk(git: Git, oids: Sequence[str]) -> Iterator[bytes]:
    answer = git.run("cat-file", "--batch", feed="".join(f"{oid}\n" for oid in oids).encode())
    if answer.code != 0:
        raise StateCorrupt(f"the repository's objects cannot be read: {answer.reason}")
    position = 0
    for oid in oids:
        end = answer.out.find(b"\n", position)
        about = answer.out[position:end].split()
        if len(about) != 3 or about[1] != b"blob":
            raise StateCorrupt(f"the object {oid} is missing from the repository: run git fsck")
        position = end + 1 + int(about[2])
        yield answer.out[end + 1 : position]
        position += 1


def read_file(git: Git, commit: str, path: str) -> bytes | None:
    """The content of one file in a commit; None when there is no such file."""
    files = [blob for blob in list_files(git, commit, path) if blob.path == path]
    if not files or files[0].mode not in (FILE, SCRIPT):
        return None
    return next(read_blobs(git, [(files[0].oid, files[0].size)]))


def commit_files(git: Git, parent: str | None, files: Mapping[str, bytes], message: str) -> str:
    """Make a commit that adds or replaces ``files`` on ``parent``; returns its id.

    ``git fast-import`` reads and writes only the trees on the way to these paths, whatever the
    size of the rest, and leaves no ref behind.  Raises StateUnreachable when it fails (a full
    disk, a clone that cannot be written).
    """
    stream = [f"commit {_SCRATCH_REF}", "mark :1", *_identity()]
    body = [*_data(message.encode("utf-8", "backslashreplace"))]
    parts = ["\n".join(stream).encode(), *body]
    if parent:
        parts.append(f"from {parent}".encode())
    for path, content in sorted(files.items()):
        parts += [f"M {FILE} inline {path}".encode(), *_data(content)]
    parts += [b"", b"get-mark :1", f"reset {_SCRATCH_REF}".encode()]
    parts += [f"from {'0' * len(parent or _empty_tree(git))}".encode(), b"", b"done", b""]
    answer = git.run(
        "fast-import", "--quiet", "--force", "--done", "--date-format=now", feed=b"\n".join(parts)
    )
    if answer.code != 0:
        raise StateUnreachable(f"the commit cannot be made in this clone: {answer.reason}")
    return answer.text.strip()


def _empty_tree(git: Git) -> str:
    """Some object id, for its length: 40 or (SHA-256) 64 digits."""
    return git.ask("hash-object", "-t", "tree", "--stdin").decode().strip()


def _data(content: bytes) -> tuple[bytes, bytes]:
    return f"data {len(content)}".encode(), content


def _identity() -> tuple[str, str]:
    """The lines that say who commits: the environment's GIT_* names, or sendoff itself."""
    lines = []
    for role in ("author", "committer"):
        name = os.environ.get(f"GIT_{role.upper()}_NAME", "sendoff")
        email = os.environ.get(f"GIT_{role.upper()}_EMAIL", "sendoff@localhost")
        lines.append(f"{role} {_plain(name)} <{_plain(email)}> now")
    return lines[0], lines[1]


def _plain(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and c not in "<>").strip()


def changed_afterwards(git: Git, tip: str, since: str | None, *paths: str) -> list[str]:
    """The files at or below ``paths`` that a commit of ``since..tip`` changed or deleted.

    In a history in which files are only ever added, this is empty.
    """
    return sorted({path for _, path in changes(git, tip, since, *paths)})


def changes(git: Git, tip: str, since: str | None, *paths: str) -> list[tuple[str, str]]:
    """(commit, path) of every change or deletion that ``changed_afterwards`` means."""
    span = [tip, f"^{since}"] if since else [tip]
    commits = git.ask("rev-list", *span)
    if not commits:
        return []
    out = git.ask(
        *("diff-tree", "--stdin", "-r", "-m", "--root", "-z", "--no-renames"),
        *("--name-only", "--diff-filter=MDT", "--", *paths),
        feed=commits,
    )
    found, commit, known = [], "", set(commits.decode().split())
    for word in map(os.fsdecode, out.split(b"\0")):
        if word in known:
            commit = word
        elif word:
            found.append((commit, word))
    return found


def merges(git: Git, tip: str) -> list[str]:
    """The commits up to ``tip`` that have more than one parent, the newest first."""
    return git.ask("rev-list", "--min-parents=2", tip).decode().split()
