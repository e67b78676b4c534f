"""HTML comes out complete, with its styles inlined, and nothing is loaded from anywhere."""

from __future__ import annotations

import pytest

from runner.templates.document import DocumentError, finish


def test_styles_are_inlined_and_media_queries_kept() -> None:
    html = finish(
        "<!DOCTYPE html><html lang='en'><head><title>T</title><style>p { color: red }"
        "@media print { p { color: black } } a:hover { color: blue }</style></head>"
        "<body><p>x</p></body></html>",
        "html",
    )
    assert html.startswith("<!DOCTYPE html>")
    assert "<title>T</title>" in html
    assert '<p style="color: red;">' in html
    assert "@media print" in html
    assert "a:hover" in html


def test_a_fragment_becomes_a_document() -> None:
    assert finish("<p>x</p>", "html") == (
        "<!DOCTYPE html><html><head></head><body><p>x</p></body></html>"
    )


@pytest.mark.parametrize("href", ["/etc/passwd", "file:///etc/passwd", "https://127.0.0.1:9/x.css"])
def test_no_style_sheet_is_loaded(href: str) -> None:
    html = finish(
        f'<html><head><link rel="stylesheet" href="{href}"></head><p>x</p></html>', "html"
    )
    assert "root:" not in html
    assert "<p>x</p>" in html


def test_the_preheader_comes_first_and_is_hidden() -> None:
    html = finish("<html><body class='b'><p>x</p></body></html>", "html", "Soon")
    body = html[html.index("<body") :]
    assert body.startswith('<body class="b"><div style="display:none;')
    assert body.index("Soon") < body.index("<p>")


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("<p>not mjml</p>", "not valid MJML"),
        ("<mjml><mj-body><mj-section></mj-body></mjml>", "not valid MJML"),
        ("<mjml><mj-body><mj-include path='/etc/passwd'/></mj-body></mjml>", "not valid MJML"),
    ],
)
def test_bad_mjml_is_an_error(source: str, part: str) -> None:
    with pytest.raises(DocumentError, match=part):
        finish(source, "mjml")


def test_mjml_becomes_responsive_html() -> None:
    html = finish(
        "<mjml><mj-body><mj-section><mj-column><mj-text>Grüße 👨\u200d👩 \\ zq1x</mj-text>"
        '<mj-image src="https://example.org/a.png" alt="Grüße\u00a0👨\u200d👩 \\"/>'
        "</mj-column></mj-section></mj-body></mjml>",
        "mjml",
        "Soon",
    )
    assert "Grüße 👨\u200d👩 \\ zq1x</div>" in html
    assert 'alt="Grüße&nbsp;👨\u200d👩 \\"' in html
    assert html.index("Soon") < html.index("Grüße")
