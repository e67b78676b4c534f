"""``templates`` tells which templates are compiled, and why others are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.bench import Bench

BODY = "---\nsubject: Hello\n---\n<p>x</p>\n{}"
BODIES = {
    "quick": "<p>{% if firstName %}{{ firstName|upper }}{% endif %}</p>",
    "slow": "{% filter upper %}{{ firstName }}{% endfilter %}",
    "wrong": "{{ nobody }}",
    "unused": "{{ firstName }}",
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A template of each kind, with its campaign."""
    bench = Bench(tmp_path / "work", {"SENDOFF_CACHE": ""})
    bench.workspace()
    bench.write("campaigns/lists/members.yaml", "source: {type: csv, path: members.csv}\n")
    bench.write("campaigns/lists/members.csv", "email,firstName\na@example.com,Ann\n")
    for name, body in BODIES.items():
        bench.write(f"campaigns/templates/{name}.html", BODY.format(body))
        if name != "unused":
            text = f"version: 1\nlist: members\ntemplate: {name}\nschedule: {{send: immediate}}\n"
            bench.write(f"campaigns/{name}.yaml", text)
    return bench


def test_json_says_what_is_compiled(bench: Bench) -> None:
    """Null where it is not known: a campaign with errors, no campaign at all."""
    done = bench.sendoff("templates", "--json")
    assert done.code == 0, done.err
    found = {one["name"]: one for one in json.loads(done.out)["templates"]}
    known = {name: found[name]["compiled"] for name in BODIES}
    assert known == {"quick": True, "slow": False, "wrong": None, "unused": None}
    (why,) = found["slow"]["slow"]
    assert (why["path"], why["line"]) == ("campaigns/templates/slow.html", 5)
    assert why["message"].startswith("printed text that is looked at")
    assert all(found[name]["slow"] == [] for name in BODIES if name != "slow")


def test_text_says_why(bench: Bench) -> None:
    """With the place, as ``validate`` names it."""
    out = " ".join(bench.sendoff("templates").out.split())
    assert "campaigns/templates/slow.html:5:1: printed text that is looked at" in out
    assert "Compiled yes" in out
    assert out.count("not known: no campaign") == 3  # that of the workspace is not used either


def test_a_list_that_cannot_be_read_here_leaves_it_open(bench: Bench) -> None:
    """The command shows the rest."""
    bench.write("campaigns/lists/members.csv", "")
    found = json.loads(bench.sendoff("templates", "--json").out)["templates"]
    assert {one["compiled"] for one in found} == {None}
