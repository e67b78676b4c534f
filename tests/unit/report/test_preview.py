from __future__ import annotations

from html.parser import HTMLParser

import pytest

from runner.errors import Problem
from runner.model.message import Rendered
from runner.model.views import PreviewGroup, PreviewView
from runner.report import preview
from tests.unit.report import cases

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    """Every start tag of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def mail(html: str = "<p>Hello</p>", **more: object) -> Rendered:
    fields = {"subject": "Hi", "preheader": "", "html": html, "text": "Hello", "headers": {}}
    return Rendered(**{**fields, **more})  # type: ignore[arg-type]


def view(label: str = "longest name", html: str = "<p>Hello</p>", **more: object) -> PreviewView:
    return PreviewView("invite", label, "•••@e•••.org", mail(html, **more))


def group(*views: PreviewView, **more: object) -> list[PreviewGroup]:
    return [PreviewGroup(cases.one_shot(**more), views)]


def shown(former: Rendered | None, now: Rendered) -> str:
    one = PreviewView("invite", "plain", "•••@e•••.org", now, former, compared=True)
    return preview.files(group(one), "abc123def4567890")["index.html"]


def test_an_index_and_every_message_alone() -> None:
    written = preview.files(group(view(), view("no name")))
    assert set(written) == {
        "index.html",
        "01-invite-longest-name.html",
        "01-invite-longest-name.txt",
        "02-invite-no-name.html",
        "02-invite-no-name.txt",
    }
    alone = written["01-invite-longest-name.html"]
    assert alone.endswith("<p>Hello</p>")
    # opened by itself it runs nothing: the policy comes before anything of the template's
    assert alone.startswith('<meta http-equiv="Content-Security-Policy" content="default-src')
    assert written["02-invite-no-name.txt"] == "Hello"


def test_nothing_of_a_campaign_runs_in_the_page() -> None:
    one = view(HOSTILE, HOSTILE, subject=HOSTILE, preheader=HOSTILE, headers={"X": HOSTILE})
    page = preview.files(group(one, name=HOSTILE))["index.html"]
    tags = Tags(page).found
    assert not [tag for tag, _ in tags if tag in ("script", "img")]
    frames = [attributes for tag, attributes in tags if tag == "iframe"]
    assert len(frames) == 2
    assert all(frame["sandbox"] == "" for frame in frames)
    assert all((frame["srcdoc"] or "").endswith(HOSTILE) for frame in frames)
    assert "allow" not in {name for frame in frames for name in frame}


def test_file_names_come_from_us_alone() -> None:
    written = preview.files(group(view("../../etc/passwd\x00 " + "x" * 300)))
    for name in written:
        assert "/" not in name
        assert ".." not in name
        assert len(name) < 100


def test_before_and_after_stand_side_by_side() -> None:
    page = shown(mail("<p>an old line</p>", subject="Old"), mail("<p>new</p>", subject="New"))
    frames = [dict(attrs) for tag, attrs in Tags(page).found if tag == "iframe"]
    assert len(frames) == 4
    assert [frame["title"].split()[0] for frame in frames] == ["Before", "Before", "After", "After"]
    assert "taken out: </span>an old line" in page
    assert "put in: </span>new</ins>" in page
    assert "The text part is as it was." in page
    assert "compared with <code>abc123def456</code>" in page


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ({"text": "Hello!"}, "What differs in the text part alone"),
        ({"html": "<p><b>Hello</b></p>"}, "The words are the same; what differs is how they look"),
    ],
)
def test_what_differs_is_said_where_it_is_not_seen(old: dict[str, str], said: str) -> None:
    assert said in shown(mail(**old), mail())


def test_a_message_that_is_as_before_is_shown_once() -> None:
    page = shown(mail(), mail())
    assert page.count("<iframe") == 2
    assert ">as before</span>" in page


def test_a_message_that_was_not_there_is_new() -> None:
    assert ">new</span>" in shown(None, mail())


def test_a_campaign_that_cannot_be_rendered_says_why() -> None:
    problem = Problem("campaigns/templates/x.html", 3, 7, "no such <name>", "write another")
    page = preview.files([PreviewGroup(cases.one_shot(), (), (problem,))])["index.html"]
    assert "campaigns/templates/x.html:3:7" in page
    assert "no such &lt;name&gt;" in page
    assert "<iframe" not in page


def test_every_id_of_the_page_is_there_once() -> None:
    two = [
        PreviewGroup(cases.one_shot(), (view(), view("no name"))),
        PreviewGroup(cases.welcome(), (view(),)),
    ]
    tags = Tags(preview.files(two)["index.html"]).found
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {str(a["href"])[1:] for t, a in tags if t == "a" and str(a["href"]).startswith("#")}
    assert targets <= set(ids)
