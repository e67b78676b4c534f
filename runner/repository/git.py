"""The git binary, called so that it can neither wait for a person, run hooks, nor hang for ever."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final

from ..dataclass import dataclass
from ..errors import StateRefused, StateUnreachable, UsageError

OLDEST: Final = (2, 30)
"""The oldest git that knows every option used here."""

_LOCAL_SECONDS: Final = 120.0
_CONFIG: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.packedRefsTimeout=0",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.writeCommitGraph=false",
    "protocol.ext.allow=never",
    "advice.pushUpdateRejected=true",
)
# Where git was started from (a hook, an editor) must not decide which repository is used, nor may
# traces mix with the answers.  GIT_CONFIG_* stay: CI systems hand over credentials that way.
_SCRUBBED: Final = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_COMMON_DIR",
        "GIT_PREFIX",
        "GIT_NAMESPACE",
        "GIT_INDEX_FILE",
        "GIT_INDEX_VERSION",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_QUARANTINE_PATH",
        "GIT_GRAFT_FILE",
        "GIT_SHALLOW_FILE",
        "GIT_REPLACE_REF_BASE",
        "GIT_ATTR_SOURCE",
        "GIT_EXTERNAL_DIFF",
        "GIT_CURL_VERBOSE",
    }
)
_SECRET_IN_URL: Final = re.compile(r"(?<=://)[^/@\s'\"]+(?=@)")
_SECRET_IN_QUERY: Final = re.compile(r"(?i)((?:token|password|secret|key)=)[^&\s'\"]+")
_NOT_IN_A_BRANCH: Final = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$|/\."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What git said.  ``code`` is its exit status; None: it was stopped for taking too long."""

    code: int | None
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace")

    @property
    def reason(self) -> str:
        """The last lines of the complaint, secrets masked, on one line."""
        if self.code is None:
            return "no answer in time"
        lines = [line.strip() for line in mask(self.err).splitlines() if line.strip()]
        wanted = [line for line in lines if not line.startswith("hint:")]
        return "; ".join(wanted[-4:])[:600] or f"git ended with status {self.code}"


def mask(text: str) -> str:
    """``text`` without the secrets in URLs."""
    return _SECRET_IN_QUERY.sub(r"\1***", _SECRET_IN_URL.sub("***", text))


def check_branch(name: str) -> str:
    """The name again.  UsageError when no branch can be called so, or git would take an option."""
    if not name or _NOT_IN_A_BRANCH.search(name):
        raise UsageError(f"{name!r} cannot be the name of a branch")
    return name


def check_remote(name: str) -> str:
    """The name (or URL) again.  UsageError when git would take it for an option."""
    if not name or name.startswith("-") or re.search(r"[\x00-\x20\x7f]", name):
        raise UsageError(f"{mask(name)!r} cannot be the name of a remote")
    return name


class Git:
    """Git in one repository, which ``directory`` lies in.

    ``timeout``: seconds that one conversation with a remote may take.  ``environment`` is added
    to the process's own.
    """

    def __init__(
        self,
        directory: Path,
        *,
        timeout: float = 60.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.timeout = timeout
        self._environment = _environment(environment or {})

    def run(self, *arguments: str, feed: bytes = b"", remote: bool = False) -> Answer:
        """Run one git command; ``feed`` is its standard input.

        ``remote`` says that it talks to a remote, for which ``timeout`` is the limit.  Raises
        StateUnreachable when there is no usable git; what git itself says is in the answer.
        """
        _ = self.version
        return self._call(arguments, feed, self.timeout if remote else _LOCAL_SECONDS)

    def ask(self, *arguments: str, feed: bytes = b"") -> bytes:
        """The output of a local command.  Raises StateUnreachable when it fails."""
        answer = self.run(*arguments, feed=feed)
        if answer.code != 0:
            raise StateUnreachable(f"git {arguments[0]} failed: {answer.reason}")
        return answer.out

    @cached_property
    def version(self) -> tuple[int, int]:
        """The version of git.  Raises StateUnreachable when there is none, or it is too old."""
        answer = self._call(("version",), b"", _LOCAL_SECONDS)
        match = re.search(r"(\d+)\.(\d+)", answer.text)
        if answer.code != 0 or match is None:
            raise StateUnreachable(f"git does not work here: {answer.reason}")
        version = (int(match[1]), int(match[2]))
        if version < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise StateUnreachable(f"git {match[0]} is too old: sendoff needs {wanted} or newer")
        return version

    def _call(self, arguments: Sequence[str], feed: bytes, seconds: float) -> Answer:
        options = [part for setting in _CONFIG for part in ("-c", setting)]
        try:
            # A session of its own: nobody can be asked for a password, Ctrl-C does not cut a push
            # short, and a time-out ends git together with its helpers (ssh, git-remote-https).
            process = subprocess.Popen(  # noqa: S603 -- an argument list, never a shell
                ["git", *options, *arguments],  # noqa: S607 -- git is found as for every user
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise StateUnreachable(
                "git was not found: install it and put it on the PATH"
                if self.directory.is_dir()
                else f"{self.directory} is not a directory"
            ) from None
        except OSError as error:
            raise StateRefused(f"git cannot be started: {error.strerror}") from None
        return _converse(process, feed, seconds)


def _converse(process: subprocess.Popen[bytes], feed: bytes, seconds: float) -> Answer:
    with process:
        try:
            out, err = process.communicate(feed, timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            return Answer(None, b"", "")
        except BaseException:
            _kill(process)
            raise
    return Answer(process.returncode, out, err.decode("utf-8", "replace"))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End git and its helpers; not even one that left the session keeps us waiting."""
    with suppress(ProcessLookupError, PermissionError):  # it ended in this very moment
        os.killpg(process.pid, signal.SIGKILL)
    try:
        process.communicate(timeout=2.0)
    except subprocess.TimeoutExpired:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _SCRUBBED and not name.startswith("GIT_TRACE")
    }
    fixed = {
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_FLUSH": "1",
    }
    return {**kept, **extra, **fixed}
