"""The command tree, the error boundary, and the exit codes."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from . import __version__

if TYPE_CHECKING:
    from .bootstrap import Terminal

BUG = 70
SENDERS = ("run", "proof")
"""Commands that settle what they have begun when they are told to stop; others just stop."""
INTERRUPTED = 130


@dataclass(frozen=True)
class Arg:
    """One argument of a command, as argparse takes it."""

    flags: tuple[str, ...]
    options: dict[str, Any]


def arg(*flags: str, **options: Any) -> Arg:
    """An argument."""
    return Arg(flags, options)


@dataclass(frozen=True)
class Verb:
    """A command: its module under ``runner.commands`` is called like it."""

    name: str
    help: str
    args: tuple[Arg, ...] = ()


def instant(text: str) -> datetime:
    """An RFC 3339 time with an offset, as UTC."""
    with suppress(ValueError):
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a time with an offset, such as 2025-10-20T09:00:00-05:00"
    )


def duration(text: str) -> timedelta:
    """``90s``, ``15m``, ``4h``, ``7d``, ``2w``."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.isascii() or not number.isdigit() or len(number) > 6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 90s, 15m, 4h or 7d")
    return timedelta(**{units[unit]: int(number)})


NOW = arg("--now", type=instant, metavar="TIME", help="take TIME (RFC 3339) for now")
BY = arg("--by", metavar="NAME", help="who decides this (default: your name in git)")
JSON = arg("--json", action="store_const", const="json", dest="format", help="the same as JSON")


def formats(*names: str) -> Arg:
    """``--format`` with these choices; the first is the default."""
    return arg("--format", choices=names, default=names[0], help=f"default: {names[0]}")


VERBS = (
    Verb(
        "init",
        "make a workspace here, and its state",
        (
            arg(
                "--backend",
                choices=("files", "git"),
                default=None,
                help="where the ledger is kept: files (default), or a branch of the git remote",
            ),
            arg(
                "--state-branch",
                action="store_true",
                help="make nothing but the branch for the ledger, in a workspace that has settings",
            ),
            NOW,
        ),
    ),
    Verb("new", "write a campaign by answering questions", (NOW,)),
    Verb(
        "validate",
        "check every file, and say how to mend what is wrong",
        (
            arg("paths", nargs="*", metavar="PATH", help="report only problems in these files"),
            formats("text", "json", "github", "sarif"),
            JSON,
        ),
    ),
    Verb(
        "plan",
        "show what would be sent, when, to how many, and what is held",
        (
            arg("campaign", nargs="?", metavar="CAMPAIGN", help="only this one"),
            arg("--base", metavar="REF", help="what merging into this branch or commit changes"),
            arg(
                "--until",
                type=duration,
                default=timedelta(days=7),
                metavar="7d",
                help="how far ahead recurring campaigns are shown (default: 7d)",
            ),
            formats("text", "json", "markdown", "html"),
            JSON,
            NOW,
        ),
    ),
    Verb(
        "run",
        "send what is due, and record it",
        (
            arg(
                "--budget",
                type=duration,
                metavar="10m",
                help="how long this run may take (default: run.budget)",
            ),
            formats("text", "json", "markdown"),
            JSON,
            NOW,
        ),
    ),
    Verb(
        "status",
        "show what has become of every job",
        (
            arg("name", nargs="?", metavar="CAMPAIGN|JOB", help="only this one"),
            formats("text", "json"),
            JSON,
            NOW,
        ),
    ),
    Verb(
        "cancel",
        "set status: cancelled in a campaign's file",
        (arg("campaign", metavar="CAMPAIGN"), NOW),
    ),
    Verb(
        "preview",
        "render campaigns for chosen and worst-case contacts",
        (
            arg("campaign", nargs="?", metavar="CAMPAIGN", help="only this one"),
            arg("--base", metavar="REF", help="show what differs from this branch or commit"),
            arg(
                "--contact",
                action="append",
                default=[],
                metavar="ADDRESS",
                help="also for this contact",
            ),
            arg("--out", type=Path, metavar="DIR", help="where to write (default: previews/)"),
            arg(
                "--open",
                action="store_const",
                const="open",
                dest="show",
                help="open the result in a browser",
            ),
            arg(
                "--watch",
                action="store_const",
                const="watch",
                dest="show",
                help="show a page on this machine that follows the files as they are saved",
            ),
        ),
    ),
    Verb(
        "proof",
        "send a proof to a tester; the ledger is not touched",
        (
            arg("campaign", metavar="CAMPAIGN"),
            arg("--to", required=True, metavar="ADDRESS", help="the tester"),
            arg("--step", metavar="STEP", help="only this step of a drip"),
            arg("--contact", metavar="ADDRESS", help="as this contact would see it"),
        ),
    ),
    Verb(
        "lists",
        "show the contact lists: counts, and exclusions by reason",
        (formats("text", "json"), JSON),
    ),
    Verb(
        "templates",
        "show the saved templates and their use",
        (formats("text", "json"), JSON, NOW),
    ),
    Verb(
        "why",
        "show what happened, or will, to one contact, and why",
        (
            arg("address", metavar="ADDRESS"),
            arg("campaign", nargs="?", metavar="CAMPAIGN"),
            formats("text", "json"),
            JSON,
            NOW,
        ),
    ),
    Verb(
        "resolve",
        "settle what is in doubt: by the provider's evidence, or by your word",
        (
            arg("name", nargs="?", metavar="CAMPAIGN|JOB|CLAIM", help="only this one"),
            arg(
                "--as",
                dest="verdict",
                choices=("sent", "not-sent"),
                help="your word for all of them, instead of asking the provider",
            ),
            BY,
            NOW,
        ),
    ),
    Verb(
        "retry",
        "make the failed mails of a job due again",
        (arg("job", metavar="JOB"), BY, NOW),
    ),
    Verb(
        "verify",
        "read the whole ledger, and say everything that is wrong with it",
        (formats("text", "json"), JSON, NOW),
    ),
    Verb(
        "doctor",
        "check secrets, state, key, clock and provider",
        (formats("text", "json"), JSON, NOW),
    ),
)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="sendoff",
        description="Email campaigns as code: merge a pull request, and the mail goes out.",
        epilog="Exit codes: 0 done, 1 problems in the input, 2 wrong usage, 3 something is held, "
        "4 some sends failed or are in doubt, 5 the state could not be used, 6 another run won "
        "the race, 70 a bug, 130 interrupted.",
    )
    top.add_argument("--version", action="version", version=f"sendoff {__version__}")
    top.add_argument(
        "--root",
        type=Path,
        default=None,
        metavar="DIR",
        help="the workspace (default: the nearest directory above with a sendoff.yaml)",
    )
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    for verb in VERBS:
        sub = verbs.add_parser(verb.name, help=verb.help, description=verb.help)
        for argument in verb.args:
            sub.add_argument(*argument.flags, **argument.options)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = vars(parser().parse_args(argv))
    verb, root = options.pop("verb"), options.pop("root")
    return _bounded(verb, lambda: _call(verb, root, options))


def _call(verb: str, root: Path | None, options: dict[str, Any]) -> int:
    from .bootstrap import Site
    from .clock import SystemClock

    clock = SystemClock(options.pop("now", None))
    if verb in SENDERS:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: clock.stop())
    site = Site(
        root=(root or _nearest_workspace(Path.cwd(), verb)).resolve(),
        environ=os.environ,
        clock=clock,
        terminal=_terminal(),
    )
    command: Callable[..., Any] = getattr(import_module(f".commands.{verb}", __package__), verb)
    outcome = command(site, **options)
    _write(sys.stdout, outcome.output)
    _write(sys.stderr, outcome.notes)
    return int(outcome.exit_code)


def _write(stream: TextIO, text: str) -> None:
    """Write the result; a full disk behind the output does not change what the command did."""
    if not text:
        return
    try:
        stream.write(text.rstrip("\n") + "\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        with suppress(OSError):
            sys.stderr.write(f"sendoff: the output cannot be written: {error.strerror}\n")
        # nothing more may be tried at exit: it would hide the exit code
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _nearest_workspace(start: Path, verb: str) -> Path:
    if verb == "init":
        return start
    for directory in (start, *start.parents):
        if (directory / "sendoff.yaml").exists():
            return directory
    return start


def _terminal() -> Terminal:
    from .bootstrap import Terminal

    interactive = sys.stdout.isatty()
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdigit() else 0
    if interactive and not width:
        with suppress(OSError):
            width = os.get_terminal_size(sys.stdout.fileno()).columns
    return Terminal(
        width=width or 100,
        color=interactive and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb",
        interactive=interactive,
        ascii=_only_ascii(),
    )


def _only_ascii() -> bool:
    """True when standard output cannot hold every text; nothing is to fail for that."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return not encoding.lower().replace("-", "").startswith("utf")


def _bounded(verb: str, call: Callable[[], int]) -> int:
    """Expected errors are one line and their exit code; everything else is a bug's report."""
    from .errors import SendoffError

    try:
        return call()
    except SendoffError as error:
        sys.stderr.write(_for_a_log(f"sendoff: {error}"))
        return error.exit_code
    except BrokenPipeError:
        # whoever read us has seen enough; nothing more may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the boundary: whatever comes here is a bug
        return _report_bug(verb, error)


def _for_a_log(text: str) -> str:
    """Lines that no terminal obeys and no CI takes for commands: what is wrong may quote a file,
    or what a remote said."""
    from .report.terminal import clean, defuse

    return "".join(f"{defuse(clean(line))}\n" for line in text.split("\n"))


def _report_bug(verb: str, error: Exception) -> int:
    """A report to paste: where it happened, never with what (a message may hold an address)."""
    import platform
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    where = "\n".join(f"  {Path(f.filename).name}:{f.lineno} {f.name}" for f in frames)
    sys.stderr.write(
        "sendoff: this is a bug in Sendoff, not in your files. Nothing is lost: what was claimed "
        "is in the ledger.\nPlease report it with these lines (they hold no data of yours):\n"
        f"  sendoff {__version__}, Python {platform.python_version()}, {platform.system()}, "
        f"sendoff {verb}\n  {type(error).__name__}\n{where}\n"
    )
    if os.environ.get("SENDOFF_DEBUG"):
        traceback.print_exception(error)
    return BUG


def entry() -> NoReturn:
    """The ``sendoff`` command."""
    sys.exit(main())
