"""What suppressions cost: kept, looked up, pulled, and read out of bounce mails.

`python -m benchmarks.suppressions [--quick]`. CPU seconds, each beside a peer or a floor in turns.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from urllib.parse import urlsplit

from benchmarks.findings import Finding, report
from benchmarks.peers import python_version, python_with
from runner.clock import SystemClock
from runner.contacts import key_maker, normalise
from runner.events.mailbox import MailboxFeedback
from runner.events.sendgrid import PAGE, SendgridFeedback
from runner.ledger.records import decode, encode
from runner.model.contacts import Audience
from runner.model.keys import KeyColumn
from runner.model.settings import Secret, SendgridSettings
from runner.planning.book import Stamp, fold_book, suppressed
from runner.planning.suppressing import exclude
from runner.providers.sendgrid import SendgridProvider

NOW = datetime(2025, 10, 20, 14, tzinfo=UTC)
STAMP = Stamp("20251020T140000Z-0a", NOW, "sendgrid/bounces")
SERVER = """
import sys
from tests.servers.sendgrid_suppressions import SuppressionServer
with SuppressionServer() as server:
    server.lists["bounces"] = [
        {"email": f"p{n}@example.com", "created": 1760000000 - n, "status": "5.1.1",
         "reason": "550 5.1.1 user unknown"} for n in range(int(sys.argv[1]))
    ]
    print(server.url, server.key, flush=True)
    sys.stdin.read()
"""
MAIL = Path(__file__).parents[1] / "tests/unit/events/mails/hard-postfix-unknown.eml"
NAME = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller numbers")
    quick = parser.parse_args().quick
    scale, repeat = (10, 3) if quick else (1, 5)
    findings = [
        kept(50_000 // scale),
        looked_up(1_000_000 // scale, 50_000 // scale, repeat),
        pulled(30_000 // scale, repeat),
    ]
    report("suppressions", [*findings, *read(3_000 // scale, repeat)])


def spent(call: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    begun = process_time()
    call()
    return process_time() - begun


def events(count: int) -> dict[bytes, int]:
    """Contacts with a time each, half an hour apart on average."""
    chance, at, times = random.Random(1), 1_600_000_000, {}
    for _ in range(count):
        at += int(chance.expovariate(1 / 1800))
        times[chance.randbytes(8)] = at
    return times


def kept(count: int) -> Finding:
    """Bytes in git, against a line of JSON for each contact."""
    times = events(count)
    ours = [encode(record) for record in suppressed({("bounce", 0): times}, STAMP)]
    plain = [
        json.dumps({"key": key.hex(), "reason": "bounce", "at": time})
        for key, time in times.items()
    ]
    mine, theirs = (packed("\n".join(lines)) / count for lines in (ours, plain))
    return Finding(
        f"{count:,} suppressed contacts, bytes each in git",
        f"{mine:.2f} bytes (8 are the key)",
        f"a line of JSON each: {theirs:.1f} bytes",
        (theirs / mine,),
    )


def packed(text: str) -> int:
    """The size of a file as git stores it."""
    with tempfile.TemporaryDirectory() as home:
        subprocess.run(["git", "init", "-q", home], check=True)
        Path(home, "x").write_text(text)
        subprocess.run(["git", "add", "x"], cwd=home, check=True)
        (blob,) = Path(home, ".git/objects").glob("[0-9a-f][0-9a-f]/*")
        return blob.stat().st_size


def looked_up(contacts: int, count: int, repeat: int) -> Finding:
    """From the lines in the state to an audience without them, against sets and lists."""
    times = events(count)
    chance = random.Random(2)
    keys = [*list(times)[: count // 2], *(chance.randbytes(8) for _ in range(contacts))][:contacts]
    chance.shuffle(keys)
    emails = [f"p{number}@example.com" for number in range(contacts)]
    audience = Audience("x", emails, KeyColumn.of(keys), {"email": emails}, range(contacts))
    lines = [encode(record) for record in suppressed({("bounce", 0): times}, STAMP)]
    plain = [json.dumps({"key": key.hex(), "at": time}) for key, time in times.items()]

    def ours() -> None:
        book = fold_book(decode(line, "") for line in lines)
        assert len(exclude(audience, book.everywhere)) == contacts - count // 2

    def theirs() -> None:
        banned = {bytes.fromhex(json.loads(line)["key"]) for line in plain}
        kept = [index for index, key in enumerate(keys) if key not in banned]
        rest = [keys[index] for index in kept], [emails[index] for index in kept]
        assert len(rest[0]) == contacts - count // 2

    pairs = [(spent(ours), spent(theirs)) for _ in range(repeat)]
    return Finding(
        f"{count:,} suppressed left out of {contacts:,} contacts, in a plan",
        f"{min(mine for mine, _ in pairs):.3f} s",
        f"Python's json, a set and lists: {min(other for _, other in pairs):.3f} s",
        tuple(other / mine for mine, other in pairs),
    )


def pulled(count: int, repeat: int) -> Finding:
    """All pages to records, against the same pages fetched, parsed and thrown away."""
    with server(count) as (url, key):
        clock = SystemClock(NOW)
        settings = SendgridSettings(Secret("K"), url)
        make = key_maker(b"k" * 32)

        def key_of(address: str) -> bytes | None:
            found = normalise(address)
            return None if found is None else make(found.matching)

        def ours() -> None:
            provider = SendgridProvider(settings, {"K": key}, clock)
            source = SendgridFeedback(provider.ask, key_of, clock, NOW + timedelta(hours=1))
            told = source.read("sendgrid/bounces", None, NOW).told
            lines = [encode(record) for record in suppressed(told, STAMP)]
            assert sum(map(len, told.values())) == count
            assert lines
            provider.close()

        def floor() -> None:
            line = http.client.HTTPConnection(urlsplit(url).netloc)
            for offset in range(0, count, PAGE - 1):
                path = f"/v3/suppression/bounces?limit={PAGE}&offset={offset}"
                line.request("GET", path, headers={"Authorization": f"Bearer {key}"})
                json.loads(line.getresponse().read())
            line.close()

        ours()  # the library of SendGrid is loaded once
        pairs = [(spent(ours), spent(floor)) for _ in range(repeat)]
    return Finding(
        f"{count:,} bounces pulled from SendGrid's API (loopback), to records",
        f"{min(mine for mine, _ in pairs):.2f} s of CPU",
        f"http.client and json alone: {min(other for _, other in pairs):.2f} s of CPU",
        tuple(other / mine for mine, other in pairs),
    )


@contextmanager
def server(count: int) -> Iterator[tuple[str, str]]:
    """SendGrid's suppressions in a process of their own: (url, key)."""
    command = [sys.executable, "-c", SERVER, str(count)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        url, key = process.stdout.readline().split()
        yield url, key
        process.communicate("")


def read(count: int, repeat: int) -> Iterator[Finding]:
    """Bounce mails, against flufl.bounce, which Mailman uses."""
    python = python_with("flufl.bounce")
    if python is None:
        return
    with tempfile.TemporaryDirectory() as home:
        text = MAIL.read_bytes()
        for number in range(count):
            name = f"{number:032x}".encode()
            Path(home, f"{number}.eml").write_bytes(text.replace(NAME.encode(), name))
        clock = SystemClock(NOW)
        sent = {f"{number:032x}": (number.to_bytes(8), 1760000000) for number in range(count)}
        source = MailboxFeedback(
            Path(home), "x", lambda _, name: sent.get(name), clock, NOW + timedelta(hours=1)
        )

        def ours() -> None:
            told = source.read("mailbox", None, NOW).told
            assert sum(map(len, told.values())) == count

        script = Path(__file__).parent / "peer_scripts/flufl_client.py"
        pairs = []
        for _ in range(repeat):
            mine = spent(ours)
            done = subprocess.run(
                [python, script, home], check=True, capture_output=True, text=True
            )
            seconds, known = done.stdout.split()
            assert int(known) == count
            pairs.append((mine, float(seconds)))
    version = python_version(python, "flufl.bounce")
    yield Finding(
        f"{count:,} bounce mails read, each looked up by the name of the mail it is about",
        f"{min(mine for mine, _ in pairs):.2f} s of CPU",
        f"flufl.bounce {version}, which believes them: {min(o for _, o in pairs):.2f} s of CPU",
        tuple(other / mine for mine, other in pairs),
    )


if __name__ == "__main__":
    main()
