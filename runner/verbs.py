"""The command tree: every command with its arguments, in the order in which help shows them."""

from __future__ import annotations

import argparse
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .dataclass import dataclass


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
        (
            formats("text", "json"),
            JSON,
            arg(
                "--refresh",
                action="store_true",
                help="fetch the lists that lie elsewhere, however young their copies are",
            ),
        ),
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
        "suppress",
        "never mail these addresses again, whatever a list says",
        (
            arg("addresses", nargs="+", metavar="ADDRESS", help="`-` reads them from stdin"),
            arg(
                "--reason",
                choices=("manual", "unsubscribed", "spam", "bounce", "invalid"),
                default="manual",
                help="why (default: manual)",
            ),
            arg("--undo", action="store_true", help="they may be mailed again"),
            BY,
            formats("text", "json"),
            JSON,
            NOW,
        ),
    ),
    Verb(
        "forget",
        "erase a person: say where the address is, suppress it for good, and what remains",
        (
            arg("address", metavar="ADDRESS", help="`-` reads it from stdin"),
            arg("--yes", action="store_true", help="do it; without this it is only shown"),
            BY,
            formats("text", "json"),
            JSON,
            NOW,
        ),
    ),
    Verb(
        "suppressions",
        "show who must not be mailed any more, ask for news, or read files of them",
        (
            arg(
                "action",
                nargs="?",
                choices=("status", "pull", "import"),
                default="status",
                metavar="status|pull|import",
                help="status (default): numbers; pull: ask the sources; import: read files",
            ),
            arg("files", nargs="*", metavar="FILE", help="to import; `-` is stdin"),
            arg(
                "--reason",
                choices=("manual", "unsubscribed", "spam", "bounce", "invalid"),
                default="manual",
                help="why those in the files must not be mailed (default: manual)",
            ),
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
        "check secrets, state, key, clock and provider, and whether runs still start",
        (formats("text", "json"), JSON, NOW),
    ),
)
