"""The pages that a browser is to show, and a mail that tries everything."""

from __future__ import annotations

from runner.model.message import File, Rendered
from runner.model.views import PreviewGroup, PreviewView
from runner.report import differences, planpage, preview
from runner.report.terminal import PLAIN
from tests.unit.report import cases
from tests.unit.report.test_differences import everything

MAIL = """<!doctype html><html lang="en"><head><title>Mail</title>
<meta name="color-scheme" content="light dark">
<style>:root { color-scheme: light dark; } body { background: rgb(255, 255, 250); color: #111; }
@media (prefers-color-scheme: dark) { body { background: rgb(10, 20, 30); color: #eee; } }
</style></head><body><h1>Hello</h1><p>Come along on Saturday.</p></body></html>"""
PLAIN_MAIL = MAIL.partition("<meta")[0] + "</head><body style='background:#fff'>Hi</body></html>"


def mail(html: str = MAIL, subject: str = "Come along", **more: object) -> Rendered:
    fields = {"preheader": "On Saturday", "text": "Hello\nCome along on Saturday.", "headers": {}}
    return Rendered(subject=subject, html=html, **{**fields, **more})  # type: ignore[arg-type]


def preview_page() -> str:
    """Two campaigns: changed, new, as before, with and without dark styles, with a file."""
    logo = File("logo.png", "image/png", b"\x89PNG")
    old = mail(subject="Come", text="Hello\nCome on Sunday.")
    views = (
        PreviewView("main", "plain", "m•••@e•••.org", mail(), old, compared=True),
        PreviewView("main", "right-to-left", "m•••@e•••.org", mail(subject="محمد, come"), mail()),
        PreviewView("main", "without firstName", "•••@e•••.org", mail(files=(logo,)), None, True),
    )
    other = (PreviewView("invite", "emoji", "m•••@e•••.org", mail(PLAIN_MAIL), mail(PLAIN_MAIL)),)
    groups = [PreviewGroup(cases.one_shot(), views), PreviewGroup(cases.welcome(), other)]
    return preview.files(groups, "4f2a9c01d7e8")[preview.INDEX]


def difference_page() -> str:
    """One change of each kind, with errors and holds."""
    found, settings, seen = everything()
    return differences.FORMATS["html"](found, seen, settings, PLAIN, "A note.")


def plan_page() -> str:
    """A plan with holds, drips, pacing and other people's clocks."""
    at_desk = cases.desk_of(cases.one_shot(), cases.countdown(), cases.digest(), cases.welcome())
    return planpage.html(cases.plan_of(at_desk), cases.settings_of(at_desk), note="A note.")


PAGES = {"preview": preview_page, "difference": difference_page, "plan": plan_page}


def hostile(url: str) -> str:
    """A mail that tries to run something, to load something, and to lead away."""
    evil = f"top.pwned=1;document.title='pwned';alert(1);fetch('{url}/fetch')"
    return f"""<!-- <head> --><!doctype html><html manifest="{url}/manifest"><head>
<meta http-equiv="refresh" content="0;url={url}/refresh"><base href="{url}/base/">
<link rel="stylesheet" href="{url}/css"><link rel="preconnect" href="{url}">
<LINK rel="prefetch" href="{url}/prefetch"><link rel="dns-prefetch" href="{url}">
<link rel="icon" href="{url}/icon"><script src="{url}/js"></script><script>{evil}</script>
<style>@import "{url}/import"; @font-face {{ font-family: x; src: url({url}/font) }}
body {{ background: url({url}/background); font-family: x }} a::after {{ content: url({url}/c) }}
</style></head><body background="{url}/body" onload="{evil}">
<img src="{url}/img" onerror="{evil}"><img src=x onerror="{evil}"><img srcset="{url}/srcset 1x">
<svg onload="{evil}"><script>{evil}</script><image href="{url}/svg"/><use href="{url}/use#a"/>
<a xlink:href="javascript:{evil}"><text y="9">x</text></a></svg>
<iframe src="{url}/iframe"></iframe><iframe srcdoc="<script>{evil}</script>"></iframe>
<iframe src="javascript:{evil}"></iframe><object data="{url}/object"></object>
<embed src="{url}/embed"><video src="{url}/video" poster="{url}/poster" autoplay></video>
<audio src="{url}/audio" autoplay></audio><input type="image" src="{url}/input">
<form action="{url}/form"><input autofocus onfocus="{evil}"><button>Send</button></form>
<details open ontoggle="{evil}">x</details><marquee onstart="{evil}">x</marquee>
</iframe></div></figure></main><script>{evil}</script>"'><script>{evil}</script>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror={evil}>">
<a href="{url}/link" style="position:fixed;inset:0 0 50% 0">leave</a>
<a href="javascript:{evil}" target="_top" style="position:fixed;inset:50% 0 0 0">run</a>"""


def hostile_page(url: str) -> str:
    """A preview in which everything that may come from a file is hostile."""
    html = hostile(url)
    bad = mail(html, html, preheader=html, text=html, headers={"X-Header": html})
    view = PreviewView(html[:300], html[:300], html[:300], bad, mail(html, "x"), compared=True)
    return preview.files([PreviewGroup(cases.one_shot(name=html), (view,))], html)[preview.INDEX]
