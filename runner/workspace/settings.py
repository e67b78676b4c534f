"""``sendoff.yaml`` → ``Settings``."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import timedelta
from typing import Any

from ..errors import InputError, Problem
from ..model.settings import (
    Guards,
    Lateness,
    OutboxSettings,
    Pacing,
    RunSettings,
    Secret,
    SendgridSettings,
    Settings,
    SmtpSettings,
    StateSettings,
    SuppressionSettings,
    Unsubscribe,
)
from . import policies, restraint
from .document import Document, read
from .paths import within
from .problems import Problems
from .schemas import check
from .section import Section
from .values import duration

SETTINGS_PATH = "sendoff.yaml"
_LOOK_AHEAD_MAX = timedelta(hours=72)
_SECRETS = {"username", "password", "api_key", "key"}
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|\[?::1\]?")


def parse_settings(text: str, path: str = SETTINGS_PATH) -> Settings:
    """The settings alone.  Raises InputError with every problem."""
    problems = Problems()
    settings = read_settings(text, path, problems)
    problems.refuse()
    if settings is None:
        raise InputError([Problem(path, 1, 1, "no settings")])
    return settings


def read_settings(text: str, path: str, problems: Problems) -> Settings | None:
    """The settings, or None when they are not whole; what is wrong is in ``problems``."""
    before = problems.errors
    document = read(text, path, problems)
    settings = _build(document, problems)
    return settings if problems.errors == before else None


def _build(document: Document, problems: Problems) -> Settings | None:
    check(document, "settings", problems)
    if document.root.bad or not isinstance(document.root.data, dict):
        return None
    section = Section.of(document, problems)
    sender = policies.mailbox(section, "from")
    providers = section.section("providers")
    smtp = _smtp(providers.section("smtp"))
    provider = section.get("provider", "outbox")
    if provider == "smtp" and not providers.has("smtp"):
        section.complain("provider", "there is no `providers.smtp`", "say which server: host, port")
    known: dict[str, Any] = {
        "provider": provider,
        "reply_to": policies.address(section, "reply_to"),
        "postal_address": section.get("postal_address", ""),
        "timezone": policies.zone(section, "timezone", "UTC"),
        "unsubscribe": policies.unsubscribe(section, "unsubscribe", Unsubscribe()),
        "outbox": OutboxSettings(_directory(providers.section("outbox"), "outbox")),
        "smtp": smtp,
        "sendgrid": _sendgrid(providers.section("sendgrid")),
        "state": _state(section.section("state")),
        "pacing": policies.pacing(section.section("pacing"), Pacing()),
        "guards": policies.guards(section.section("guards"), Guards()),
        "lateness": policies.lateness(section.section("lateness"), Lateness()),
        "quiet": restraint.quiet(section, "quiet", None),
        "frequency": restraint.frequency(section),
        "limits": restraint.limits(section),
        "run": _run(section.section("run")),
        "suppressions": _suppressions(section),
        "paused": section.get("paused", False),
    }
    return Settings(sender=sender, **known) if sender is not None else None


def _given(section: Section, model: type[Any]) -> dict[str, Any]:
    """The values written in ``section`` for the fields of ``model``; secrets by their name."""
    values = {f.name: section.get(f.name) for f in fields(model)}
    return {
        name: Secret(value.removeprefix("env:")) if name in _SECRETS else value
        for name, value in values.items()
        if value is not None
    }


def _smtp(section: Section) -> SmtpSettings:
    smtp = SmtpSettings(**_given(section, SmtpSettings))
    if section.has("username") != section.has("password"):
        lacking = "password" if section.has("username") else "username"
        there = "username" if section.has("username") else "password"
        section.complain(there, f"`{there}` without `{lacking}`", f"add {lacking}: env:SMTP_...")
    if smtp.security == "none" and smtp.password and not _LOOPBACK.fullmatch(smtp.host):
        message = "the password would be sent unencrypted"
        section.complain("security", message, "write security: starttls or tls")
    return smtp


def _sendgrid(section: Section) -> SendgridSettings:
    sendgrid = SendgridSettings(**_given(section, SendgridSettings))
    host = re.match(r"http://(\[[^\]]*\]|[^:/]*)", sendgrid.base_url)
    if host and not _LOOPBACK.fullmatch(host.group(1)):
        section.complain("base_url", "the API key would be sent unencrypted", "write https://")
    return sendgrid


def _state(section: Section) -> StateSettings:
    given = _given(section, StateSettings)
    given["path"] = _directory(section, "state")
    for name in ("branch", "approved_branch"):
        branch = str(given.get(name, ""))
        if ".." in branch or branch.endswith(("/", ".", ".lock")) or "//" in branch:
            section.complain(name, f"`{name}` is not a branch name", "for example main")
    state = StateSettings(**given)
    if state.branch == state.approved_branch:
        message = "`branch` and `approved_branch` are the same branch"
        section.complain("approved_branch", message, "keep the state in a branch of its own")
    return state


def _directory(section: Section, default: str, key: str = "path") -> str:
    try:
        return within("", section.get(key, default))
    except ValueError as error:
        section.complain(key, str(error), f"for example {key}: {default or 'bounces'}", "path")
        return default


def _suppressions(settings: Section) -> SuppressionSettings:
    section, defaults = settings.section("suppressions"), SuppressionSettings()
    every = policies.positive(section, "every", defaults.every)
    max_age = policies.positive(section, "max_age", defaults.max_age)
    if max_age < every:
        message = "`max_age` is shorter than `every`: what was just asked for would be too old"
        section.complain("max_age", message, "for example every: 1h, max_age: 24h")
    mailbox = _directory(section, "", "mailbox") if section.has("mailbox") else ""
    line = section.place("max_age").line if section.has("max_age") else section.here.line
    pull = tuple(section.get("pull", ()))
    return SuppressionSettings(pull, mailbox, every, max_age, line)


def _run(section: Section) -> RunSettings:
    defaults = RunSettings()
    budget = policies.positive(section, "budget", defaults.budget)
    written = section.get("look_ahead")
    look_ahead = defaults.look_ahead if written is None else duration(written)
    if look_ahead > _LOOK_AHEAD_MAX:
        message = "`look_ahead` must be at most 72h: no provider schedules further ahead"
        section.complain("look_ahead", message, "for example look_ahead: 60m")
    heartbeat = section.get("heartbeat")
    secret = Secret(heartbeat.removeprefix("env:")) if heartbeat is not None else None
    return RunSettings(budget, look_ahead, secret)
