"""``sendoff verify``: is the ledger whole, and do its records fit together?"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

from ..bootstrap import Site
from ..errors import InputError, ProviderError, StateError
from ..model.ledger import Claim, Inspection
from ..model.views import VerifyView
from ..planning.auditing import audit
from ..report import verify as report
from .outcome import Outcome

ProviderName = Literal["outbox", "smtp", "sendgrid"]


def verify(site: Site, format: str) -> Outcome:  # noqa: A002 - the flag's name
    """Read the whole ledger and say everything that is wrong with it; exit code 5 then.

    Raises StateMissing and StateUnreachable.
    """
    found = site.store(site.settings).inspect()
    result = audit(found.entries, site.clock.now(), _resenders(site, found))
    view = VerifyView(
        where=found.where,
        format=found.format,
        files=found.files,
        records=len(found.entries),
        campaigns=result.campaigns,
        claims=result.claims,
        outcomes=result.outcomes,
        problems=(*found.problems, *result.problems),
    )
    failed = any(problem.severity == "error" for problem in view.problems)
    text = report.FORMATS[format](view, site.terminal)
    return Outcome(text, StateError.exit_code if failed else 0)


def _resenders(site: Site, found: Inspection) -> frozenset[str]:
    """Those of the providers in the ledger for which sending again cannot mail twice."""
    claims = (entry.record for entry in found.entries if isinstance(entry.record, Claim))
    names = {claim.provider for claim in claims}
    known: tuple[ProviderName, ...] = get_args(ProviderName)
    return frozenset(name for name in known if name in names and _idempotent(site, name))


def _idempotent(site: Site, name: ProviderName) -> bool:
    try:
        provider = site.provider(replace(site.settings, provider=name))
    except (InputError, ProviderError):
        return False  # used once, and not set up any more
    try:
        return provider.capabilities.idempotent
    finally:
        provider.close()
