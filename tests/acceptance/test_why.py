"""``sendoff why`` answers for one person, also when the job is long over."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.bench import Bench

DRIP = """\
version: 1
name: hello
status: active
list: people
schedule: {send: drip, start_at: 2025-10-20 09:00, timezone: UTC}
sequence:
  - {id: one, template: hello}
  - {id: two, template: hello, delay: 1d, only_if: "contact.firstName == 'Name1'"}
"""


def test_who_was_skipped_is_not_said_to_have_joined_later(tmp_path: Path) -> None:
    bench = Bench(tmp_path).workspace()
    bench.write("campaigns/hello.yaml", DRIP)
    assert bench.sendoff("init", "--now", "2025-10-19T09:00:00Z").code == 0
    for day in (20, 21, 22):
        bench.sendoff("run", "--now", f"2025-10-{day}T09:10:00Z")

    late = ("--now", "2025-10-23T09:10:00Z")
    skipped = bench.sendoff("why", "p2@example.com", *late).out
    assert "joined the list after it was over · or was one of 4 skipped" in skipped
    jobs = {
        job["step"]: job["excluded"]
        for job in bench.sendoff("status", "--json", *late).json["jobs"]
    }
    assert jobs == {"one": {}, "two": {"only_if": 4}}

    bench.people(6)
    joined = bench.sendoff("why", "p5@example.com", *late).out
    assert "hello/one\n  not sent: joined the list after it was over\n" in joined
