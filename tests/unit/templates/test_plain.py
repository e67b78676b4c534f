"""The text part says what the HTML says."""

from __future__ import annotations

import pytest

from runner.templates.document import finish
from runner.templates.plain import to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo\n"),
        ("a<br>b<br><br>c<br><br><br>d", "a\nb\n\nc\n\nd\n"),
        ("<p>  lots \n of&nbsp;&nbsp;space </p>", "lots of space\n"),
        ("<b>bo</b>ld <i>it</i>", "bold it\n"),
        ('<a href="https://example.org/x">Go</a>.', "Go (https://example.org/x).\n"),
        ('<a href="https://example.org">https://example.org</a>', "https://example.org\n"),
        ('<a href="mailto:a@example.org">a@example.org</a>', "a@example.org\n"),
        ('<a href="#top">Up</a>', "Up\n"),
        ('<a href="https://example.org"><img alt="Logo"></a>', "Logo (https://example.org)\n"),
        ('<a href="https://example.org"><img src="x"></a>', "https://example.org\n"),
        (
            "<ul><li>a<li>b<ol><li>c<li>d</ol></ul>",
            "- a\n- b\n  1. c\n  2. d\n",
        ),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\nb\nc\n"),
        ("<pre>a  b\n  c\n</pre>", "a  b\n  c\n"),
        ('<div style="display: none">no</div>yes', "yes\n"),
        ('<div style="display:none"><p>no<br>no</p></div>yes', "yes\n"),
        ("<head><title>no</title><style>no</style></head><script>no</script>yes", "yes\n"),
        ("<!-- no --><!--[if mso]>no<![endif]-->yes", "yes\n"),
        ("a<hr>b", f"a\n\n{'-' * 40}\n\nb\n"),
        ("&lt;b&gt; &amp; &#39;", "<b> & '\n"),
        ("", ""),
        ("<p> </p>", ""),
    ],
)
def test_reads_html_as_people_do(html: str, text: str) -> None:
    assert to_text(finish(html, "html")) == text


def test_the_hidden_preheader_is_not_repeated() -> None:
    html = finish("<html><body><p>Hi</p></body></html>", "html", "Secret &amp; short")
    assert "Secret &amp; short" in html
    assert to_text(html) == "Hi\n"
