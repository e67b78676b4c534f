"""The end: a name, a file, a last look, and the last yes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from .draft import CAMPAIGNS, Commit, Decision, Draft
from .insight import Insight, Review
from .questions import (
    Choice,
    Flow,
    Question,
    Refused,
    Show,
    Turn,
    ask,
    choose,
    heading,
    one_line,
    say,
    yes_no,
)
from .what import told
from .yamltext import campaign_yaml

NAME_HELP = "For people: reports and lists of campaigns show it. Your readers do not see it."
FILE_HELP = (
    "The campaign's file below campaigns/, without .yaml; folders are fine, such as "
    "2026/open-house. It is also how the ledger knows the campaign, for ever."
)
GIT_HELP = (
    "Only the new file is committed; nothing else that you changed is touched, and nothing is "
    "pushed. A branch of its own is what a pull request is made from."
)
BRANCH_HELP = "The branch is made from where you are now, and checked out."
WRITE_HELP = "With yes the file is written. With no, nothing is."
LONGEST_FILE = 120
FOLDERS = ("lists", "templates", "suppressions", "files")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


def closing(insight: Insight, draft: Draft) -> Flow[Decision]:
    """Ask for what remains, show everything, ask for the last yes."""
    yield heading(4, "A last look")
    named = Question("name", "The campaign's name?", NAME_HELP, one_line, default=_name(draft))
    name = yield from ask(named)
    file = yield from ask(_file(insight, name))
    draft = replace(draft, name=name, file=file)
    commit = yield from _commit(insight, file)
    faults = insight.faults(draft)
    if faults:
        yield say("This cannot be sent as it is; please go back with <.", sign="✗")
        yield from (say(told(fault), sign="-") for fault in faults)
    else:
        yield from _shown(draft, insight.review(draft))
    write = yield from ask(yes_no("write", _last(draft, commit), WRITE_HELP))
    if write and faults:
        # nothing that cannot be loaded is ever written
        return Decision(draft, write=False)
    return Decision(draft, write, commit)


def _shown(draft: Draft, review: Review) -> Iterable[Turn]:
    yield say(f"This is {draft.path}:")
    yield Show(tuple(f"    {line}".rstrip() for line in campaign_yaml(draft).splitlines()))
    yield say("And this is the plan for it, if it were merged now:")
    yield Show(tuple(f"    {line}".rstrip() for line in review.plan))
    for problem in review.problems:
        where = "" if problem.path == draft.path else f"{problem.path}:{problem.line}: "
        yield say(where + told(problem), sign="✗" if problem.severity == "error" else "!")
    if any(problem.severity == "error" for problem in review.problems):
        yield say("`sendoff validate` refuses it until what is marked ✗ is mended.")


def _last(draft: Draft, commit: Commit | None) -> str:
    if commit is None:
        return f"Write {draft.path}?"
    where = f"a new branch {commit.branch}" if commit.branch else "this branch"
    return f"Write {draft.path}, and commit it on {where}?"


def _name(draft: Draft) -> str:
    """A name to begin with: the subject, or the template's name."""
    first = draft.when.steps[0].mail if draft.when.steps else draft.mail
    if first.subject and "{" not in first.subject:
        return first.subject[:80].strip()
    words = first.template.rpartition("/")[2].replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


# -- the file --------------------------------------------------------------------------------------


def _file(insight: Insight, name: str) -> Question[str]:
    def parse(text: str) -> str:
        file = text.removeprefix(f"{CAMPAIGNS}/").removesuffix(".yaml")
        fault = file_fault(file)
        if fault:
            raise Refused(fault, [free(insight, slug(file))])
        taken = insight.taken(file)
        if taken:
            raise Refused(taken, [free(insight, file)])
        return file

    return Question("file", "The file's name?", FILE_HELP, parse, default=free(insight, slug(name)))


def file_fault(file: str) -> str:
    """Why a file below ``campaigns/`` cannot be called so; '' when it can."""
    if not _FILE.fullmatch(file):
        return "Please use letters, digits, - _ . and / only, beginning with a letter or digit."
    if len(file) > LONGEST_FILE:
        return f"Please stay below {LONGEST_FILE} characters."
    if any(part != part.rstrip(".") for part in file.split("/")):
        return "A name may not end with a dot."
    if file.partition("/")[0].casefold() in FOLDERS:
        return f"The folder {file.partition('/')[0]} holds no campaigns."
    return ""


def slug(name: str) -> str:
    """``Bros & Brews 2025`` as ``bros-brews-2025``; never a name that cannot be one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    return f"{found}-mail" if found in FOLDERS else found or "campaign"


def free(insight: Insight, file: str) -> str:
    """``file``, or it with the first number that nobody has."""
    stem = re.sub(r"-\d{1,4}$", "", file)[: LONGEST_FILE - 5]
    names = (f"{stem}-{number}" for number in range(2, 10_000))
    return next((name for name in (file, *names) if not insight.taken(name)), file)


# -- git -------------------------------------------------------------------------------------------


def _commit(insight: Insight, file: str) -> Flow[Commit | None]:
    repository = insight.repository
    if repository.problem:
        yield say(f"It will not be committed: {repository.problem}.")
    if not repository.exists or repository.problem:
        return None
    here = f"on {repository.branch}, which is checked out"
    choices = [
        Choice("branch", "make a branch for it, and commit it there"),
        *([Choice("here", here)] if repository.branch else []),
        Choice("no", "only write the file"),
    ]
    how = yield from ask(choose("git", "And git?", GIT_HELP, choices, "branch"))
    if how != "branch":
        return Commit() if how == "here" else None

    def parse(text: str) -> str:
        fault = insight.branch_fault(text)
        if fault:
            raise Refused(fault)
        return text

    default = _free_branch(insight, file)
    branch = yield from ask(
        Question("branch", "The branch's name?", BRANCH_HELP, parse, default=default)
    )
    return Commit(branch)


def _free_branch(insight: Insight, file: str) -> str:
    names = [f"campaign/{file}", f"add-{file}", *(f"add-{slug(file)}-{n}" for n in range(2, 100))]
    return next((name for name in names if not insight.branch_fault(name)), "")
