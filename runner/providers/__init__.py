"""The ways out: what each provider is called, and how it is made.

A provider is three things kept apart: pure building of what is sent, one thin transport, and pure
interpretation of the answer.  Modules are imported only when their provider is chosen, so a
workspace that uses the outbox never loads SendGrid's library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..model.settings import Settings
from ..ports import Clock, Provider

Factory = Callable[[Settings, Mapping[str, str], Path, Clock], Provider]


def _outbox(settings: Settings, environ: Mapping[str, str], root: Path, clock: Clock) -> Provider:
    from . import outbox  # noqa: PLC0415 - only the chosen provider is loaded

    return outbox.build(settings, environ, root, clock)


def _smtp(settings: Settings, environ: Mapping[str, str], root: Path, clock: Clock) -> Provider:
    from . import smtp  # noqa: PLC0415 - only the chosen provider is loaded

    return smtp.build(settings, environ, root, clock)


def _sendgrid(settings: Settings, environ: Mapping[str, str], root: Path, clock: Clock) -> Provider:
    from . import sendgrid  # noqa: PLC0415 - only the chosen provider is loaded

    return sendgrid.build(settings, environ, root, clock)


PROVIDERS: Mapping[str, Factory] = {"outbox": _outbox, "smtp": _smtp, "sendgrid": _sendgrid}
"""Every provider by the name it has in the settings."""


def build(settings: Settings, environ: Mapping[str, str], root: Path, clock: Clock) -> Provider:
    """The provider that the settings name.

    Reads no secret and opens no connection: ``check`` does.  ``root`` is the workspace.
    """
    return PROVIDERS[settings.provider](settings, environ, root, clock)
