"""Everything but ``kill -9``: races, lying remotes, sick providers, clocks, hands in the state.

Each fault is a function of (arena, seed) that yields verdicts, one for each time it was tried.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from tests.acceptance.bench import Said, git
from tests.servers.sendgrid import Fault, seeded_faults

from .child import Orders
from .oracle import Verdict, judge, unclaimed
from .servers import seeded_smtp_faults
from .world import SETUPS, Arena, Setup, World

Try = Callable[[Arena, str], Iterator[Verdict]]


@dataclass(frozen=True)
class Case:
    """A fault: its name on the command line, its line of the table, and what does it."""

    name: str
    row: str
    attempt: Try


CASES: dict[str, Case] = {}


def fault(row: str) -> Callable[[Try], Try]:
    """Enter a function into ``CASES``."""

    def enter(function: Try) -> Try:
        CASES[function.__name__] = Case(function.__name__, row, function)
        return function

    return enter


def but(verdict: Verdict, *wrong: str) -> Verdict:
    """The verdict, with these complaints, if they are any."""
    return replace(verdict, wrong=(*verdict.wrong, *(text for text in wrong if text)))


def expect(said: Said, *codes: int, what: str = "the run") -> str:
    """A complaint when the exit code is none of these."""
    if said.code in codes:
        return ""
    return f"{what} ended with {said.code}, not {codes}: {said.err[-300:]}"


def end(world: World, *wrong: str) -> Verdict:
    """Run until nothing is due, judge, put the world away."""
    verdict = but(judge(world, world.finish()), *wrong)
    world.remove()
    return verdict


def no_doubt(verdict: Verdict) -> Verdict:
    """For faults in which nothing can be in doubt, and everybody can be mailed."""
    doubt = f"{verdict.in_doubt} are in doubt without a reason" if verdict.in_doubt else ""
    missing = verdict.contacts - verdict.mailed - verdict.failed
    return but(verdict, doubt, f"{missing} were not mailed" if missing and not doubt else "")


# -- races ----------------------------------------------------------------------------------------


@fault("eight runners at once on one remote")
def eight_runners(arena: Arena, seed: str) -> Iterator[Verdict]:
    """Eight clones begin in the same moment; each pushes claims on the same tip."""
    for provider in ("smtp", "sendgrid"):
        world = arena.world(Setup("git", provider))
        clones = [world.clone(number) for number in range(8)]
        running = [clone.start("run", "--json") for clone in clones]
        wrong = []
        for one in running:
            said = one.end()
            world.note(said)
            wrong.append(expect(said, 0, 6, what="a runner"))
        yield no_doubt(end(world, *wrong))


@fault("two runners at once on one files store")
def two_on_files(arena: Arena, seed: str) -> Iterator[Verdict]:
    """Two processes, one directory."""
    for provider in ("smtp", "sendgrid", "outbox"):
        world = arena.world(Setup("files", provider))
        wrong = []
        for one in [world.start("run", "--json") for _ in range(2)]:
            said = one.end()
            world.note(said)
            wrong.append(expect(said, 0, 6, what="a runner"))
        yield no_doubt(end(world, *wrong))


@fault("a second runner in the middle of the first one's lease")
def overlapping(arena: Arena, seed: str) -> Iterator[Verdict]:
    """The first dies after its first batches; the second comes before the lease is over."""
    for setup in SETUPS:
        world = arena.world(setup)
        first = world.run(orders=Orders("run:book:before", 3))
        before = world.mails()
        world.now += timedelta(minutes=5)
        second = world.run()
        claimed = {m for m, count in world.mails().items() if count > 1}
        taken = f"{len(claimed)} in flight were taken again" if claimed else ""
        grew = "" if sum(world.mails().values()) >= sum(before.values()) else "mails vanished"
        yield end(world, expect(first, -9), expect(second, 0, 3, 4, 6), taken, grew)


# -- the remote -----------------------------------------------------------------------------------


def hook(world: World, name: str, *lines: str) -> None:
    path = world.remote / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


def unhook(world: World) -> None:
    for path in (world.remote / "hooks").glob("*"):
        path.unlink()


@fault("a remote that takes every push and acknowledges none")
def lost_acknowledgement(arena: Arena, seed: str) -> Iterator[Verdict]:
    """A post-receive hook kills the process that would answer."""
    for provider in ("smtp", "sendgrid", "outbox"):
        world = arena.world(Setup("git", provider))
        mark = world.home / "struck"
        hook(world, "post-receive", f"echo struck >> '{mark}'", "kill -9 $PPID")
        said = world.run()
        struck = "" if mark.exists() else "the hook never ran"
        unhook(world)
        yield no_doubt(end(world, expect(said, 0), struck))


@fault("a remote that declines a push now and then (pre-receive)")
def declining_remote(arena: Arena, seed: str) -> Iterator[Verdict]:
    """The first, second or third push is declined: a claim, or a settle with claims."""
    for number, provider in ((1, "smtp"), (2, "smtp"), (3, "sendgrid"), (2, "outbox")):
        world = arena.world(Setup("git", provider))
        count = world.home / "pushes"
        hook(
            world,
            "pre-receive",
            f"echo x >> '{count}'",
            f"test $(wc -l < '{count}') -ne {number}",
        )
        said = world.run()
        early = unclaimed(world)
        sent = sum(world.mails().values())
        much = "mails went out after the refusal" if number == 1 and sent else ""
        unhook(world)
        yield end(world, expect(said, 0 if number > 4 else 5), much, *early)


@fault("a remote that hangs, with a short time-out")
def hanging_remote(arena: Arena, seed: str) -> Iterator[Verdict]:
    """From its first, second or third push on; or for whoever reads from it."""
    for side, number in (("uploadpack", 1), ("receivepack", 1), ("receivepack", 2)):
        world = arena.world(Setup("git", "smtp"))
        count, script = world.home / "calls", world.home / "slow"
        script.write_text(
            f"#!/bin/sh\necho x >> '{count}'\n"
            f"test $(wc -l < '{count}') -lt {number} || exec sleep 600\n"
            f'exec git-{"upload" if side == "uploadpack" else "receive"}-pack "$@"\n'
        )
        script.chmod(0o755)
        git(world.root, "config", f"remote.origin.{side}", str(script))
        said = world.run(orders=Orders(git_seconds=1.5))
        early = unclaimed(world)
        sent = sum(world.mails().values())
        much = f"{sent} mails went out" if sent > (0 if number == 1 else 5) else ""
        git(world.root, "config", "--unset", f"remote.origin.{side}")
        yield end(world, expect(said, 5), much, *early)


@fault("lock files that a killed git left behind")
def stale_locks(arena: Arena, seed: str) -> Iterator[Verdict]:
    """Every lock there may be in the clone; then the one of the branch on the remote."""
    world = arena.world(Setup("git", "smtp"))
    names = ("index", "HEAD", "packed-refs", "config", "shallow", "FETCH_HEAD")
    paths = [world.root / ".git" / f"{name}.lock" for name in names]
    paths.append(world.root / ".git/refs/sendoff/state/sendoff-state.lock")
    paths.append(world.root / ".git/refs/sendoff/approved.lock")
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    said = world.run()
    yield no_doubt(end(world, expect(said, 0)))

    world = arena.world(Setup("git", "smtp"))
    lock = world.remote / "refs/heads/sendoff-state.lock"
    lock.touch()
    said = world.run(orders=Orders(git_seconds=20.0))
    much = "mails went out without a claim" if world.mails() else ""
    lock.unlink()
    yield no_doubt(end(world, expect(said, 5, 6), much))


# -- the provider ---------------------------------------------------------------------------------


@fault("SendGrid: 429, 500, 502, 503, resets, hangs, half answers, garbage at random")
def sick_sendgrid(arena: Arena, seed: str) -> Iterator[Verdict]:
    """Two requests in five go wrong, half of those after the mail was taken."""
    for number, store in enumerate(("files", "git", "files")):
        world = arena.world(Setup(store, "sendgrid"))
        chance = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable
        arena.sendgrid.follow(seeded_faults(chance.randrange(2**32), 0.4))
        said = world.run("--budget", "25s")
        arena.sendgrid.follow(())
        yield end(world, expect(said, 0, 4))


@fault("SendGrid: 429 with the time at which it may be tried again")
def rate_limited(arena: Arena, seed: str) -> Iterator[Verdict]:
    """Honoured, and nothing is in doubt."""
    world = arena.world(Setup("files", "sendgrid"))
    arena.sendgrid.misbehave(*[Fault("status", 429, seconds=0.5)] * 2, None, Fault("status", 429))
    said = world.run("--budget", "30s")
    yield no_doubt(end(world, expect(said, 0)))


@fault("SMTP: 4xx, 421, cuts before and after the message was taken, garbage at random")
def sick_smtp(arena: Arena, seed: str) -> Iterator[Verdict]:
    """Three messages in ten go wrong, some after the server took them."""
    for number, store in enumerate(("files", "git", "files")):
        world = arena.world(Setup(store, "smtp"))
        arena.smtp.follow(seeded_smtp_faults(f"{seed}/{number}", 0.3))
        said = world.run("--budget", "25s")
        arena.smtp.follow(())
        yield end(world, expect(said, 0, 4))


@fault("the provider is not there at all")
def no_provider(arena: Arena, seed: str) -> Iterator[Verdict]:
    """Nothing listens on the port; later it does."""
    for provider in ("smtp", "sendgrid"):
        world = arena.world(Setup("files", provider))
        settings = world.root / "sendoff.yaml"
        text = settings.read_text()
        settings.write_text(
            text.replace(f"port: {arena.smtp.port}", "port: 9").replace(
                arena.sendgrid.url, "http://localhost:9"
            )
        )
        said = world.run("--budget", "8s")
        settings.write_text(text)
        yield no_doubt(end(world, expect(said, 4)))


@fault("a provider slower than the budget")
def slow_provider(arena: Arena, seed: str) -> Iterator[Verdict]:
    """Stops in time, settles, and the rest is the next run's."""
    world = arena.world(Setup("files", "smtp"))
    arena.smtp.delay = 0.25
    said = world.run("--budget", "7s")
    early = "" if said.code == 0 and 0 < said.json["later"] < 40 else "it was not cut short"
    doubt = "" if said.code == 0 and not said.json["in_doubt"] else "something is in doubt"
    arena.smtp.delay = 0.0
    yield no_doubt(end(world, expect(said, 0), early, doubt))


# -- interruptions --------------------------------------------------------------------------------


@fault("SIGTERM and SIGINT in the middle of a run")
def interrupted(arena: Arena, seed: str) -> Iterator[Verdict]:
    """Settled within five seconds, exit 130, nothing in doubt."""
    steps = ("run:send:before", "run:book:before", "store:append:before", "store:append:after")
    chance = random.Random(seed)  # noqa: S311 - repeatable
    for setup in SETUPS:
        for how in ("term", "int"):
            world = arena.world(setup)
            arena.smtp.delay = 0.02
            said = world.start(
                "run", "--json", orders=Orders(chance.choice(steps), chance.choice((1, 2)), how)
            ).end(5 + 5)
            world.note(said)
            yield no_doubt(end(world, expect(said, 130)))


# -- the clock ------------------------------------------------------------------------------------


@fault("the clock jumps back an hour between runs")
def clock_back(arena: Arena, seed: str) -> Iterator[Verdict]:
    """After a run that ended well, and after one that was killed in the middle."""
    for setup in SETUPS:
        for step, nth, code in (("", 1, 0), ("run:book:before", 2, -9)):
            world = arena.world(setup)
            first = world.run(orders=Orders(step, nth))
            world.now -= timedelta(hours=1)
            second = world.run()
            world.now += timedelta(hours=1)
            yield end(world, expect(first, code), expect(second, 0, 3, 4))
