"""The lint room: what ``validate`` asks of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from ..dataclass import dataclass
from ..errors import InputError, Problem
from ..model.campaign import Campaign, Ignore, ListUse, Place, Step
from ..model.contacts import Audience
from ..model.message import Rendered
from ..model.workspace import Workspace
from ..ports import Composer, Texts
from . import clients, hours, links, message, sides
from .balance import unbalanced
from .codes import UNUSED
from .draft import Sample, Subject
from .finding import Finding
from .library import Library
from .sources import SourceText

SAMPLES = 4
"""Contacts for whom a step is rendered."""

_Chosen = Sequence[tuple[str, int]]

Choose = Callable[[Audience, Collection[str]], _Chosen]
"""Picks telling contacts of an audience for some of its fields: (why, index)."""

Empties = Callable[[Campaign, Step, Audience], Sequence[Problem]]
"""Fields that a step prints bare though some of its contacts have none."""

Draft = tuple[Campaign, Step, Audience, Composer]
"""A step that compiles, with those who get it."""

_Telling = tuple[str, dict[str, str], bytes]
"""Why a contact was picked, its fields, its key."""

_KEY = bytes(8)


@dataclass(frozen=True, slots=True)
class _Examined:
    campaign: Campaign
    step: Step
    findings: tuple[Finding, ...]


class Linter:
    """Lints the drafts of a workspace; ``choose`` picks the contacts to render for."""

    def __init__(
        self,
        workspace: Workspace,
        files: Texts,
        choose: Choose,
        empties: Empties = lambda campaign, step, audience: (),
    ) -> None:
        self._empties = empties
        self._workspace = workspace
        self._library = Library(workspace, files)
        self._choose = choose
        self._telling: dict[tuple[ListUse, frozenset[str]], Sequence[_Telling]] = {}
        self._zones: dict[ListUse, Mapping[str, int]] = {}
        self._halves: dict[tuple[SourceText, ...], Sequence[tuple[Place, str]]] = {}

    def lint(self, drafts: Iterable[Draft]) -> list[Problem]:
        """Every finding that is not ignored, each once, and every ``ignore`` without use."""
        examined = [found for draft in drafts if (found := self._examine(*draft)) is not None]
        provider = self._workspace.settings.provider
        problems = {
            finding.problem(provider)
            for one in examined
            for finding in one.findings
            if finding.code not in {ignore.code for ignore in self._ignores(one)}
        }
        return sorted(problems | set(self._unused(examined)))

    def _ignores(self, examined: _Examined) -> tuple[Ignore, ...]:
        template = self._library.template(examined.step)
        return examined.campaign.ignores + (template.ignores if template else ())

    def _unused(self, examined: Sequence[_Examined]) -> Iterator[Problem]:
        """An ``ignore`` is of use when one of the steps that it speaks for has such a finding."""
        use: dict[Ignore, bool] = {}
        for one in examined:
            codes = {finding.code for finding in one.findings}
            for ignore in self._ignores(one):
                use[ignore] = use.get(ignore, False) or ignore.code in codes
        for ignore, used in use.items():
            if not used:
                text = f"there is no {ignore.code} to ignore here"
                where = (ignore.place.path, ignore.place.line, ignore.place.column)
                yield Problem(*where, text, "take it out of lint: ignore:", UNUSED, "warning")

    # -- one step ----------------------------------------------------------------------------------

    def _examine(
        self, campaign: Campaign, step: Step, audience: Audience, composer: Composer
    ) -> _Examined | None:
        """The findings of a step; None when no message can be made for anybody."""
        samples = list(self._samples(campaign, audience, composer))
        if not samples:
            return None
        marks = {name: f"zq{n}x{name.lower()}" for n, name in enumerate(audience.fields)}
        for name in ("email", "timezone"):
            marks.pop(name, None)
        subject = Subject(
            settings=self._workspace.settings,
            campaign=campaign,
            step=step,
            audience=audience,
            template=self._library.template(step),
            html=self._library.html(campaign, step),
            text=self._library.text(campaign, step),
            files=self._library.files(campaign, step),
            samples=samples,
            marks=marks,
            zones=self._zones_of(campaign.audience, audience),
        )
        return _Examined(campaign, step, tuple(self._findings(subject, composer)))

    def _findings(self, subject: Subject, composer: Composer) -> Iterator[Finding]:
        inbox = list(message.check(subject))
        yield from inbox
        yield from self._empty_fields(subject, {finding.code for finding in inbox})
        yield from hours.check(subject)
        if subject.own_text:
            yield from sides.check(subject, _rendered(composer, _marked(subject)))
        yield from links.check(subject)
        yield from clients.check(subject)
        yield from self._balance(subject)

    def _empty_fields(self, subject: Subject, said: Collection[str]) -> Iterator[Finding]:
        for problem in self._empties(subject.campaign, subject.step, subject.audience):
            if "subject-empty" in said and problem.message.startswith("subject"):
                continue  # the same, said already and more plainly
            place = Place(problem.path, problem.line, problem.column)
            yield Finding("empty-field", place, problem.message, problem.hint)

    def _balance(self, subject: Subject) -> Iterator[Finding]:
        if subject.template is not None and subject.template.kind == "mjml":
            return  # MJML is strict itself
        roots = list(subject.html.markup)
        inside = subject.step.content.html
        if inside:
            # the campaign's file is YAML; only the HTML in it is meant
            roots[0] = SourceText(roots[0].path, inside)
        known = tuple(roots)
        if known not in self._halves:
            self._halves[known] = [*unbalanced(roots, self._library.partials)]
        for place, what in self._halves[known]:
            hint = "close what is opened, in the opposite order"
            within = inside and place.path == roots[0].path
            yield Finding("unbalanced-tags", subject.html.whole if within else place, what, hint)

    def _samples(
        self, campaign: Campaign, audience: Audience, composer: Composer
    ) -> Iterator[Sample]:
        chosen = self._chosen(campaign.audience, audience, composer)
        for label, contact, key in chosen:
            rendered = _rendered(composer, contact, key)
            if rendered is not None:
                yield Sample(label, rendered)
        if not chosen:
            stand_in = {name: name for name in audience.fields}
            rendered = _rendered(composer, {**stand_in, "email": "somebody@example.org"})
            if rendered is not None:
                yield Sample("somebody", rendered)

    def _chosen(self, use: ListUse, audience: Audience, composer: Composer) -> Sequence[_Telling]:
        """Telling contacts, looked for once: steps share audiences, and these may be large."""
        used = frozenset(composer.uses) & frozenset(audience.fields)
        if (use, used) not in self._telling:
            chosen = self._choose(audience, used) if len(audience) else ()
            self._telling[use, used] = [
                (label, audience.contact(index), audience.keys[index])
                for label, index in chosen[:SAMPLES]
            ]
        return self._telling[use, used]

    def _zones_of(self, use: ListUse, audience: Audience) -> Mapping[str, int]:
        if use not in self._zones:
            self._zones[use] = Counter(audience.fields.get("timezone", ()))
        return self._zones[use]


def _marked(subject: Subject) -> dict[str, str]:
    return {**dict.fromkeys(subject.audience.fields, ""), **subject.marks}


def _rendered(composer: Composer, contact: dict[str, str], key: bytes = _KEY) -> Rendered | None:
    """A contact's message; what cannot be made for its values is no matter of the lint."""
    try:
        return composer.render(contact, key)
    except InputError:
        return None
