"""``campaigns/NAME.yaml`` → ``Campaign``, complete with what the settings say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from datetime import timedelta
from functools import lru_cache

from ..dataclass import dataclass
from ..model.campaign import Campaign, Content, Delay, ListUse, Place, Schedule, Step
from ..model.settings import Settings, Unsubscribe
from ..ports import Files
from . import contents, policies, restraint
from .contents import Enclosures
from .document import Document
from .layout import is_name
from .problems import Problems
from .schedules import schedule
from .schemas import check
from .section import Section
from .values import delay
from .wording import suggestion

MAIN = "main"
_UNAVAILABLE = ("experiment", "rules")


@dataclass(frozen=True, slots=True)
class Use:
    """A campaign names a list or a template."""

    name: str
    place: Place
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A campaign's file as far as it can be understood; ``campaign`` only when it is whole."""

    id: str
    path: str
    id_place: Place
    campaign: Campaign | None = None
    lists: tuple[Use, ...] = ()
    templates: tuple[Use, ...] = ()
    borrows_unsubscribe: bool = False


@dataclass(frozen=True, slots=True)
class House:
    """What all campaigns of a workspace share."""

    settings: Settings
    files: Files


@dataclass(slots=True)
class _Uses:
    lists: list[Use] = field(default_factory=list)
    templates: list[Use] = field(default_factory=list)


def read_campaign(document: Document, path_id: str, house: House, problems: Problems) -> Draft:
    """One campaign; what is wrong is in ``problems``.  ``path_id``: the id by its path."""
    before = problems.errors
    check(document, "campaign", problems)
    if document.root.bad or not isinstance(document.root.data, dict):
        return Draft(path_id, document.path, document.place())
    section = Section.of(document, problems)
    uses = _Uses()
    if not section.has("id") and not is_name(path_id):
        message = "a file name that cannot be a campaign's id"
        problems.add(Place(document.path), message, "rename it, or give it an id:", "path")
    campaign = _campaign(section, path_id, house, uses)
    return Draft(
        id=section.get("id", path_id),
        path=document.path,
        id_place=section.place("id") if section.has("id") else Place(document.path),
        campaign=campaign if document.whole and problems.errors == before else None,
        lists=tuple(uses.lists),
        templates=tuple(uses.templates),
        borrows_unsubscribe=not section.has("unsubscribe"),
    )


def _campaign(section: Section, path_id: str, house: House, uses: _Uses) -> Campaign | None:
    settings = house.settings
    _refuse_unavailable(section)
    when = section.section("schedule")
    planned = schedule(when, settings.timezone)
    audience = _audience(section, uses)
    steps = _steps(section, planned, house, uses)
    sender = policies.mailbox(section, "from") if section.has("from") else settings.sender
    lateness = policies.lateness(when, settings.lateness)
    unsubscribe = policies.unsubscribe(section, "unsubscribe", settings.unsubscribe)
    _check_unsubscribe(section, unsubscribe, settings)
    pacing = policies.pacing(section.section("pacing"), settings.pacing)
    guards = policies.guards(section.section("guards"), settings.guards)
    reply_to = policies.address(section, "reply_to", settings.reply_to)
    quiet = restraint.quiet(section, "quiet", settings.quiet)
    if planned is None or audience is None or sender is None or not steps:
        return None
    campaign_id = section.get("id", path_id)
    return Campaign(
        id=campaign_id,
        name=section.get("name", campaign_id),
        audience=audience,
        steps=steps,
        schedule=planned,
        sender=sender,
        reply_to=reply_to,
        status=section.get("status", "active"),
        variables=section.get("variables", {}),
        pacing=pacing,
        guards=guards,
        lateness=lateness,
        quiet=quiet,
        frequency=restraint.own_frequency(section, settings.frequency),
        priority=section.get("priority", 0),
        unsubscribe=unsubscribe,
        revision=section.get("revision", 1),
        ignores=policies.ignores(section),
        place=Place(section.path, 1, 1),
    )


def _refuse_unavailable(section: Section) -> None:
    for name in _UNAVAILABLE:
        if section.has(name):
            message = f"`{name}` is not yet available"
            section.problems.add(section.key(name), message, "leave it out", "unavailable")
    variants = section.section("experiment").sections("variants")
    shares = [variant.get("percentage") for variant in variants]
    if shares and None not in shares and abs(sum(shares) - 100) > 1e-6:
        message = f"the percentages of the variants add up to {sum(shares):g}, not 100"
        section.section("experiment").complain("variants", message, "make them add up to 100")


def _check_unsubscribe(section: Section, unsubscribe: Unsubscribe, settings: Settings) -> None:
    """A group is a way to leave only where the provider knows groups."""
    group_only = not unsubscribe.url and not unsubscribe.mailto and unsubscribe.sendgrid_group
    if section.has("unsubscribe") and group_only and settings.provider == "smtp":
        message = "an SMTP server knows no unsubscribe groups"
        section.complain("unsubscribe", message, "add url: or mailto:")


def _audience(section: Section, uses: _Uses) -> ListUse | None:
    if not isinstance(section.get("list"), dict):
        names = _names(section, "list", uses)
        return ListUse(names[0], others=names[1:]) if names else None
    part = section.section("list")
    names, minus = _names(part, "use", uses), _names(part, "minus", uses)
    for name in minus:
        if name in names:
            message = f"the list {name} is taken off itself"
            part.complain("minus", message, "leave it out of one of the two", "reference")
    where = part.get("where", "")
    if where:
        _compile(part, "where", frozenset())
    return ListUse(names[0], where, names[1:], minus) if names else None


def _names(section: Section, key: str, uses: _Uses) -> tuple[str, ...]:
    """One list, or several; () when none is named."""
    written = section.get(key)
    if written is None:
        return ()
    if isinstance(written, str):
        uses.lists.append(Use(written, section.place(key)))
        return (written,)
    items = section.node.entries[key].items
    uses.lists += [Use(i.data, Place(section.path, i.line, i.column)) for i in items if not i.bad]
    return tuple(item.data for item in items)


def _compile(section: Section, name: str, functions: frozenset[str]) -> list[str]:
    """Check an expression; gives the step names that it asks about."""
    error, steps = _judge(section.get(name), functions)
    if error:
        section.complain(name, error, code="expression")
    return list(steps)


@lru_cache(maxsize=4096)
def _judge(source: str, functions: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """What is wrong with an expression, or '', and the literals of its calls."""
    # Jinja2 takes 80 ms to import: only conditions pay for it.
    from ..expressions import ExpressionError, compile_expression  # noqa: PLC0415

    try:
        expression = compile_expression(source, functions)
    except ExpressionError as error:
        # a condition may hold somebody's address
        return "not a valid expression" if "@" in str(error) else str(error), ()
    return "", tuple(str(args[0]) for _, args in expression.calls if args)


def _steps(
    section: Section, planned: Schedule | None, house: House, uses: _Uses
) -> tuple[Step, ...]:
    zone = planned.timezone if planned is not None else house.settings.timezone
    common = contents.enclosures(section, house.files, zone, Enclosures())
    if section.section("schedule").get("send") != "drip":
        return (Step(MAIN, _content(section, common, uses), place=section.here),)
    entries = section.sections("sequence")
    ids = [entry.get("id", "") for entry in entries]
    steps: list[Step] = []
    for entry in entries:
        enclosed = contents.enclosures(entry, house.files, zone, common)
        step = _step(entry, _content(entry, enclosed, uses))
        if step.id:
            _check_order(entry, step, steps)
            _check_only_if(entry, step, steps, ids)
            steps.append(step)
    return tuple(steps)


def _step(entry: Section, content: Content) -> Step:
    return Step(
        id=entry.get("id", ""),
        content=content,
        delay=delay(entry.get("delay", 0)),
        only_if=entry.get("only_if", ""),
        variables=entry.get("variables", {}),
        place=entry.here,
    )


def _content(section: Section, enclosed: Enclosures, uses: _Uses) -> Content:
    content = contents.content(section, enclosed)
    if content.template:
        uses.templates.append(Use(content.template, section.place("template"), content))
    return content


def _check_order(entry: Section, step: Step, earlier: Iterable[Step]) -> None:
    """Ids differ, also by case; delays do not shrink, and count from the first step."""
    before = list(earlier)
    if any(other.id.casefold() == step.id.casefold() for other in before):
        entry.complain("id", f"two steps are called {step.id}", "a step's id is its own")
    if not before:
        if _length(step.delay):
            message = "the first step has a delay: delays count from the first step"
            entry.complain("delay", message, "write delay: 0 and move the schedule's start_at")
    elif not entry.has("delay"):
        entry.complain("delay", f"step {step.id} has no delay", "write delay: 3d")
    elif _length(step.delay) < _length(before[-1].delay):
        message = f"step {step.id} comes before step {before[-1].id}, which stands above it"
        entry.complain("delay", message, "delays count from the first step; put steps in order")


def _length(written: Delay) -> timedelta:
    return timedelta(days=written.days) + written.exact


def _check_only_if(entry: Section, step: Step, earlier: Iterable[Step], ids: list[str]) -> None:
    if not step.only_if:
        return
    before = [other.id for other in earlier]
    for name in _compile(entry, "only_if", frozenset({"sent"})):
        if name not in ids:
            message = f"there is no step {name}"
            entry.complain("only_if", message, suggestion(name, before), "reference")
        elif name not in before:
            message = f"step {name} is not before step {step.id}"
            entry.complain("only_if", message, "ask about an earlier step", "reference")
