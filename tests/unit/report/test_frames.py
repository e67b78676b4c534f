from __future__ import annotations

import base64

import pytest

from runner.model.message import File, Rendered
from runner.report import frames

STYLES = """<!DOCTYPE html><html><head><meta name="color-scheme" content="light dark">
<style>:root { color-scheme: light dark; } @media ( prefers-color-scheme:dark ) { a { b: c } }
@media (prefers-color-scheme: light) { a { b: d } }</style></head><body>x</body></html>"""


def test_a_dark_frame_answers_that_it_is_dark() -> None:
    dark = frames.framed(STYLES, "dark")
    assert "@media (min-width: 0) { a { b: c } }" in dark
    assert "@media (max-width: 0) { a { b: d } }" in dark
    assert 'name="color-scheme" content="dark"' in dark
    assert ":root { color-scheme: dark; }" in dark


def test_a_light_frame_answers_that_it_is_light() -> None:
    light = frames.framed(STYLES, "light")
    assert "@media (max-width: 0) { a { b: c } }" in light
    assert "@media (min-width: 0) { a { b: d } }" in light
    assert 'name="color-scheme" content="light"' in light


def test_only_a_message_with_a_dark_query_has_dark_styles() -> None:
    assert frames.has_dark(STYLES)
    assert not frames.has_dark("<p>prefers-color-scheme: light</p>")


@pytest.mark.parametrize(
    ("html", "start"),
    [
        ("<p>x</p>", "<meta http-equiv"),
        ("<!-- <head> --><script>1</script>", "<meta http-equiv"),
        ("<!doctype html><!-- <head> --><head>", "<!doctype html><meta http-equiv"),
        ("  <!DOCTYPE html PUBLIC 'a' 'b'>\n<p>", "  <!DOCTYPE html PUBLIC 'a' 'b'><meta http-eq"),
    ],
)
@pytest.mark.parametrize("make", [frames.standalone, lambda html: frames.framed(html, "light")])
def test_the_policy_comes_before_anything_that_could_hide_it(make, html: str, start: str) -> None:
    assert make(html).startswith(start)


def test_links_that_warm_up_connections_are_none_in_a_frame() -> None:
    framed = frames.framed('<LINK rel="preconnect" href="https://example.net"></link>', "light")
    assert "<link" not in framed.lower()
    assert '<x-LINK rel="preconnect"' in framed
    assert "<iframe" not in frames.framed("<iframe src=https://example.net></iframe>", "dark")


@pytest.mark.parametrize(
    "html",
    [
        "<meta HTTP-EQUIV=refresh content='0;url=https://example.net'>",
        "<meta content='>' http-equiv\n = refresh>",
        "<meta/http-equiv=refresh/>",
    ],
)
@pytest.mark.parametrize("make", [frames.standalone, lambda html: frames.framed(html, "dark")])
def test_a_message_does_not_lead_away_by_itself(make, html: str) -> None:
    assert make(html).lower().count(" http-equiv") == 1
    assert "/http-equiv" not in make(html).lower()


def test_pictures_from_elsewhere_are_counted() -> None:
    html = (
        '<img src="https://example.net/a.png"><img alt=x src=http://example.net/b>'
        '<img src="data:image/png;base64,AA=="><img src="cid:logo">'
    )
    assert frames.remote_pictures(html) == 2


def test_inline_images_are_shown() -> None:
    logo = File("logo.png", "image/png", b"\x89PNG", cid="logo")
    html = '<img src="cid:logo"><img src="cid:other">'
    shown = frames.with_images(Rendered("s", "", html, "", {}, (logo,)))
    data = base64.b64encode(b"\x89PNG").decode()
    assert shown == f'<img src="data:image/png;base64,{data}"><img src="cid:other">'
