"""The files of a workspace on disk: found by relative path, read with limits, never elsewhere."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..dataclass import dataclass
from ..errors import InputError, Problem
from .paths import within
from .text import MAX_BYTES, decode


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the workspace, or a link to a file or directory."""

    path: str
    link: bool = False
    to_directory: bool = False


class WorkspaceFiles:
    """Implements ``ports.Files`` over a directory, with a second one for untracked data.

    ``root`` is the workspace (or the approved commit's tree); ``fallback`` the working tree,
    in which a data file is looked for when ``root`` has none.  What people wrote in YAML and
    templates is only ever read from ``root``.
    """

    def __init__(self, root: Path, fallback: Path | None = None) -> None:
        self.root = root.resolve()
        self.fallback = fallback.resolve() if fallback is not None else None

    def locate(self, path: str) -> Path | None:
        """Where the regular file is on disk, or None when there is none.

        Raises InputError for paths that are absolute or leave the workspace, also by a symbolic
        link, and for what is no regular file.
        """
        try:
            clean = within("", path)
        except ValueError as error:
            raise _refusal(path, str(error)) from None
        for directory in (self.root, self.fallback):
            found = _regular(directory, clean) if directory is not None else None
            if found is not None:
                return found
        return None

    def read_text(self, path: str) -> str | None:
        """The text of a YAML or template file below ``root``; None when there is none.

        Raises InputError for symbolic links, other non-files, too many bytes, and no UTF-8.
        """
        try:
            descriptor = os.open(f"{self.root}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refusal(path, _reason(error)) from None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise _refusal(path, "not a regular file")
        with os.fdopen(descriptor, "rb") as stream:
            if status.st_size > MAX_BYTES:
                raise _refusal(path, f"larger than {MAX_BYTES // 1024} KiB")
            content = stream.read(status.st_size + 1)
            if len(content) > status.st_size:  # it grew meanwhile
                content += stream.read(MAX_BYTES)
            return decode(content, path)

    def walk(self, directory: str) -> Iterator[Entry]:
        """Everything below a directory of ``root`` that is no directory, sorted by path.

        Names that begin with a dot are left out.  Symbolic links are not followed.
        """
        try:
            with os.scandir(self.root / directory) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _refusal(directory, _reason(error)) from None
        for entry in found:
            path = f"{directory}/{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self.walk(path)
            else:
                yield Entry(path, entry.is_symlink(), _leads_to_directory(entry))


def _leads_to_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _regular(root: Path, path: str) -> Path | None:
    """The regular file at ``path`` below ``root``, links resolved inside it; None without one."""
    place = root / path
    try:
        real = place.resolve(strict=True)
        mode = real.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, RuntimeError) as error:
        raise _refusal(path, _reason(error)) from None
    if not real.is_relative_to(root):
        raise _refusal(path, "a symbolic link leads out of the workspace")
    if ".git" in (part.casefold() for part in real.relative_to(root).parts):
        raise _refusal(path, "a symbolic link leads into git's own directory")
    if not stat.S_ISREG(mode):
        raise _refusal(path, "not a regular file")
    return real


def _reason(error: OSError | RuntimeError) -> str:
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "a symbolic link; put the file itself here"
    text = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "unusable"
    return f"cannot be read: {text.lower()}"


def _refusal(path: str, what: str) -> InputError:
    shown = path.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    return InputError([Problem(shown, 0, 0, what, code="path")])
