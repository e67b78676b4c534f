"""``preview --watch`` in a browser: it follows the files, and keeps the view that was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.bench import Bench
from tests.acceptance.test_watch import HTML, Watched, edit, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    bench = Bench(tmp_path).workspace()
    bench.campaign("party")
    yield from served(bench, "party")


@pytest.fixture
def page(browser: Browser, watched: Watched) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.complaints = []  # type: ignore[attr-defined]  # what the browser refused to do
    page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
    page.goto(f"http://127.0.0.1:{watched.port}/")
    yield page
    context.close()


def shown(page: Page) -> FrameLocator:
    return page.frame_locator("#page")


def mail(page: Page) -> FrameLocator:
    return shown(page).frame_locator("iframe.light >> nth=0")


def test_it_follows_the_files_and_keeps_the_view(page: Page, watched: Watched) -> None:
    mail(page).get_by_text("the inn").wait_for()
    shown(page).locator("label[for=as-phone]").click()
    edit(watched.bench, HTML, "the inn", "the lighthouse")
    mail(page).get_by_text("the lighthouse").wait_for()
    assert shown(page).locator("#as-phone").is_checked()
    assert page.complaints == []  # type: ignore[attr-defined]


def test_what_is_wrong_comes_and_goes(page: Page, watched: Watched) -> None:
    mail(page).get_by_text("the inn").wait_for()
    edit(watched.bench, "campaigns/party.yaml", "list: people", "list: poeple")
    shown(page).get_by_text("There is nothing to show yet").wait_for()
    edit(watched.bench, "campaigns/party.yaml", "list: poeple", "list: people")
    mail(page).get_by_text("the inn").wait_for()


def test_it_follows_from_a_mail_that_stands_alone(page: Page, watched: Watched) -> None:
    more = shown(page).locator("details.more").first
    more.locator("summary").click()
    link = more.locator("a[href$='.html']")
    target = link.get_attribute("href")
    # a real click: `dispatch_event` looks for the link anew where the next page is quicker than it
    with page.expect_event("framenavigated", lambda frame: frame.url.endswith(f"/page/{target}")):
        link.click()
    edit(watched.bench, HTML, "the inn", "the lighthouse")
    mail(page).get_by_text("the lighthouse").wait_for()
    assert page.complaints == []  # type: ignore[attr-defined]


def test_a_script_in_a_mail_runs_nowhere(page: Page, watched: Watched) -> None:
    edit(
        watched.bench,
        HTML,
        "Dear",
        "<script>top.document.title='pwned'</script><img src=x onerror=\"top.name='pwned'\">Hello",
    )
    mail(page).get_by_text("Hello").wait_for()
    assert page.title() == "Preview of party"
    assert page.evaluate("window.name") == ""


def test_it_says_when_it_is_gone(page: Page, watched: Watched) -> None:
    mail(page).get_by_text("the inn").wait_for()
    watched.process.kill()
    watched.process.wait()
    page.get_by_text("It no longer runs").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, axe: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    mail(page).get_by_text("the inn").wait_for()
    # around the policy, which lets nothing of ours run
    session = page.context.new_cdp_session(page)
    session.send("Page.setBypassCSP", {"enabled": True})
    page.reload()
    mail(page).get_by_text("the inn").wait_for()
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {iframes: false})")
    assert [one["id"] for one in found["violations"]] == []
    assert len(found["passes"]) > 5
