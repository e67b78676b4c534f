"""The command line: the error boundary, the terminal, and the exit codes."""

from __future__ import annotations

import argparse
import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from . import __version__
from .verbs import VERBS

if TYPE_CHECKING:
    from .bootstrap import Terminal

BUG = 70
SENDERS = ("run", "proof")
"""Commands that settle what they have begun when they are told to stop; others just stop."""
INTERRUPTED = 130
_CIRCLES = 200_000
"""How many more objects there are before Python looks for circles among them.  We make few, and
thousands of objects while modules are loaded: looking took a tenth of a second of each command."""


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
        sends=verb in SENDERS,
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
    gc.set_threshold(_CIRCLES)
    sys.exit(main())
