"""The pages as a browser shows them: to everyone, on every screen, and to a hostile mail."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from runner.report import frames
from tests.browser import pages
from tests.browser.conftest import Listener, Open

pytestmark = pytest.mark.browser
EVERY = pytest.mark.parametrize("name", list(pages.PAGES))
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
VIEWS = ("as-desktop", "as-phone", "as-dark", "as-phone-dark", "as-text")


@EVERY
@SCHEMES
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(open_page: Open, axe: str, name: str, scheme: str, width: int) -> None:
    page = open_page(pages.PAGES[name](), width=width, scheme=scheme)
    page.evaluate(axe)
    views = VIEWS if name == "preview" else ("",)
    for view in views:
        if view:
            page.locator(f"label[for={view}]").click()
        # what stands in the frames is the mail's, and no script may be put there
        found = page.evaluate("axe.run(document, {iframes: false})")
        said = [
            (one["id"], [(n["target"], n["failureSummary"]) for n in one["nodes"][:3]])
            for one in found["violations"]
        ]
        assert said == []
        assert len(found["passes"]) > 10


@EVERY
@pytest.mark.parametrize("width", [320, 390, 768, 1600])
def test_nothing_stands_out_at_the_side(open_page: Open, name: str, width: int) -> None:
    page = open_page(pages.PAGES[name](), width=width)
    for view in VIEWS if name == "preview" else ("",):
        if view:
            page.locator(f"label[for={view}]").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def focus_order(page, presses: int) -> list[str]:
    """What the Tab key comes by, as ``tag#id``."""
    found = []
    for _ in range(presses):
        page.keyboard.press("Tab")
        found.append(
            page.evaluate("(e => e.tagName.toLowerCase() + '#' + e.id)(document.activeElement)")
        )
    return found


def test_the_preview_is_used_with_the_keyboard_alone(open_page: Open) -> None:
    page = open_page(pages.preview_page())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    # four rows of the inbox, then the one group of five ways to look
    assert focus_order(page, 5) == ["a#"] * 4 + ["input#as-desktop"]
    page.keyboard.press("ArrowRight")
    assert page.locator("#as-phone").is_checked()
    box = page.locator("iframe.light").first.bounding_box()
    assert box is not None
    assert box["width"] <= 390
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.locator("pre").first.is_visible()
    assert not page.locator("iframe").first.is_visible()


def test_a_row_of_the_inbox_leads_to_its_message(open_page: Open) -> None:
    page = open_page(pages.preview_page())
    page.locator(".inbox a").nth(2).focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#03-main-without-firstname")
    assert page.locator("article:target h3").inner_text() == "Come along"


@pytest.mark.parametrize("name", ["difference", "plan"])
def test_jobs_open_and_close_with_the_keyboard(open_page: Open, name: str) -> None:
    page = open_page(pages.PAGES[name]())
    summary = page.locator("details.job > summary").first
    summary.focus()
    assert page.locator("details.job").first.evaluate("e => e.open")
    page.keyboard.press("Enter")
    assert not page.locator("details.job").first.evaluate("e => e.open")


@SCHEMES
def test_a_page_follows_the_scheme_of_the_machine(open_page: Open, scheme: str) -> None:
    page = open_page(pages.plan_page(), scheme=scheme)
    red = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
    assert (int(red) < 60) == (scheme == "dark")


@SCHEMES
def test_light_and_dark_frames_do_not_follow_it(open_page: Open, scheme: str) -> None:
    """Each shows the mail's own styles for its scheme, whatever the reviewer's machine prefers."""
    page = open_page(pages.preview_page(), scheme=scheme)
    light = page.locator("iframe.light").first
    light.scroll_into_view_if_needed()
    assert background(page, light) == (255, 255, 250)
    page.locator("label[for=as-dark]").click()
    dark = page.locator("iframe.dark").first
    dark.scroll_into_view_if_needed()
    assert background(page, dark) == (10, 20, 30)


def test_a_mail_without_dark_styles_is_recoloured(open_page: Open) -> None:
    page = open_page(pages.preview_page())
    page.locator("label[for=as-dark]").click()
    frame = page.locator("iframe.recoloured")
    frame.scroll_into_view_if_needed()
    assert max(background(page, frame)) < 20


def background(page, frame) -> tuple[int, int, int]:
    """The colour that is really painted near the lower right corner of a frame."""
    frame.evaluate("e => e.contentWindow && new Promise(done => setTimeout(done, 0))")
    box = frame.bounding_box()
    clip = {"x": box["x"] + box["width"] - 60, "y": box["y"] + 200, "width": 4, "height": 4}
    shot = page.screenshot(clip=clip, full_page=False)
    return pixel(page, shot)


def pixel(page, png: bytes) -> tuple[int, int, int]:
    """The first pixel of a PNG, read by the browser."""
    other = page.context.new_page()
    try:
        found = other.evaluate(
            """async data => {
                const picture = new Image();
                picture.src = data;
                await picture.decode();
                const canvas = document.createElement('canvas');
                const pen = canvas.getContext('2d');
                pen.drawImage(picture, 0, 0);
                return [...pen.getImageData(1, 1, 1, 1).data.slice(0, 3)];
            }""",
            f"data:image/png;base64,{base64.b64encode(png).decode()}",
        )
    finally:
        other.close()
    return tuple(found)


@SCHEMES
def test_a_hostile_mail_runs_nothing_and_loads_nothing(
    open_page: Open, listener: Listener, fence: Callable[[], None], scheme: str
) -> None:
    page, seen = opened_watched(open_page, pages.hostile_page(listener.url), scheme)
    title = page.title()
    for view in VIEWS:
        page.locator(f"label[for={view}]").click()
        for frame in page.locator("iframe").all():
            if frame.is_visible():
                click_all_over(page, frame)
    fence()
    assert page.evaluate("window.pwned") is None
    assert page.title() == title
    assert page.url.startswith("file:")
    assert seen == {"answered": [], "dialogs": [], "pages": []}
    assert listener.seen == []


GUARDS = ('sandbox=""', "Content-Security-Policy")


@pytest.mark.parametrize("kept", GUARDS)
def test_either_guard_alone_lets_no_script_run(
    open_page: Open, listener: Listener, fence: Callable[[], None], kept: str
) -> None:
    html = pages.hostile_page(listener.url)
    for guard in GUARDS:
        html = html if guard == kept else html.replace(guard, "data-x=''" if "=" in guard else "x")
    page, seen = opened_watched(open_page, html)
    frame = page.locator("iframe.light").first
    frame.scroll_into_view_if_needed()
    frame.content_frame.locator("a").first.wait_for(state="attached")
    fence()
    assert page.evaluate("window.pwned") is None
    assert seen["dialogs"] == []


def test_without_either_guard_it_would(open_page: Open, listener: Listener) -> None:
    """What is tried does run where nothing stops it: the tests above can fail."""
    html = pages.hostile_page(listener.url)
    for guard in GUARDS:
        html = html.replace(guard, "data-x=''" if "=" in guard else "x")
    page, seen = opened_watched(open_page, html)
    page.locator("iframe.light").first.scroll_into_view_if_needed()
    page.wait_for_function("window.pwned === 1")
    assert seen["dialogs"]


def click_all_over(page, frame) -> None:
    """Once what is in the frame is there, click its links, which cover it."""
    frame.scroll_into_view_if_needed()
    frame.content_frame.locator("a").first.wait_for(state="attached")
    box = frame.bounding_box()
    for part in (0.25, 0.75):
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * part)


def watched(page) -> dict[str, list[str]]:
    """Everything a page does that it should not."""
    seen: dict[str, list[str]] = {"answered": [], "dialogs": [], "pages": []}
    # what a policy stops is a request too for the browser, but one that nobody gets
    page.on(
        "response",
        lambda answer: answer.url.startswith("http") and seen["answered"].append(answer.url),
    )
    page.on("dialog", lambda dialog: (seen["dialogs"].append(dialog.message), dialog.dismiss()))
    page.context.on("page", lambda other: seen["pages"].append(other.url))
    return seen


def opened_watched(open_page: Open, html: str, scheme: str = "light"):
    """A page that was watched from its first byte on."""
    page = open_page("<title>before</title>", scheme=scheme)
    seen = watched(page)
    path = Path(url2pathname(urlsplit(page.url).path))
    path.write_text(html, encoding="utf-8")
    page.reload(wait_until="domcontentloaded")
    return page, seen


def test_the_listener_would_have_heard_it(open_page: Open, listener: Listener) -> None:
    """The same mail, unprotected, does reach out: the test above can fail."""
    html = f"<img src='{listener.url}/img'><script>top.pwned = 1</script>"
    page, seen = opened_watched(open_page, html)
    page.wait_for_load_state("load")
    assert page.evaluate("window.pwned") == 1
    assert "/img" in listener.seen
    assert seen["answered"]


def test_a_hostile_mail_alone_runs_nothing_and_loads_only_pictures(
    open_page: Open, listener: Listener, fence: Callable[[], None]
) -> None:
    html = frames.standalone(pages.hostile(listener.url))
    page, seen = opened_watched(open_page, html)
    page.locator("a").first.wait_for(state="attached")
    fence()
    assert page.evaluate("window.pwned") is None
    assert page.title() != "pwned"
    assert page.url.startswith("file:")
    assert seen["dialogs"] == []
    pictures = {"/img", "/srcset", "/background", "/body", "/svg", "/poster", "/input", "/c"}
    asked = {path for path in listener.seen if path != "connection"}
    assert asked <= pictures
    assert asked
