from __future__ import annotations

import base64
from html.parser import HTMLParser

from runner.model.message import File, Rendered
from runner.model.views import PreviewView
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


def view(label: str = "longest name", html: str = "<p>Hello</p>", **more: object) -> PreviewView:
    fields = {"subject": "Hi", "preheader": "", "html": html, "text": "Hello", "headers": {}}
    return PreviewView("invite", label, "•••@e•••.org", Rendered(**{**fields, **more}))  # type: ignore[arg-type]


def test_an_index_and_every_message_alone() -> None:
    written = preview.files(cases.one_shot(), [view(), view("no name")])
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
    page = preview.files(cases.one_shot(name=HOSTILE), [one])["index.html"]
    tags = Tags(page).found
    assert not [tag for tag, _ in tags if tag in ("script", "img")]
    frames = [attributes for tag, attributes in tags if tag == "iframe"]
    assert frames
    assert all(frame["sandbox"] == "" and frame["srcdoc"] == HOSTILE for frame in frames)


def test_file_names_come_from_us_alone() -> None:
    written = preview.files(cases.one_shot(), [view("../../etc/passwd\x00 " + "x" * 300)])
    for name in written:
        assert "/" not in name
        assert ".." not in name
        assert len(name) < 100


def test_inline_images_are_shown() -> None:
    logo = File("logo.png", "image/png", b"\x89PNG", cid="logo")
    html = '<img src="cid:logo"><img src="cid:other">'
    shown = preview.with_images(view(html=html, files=(logo,)).message)
    data = base64.b64encode(b"\x89PNG").decode()
    assert shown == f'<img src="data:image/png;base64,{data}"><img src="cid:other">'
