"""Runs with a cache: what they do is what they would do without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.bench import GitBench

NOW = ("--now", "2025-10-20T14:00:00Z")
FAR = "{send: scheduled, at: 2026-02-02 09:00}"


@pytest.fixture
def bench(tmp_path: Path) -> GitBench:
    bench = GitBench.make(tmp_path)
    bench.environ["SENDOFF_CACHE"] = str(tmp_path / "cache")
    bench.workspace(backend="git").campaign(schedule=FAR)
    bench.write(".gitignore", "outbox/\n")
    bench.merge("Add the campaign")
    assert bench.sendoff("init", *NOW).code == 0
    assert bench.sendoff("run", *NOW).code == 0
    return bench


def entries(bench: GitBench, kind: str) -> list[Path]:
    return sorted(Path(bench.environ["SENDOFF_CACHE"]).glob(f"{kind}-*.json"))


def test_a_merge_is_seen_by_the_next_run(bench: GitBench) -> None:
    """What is kept of the approved files is good for that very content alone."""
    assert entries(bench, "approved")
    assert bench.sendoff("run", "--json", *NOW).json["sent"] == 0
    bench.campaign()
    bench.merge("Send it now")
    ran = bench.sendoff("run", "--json", *NOW)
    assert (ran.code, ran.json["sent"]) == (0, 5), ran.err
    assert bench.sendoff("run", "--json", *NOW).json["sent"] == 0


def test_a_changed_list_or_template_is_what_is_sent(bench: GitBench) -> None:
    """The cache holds no contact and no words of a mail that were not approved."""
    bench.campaign()
    bench.people(3)
    path = bench.root / "campaigns/templates/hello.html"
    path.write_text(path.read_text().replace("the inn", "the barn"))
    bench.merge("Fewer people, elsewhere")
    assert bench.sendoff("run", "--json", *NOW).json["sent"] == 3
    assert all("the barn" in str(mail) for mail in bench.outbox())


def test_an_entry_that_somebody_forged_is_not_believed(bench: GitBench) -> None:
    """Whoever can write the cache, but does not know the state key, can get nothing sent."""
    (place,) = entries(bench, "approved")
    seal, _, body = place.read_text().partition("\n")
    assert "2026-02-02" in body
    place.write_text(f"{seal}\n{body.replace('2026-02-02', '2025-10-19')}")
    assert bench.sendoff("run", "--json", *NOW).json["sent"] == 0
    assert bench.outbox() == []


def test_an_entry_of_another_key_is_not_believed(bench: GitBench) -> None:
    """An entry is worth what its key is worth: another state key reads everything anew."""
    (place,) = entries(bench, "approved")
    other = {"SENDOFF_STATE_KEY": "another-state-key-0123456789abcdefghij"}
    assert bench.sendoff("run", *NOW, **other).code == 5
    assert place in entries(bench, "approved")
    assert len(entries(bench, "approved")) == 2


def test_without_the_state_key_nothing_is_kept_for_a_run(bench: GitBench, tmp_path: Path) -> None:
    """A key that lies beside what it seals is good for looking, never for sending."""
    bench.environ["SENDOFF_CACHE"] = str(tmp_path / "fresh")
    bench.sendoff("run", *NOW, SENDOFF_STATE_KEY="")
    assert not (tmp_path / "fresh").exists()


def test_no_contact_lies_in_the_cache(bench: GitBench) -> None:
    """Not an address, and not a name, of anybody on a list."""
    for verb in ("run", "plan", "status", "validate"):
        bench.sendoff(verb, *(() if verb == "validate" else NOW))
    found = list(Path(bench.environ["SENDOFF_CACHE"]).iterdir())
    assert found
    for path in found:
        text = path.read_bytes().decode("utf-8", "replace")
        assert "p1@example.com" not in text
        assert "Name1" not in text


def test_plans_are_the_same_with_and_without(bench: GitBench) -> None:
    """The second plan comes from what the first one left, and says the same."""
    bench.campaign("second", "{send: scheduled, at: 2025-12-01 09:00}")
    first, second = (bench.sendoff("plan", "--json", *NOW) for _ in range(2))
    without = bench.sendoff("plan", "--json", *NOW, SENDOFF_CACHE="")
    assert first.out == second.out == without.out
    assert json.loads(first.out)
