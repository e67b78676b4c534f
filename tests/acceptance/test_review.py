"""What a reviewer is shown of a branch, by the command line in a real repository."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.acceptance.bench import TEMPLATE, GitBench, git

NOW = "2025-10-16T12:00:00Z"
DRIP = """\
version: 1
name: Countdown
list: people
schedule: {send: drip, start_at: 2025-10-15 09:00, timezone: UTC}
sequence:
  - {id: invite, template: hello}
  - {id: reminder, delay: 3d, template: nudge}
"""
LATER = "{send: scheduled, at: 2025-10-20 09:00, timezone: UTC}"


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> GitBench:
    """A drip whose first step has gone to 5 contacts, on the remote's main branch."""
    bench = GitBench.make(tmp_path_factory.mktemp("merged"))
    bench.workspace(backend="git")
    nudge = TEMPLATE.replace("{{ place }}", "the inn").replace("Hello {{", "Still there, {{")
    bench.write("campaigns/templates/nudge.html", nudge)
    bench.write("campaigns/countdown.yaml", DRIP)
    bench.write(".gitignore", "/outbox/\n/previews/\n")
    bench.merge()
    assert bench.sendoff("init", "--backend", "git", "--now", "2025-10-14T12:00:00Z").code == 0
    assert bench.sendoff("run", "--now", "2025-10-15T09:05:00Z").code == 0
    return bench


@pytest.fixture
def bench(merged: GitBench, tmp_path: Path) -> GitBench:
    """A clone of it, on a branch of its own; nothing that these tests do is pushed."""
    git(tmp_path, "clone", "-q", str(merged.remote), "work")
    git(tmp_path / "work", "checkout", "-q", "-b", "change")
    return GitBench(tmp_path / "work", remote=merged.remote)


def plan(bench: GitBench, *more: str):
    return bench.sendoff("plan", "--base", "origin/main", "--now", NOW, *more)


def test_a_new_campaign_is_shown_with_its_subjects_and_its_day(bench: GitBench) -> None:
    bench.campaign("party", LATER)
    said = plan(bench)
    assert said.code == 0
    assert "Merging this changes 1 campaign: 1 new" in said.out
    assert "5 mails to go." in said.out
    assert "“Hello Name0”" in said.out
    assert re.search(r"Mon 20 Oct 2025 +04:00 +5 +party", said.out)
    assert "Unchanged (1): countdown" in said.out


def test_an_edited_template_says_how_many_have_had_the_old_one(bench: GitBench) -> None:
    path = bench.root / "campaigns/templates/nudge.html"
    path.write_text(path.read_text().replace("Still there", "Last seats"))
    record = plan(bench, "--json").json
    change = next(c for c in record["changes"] if c["campaign"] == "countdown")
    assert (change["kind"], change["changed"], change["steps"]) == (
        "changed",
        ["what"],
        ["reminder"],
    )
    assert (change["had_old"], change["to_go"]) == (5, 5)
    job = next(j for j in record["jobs"] if j["job_id"] == "countdown/reminder")
    first = job["subjects"][0]
    assert first["subject"].startswith("Last seats, Name")
    assert first["former"]["subject"].startswith("Still there, Name")


def test_a_renamed_file_mails_nobody_again(bench: GitBench) -> None:
    git(bench.root, "mv", "campaigns/countdown.yaml", "campaigns/final.yaml")
    said = plan(bench, "--format", "markdown")
    assert said.code == 3
    assert "everyone would be mailed again" in said.out
    assert "set id: countdown in campaigns/final.yaml" in said.out


def test_all_errors_are_shown_with_their_lines(bench: GitBench) -> None:
    bench.write(
        "campaigns/hurry.yaml",
        "version: 1\nname: x\nlist: peple\ntemplate: hallo\nstatus: on\n"
        "schedule: {send: scheduled, at: 2025-10-20, timezone: Mars/Base}\n",
    )
    for name in ("text", "markdown", "html"):
        said = plan(bench, "--format", name)
        assert said.code == 1
        for line in (3, 4, 5, 6):
            assert f"campaigns/hurry.yaml:{line}:" in said.out
        assert "with errors" in said.out


def test_a_template_that_cannot_be_compiled_is_an_error_of_the_merge(bench: GitBench) -> None:
    bench.write("campaigns/templates/nudge.html", TEMPLATE.replace("{{ place }}", "{{ plaice }}"))
    said = plan(bench)
    assert said.code == 1
    assert "campaigns/templates/nudge.html" in said.out
    assert "plaice" in said.out


def test_the_plan_is_named_by_its_consequences(bench: GitBench) -> None:
    bench.campaign("party", LATER)
    first, again = (plan(bench, "--json").json["digest"] for _ in range(2))
    bench.people(6)
    assert first == again != plan(bench, "--json").json["digest"]


def test_the_calendar_shows_a_month_of_what_repeats(bench: GitBench) -> None:
    bench.campaign("digest", '{send: recurring, cron: "0 9 * * MON", timezone: America/Chicago}')
    calendar = plan(bench, "--json").json["calendar"]
    days = [day["at"] for day in calendar if day["campaign"] == "digest"]
    assert [day[:10] for day in days] == ["2025-10-20", "2025-10-27", "2025-11-03", "2025-11-10"]
    # the wall clock is kept when summer time ends
    assert [day[11:] for day in days] == ["09:00:00-05:00"] * 2 + ["09:00:00-06:00"] * 2


def test_no_address_is_in_anything_a_reviewer_is_shown(bench: GitBench) -> None:
    bench.campaign("party", LATER)
    out = bench.root.parent / "preview"
    said = [plan(bench, "--format", f).out for f in ("text", "json", "markdown", "html")]
    bench.sendoff("preview", "--base", "origin/main", "--out", str(out))
    said += [(out / "index.html").read_text()]
    assert not [text for text in said if "@example.com" in text]


def test_a_preview_shows_only_what_a_branch_changes(bench: GitBench) -> None:
    path = bench.root / "campaigns/templates/nudge.html"
    path.write_text(path.read_text().replace("see you at", "meet you at"))
    bench.campaign("party", LATER)
    out = bench.root.parent / "preview"
    said = bench.sendoff("preview", "--base", "origin/main", "--out", str(out))
    assert said.code == 0
    page = (out / "index.html").read_text()
    chips = re.findall(r'chip \w+">(new|changed|as before)<', page)
    assert set(chips) == {"new", "changed", "as before"}
    assert "see you at" in page
    assert "meet you at" in page


def test_a_preview_of_a_branch_that_changes_no_mail_says_so(bench: GitBench) -> None:
    out = bench.root.parent / "preview"
    said = bench.sendoff("preview", "--base", "origin/main", "--out", str(out))
    assert said.code == 0
    assert "Nothing that is mailed is different" in (out / "index.html").read_text()


def test_a_preview_goes_on_where_one_campaign_cannot_be_rendered(bench: GitBench) -> None:
    bench.campaign("party", LATER)
    bench.write("campaigns/templates/nudge.html", "---\nsubject: x\n---\n{% if %}")
    out = bench.root.parent / "preview"
    said = bench.sendoff("preview", "--base", "origin/main", "--out", str(out))
    page = (out / "index.html").read_text()
    assert said.code == 1
    assert "campaigns/templates/nudge.html:4" in page
    assert "<iframe" in page


def test_a_preview_says_which_files_it_cannot_show(bench: GitBench) -> None:
    """Never green when something is missing from what is to be looked at."""
    bench.write("campaigns/broken.yaml", "version: 1\nname: Broken\n")
    said = bench.sendoff("preview", "--out", str(bench.root.parent / "preview"))
    assert said.code == 1
    assert "campaigns/broken.yaml has errors and is not shown" in said.out


def test_a_preview_of_one_contact_needs_a_campaign(bench: GitBench) -> None:
    said = bench.sendoff("preview", "--contact", "p1@example.com")
    assert said.code == 2
    assert "p1@" not in said.err


def test_a_difference_is_of_all_campaigns(bench: GitBench) -> None:
    said = plan(bench, "countdown")
    assert said.code == 2
    assert "--base looks at every campaign" in said.err


def test_a_base_that_git_does_not_know_is_said(bench: GitBench) -> None:
    for command in ("plan", "preview"):
        said = bench.sendoff(command, "--base", "origin/nowhere")
        assert said.code == 2
        assert "origin/nowhere" in said.err


def test_a_plan_as_a_page(bench: GitBench) -> None:
    said = bench.sendoff("plan", "--format", "html", "--now", NOW)
    assert said.code == 0
    assert said.out.startswith("<!doctype html>")
    assert "countdown/reminder" in said.out
    assert "<script" not in said.out


def test_the_json_of_a_difference_is_what_the_text_says(bench: GitBench) -> None:
    bench.campaign("party", LATER)
    record = json.loads(plan(bench, "--json").out)
    party = next(c for c in record["changes"] if c["campaign"] == "party")
    assert f"{party['to_go']} mails to go." in plan(bench).out
    assert record["digest"] in plan(bench).out
