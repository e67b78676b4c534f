"""Handing mails over to SendGrid: how fast, against the clients that others use?

    python -m benchmarks.sendgrid [--mails 40000] [--times 3] [--delay 0.08]

All send the newsletter of ``benchmarks.newsletter`` (30 KB of HTML, ten values a contact) to the
same server, a process of its own that answers after 80 ms; data and template are in memory when
the time begins.  Ours goes with the settings as they are (four requests at once), the others one
request after the other, as their documentation has it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from benchmarks import newsletter, peers
from benchmarks.findings import Finding, report, timed
from benchmarks.sendgrid_server import counts, server
from runner.clock import SystemClock
from runner.model.message import MessageBatch
from runner.model.settings import Secret, SendgridSettings
from runner.providers.sendgrid import SendgridProvider

HERE = Path(__file__).parent
SENDGRID = "sendgrid"
NPM = "@sendgrid/mail"
SINGLE = 25
"""Mails of a round for who sends one a request: 80 ms each, whatever the number."""

MANY = 4000


@dataclass(frozen=True)
class Rival:
    """Who is compared: ``per_mail`` measures seconds a mail, once."""

    name: str
    wanted: float
    per_mail: Callable[[], float]


def main() -> None:
    """Measure in turns, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=40_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--delay", type=float, default=0.08)
    options = parser.parse_args()
    batches = list(newsletter.batches(options.mails))
    with tempfile.TemporaryDirectory() as directory, server(options.delay) as url:
        data = Path(directory, "data.json")
        data.write_text(json.dumps(as_data(MANY)))
        rivals = list(_rivals(data, url))
        ours: list[float] = []
        theirs: list[list[float]] = [[] for _ in rivals]
        for _ in range(options.times):
            ours.append(hand_over(batches, url))
            for rival, found in zip(rivals, theirs, strict=True):
                found.append(rival.per_mail())
        said = counts(url)
    print(f"the server: {said['requests']} requests, {said['cpu']:.1f} s of processor time\n")
    report("sendgrid", [_finding(r, t, ours, options) for r, t in zip(rivals, theirs, strict=True)])


def _finding(
    rival: Rival, theirs: Sequence[float], ours: Sequence[float], options: argparse.Namespace
) -> Finding:
    per_thousand = median(ours) * 1e6
    return Finding(
        work=f"hand-over to SendGrid, answers after {options.delay * 1000:.0f} ms",
        ours=f"{per_thousand:.1f} ms a 1,000 mails",
        against=f"{rival.name}: {median(theirs) * 1e6:,.0f} ms",
        ratios=tuple(t / o for t, o in zip(theirs, ours, strict=True)),
        wanted=rival.wanted,
    )


def hand_over(batches: Sequence[MessageBatch], url: str) -> float:
    """Seconds a mail for the provider itself; every mail is accepted, or this is no measurement."""
    settings = SendgridSettings(Secret("KEY"), url)
    provider = SendgridProvider(settings, {"KEY": "SG.benchmark"}, SystemClock())
    provider.check()
    deadline = datetime.now(UTC) + timedelta(hours=1)
    seconds, answers = timed(lambda: list(provider.deliver(batches, deadline)))
    provider.close()
    kinds = {outcome.kind for _, outcomes in answers for outcome in outcomes}
    assert kinds == {"accepted"}
    return seconds / sum(len(batch) for batch in batches)


def as_data(count: int) -> dict[str, object]:
    """The newsletter for a client with substitutions: texts with tags, and values by tag."""
    batch = newsletter.batch(0, count, newsletter.parts())
    parts = batch.content.parts

    def tagged(segments: Sequence[str | int]) -> str:
        return "".join(p if isinstance(p, str) else f"-tag{p}-" for p in segments)

    values = batch.content.values
    rows = [
        {"email": email, "values": {f"-tag{n}-": column[i] for n, column in enumerate(values)}}
        for i, email in enumerate(batch.emails)
    ]
    texts = {"subject": parts.subject, "html": parts.html, "text": parts.text}
    return {**{name: tagged(segments) for name, segments in texts.items()}, "rows": rows}


def _rivals(data: Path, url: str) -> list[Rival]:
    found = []
    if python := peers.python_with(SENDGRID):
        script = [str(python), str(HERE / "peer_scripts/sendgrid_client.py"), str(data), url]
        name = f"sendgrid {peers.python_version(python, 'sendgrid')} (Python)"
        found.append(Rival(f"{name}, one mail a request", 3000, _client(script, 1, SINGLE)))
        found.append(Rival(f"{name}, 1,000 a request", 5, _client(script, 1000, MANY)))
    if node := peers.node_with(NPM):
        path = HERE / "peer_scripts/sendgrid_client.js"
        script = ["node", str(path), str(node), str(data), url]
        name = f"@sendgrid/mail {peers.node_version(node, '@sendgrid/mail')} (Node)"
        found.append(Rival(f"{name}, 1,000 a request", 4, _client(script, 1000, MANY)))
    return found


def _client(script: Sequence[str], size: int, count: int) -> Callable[[], float]:
    def per_mail() -> float:
        done = subprocess.run(
            [*script, str(size), str(count)],
            check=True,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            text=True,
        )
        return float(done.stdout) / count

    return per_mail


if __name__ == "__main__":
    main()
