"""Filling a 30 KB mail, against sandboxed Jinja2: `python -m benchmarks.rendering [CONTACTS]`.

Two mails: one whose loops go over the campaign's data, one whose loops and conditions go over the
contact's. The peer is Jinja2's own ImmutableSandboxedEnvironment, escaping on, its template made
once. Both give every contact's HTML as one string, one after the other; they are compared byte by
byte. What Sendoff does once (compiling, inlining styles) is outside of what is measured and printed
beside it; the peer does nothing of it at all. The floor is `str.join` of the same pieces, filled.
"""

from __future__ import annotations

import gc
import resource
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path
from time import process_time

from jinja2.sandbox import ImmutableSandboxedEnvironment

from runner.model.campaign import Campaign, Content, ListUse, Place, Scheduled, Step
from runner.model.contacts import Audience
from runner.model.keys import KeyColumn
from runner.model.message import Composed
from runner.model.settings import Mailbox, Settings, Unsubscribe
from runner.model.workspace import Workspace
from runner.templates import StepComposer, TemplateRoom
from runner.templates.document import finish

from .findings import Finding, report

REPETITIONS = 7
BATCH = 1000
CHECKED = 150
CELL = "padding: 12px 16px; font-family: Helvetica, Arial, sans-serif; color: #1f2933"
REGIONS = ("North", "South", "East", "West", "Midlands")
THINGS = [f"thing {number} & co|no {number % 50}|{number % 9}" for number in range(97)]
VARIABLES = {
    "season": "Spring & summer",
    "events": [
        {
            "title": f"Evening {number} <live>",
            "place": f"Hall {number % 7}",
            "region": REGIONS[number % 5],
            "day": f"2026-05-{number % 28 + 1:02d}",
            "url": f"https://f3.example/events/{number}",
            "tags": ["outdoors", "families", f"stage {number % 3}"],
        }
        for number in range(64)
    ],
}
HEAD = (
    '<!DOCTYPE html>\n<html lang="en"><head><title>News</title></head>'
    '<body style="margin: 0"><h1>Hi {{ firstName|default("friend", true) }}</h1>\n'
)
FOOT = '<p><a href="{{ unsubscribe_url }}">Leave</a></p></body></html>'
PROSE = "".join(
    f'<p style="margin: 0 0 16px">Paragraph {number}: what everybody is told in the same words, '
    "a little about the weather and a little about the way to the station.</p>\n"
    for number in range(24)
)
CAMPAIGN = (
    HEAD
    + "<p>{{ season }} in {{ city }}</p><table><tbody>\n{% for event in events %}"
    + f'<tr><td style="{CELL}">{{{{ loop.index }}}}</td>'
    + f'<td style="{CELL}"><a href="{{{{ event.url }}}}">{{{{ event.title }}}}</a></td>'
    + f'<td style="{CELL}">{{{{ event.place|upper }}}}, {{{{ event.day }}}}</td>'
    + "<td>{% for tag in event.tags %}<b>{{ tag }}</b>{% if not loop.last %}, {% endif %}"
    + "{% endfor %}{% if event.region == 'North' %} for {{ city }}{% endif %}</td></tr>\n"
    + "{% endfor %}</tbody></table>\n"
    + PROSE
    + FOOT
)
ITEM = (
    "{% set thing = item|split('|') %}"
    "<tr bgcolor=\"{{ loop.cycle('#ffffff', '#f5f7fa') }}\">"
    f'<td style="{CELL}">{{{{ loop.index }}}}</td>'
    f'<td style="{CELL}"><a href="https://f3.example/buy?what={{{{ thing[1]|urlencode }}}}">'
    "{{ thing[0]|title|truncate(24) }}</a></td>"
    f"<td style=\"{CELL}\">{{{{ thing[1] }}}}{{% if thing[2] == '1' %}}, the last one"
    "{% else %} of {{ thing[2] }}{% endif %}</td>"
    f'<td style="{CELL}">{{% if loop.first %}}the newest{{% else %}}kept for '
    "{{ contact.firstName }}{% endif %}</td></tr>\n"
)
CONTACT = (
    HEAD.replace("{{ first", "{{ contact.first")
    + "{% if contact.plan == 'pro' %}"
    + PROSE
    + "{% elif contact.plan == 'team' %}"
    + PROSE.replace("Paragraph", "Part")
    + "<p>And {{ contact.city|upper }}</p>{% else %}"
    + "<p>More for you, {{ contact.firstName }}</p>\n"
    + PROSE
    + "{% endif %}<table><tbody>\n<tr><th>1</th></tr>{% for item in contact.basket|split(';') %}"
    + ITEM
    + "{% endfor %}</tbody></table>\n<ul>{% for event in events "
    + "if event.region == contact.region %}"
    + '<li><a href="{{ event.url }}">{{ event.title }}</a> near {{ contact.city }}</li>\n'
    + "{% else %}<li>Nothing near you</li>{% endfor %}</ul>\n"
    + PROSE
    + PROSE
    + FOOT
)
TEXT = "See https://f3.example/news or leave: {{ unsubscribe_url }}\n"
Contact = dict[str, str]


class _NoFiles:
    def locate(self, path: str) -> Path | None:
        return None


def composer(body: str) -> StepComposer:
    """A campaign's composer, made as a run makes it."""
    step = Step("main", Content(subject="Hello {{ firstName }}", html=body, text=TEXT))
    sender = Mailbox("hello@f3.example", "F3")
    campaign = Campaign(
        id="news",
        name="News",
        audience=ListUse("people"),
        steps=(step,),
        schedule=Scheduled(datetime(2026, 1, 5, 9, tzinfo=UTC), "UTC"),
        sender=sender,
        unsubscribe=Unsubscribe(url="https://f3.example/u?t={{ token }}"),
        variables=VARIABLES,
        place=Place("campaigns/news.yaml", 1, 1),
    )
    workspace = Workspace(Settings(sender, postal_address="Main Street 1"), {}, {}, {}, {})
    return TemplateRoom(workspace, _NoFiles()).composer(campaign, step)


def people(count: int) -> list[Contact]:
    """Contacts with awkward names, three plans, five regions and baskets with 8 to 31 things."""
    names = ("Ann", "O'Neil", "Ólafur", "周", "Ana & Luis", "Zoë <3")
    cities = ("Rome", "Köln", "New York", "", "São Paulo")
    return [
        {
            "email": f"c{number}@f3.example",
            "timezone": "",
            "firstName": f"{names[number % 6]} {number}",
            "city": cities[number % 5],
            "plan": ("pro", "team", "free")[number % 3],
            "region": REGIONS[number // 3 % 5],
            "basket": ";".join(
                f"thing {number * k % 97} & co|no {k % 50}|7" for k in range(8 + number % 24)
            ),
        }
        for number in range(count)
    ]


def audience(contacts: Sequence[Contact]) -> Audience:
    """The contacts as columns."""
    return Audience(
        list_name="people",
        emails=[contact["email"] for contact in contacts],
        keys=KeyColumn(b"".join(n.to_bytes(8, "big") for n in range(len(contacts)))),
        fields={name: [contact[name] for contact in contacts] for name in contacts[0]},
        lines=range(2, len(contacts) + 2),
    )


def jinja(body: str) -> Callable[[Mapping[str, object]], str]:
    """The peer: compiled once."""
    environment = ImmutableSandboxedEnvironment(autoescape=True, keep_trailing_newline=True)
    environment.filters["split"] = lambda text, by=",": [p.strip() for p in text.split(by)]
    return environment.from_string(body).render


def cpu(call: Callable[[], object]) -> float:
    """Seconds of processor time."""
    begun = process_time()
    call()
    return process_time() - begun


def measure(name: str, body: str, count: int, wanted: float) -> list[Finding]:
    """One mail: complete HTML and the hand-over, each repetition with the peer in turn."""
    contacts = people(count)
    listed, made, render = audience(contacts), composer(body), jinja(body)
    scopes = [
        {
            **VARIABLES,
            **one,
            "contact": one,
            "unsubscribe_url": f"https://f3.example/u?t={number:016x}",
        }
        for number, one in enumerate(contacts)
    ]
    batches = [range(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]

    def hand_over() -> list[Composed]:
        return [made.compose(listed, batch) for batch in batches]

    def complete() -> int:
        return sum(map(len, htmls()))

    def htmls() -> Iterator[str]:
        for batch in batches:
            one = made.compose(listed, batch)
            yield from one.every(one.parts.html, len(batch))

    once = cpu(complete)
    compare(htmls(), map(render, scopes))
    pieces = [
        [[s if isinstance(s, str) else c.values[s][i] for s in c.parts.html] for i in range(len(b))]
        for c, b in zip(hand_over(), batches, strict=True)
    ]
    rows: dict[str, list[float]] = {"peer": [], "whole": [], "columns": [], "floor": []}
    gc.collect()
    gc.freeze()  # what this benchmark holds itself is not to be gone through again and again
    for _ in range(REPETITIONS):
        rows["peer"].append(cpu(lambda: sum(map(len, map(render, scopes)))))
        rows["whole"].append(cpu(complete))
        rows["columns"].append(cpu(hand_over))
        rows["floor"].append(cpu(lambda: sum(map(len, map("".join, chain(*pieces))))))
    each = {what: sorted(found)[REPETITIONS // 2] / count * 1e6 for what, found in rows.items()}
    size = complete() / count / 1024
    peer = f"Jinja2 {version('jinja2')}, sandboxed and cached: {each['peer']:.0f} µs"
    described = f"{name}, {size:.0f} KB, {count} contacts"
    print(f"{described}: once {once * 1e3:.0f} ms (compiling, styles, text, proofs)")
    return [
        Finding(f"{described}: complete HTML", f"{each['whole']:.1f} µs each", peer,
                ratios(rows["peer"], rows["whole"]), wanted),
        Finding(f"{described}: columns for hand-over", f"{each['columns']:.1f} µs each", peer,
                ratios(rows["peer"], rows["columns"])),
        Finding(f"{described}: the floor, `str.join` of the same pieces",
                f"{each['whole']:.1f} µs each", f"{each['floor']:.1f} µs",
                ratios(rows["floor"], rows["whole"])),
    ]  # fmt: skip


def ratios(peer: Sequence[float], ours: Sequence[float]) -> tuple[float, ...]:
    """How many times less ours took, repetition by repetition."""
    return tuple(one / other for one, other in zip(peer, ours, strict=True))


def compare(ours: Iterable[str], theirs: Iterable[str]) -> None:
    """The same bytes, once the peer's went through what every message's HTML goes through."""
    for mine, its in islice(zip(ours, theirs, strict=True), CHECKED):
        if mine.encode() != finish(its, "html").encode():
            raise AssertionError("a compiled mail differs from Jinja2's")


def main() -> None:
    """Measure both mails and print one table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    findings = measure("loops over campaign data", CAMPAIGN, count, 50)
    findings += measure("loops over contact data", CONTACT, count, 10)
    report("rendering", findings)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
